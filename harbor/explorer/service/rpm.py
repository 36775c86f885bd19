"""What is done: tell which packages a database of RPM says are installed.

Such a database holds the header of each package, under a number. It is kept by SQLite, or in RPM's
own form, "ndb", or by Berkeley DB as a table of hashes, each the default of some distributions.
Anybody may have made it, so what SQLite may do is limited, and nothing is believed.

Source: RPM's documentation "RPM v4 Header", lib/backend/ndb/rpmpkg.c; Berkeley DB's db_page.h.
"""

import posixpath
import sqlite3
from collections.abc import Callable, Iterator
from struct import Struct, error
from typing import IO
from urllib.parse import quote

from harbor.core.archives import Courtesy
from harbor.core.i18n import Phrase
from harbor.core.settings import MIB
from harbor.explorer.schemas import Package
from harbor.explorer.service.packages import MOST_PACKAGES, package

FOLDERS = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
MOST = 512 * MIB  # bytes of a database, which waits on the disk to be read
MOST_HEADER = 16 * MIB  # bytes of one package: it names all its files
MOST_FIELDS = 4_096
MOST_STEPS = 50_000_000  # of SQLite's machine: a thousand packages take ten thousand
STEPS = 10_000  # between two looks at how many it has taken
NAME, VERSION, RELEASE, EPOCH = 1000, 1001, 1002, 1003  # tags
WANTED = frozenset((NAME, VERSION, RELEASE, EPOCH))
NUMBER, TEXT = 4, 6  # types
KEY = b"gpg-pubkey"  # is no package, but a key that packages are checked with
ALLOWED = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ))
# No view, and no table that is made by a module.
TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'Packages' AND rootpage > 0"
PAIR, FIELD, WORD = Struct(">II"), Struct(">IIII"), Struct(">I")
SLOT, BLOB = Struct("<4sIII"), Struct("<4sIII")
NDB_PAGE, NDB_BLOCK, NDB_HEAD = 4096, 16, Struct("<4sIII")
MOST_SLOT_PAGES = 4_096
BERKELEY, PAGE = 0x061561, Struct("<16xIHHBB")  # next, entries, room, level, type
PLACE, FAR = Struct("<H"), Struct("<4xII")  # of a value; where a long one begins, and its length
HASHES = frozenset((2, 13))  # types of pages: not in order, and in order
OVERFLOW, HERE, ELSEWHERE = 7, 1, 3  # types of pages, and of values


class BrokenDatabase(Exception):
    """The phrase says what is wrong."""

    def __init__(self, why: Phrase) -> None:
        super().__init__(why)
        self.why = why


def reader_of(path: str) -> Callable[[IO[bytes], str], Iterator[bytes]] | None:
    """Who can read the file at *path*, if it is a database of RPM."""
    directory, name = posixpath.split(path)
    return READERS.get(name) if directory in FOLDERS else None


def packages(path: str, file: IO[bytes], name: str) -> list[Package]:
    """The packages that the database at *path* lists, kept as *file* under *name*.

    ``BrokenDatabase``.
    """
    read = reader_of(path)
    assert read is not None
    found: list[Package] = []
    rest = Courtesy()
    try:
        for header in read(file, name):
            rest()
            found += described(header)
            if len(found) >= MOST_PACKAGES:
                break
    except (sqlite3.Error, error, OSError) as why:
        raise BrokenDatabase(
            Phrase("the list of packages cannot be read: %(why)s", why=why)
        ) from why
    return found


def described(header: bytes) -> list[Package]:
    """The package that a header describes."""
    if len(header) < PAIR.size:
        return []
    count, nbytes = PAIR.unpack_from(header)
    begin = PAIR.size + count * FIELD.size
    if count > MOST_FIELDS or begin + nbytes > len(header):
        return []
    data = memoryview(header)[begin : begin + nbytes]
    said: dict[int, bytes] = {}
    for at in range(PAIR.size, begin, FIELD.size):
        tag, kind, offset, _number = FIELD.unpack_from(header, at)
        if tag in WANTED:
            said[tag] = value_of(data, kind, offset)
    name, version, release = (said.get(tag, b"") for tag in (NAME, VERSION, RELEASE))
    if not name or not version or name == KEY:
        return []
    epoch = said.get(EPOCH, b"")
    number = (epoch + b":" if epoch else b"") + version + (b"-" + release if release else b"")
    return package("rpm", name, number)


