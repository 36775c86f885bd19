"""What is done: look into archives, which may be bombs, or no archives at all.

Nothing is unpacked. An archive is read once, from its beginning, with limits for all that it may
make us hold; the same as Helm's, where Helm has one (pkg/chart/loader/archive.go).
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from typing import IO

from msgspec import Struct

from harbor.charts.schemas import Metadata
from harbor.charts.service import documents
from harbor.core.archives import Courtesy, Lent
from harbor.core.errors import BadRequest
from harbor.core.oci import Digest, shown
from harbor.core.settings import MIB
from harbor.core.tars import Member, members
from harbor.core.unpacking import GZIP, BrokenArchive, Unpacked

MAX_TOTAL = 100 * MIB  # bytes unpacked
MAX_FILE = 5 * MIB
MAX_FILES = 10_000
DRIVE = re.compile(r"[a-zA-Z]:")
TEXTS = frozenset(("Chart.yaml", "requirements.yaml"))
PIECE = 128 * 1024


class Packed(Struct, frozen=True):
    """A chart that may be kept."""

    metadata: Metadata
    config: bytes
    digest: Digest
    size: int


def check(file: IO[bytes]) -> Packed:
    """Whether *file* is a chart; ``BadRequest`` says why not."""
    base, found = opened(file, TEXTS)
    if "Chart.yaml" not in found:
        raise BadRequest("the archive has no Chart.yaml in its folder")
    metadata = documents.described(found["Chart.yaml"], found.get("requirements.yaml"))
    if base != metadata.name:
        raise BadRequest(f"the folder {shown(base)} in the archive is not named {metadata.name}")
    digest, size = summed(file)
    return Packed(metadata, documents.config_of(metadata), digest, size)


def summed(file: IO[bytes]) -> tuple[Digest, int]:
    file.seek(0)
    hashed, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        hashed.update(piece)
        size += len(piece)
    return Digest(f"sha256:{hashed.hexdigest()}"), size


def opened(file: IO[bytes], wanted: Collection[str]) -> tuple[str, dict[str, bytes]]:
    """The one folder in an archive, and those of its files that are *wanted*."""
    bases: set[str] = set()
    found: dict[str, bytes] = {}
    try:
        inside = unpacked(file)
        for member, base, name in files(inside):
            bases.add(base)
            if len(bases) > 1:
                raise BadRequest("the archive has more than one folder")
            if name in wanted:
                if name in found:
                    raise BadRequest(f"the archive has {name} twice")
                found[name] = b"".join(inside.pieces(member.size))
        for _ in inside:  # to its end, where the sum of all is
            pass
    except BrokenArchive as error:
        raise BadRequest(f"this is no packed chart: {shown(str(error))}") from error
    if not bases:
        raise BadRequest("the archive holds no files")
    return bases.pop(), found


def unpacked(file: IO[bytes]) -> Unpacked:
    """What is inside; ``BadRequest`` of what helm would not read."""
    file.seek(0)
    if file.read(len(GZIP)) != GZIP:
        raise BadRequest("this is no packed chart: it is not packed with gzip")
    file.seek(0)
    return Unpacked(Lent(file), MAX_TOTAL)


def files(inside: Unpacked) -> Iterator[tuple[Member, str, str]]:
    """The files, each with its folder and its name there; folders are passed over."""
    rest = Courtesy()
    for count, member in enumerate(members(inside)):
        rest()
        if count >= MAX_FILES:
            raise BadRequest(f"the archive holds more than {MAX_FILES} files")
        if not (member.is_directory or member.is_plain):
            raise BadRequest(f"the archive holds {shown(member.name)}, which is no plain file")
        if member.size > MAX_FILE:
            raise BadRequest(f"{shown(member.name)} is larger than {MAX_FILE} bytes")
        parts = member.name.replace("\\", "/").removeprefix("./").split("/")
        if not parts[0] or ".." in parts or any(DRIVE.match(part) for part in parts):
            raise BadRequest(f"the archive holds the path {shown(member.name)}")
        name = "/".join(part for part in parts[1:] if part not in ("", "."))
        if member.is_directory:
            continue
        if not name:
            raise BadRequest(f"the archive holds {shown(member.name)} outside of its folder")
        yield member, parts[0], name
