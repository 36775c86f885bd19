"""What is done: read a layer from its first byte to its last, and note what is in it.

Source: OCI image-spec v1.1 "Image Layer Filesystem Changeset".
"""

import hashlib
import stat
from collections.abc import Iterator
from io import RawIOBase

import msgspec

from harbor.core.archives import Courtesy
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest
from harbor.core.settings import MIB
from harbor.core.tars import LARGEST, Member, members
from harbor.core.unpacking import BrokenArchive, Unpacked
from harbor.explorer.schemas import MOST_PATH, Entry, Index, Kind, PackageFile
from harbor.explorer.service.packing import pack, unpack
from harbor.explorer.service.rpm import BrokenDatabase
from harbor.explorer.service.watching import Watch, watch_of

ALWAYS_FINE = 1024 * MIB  # bytes, unpacked
MOST_GROWTH = 200  # times its size, beyond that
MOST_ENTRIES = 300_000  # of a layer
MOST_NAMES = 64 * MIB  # characters of all their names
BLOCK = 2_000  # entries that are packed, and unpacked, in one go
LINKS = frozenset(("symlink", "hardlink"))
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
KINDS: dict[bytes, Kind] = {
    b"5": "directory",
    b"2": "symlink",
    b"1": "hardlink",
    b"6": "fifo",
    b"3": "device",
    b"4": "device",
}  # by the kinds of members, as tarfile has them


def read(digest: Digest, raw: RawIOBase, size: int) -> Index:
    """The index of a layer; what is wrong with it is told by ``problem``, after what is right."""
    found, problem = Found(), None
    try:
        unpacked = Unpacked(raw, most_of(size))
        for member in members(unpacked):
            found.add(member, unpacked)
    except BrokenArchive as error:
        problem = error.why.kept()
    return Index(
        digest=digest,
        entries=found.packed(),
        packages=pack(found.packages),
        nentries=found.count,
        nbytes=min(found.nbytes, LARGEST),
        problem=problem,
    )


def most_of(size: int) -> int:
    """How many bytes a layer of that size may unpack to: text may shrink much, bombs grow more."""
    return max(ALWAYS_FINE, size * MOST_GROWTH)


class Found:
    """What was found in a layer so far."""

    def __init__(self) -> None:
        self.count = self.nbytes = 0
        self.packages: list[PackageFile] = []
        self._names = 0  # characters
        self._blocks: list[bytes] = []
        self._block: list[Entry] = []
        self._rest = Courtesy()

    def add(self, member: Member, unpacked: Unpacked) -> None:
        """Note *member*, whose content *unpacked* comes to next; ``BrokenArchive``."""
        if self.count == MOST_ENTRIES:
            most = f"{MOST_ENTRIES:,}"
            raise BrokenArchive(Phrase("it has more than %(most)s entries", most=most))
        self._names += len(member.name) + len(member.target)
        if max(len(member.name), len(member.target)) > MOST_PATH or self._names > MOST_NAMES:
            raise BrokenArchive(Phrase("its names are too long"))
        kind, path = kind_of(member)
        content = None
        try:
            if kind == "file" and not member.has_holes:
                content = self._looked_into(path, member, unpacked)
        finally:
            self._note(entry_of(member, kind, path, content))

    def _note(self, entry: Entry) -> None:
        self._rest()
        self._block.append(entry)
        self.count += 1
        self.nbytes += entry.size
        if len(self._block) == BLOCK:
            self._blocks.append(msgspec.msgpack.encode(self._block))
            self._block = []

    def _looked_into(self, path: str, member: Member, unpacked: Unpacked) -> bytes:
        """The sum of the content."""
        content = hashlib.blake2b(digest_size=16)
        watch = watch_of(path, member.size, member.mode)
        try:
            for piece in unpacked.pieces(member.size):
                self._rest()
                content.update(piece)
                if watch:
                    watch.add(piece)
            if watch:
                self._keep(path, watch)
        finally:
            if watch:
                watch.close()
        return content.digest()

    def _keep(self, path: str, watch: Watch) -> None:
        try:
            if known := watch.packages():
                self.packages.append(PackageFile(path, known))
        except BrokenDatabase as error:
            self.packages.append(PackageFile(path, [], error.why.kept()))

    def packed(self) -> bytes:
        """All entries, as they are kept."""
        last = [msgspec.msgpack.encode(self._block)] if self._block else []
        return pack([*self._blocks, *last])


def kind_of(member: Member) -> tuple[Kind, str]:
    """What *member* is, and which path it is about."""
    path = normal(member.name)
    kind = KINDS.get(member.kind, "file")
    if WHITEOUT in path:
        directory, _, name = path.rpartition("/")
        if name == OPAQUE:
            return "opaque", directory or "/"
        if name.startswith(WHITEOUT):
            return "whiteout", f"{directory}/{name.removeprefix(WHITEOUT)}"
    return kind, path


def entry_of(member: Member, kind: Kind, path: str, content: bytes | None) -> Entry:
    return Entry(
        path,
        kind,
        stat.S_IMODE(member.mode),
        member.uid,
        member.gid,
        max(0, member.size) if kind == "file" else 0,
        member.mtime,
        member.target if kind in LINKS else None,
        -1 if member.has_holes else member.offset,
        content,
        member.name if ".." in member.name and ".." in member.name.split("/") else None,
    )


def normal(name: str) -> str:
    """Where a name leads, seen from the root, out of which nothing leads."""
    if name and name[0] not in "/." and name[-1] != "/" and "/." not in name and "//" not in name:
        return "/" + name
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def entries(index: Index) -> Iterator[Entry]:
    """The entries of *index*, in their order; unpacked a block at a time."""
    for block in unpack(index.entries, list[bytes]) if index.entries else ():
        yield from msgspec.msgpack.decode(block, type=list[Entry])


def packages_of(index: Index) -> list[PackageFile]:
    return unpack(index.packages, list[PackageFile]) if index.packages else []
