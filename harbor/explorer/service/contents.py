"""What is done: hand out the content of one file, out of the middle of a layer."""

import asyncio
import errno
from collections.abc import AsyncGenerator

from harbor.core.archives import Incoming, result
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest, shown
from harbor.core.unpacking import PIECE, BrokenArchive, Unpacked
from harbor.explorer.schemas import Entry
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.reading import most_of, normal
from harbor.explorer.service.trees import Node, Tree


def file_at(tree: Tree, path: str) -> tuple[Entry, int]:
    """The file at *path*, and its layer; ``NotFound``, and ``BadRequest`` if it is none.

    A link is the file that it leads to.
    """
    path = normal(path)
    node: Node | None = tree.find(path)
    node = node and tree.follow(path, node)
    if node is not None and node.kind == "hardlink":
        assert node.entry is not None
        node = tree.find(normal(node.entry.target or ""))
    if node is None:
        raise NotFound(Phrase("there is no file %(path)s", path=shown(path)))
    entry = node.entry
    if entry is None or entry.kind != "file":
        raise BadRequest(
            Phrase("%(path)s is no file, but a %(kind)s", path=shown(path), kind=node.kind)
        )
    if entry.offset < 0:
        raise BadRequest(
            Phrase("%(path)s is kept with holes, and cannot be shown alone", path=shown(path))
        )
    if entry.content is None:  # what was read of it has no sum
        raise BadRequest(Phrase("%(path)s is not all in its layer", path=shown(path)))
    return entry, node.layer


async def pieces(explorer: Explorer, digest: Digest, entry: Entry) -> AsyncGenerator[bytes]:
    """The bytes of a file; ``BlobMissing``, and ``OSError`` if the layer has fewer of them."""
    async with explorer.store.open(digest) as blob:
        raw = Incoming(blob.read(0, blob.size))
        part = Part(raw, blob.size, entry)
        while part.left:
            reading = asyncio.get_running_loop().run_in_executor(explorer.readers, part.next)
            yield await result(raw, reading)


class Part:
    """A file in a layer, read by whichever thread is free."""

    def __init__(self, raw: Incoming, size: int, entry: Entry) -> None:
        self.left = entry.size
        self._entry = entry
        self._size = size
        self._raw = raw
        self._unpacked: Unpacked | None = None  # until the first thread begins

    def next(self) -> bytes:
        try:
            if self._unpacked is None:
                self._unpacked = Unpacked(self._raw, most_of(self._size))
                self._unpacked.seek(self._entry.offset)
            piece = self._unpacked.read(min(PIECE, self.left))
        except BrokenArchive as error:
            raise OSError(errno.EIO, f"the layer is not what it was: {error}") from error
        if not piece:
            raise OSError(errno.EIO, f"the layer ends {self.left} bytes early")
        self.left -= len(piece)
        return piece
