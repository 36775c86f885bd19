"""What is done: tell which modules a program was built of, if Go built it.

Go writes that into each program, in a part that begins at a multiple of 16 bytes: a mark, two bytes
that say of which form the rest is, and two texts, each after its length.

Source: Go src/debug/buildinfo and src/runtime/debug (``BuildInfo``), since Go 1.18.
"""

import re
from collections.abc import Iterator

from harbor.core.settings import MIB
from harbor.explorer.schemas import Package
from harbor.explorer.service.packages import MOST_PACKAGES, package

MARK = b"\xff Go buildinf:"
ALIGNED = 16
HEAD = 32  # bytes before the first text
FORM_AT, INLINE = 15, 2  # the texts follow; until Go 1.17 there were pointers to them
MOST_VERSION, MOST_INFO = 256, MIB  # bytes of the texts
MOST_LOOKS = 1_000  # at marks in one file
MOST_LENGTH = 10  # bytes of a number
SEAL = 16  # bytes around the second text that are none of it
PROGRAMS = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
SMALLEST = 64 * 1024  # bytes; no program of Go is smaller
COMPILER = re.compile(rb"(?:devel )?go([0-9][0-9A-Za-z.+-]*)")


class Program:
    """What is looked for in a file, while its pieces come by."""

    def __init__(self) -> None:
        self._kept = b""  # the end of what came: the mark may stand across two pieces
        self._at = 0  # where that begins in the file
        self._begun = self._ended = False
        self._looks = 0
        self._found: list[Package] = []

    def add(self, piece: bytes) -> None:
        if self._ended:
            return
        if not self._begun:
            self._begun, self._ended = True, not piece.startswith(PROGRAMS)
        self._kept += piece
        place = 0
        while not self._ended and (start := self._kept.find(MARK, place)) >= 0:
            if (self._at + start) % ALIGNED == 0 and not self._look(start):
                place = start
                break
            place = start + 1
        else:
            place = max(place, len(self._kept) - len(MARK) + 1)
        self._kept = self._kept[place:]
        self._at += place

    def _look(self, start: int) -> bool:
        """Whether all has come that begins there; if so, it is read."""
        self._looks += 1
        try:
            version, modules = texts(self._kept, start)
        except EOFError:
            return False
        except ValueError:  # another program that looks for the mark has it among its own texts
            self._ended = self._looks == MOST_LOOKS
        else:
            self._found, self._ended = packages(version, modules), True
        return True

    def packages(self) -> list[Package]:
        return self._found

    def close(self) -> None:
        self._kept = b""


def texts(raw: bytes, start: int) -> tuple[bytes, bytes]:
    """The two texts; ``ValueError`` if they are none, ``EOFError`` if there is more to come."""
    if len(raw) < start + HEAD:
        raise EOFError
    if not raw[start + FORM_AT] & INLINE:
        raise ValueError
    version, after = text(raw, start + HEAD, MOST_VERSION)
    if COMPILER.match(version) is None:
        raise ValueError
    modules, _after = text(raw, after, MOST_INFO)
    return version, modules[SEAL : -SEAL - 1] if len(modules) > 2 * SEAL else b""


def text(raw: bytes, at: int, most: int) -> tuple[bytes, int]:
    """A text after its length, seven bits in a byte, the lowest first; and where it ends."""
    length = 0
    for number, byte in enumerate(raw[at : at + MOST_LENGTH]):
        length |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:  # noqa: PLR2004  the last one
            break
    else:
        if len(raw) < at + MOST_LENGTH:
            raise EOFError
        raise ValueError
    begin = at + number + 1
    if length > most:
        raise ValueError
    if len(raw) < begin + length:
        raise EOFError
    return raw[begin : begin + length], begin + length


def packages(version: bytes, modules: bytes) -> list[Package]:
    """The standard library, the program's own module, and those that it needs."""
    found: list[Package] = []
    if compiler := COMPILER.match(version):
        found += package("go", b"stdlib", compiler[1])
    for name, number in named(modules):
        found += package("go", name, number)
    return found


def named(modules: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Modules with their versions; of one that another one replaces, that one."""
    waiting: tuple[bytes, bytes] | None = None
    for line in modules.split(b"\n", MOST_PACKAGES)[:MOST_PACKAGES]:
        kind, *rest = line.split(b"\t")
        if kind not in (b"mod", b"dep", b"=>") or not rest:
            continue
        if waiting is not None and kind != b"=>":
            yield waiting
        waiting = rest[0], rest[1] if len(rest) > 1 and rest[1] else b"(devel)"
    if waiting is not None:
        yield waiting
