"""The colours that labels may have, and in which of black and white they are written on."""

import re

PALETTE = (
    *("#000000", "#61717D", "#737373", "#80746D", "#FFFFFF", "#A9B6BE", "#DDDDDD", "#BBB3A9"),
    *("#0065AB", "#343DAC", "#781DA0", "#9B0D54", "#0095D3", "#9DA3DB", "#BE90D6", "#F1428A"),
    *("#1D5100", "#006668", "#006690", "#004A70", "#48960C", "#00AB9A", "#00B7D6", "#0081A7"),
    *("#C92100", "#CD3517", "#C25400", "#D28F00", "#F52F52", "#FF5501", "#F57600", "#FFDC0B"),
)
HEX = re.compile(r"#[0-9A-Fa-f]{6}")
PLAIN = "#A9B6BE"  # of a label whose colour is none


def valid(colour: str) -> str:
    """*colour* as ``#RRGGBB``; Harbor lets clients keep any text."""
    return colour.upper() if HEX.fullmatch(colour) else PLAIN


def luminance(colour: str) -> float:
    """Relative luminance, from 0 for black to 1 for white. Source: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 to 21; text needs 4.5."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(colour: str) -> str:
    """Black or white, whichever is easier to read on *colour*."""
    ground = valid(colour)
    return max(("#FFFFFF", "#000000"), key=lambda text: contrast(ground, text))
