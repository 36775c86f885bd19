"""What is said about layers and files."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from harbor.core.oci import Digest
from harbor.core.wire import Paging

Kind = Literal["file", "directory", "symlink", "hardlink", "device", "fifo", "whiteout", "opaque"]
WITH_HOLES, NOT_WHOLE = -1, -2  # in the place of an offset
MOST_PATH = 4096  # Linux PATH_MAX


class Entry(Struct, frozen=True, gc=False, array_like=True):
    """One member of a layer. ``array_like``: it is kept by the hundred thousand."""

    path: str  # from the root, "/" before each part
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int  # seconds since 1970
    target: str | None  # of a link
    offset: int  # of its content in the unpacked layer; -1 if it does not stand there in one piece
    content: bytes | None  # its BLAKE2b, of 16 bytes
    written: str | None  # its name in the archive, where that would lead out of the root


class Kept(Struct, frozen=True, gc=False, array_like=True):
    """A file as it is looked at, of an image or of one layer."""

    path: str  # where it is, whichever links led there
    kind: Kind
    size: int  # of a directory, that of all files below it
    mode: int
    uid: int
    gid: int
    mtime: int
    layer: int  # -1 if none names it
    target: str | None
    written: str | None
    offset: int  # of its content; NOT_WHOLE or WITH_HOLES
    first: int  # the number of the first file in the directory
    count: int  # of the files in it; -1 of what is no directory


class Package(Struct, frozen=True, array_like=True, order=True):
    kind: str  # deb, apk, rpm, python, npm, go
    name: str
    version: str


class PackageFile(Struct, frozen=True, array_like=True):
    """A file that says which packages are there."""

    path: str
    packages: list[Package]
    problem: str = ""  # why it was not read, if it was not


class FileQuery(Paging, kw_only=True):
    """Which directory, or what to search for."""

    path: Annotated[str, Meta(max_length=MOST_PATH)] = "/"
    layer: str = ""  # a digest: this layer alone, instead of all of them merged
    search: Annotated[str, Meta(max_length=255)] = ""  # in the paths below the directory


class ContentQuery(Struct, kw_only=True):
    path: Annotated[str, Meta(min_length=1, max_length=MOST_PATH)]
    layer: str = ""


class File(Struct, kw_only=True, omit_defaults=True):
    name: str
    path: str
    kind: Kind
    listable: bool = False  # it is a directory, or a link to one
    size: int  # bytes; of a directory, those of all files below it
    mode: int
    uid: int
    gid: int
    mtime: int  # seconds since 1970
    layer: int  # which of the layers it is from, counted from 0; -1 if none names it
    target: str | None = None
    written: str | None = None


class Layer(Struct, kw_only=True, omit_defaults=True):
    digest: str
    size: int  # bytes, packed
    media_type: str
    ready: bool  # its files are known
    done: int = 0  # bytes that were read so far, while it is not ready
    files: int = 0
    nbytes: int = 0  # of its files
    problem: str | None = None


class FileList(Struct, kw_only=True):
    """A page of the files of an artifact, or how far the reading of its layers is."""

    path: str
    ready: bool  # else there are no files yet; ask again
    layers: list[Layer]
    total: int
    files: list[File]


Change = Literal["added", "removed", "changed"]


class CompareQuery(Paging, kw_only=True):
    """What to compare with, and which changes of files to list."""

    base: Annotated[str, Meta(min_length=1, max_length=255)]  # a tag or a digest: what was before
    repository: Annotated[str, Meta(max_length=255)] = ""  # of the base, without the project
    change: Change | None = None
    search: Annotated[str, Meta(max_length=255)] = ""  # in the paths of the files


class ConfigChange(Struct, kw_only=True):
    name: str
    before: str | None  # None if it is not set
    after: str | None


class LayerChange(Struct, kw_only=True):
    digest: str
    size: int
    change: Change | None  # None if both have it


class PackageChange(Struct, kw_only=True):
    kind: str  # deb, apk, rpm, python, npm, go
    name: str
    before: str | None  # the version; None if it is not there
    after: str | None


class FileChange(Struct, kw_only=True):
    path: str
    change: Change
    before: int | None  # bytes
    after: int | None


class Compared(Struct, kw_only=True):
    """One of two artifacts."""

    digest: str
    size: int  # of its layers, packed
    nbytes: int  # of its files, as far as it is known
    layers: list[Layer]


class Comparison(Struct, kw_only=True):
    """How an artifact differs from its base; a page of the files that do."""

    ready: bool  # else files and packages are not known yet; ask again
    before: Compared
    after: Compared
    config: list[ConfigChange]
    layers: list[LayerChange]
    packages: list[PackageChange]
    added: int  # files
    removed: int
    changed: int
    total: int  # of those that are listed on all pages
    files: list[FileChange]


class PackageQuery(Paging, kw_only=True):
    """Which of the packages in an artifact."""

    q: Annotated[str, Meta(max_length=255)] = ""  # a part of the name
    ecosystem: Annotated[str, Meta(max_length=32)] = ""


class Installed(Struct, kw_only=True):
    """A package in an artifact."""

    ecosystem: str  # deb, apk, rpm, python, npm, go
    name: str
    version: str
    path: str  # of the file that says so
    layer: int  # which of the layers that is from, counted from 0


class Ecosystem(Struct, kw_only=True):
    name: str
    packages: int


class Unread(Struct, kw_only=True):
    """A file that lists packages, and was not understood."""

    path: str
    problem: str


class PackageList(Struct, kw_only=True):
    """A page of the packages of an artifact, or how far the reading of its layers is."""

    ready: bool  # else there are no packages yet; ask again
    layers: list[Layer]
    ecosystems: list[Ecosystem]  # those with packages, the largest first, whatever is asked for
    unread: list[Unread]
    total: int  # of those that are asked for
    packages: list[Installed]


class Summary(Struct, frozen=True, kw_only=True):
    """What is known of a layer that was read."""

    digest: Digest
    nentries: int
    nbytes: int
    problem: str | None  # a phrase as it is kept: why it was read no further


class Index(Summary, frozen=True, kw_only=True):
    """What was found in a layer."""

    entries: bytes  # packed by the service, as are the packages; empty if it was not read
    packages: bytes
