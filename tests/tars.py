"""Archives made for tests."""

import gzip
import io
import tarfile
from collections.abc import Mapping

import zstandard

Content = bytes | str | None
Member = tuple[str, Content] | tuple[str, Content, int]


def tar(*members: Member | tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Files with these contents; a directory where that is None, a symbolic link where it is text."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                add(archive, *member)
    return made.getvalue()


def tar_of(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    return tar(*files.items(), form=form)


def add(archive: tarfile.TarFile, name: str, content: Content, mode: int = 0o640) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = mode, 1_700_000_000
    if content is None:
        info.type = tarfile.DIRTYPE
    elif isinstance(content, str):
        info.type, info.linkname = tarfile.SYMTYPE, content
    else:
        info.size = len(content)
    archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)


def link(kind: bytes, name: str, target: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    return link(tarfile.LNKTYPE, name, target)


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)
