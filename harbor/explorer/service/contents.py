"""What is done: hand out the content of one file, out of the middle of a layer."""

import asyncio
import errno
from collections.abc import AsyncGenerator

from msgspec import Struct

from harbor.core.archives import Incoming, result
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest, shown
from harbor.core.unpacking import PIECE, BrokenArchive, Unpacked
from harbor.explorer.schemas import NOT_WHOLE, WITH_HOLES
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.reading import most_of, normal
from harbor.explorer.service.views import View


class Place(Struct, frozen=True):
    """Where the content of a file is."""

    path: str
    layer: int
    offset: int  # in the unpacked layer
    size: int


async def file_at(view: View, path: str) -> Place:
    """The file at *path*; ``NotFound``, and ``BadRequest`` if it is none.

    A link is the file that it leads to.
    """
    path = normal(path)
    node = await view.find(path)
    node = node and await view.follow(node)
    if node is not None and node.kind == "hardlink":
        node = await view.find(normal(node.target or ""))
    if node is None:
        raise NotFound(Phrase("there is no file %(path)s", path=shown(path)))
    if node.kind != "file":
        raise BadRequest(
            Phrase("%(path)s is no file, but a %(kind)s", path=shown(path), kind=node.kind)
        )
    if node.offset == WITH_HOLES:
        raise BadRequest(
            Phrase("%(path)s is kept with holes, and cannot be shown alone", path=shown(path))
        )
    if node.offset == NOT_WHOLE:
        raise BadRequest(Phrase("%(path)s is not all in its layer", path=shown(path)))
    return Place(node.path, view.layer_of(node), node.offset, node.size)


async def pieces(explorer: Explorer, digest: Digest, place: Place) -> AsyncGenerator[bytes]:
    """The bytes of a file; ``BlobMissing``, and ``OSError`` if the layer has fewer of them."""
    async with explorer.store.open(digest) as blob:
        raw = Incoming(blob.read(0, blob.size))
        part = Part(raw, blob.size, place)
        while part.left:
            reading = asyncio.get_running_loop().run_in_executor(explorer.readers, part.next)
            yield await result(raw, reading)


class Part:
    """A file in a layer, read by whichever thread is free."""

    def __init__(self, raw: Incoming, size: int, place: Place) -> None:
        self.left = place.size
        self._place = place
        self._size = size
        self._raw = raw
        self._unpacked: Unpacked | None = None  # until the first thread begins

    def next(self) -> bytes:
        try:
            if self._unpacked is None:
                self._unpacked = Unpacked(self._raw, most_of(self._size))
                self._unpacked.seek(self._place.offset)
            piece = self._unpacked.read(min(PIECE, self.left))
        except BrokenArchive as error:
            raise OSError(errno.EIO, f"the layer is not what it was: {error}") from error
        if not piece:
            raise OSError(errno.EIO, f"the layer ends {self.left} bytes early")
        self.left -= len(piece)
        return piece
