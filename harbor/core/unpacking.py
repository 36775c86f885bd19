"""Bytes that gzip or zstd packed, as they come out again: forwards, and no more than wanted."""

import io
from collections.abc import Iterator
from functools import cache
from gzip import BadGzipFile, GzipFile
from typing import Any, cast

from harbor.core.i18n import Phrase
from harbor.core.settings import MIB

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PIECE = MIB // 4
AHEAD = 64 * 1024  # bytes that are unpacked at once: no more are lost where it is broken
MOST_HEADER = MIB  # bytes of one header; tarfile would read as much as an archive says
MOST_WINDOW = 128 * MIB  # that zstd may keep in memory; its own tool takes as much unasked


class BrokenArchive(Exception):
    """It is none, it ends early, or it is made to do harm; the phrase says what."""

    def __init__(self, why: Phrase) -> None:
        super().__init__(why)
        self.why = why


class OversizedArchive(BrokenArchive):
    """There is more in it than anybody wants to see."""


class Unpacked:
    """The bytes inside, forwards only."""

    def __init__(self, raw: io.RawIOBase, most: int) -> None:
        """``OversizedArchive`` as soon as more than *most* bytes come out."""
        self._source = unpacker(io.BufferedReader(raw, PIECE))
        self._most = most
        self._ahead = b""  # what was unpacked, but is not asked for yet, and where that begins
        self._place = 0
        self._at = 0
        self._last = b""

    @property
    def ended_well(self) -> bool:
        """Whether the last thing that was read may be the end of an archive: zeros, or nothing."""
        return not self._last.strip(b"\0")

    def read(self, nbytes: int) -> bytes:
        """Exactly *nbytes*, unless the end comes before."""
        if not 0 <= nbytes <= MOST_HEADER:
            raise BrokenArchive(Phrase("a header is too large"))
        pieces = []
        while nbytes and (piece := self._some(nbytes)):
            pieces.append(piece)
            nbytes -= len(piece)
        self._last = b"".join(pieces)
        return self._last

    def _some(self, nbytes: int) -> bytes:
        piece = self._ahead[self._place : self._place + nbytes]
        if not piece:
            self._unpack()
            piece = self._ahead[:nbytes]
        self._place += len(piece)
        self._at += len(piece)
        if self._at > self._most:
            most = f"{self._most:,}"
            raise OversizedArchive(Phrase("it unpacks to more than %(most)s bytes", most=most))
        return piece

    def _unpack(self) -> None:
        try:
            self._ahead, self._place = self._source.read1(AHEAD), 0
        except broken() as error:
            raise BrokenArchive(no_archive(error)) from error

    def pieces(self, nbytes: int) -> Iterator[bytes]:
        """The next *nbytes*, a piece at a time; ``BrokenArchive`` if the end comes before."""
        while nbytes > 0:
            piece = self._some(nbytes)
            if not piece:
                raise BrokenArchive(Phrase("it ends %(nbytes)s bytes early", nbytes=nbytes))
            nbytes -= len(piece)
            yield piece

    def __iter__(self) -> Iterator[bytes]:
        """All that is left."""
        return iter(lambda: self._some(AHEAD), b"")

    def tell(self) -> int:
        return self._at

    def seek(self, position: int) -> int:
        """Pass over what is before *position*; how far one gets."""
        if position < self._at:
            raise BrokenArchive(Phrase("a header points backwards"))
        while self._at < position and self._some(position - self._at):
            pass
        return self._at


def no_archive(error: Exception) -> Phrase:
    """What a library says, which is always English."""
    return Phrase("it is no archive that can be read: %(why)s", why=error)


@cache
def broken() -> tuple[type[Exception], ...]:
    """What is raised over an archive that is none."""
    import tarfile  # noqa: PLC0415, these are for servers that look into layers
    import zlib  # noqa: PLC0415

    import zstandard  # noqa: PLC0415

    of_python = EOFError, ValueError, OverflowError, RecursionError
    return tarfile.TarError, BadGzipFile, zlib.error, zstandard.ZstdError, *of_python


def unpacker(packed: "io.BufferedReader[Any]") -> io.BufferedIOBase:
    """*packed* as it was before it was compressed with gzip or zstd, if it was."""
    head = packed.peek(len(ZSTD))
    if head.startswith(GZIP):
        return GzipFile(fileobj=packed, mode="rb")
    if head.startswith(ZSTD):
        import zstandard  # noqa: PLC0415

        plain = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
        return cast(io.BufferedIOBase, plain.stream_reader(packed, read_across_frames=True))
    return packed
