"""What is done: draw the pictures that stand for kinds of artifacts, and make others small.

What we draw is drawn four times as large as it is shown, in units of a fiftieth of its width, and
then made small, which smooths its edges.
"""

import io
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import cos, pi, sin

from PIL import Image, ImageDraw, ImageOps

from harbor.artifacts.service.details import CHART, CNAB, ICONS, IMAGE, PLAIN_ICON, WASM

SIZE = 50  # pixels
SCALE = 4
MOST_PIXELS = 1 << 22  # of a picture that was pushed; each takes four bytes of memory
FORMS = ("PNG", "JPEG", "GIF")
# What decoders raise when they stumble.
BROKEN = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
BLUE, DARK, LIGHT = (0, 101, 171), (0, 74, 128), (116, 190, 233)
GREEN, VIOLET, AMBER, ORANGE = (60, 133, 0), (101, 84, 192), (246, 185, 64), (217, 119, 6)
GREY, PAPER, WHITE = (120, 134, 148), (243, 246, 248), (255, 255, 255)
Point = tuple[float, float]
Colour = tuple[int, int, int]


class Sheet:
    """A square to draw on."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE))
        self._draw = ImageDraw.Draw(self.image)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        edges = tuple(each * SCALE for each in (left, top, right, bottom))
        self._draw.rounded_rectangle(edges, 2 * SCALE, fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill, int(width * SCALE), joint="curve")
        for x, y in points:
            self.disc(x, y, width / 2, fill)

    def disc(self, x: float, y: float, radius: float, fill: Colour) -> None:
        edges = (x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse(tuple(each * SCALE for each in edges), fill)

    def png(self) -> bytes:
        file = io.BytesIO()
        self.image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
        return file.getvalue()


def around(x: float, y: float, radius: float, corners: int, turn: float = 0.0) -> list[Point]:
    """The corners of a regular shape; *turn* is a part of the whole circle."""
    angles = [2 * pi * (turn + each / corners) for each in range(corners)]
    return [(x + radius * sin(angle), y - radius * cos(angle)) for angle in angles]


def layers(sheet: Sheet) -> None:
    """An image: layers on top of each other."""
    for y, colour in ((33, DARK), (25, BLUE), (17, LIGHT)):
        sheet.shape([(25, y - 11), (46, y), (25, y + 11), (4, y)], WHITE)
        sheet.shape([(25, y - 9.5), (43, y), (25, y + 9.5), (7, y)], colour)


def bars(sheet: Sheet) -> None:
    """A chart."""
    sheet.line([(6, 6), (6, 44), (45, 44)], GREY, 2.5)
    for x, top, colour in ((12, 28, LIGHT), (23, 19, BLUE), (34, 10, DARK)):
        sheet.box(x, top, x + 8, 41, colour)


def parcel(sheet: Sheet) -> None:
    """A bundle: a parcel, tied up."""
    sheet.box(6, 14, 44, 44, ORANGE)
    sheet.box(4, 8, 46, 18, AMBER)
    sheet.box(22, 8, 28, 44, PAPER)


def hexagon(sheet: Sheet) -> None:
    """A module of WebAssembly: a part that fits into others."""
    sheet.shape(around(25, 25, 22, 6), VIOLET)
    sheet.shape(around(25, 25, 14, 6), WHITE)
    sheet.shape(around(25, 25, 9, 6), VIOLET)


def seal(sheet: Sheet) -> None:
    """A signature: a seal, found good."""
    sheet.shape([(15, 28), (12, 48), (19, 44), (24, 48), (26, 30)], DARK)
    sheet.shape([(35, 28), (38, 48), (31, 44), (26, 48), (24, 30)], DARK)
    for turn in (0.0, 1 / 24):
        sheet.shape(around(25, 20, 18, 12, turn), GREEN)
    sheet.line([(17, 20), (23, 26), (33, 14)], WHITE, 4)


def bolt(sheet: Sheet) -> None:
    """An accelerator: a flash."""
    sheet.disc(25, 25, 22, AMBER)
    sheet.shape([(29, 6), (12, 28), (23, 28), (20, 44), (38, 21), (27, 21)], DARK)


def page(sheet: Sheet) -> None:
    """Anything else: a sheet of paper."""
    sheet.shape([(9, 4), (31, 4), (42, 15), (42, 46), (9, 46)], GREY)
    sheet.shape([(11, 6), (30, 6), (40, 16), (40, 44), (11, 44)], PAPER)
    sheet.shape([(30, 5), (41, 16), (30, 16)], GREY)
    for y, right in ((23, 35), (30, 35), (37, 27)):
        sheet.line([(16, y), (right, y)], GREY, 2)


DRAWN: Mapping[str, Callable[[Sheet], None]] = {
    IMAGE: layers,
    CHART: bars,
    CNAB: parcel,
    WASM: hexagon,
    "signature.cosign": seal,
    "accelerator.nydus": bolt,
}
BUILT_IN = {digest: DRAWN[kind] for kind, digest in ICONS.items()} | {PLAIN_ICON: page}


@cache
def built_in(digest: str) -> bytes | None:
    """The picture that has stood for a kind of artifact under that digest, as PNG."""
    draw = BUILT_IN.get(digest)
    if draw is None:
        return None
    sheet = Sheet()
    draw(sheet)
    return sheet.png()


def shrunk(raw: bytes) -> bytes | None:
    """A picture that was pushed, as a small PNG; ``None`` if it cannot be shown."""
    try:
        with Image.open(io.BytesIO(raw), formats=FORMS) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            small = ImageOps.pad(image.convert("RGBA"), (SIZE, SIZE), color=(0, 0, 0, 0))
    except BROKEN:
        return None
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()
