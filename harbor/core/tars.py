"""Members of tar archives, by the hundred thousand.

Most headers are of one simple form, which is read here in one go. All others (long names, pax,
files with holes, numbers in other forms) are for tarfile, which takes ten times as long.
"""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast
from zlib import adler32

from msgspec import Struct

from harbor.core.i18n import Phrase
from harbor.core.unpacking import BrokenArchive, Unpacked, broken, no_archive

if TYPE_CHECKING:
    import tarfile

SECTOR = 512
FILES, DIRECTORY = (b"0", b"\0"), b"5"
SMALLEST, LARGEST = -(2**63), 2**63 - 1  # numbers that an archive may say, and we keep
SUM = slice(148, 156)
HALF = 256  # bytes that never sum up to adler32's modulus
SHORT, LONG = rb"([0-7]{6}[0-7 ])[\0 ]", rb"([0-7]{11})[\0 ]"
# mode, uid, gid, size, mtime, sum, kind
SIMPLE = re.compile(SHORT * 3 + LONG * 2 + rb"([0-7]{6})[\0 ]{2}([\x000-6])").match


class Member(Struct, frozen=True, gc=False):
    """What a header says."""

    name: str
    kind: bytes  # as tarfile has it
    mode: int
    uid: int
    gid: int
    size: int  # may be negative
    mtime: int
    target: str  # of a link
    offset: int  # of its content
    has_holes: bool = False

    @property
    def is_plain(self) -> bool:
        """It is a file that stands there in one piece."""
        return self.kind in FILES and not self.has_holes

    @property
    def is_directory(self) -> bool:
        return self.kind == DIRECTORY


def members(unpacked: Unpacked) -> Iterator[Member]:
    """What a tar archive holds, in its order; ``BrokenArchive`` where it cannot go on.

    Between two of them the content of the first may be read from *unpacked*.
    """
    try:
        yield from found(unpacked, Others(unpacked))
    except broken() as error:
        raise BrokenArchive(no_archive(error)) from error


def found(unpacked: Unpacked, others: "Others") -> Iterator[Member]:
    at = 0  # where the next header begins
    while True:
        if unpacked.tell() != at and unpacked.seek(at) < at:
            raise EOFError("unexpected end of data")
        head = unpacked.read(SECTOR)
        member = None if others.has_globals else simple(head, at + SECTOR)
        if member is not None:
            at += SECTOR
            if member.kind in FILES:
                at += -(-member.size // SECTOR) * SECTOR
        else:
            member = others.read(head, is_first=at == 0)
            if member is None:
                break
            at = others.after
        yield member
    if not unpacked.ended_well:  # tarfile takes what is no header for the end
        raise BrokenArchive(Phrase("it goes on with something that is no header"))


def simple(head: bytes, offset: int) -> Member | None:
    """What a header of the simple form says, whose member's content begins at *offset*."""
    numbers = SIMPLE(head, 100)
    if numbers is None or len(head) < SECTOR:
        return None
    mode, uid, gid, size, mtime, total, kind = numbers.groups()
    if int(total, 8) != summed(head):
        return None
    name = text(head[:100])
    if kind == b"\0" and name.endswith("/"):  # before there was a kind for directories
        kind = DIRECTORY
    if head[345]:
        name = f"{text(head[345:500])}/{name}"
    if kind == DIRECTORY:
        name = name.rstrip("/")
    return Member(
        name,
        kind,
        int(mode, 8),
        int(uid, 8),
        int(gid, 8),
        int(size, 8),
        int(mtime, 8),
        text(head[157:257]) if head[157] else "",
        offset,
    )


def summed(head: bytes) -> int:
    """All bytes of a header but its sum, in whose place are spaces.

    The lower half of adler32 is one more than the sum of all bytes.
    """
    low, high = adler32(head[:HALF]) & 0xFFFF, adler32(head[HALF:]) & 0xFFFF
    return low + high - 2 - sum(head[SUM]) + 8 * ord(" ")


def text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def bounded(number: float) -> int:
    if number != number:  # noqa: PLR0124  NaN, which an archive may give as a time
        return 0
    return int(min(max(number, SMALLEST), LARGEST))


class Others:
    """Headers of all other forms, of which one may need several sectors."""

    def __init__(self, unpacked: Unpacked) -> None:
        self._unpacked = unpacked
        self._head = b""  # what was read already
        self._archive: tarfile.TarFile | None = None  # once it is needed

    @property
    def has_globals(self) -> bool:
        """Whether all members share something that tarfile knows."""
        return self._archive is not None and bool(self._archive.pax_headers)

    @property
    def after(self) -> int:
        """Where the next header begins."""
        assert self._archive is not None
        return self._archive.offset

    def tell(self) -> int:
        return self._unpacked.tell() - len(self._head)

    def read(self, head: bytes, *, is_first: bool) -> Member | None:
        """The member that begins with *head*; ``None`` at the end."""
        import tarfile  # noqa: PLC0415, for servers that look into archives

        if self._archive is None:
            nothing = io.BytesIO(bytes(2 * SECTOR))
            self._archive = tarfile.TarFile(fileobj=nothing, encoding="utf-8", errors="replace")
            self._archive.fileobj = cast(BinaryIO, Rest(self))
        self._head = head
        place = self._unpacked.tell()
        try:
            info = tarfile.TarInfo.fromtarfile(self._archive)
        except tarfile.HeaderError as error:
            if self._unpacked.tell() > place or (is_first and head.strip(b"\0")):
                raise
            if is_first and not head:
                raise EOFError("empty file") from error
            return None
        return Member(
            info.name,
            info.type,
            bounded(info.mode),
            bounded(info.uid),
            bounded(info.gid),
            bounded(info.size),
            bounded(info.mtime),
            info.linkname,
            bounded(info.offset_data),
            info.issparse(),
        )

    def take(self, nbytes: int) -> bytes:
        """The next bytes, beginning with those that were read already."""
        if self._head:
            head, self._head = self._head[:nbytes], self._head[nbytes:]
            return head
        return self._unpacked.read(nbytes)


class Rest:
    """What tarfile needs of a file."""

    def __init__(self, others: Others) -> None:
        self.read = others.take
        self.tell = others.tell