def value_of(data: memoryview, kind: int, offset: int) -> bytes:
    if kind == TEXT:
        return bytes(data[offset : offset + 4096]).partition(b"\0")[0]
    if kind == NUMBER and offset + WORD.size <= len(data):
        return str(WORD.unpack_from(data, offset)[0]).encode()
    return b""


def from_sqlite(_file: IO[bytes], name: str) -> Iterator[bytes]:
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += STEPS
        return steps > MOST_STEPS

    def allowed(action: int, *_about: object) -> int:
        return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY

    # Nothing may be beside it: what SQLite would want to read there, is not there.
    database = sqlite3.connect(f"file:{quote(name)}?mode=ro&immutable=1", uri=True)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_HEADER)
        database.set_progress_handler(count, STEPS)
        database.set_authorizer(allowed)
        if not database.execute(TABLE).fetchall():
            raise BrokenDatabase(Phrase("the list of packages is of a form that is not known"))
        for (header,) in database.execute("SELECT blob FROM Packages"):
            if isinstance(header, bytes):
                yield header
    finally:
        database.close()


def from_ndb(file: IO[bytes], _name: str) -> Iterator[bytes]:
    mark, version, _generation, pages = NDB_HEAD.unpack(exactly(file, 0, NDB_HEAD.size))
    if mark != b"RpmP" or version:
        raise BrokenDatabase(Phrase("the list of packages is of a form that is not known"))
    slots = exactly(file, 0, min(pages, MOST_SLOT_PAGES) * NDB_PAGE)
    for at in range(2 * SLOT.size, len(slots), SLOT.size):  # the first two are the head
        mark, number, block, count = SLOT.unpack_from(slots, at)
        if mark != b"Slot" or not number or not count:
            continue
        place = block * NDB_BLOCK
        mark, same, _generation, nbytes = BLOB.unpack(exactly(file, place, BLOB.size))
        if mark == b"BlbS" and same == number and nbytes <= min(MOST_HEADER, count * NDB_BLOCK):
            yield exactly(file, place + BLOB.size, nbytes)


def from_berkeley(file: IO[bytes], _name: str) -> Iterator[bytes]:
    head = exactly(file, 0, 72)
    if int.from_bytes(head[12:16], "little") != BERKELEY:
        raise BrokenDatabase(Phrase("the list of packages is of a form that is not known"))
    nbytes, last = (int.from_bytes(head[at : at + 4], "little") for at in (20, 32))
    if not 512 <= nbytes <= 64 * 1024:  # noqa: PLR2004  as Berkeley DB allows
        raise BrokenDatabase(Phrase("the list of packages has pages of a size that cannot be"))
    rest = Courtesy()
    for number in range(1, min(last, MOST // nbytes) + 1):
        rest()
        page = exactly(file, number * nbytes, nbytes)
        _next, count, _room, _level, kind = PAGE.unpack_from(page)
        if kind in HASHES:
            places = [
                place for (place,) in PLACE.iter_unpack(page[PAGE.size :][: 2 * count // 4 * 4])
            ]
            for end, begin in zip(places[::2], places[1::2], strict=True):
                yield value_at(file, page, begin, end)


def value_at(file: IO[bytes], page: bytes, begin: int, end: int) -> bytes:
    """A value, which stands before its key, or is said there to be elsewhere."""
    value = page[begin:end]
    if value[:1] == bytes([HERE]):
        return value[1:]
    if value[:1] == bytes([ELSEWHERE]) and len(value) == FAR.size:
        return joined(file, len(page), *FAR.unpack(value))
    return b""


def joined(file: IO[bytes], nbytes: int, number: int, size: int) -> bytes:
    """A value that goes on from page to page; "" if it does not."""
    pieces: list[bytes] = []
    left = size if size <= MOST_HEADER else 0
    while left and number:
        page = exactly(file, number * nbytes, nbytes)
        number, _count, room, _level, kind = PAGE.unpack_from(page)
        if kind != OVERFLOW or not 0 < room <= nbytes - PAGE.size:
            return b""
        piece = page[PAGE.size : PAGE.size + min(room, left)]
        pieces.append(piece)
        left -= len(piece)
    return b"" if left else b"".join(pieces)


def exactly(file: IO[bytes], at: int, nbytes: int) -> bytes:
    file.seek(at)
    found = file.read(nbytes)
    if len(found) < nbytes:
        raise BrokenDatabase(Phrase("the list of packages ends early"))
    return found


READERS = {
    "rpmdb.sqlite": from_sqlite,
    "Packages.db": from_ndb,
    "Packages": from_berkeley,
}
