"""What is done: tell which packages a file says are installed.

Sources: dpkg-query(1) and deb-control(5); the Alpine wiki's "Apk spec"; Python's "Recording
installed projects"; npm's package.json.
"""

import posixpath
from collections.abc import Callable, Iterator
from email.parser import BytesHeaderParser

import msgspec
from msgspec import Struct

from harbor.core.settings import MIB
from harbor.explorer.schemas import Package

MOST = 16 * MIB  # bytes of a file that is looked into
MOST_PACKAGES, MOST_LINES = 50_000, 1_000  # in one file; of one package
MOST_TEXT = 255  # characters of a name or a version
DPKG, APK = "/var/lib/dpkg/status", "/lib/apk/db/installed"
NAMES = ("METADATA", "PKG-INFO", "package.json")
PARTS = "/var/lib/dpkg/status.d"  # in images without dpkg, a file for each package
Parser = Callable[[bytes], list[Package]]


class PackageJson(Struct):
    name: str
    version: str


def parser_of(path: str) -> Parser | None:
    """Who can read the file at *path*, if it lists packages."""
    directory, name = posixpath.split(path)
    if path == DPKG or (directory == PARTS and not name.endswith(".md5sums")):
        return debian
    if path == APK:
        return alpine
    metadata, info, module = NAMES
    if name == metadata and directory.endswith(".dist-info"):
        return python
    if name == info and directory.endswith(".egg-info"):
        return python
    if name == module and is_module(directory):
        return npm
    return None


def is_module(directory: str) -> bool:
    """Whether npm has installed a module there: its name may begin with that of a group."""
    parent, name = posixpath.split(directory)
    if name and posixpath.basename(parent).startswith("@"):
        parent = posixpath.dirname(parent)
    return posixpath.basename(parent) == "node_modules"


def debian(raw: bytes) -> list[Package]:
    found = []
    for fields in stanzas(raw, b": "):
        status = fields.get(b"Status", b"install ok installed")
        if status.split()[-1:] == [b"installed"]:
            found += package("deb", fields.get(b"Package"), fields.get(b"Version"))
    return found


def alpine(raw: bytes) -> list[Package]:
    return [
        each
        for fields in stanzas(raw, b":")
        for each in package("apk", fields.get(b"P"), fields.get(b"V"))
    ]


def stanzas(raw: bytes, colon: bytes) -> Iterator[dict[bytes, bytes]]:
    """Paragraphs of ``name: value``; lines that go on with the one before are passed over."""
    for paragraph in raw.split(b"\n\n", MOST_PACKAGES)[:MOST_PACKAGES]:
        lines = (line.partition(colon) for line in paragraph.split(b"\n", MOST_LINES))
        yield {name: value.strip() for name, _, value in lines if not name.startswith(b" ")}


def python(raw: bytes) -> list[Package]:
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    fields = BytesHeaderParser().parsebytes(head + b"\n\n")
    name, version = (
        str(fields.get(key, "")).encode(errors="replace") for key in ("Name", "Version")
    )
    return package("python", name, version)


def npm(raw: bytes) -> list[Package]:
    try:
        said = msgspec.json.decode(raw, type=PackageJson)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    return package("npm", said.name.encode(), said.version.encode())


def package(kind: str, name: bytes | None, version: bytes | None) -> list[Package]:
    """The package, if it has a name and a version."""
    if not name or not version:
        return []
    texts = [text.decode(errors="replace")[:MOST_TEXT] for text in (name, version)]
    return [Package(kind, *texts)]
