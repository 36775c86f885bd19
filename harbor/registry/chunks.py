"""What comes in: parts of blobs, as the headers describe them."""

import re

from starlette.requests import Request

from harbor.artifacts.service.uploads import Exactly, Pushes
from harbor.core import given, ranges
from harbor.core.cycle import FILL, BodyCycle
from harbor.core.errors import RangeInvalid, SizeInvalid
from harbor.core.storage.interface import WrongOffset
from harbor.core.storage.sources import Lend, Pieces, Source
from harbor.registry.answers import whereabouts

SMALL = 16 * 1024  # bytes of a body that is held in memory until all of it is here
LENGTH = re.compile(r"[0-9]{1,18}")  # bytes; whatever is longer is not believed


def length_of(request: Request) -> int | None:
    """How many bytes the body has, if that is said."""
    length = request.headers.get("content-length", "")
    return int(length) if LENGTH.fullmatch(length) else None


def chunk_of(request: Request) -> tuple[int | None, int | None]:
    """Where in the upload the body begins, and how many bytes it has, as far as that is said."""
    if "content-range" not in request.headers:
        return None, length_of(request)
    offset, nbytes = ranges.of_chunk(request.headers["content-range"])
    if request.headers.get("content-length", str(nbytes)) != str(nbytes):
        raise SizeInvalid("Content-Length and Content-Range differ")
    return offset, nbytes


class Body(Source):
    """A request's body, of which the server fills memory itself."""

    def __init__(self, request: Request, cycle: BodyCycle) -> None:
        self._pieces = request.stream()
        self._cycle = cycle

    @property
    def come(self) -> int:
        return self._cycle.come

    @property
    def is_over(self) -> bool:
        return self._cycle.is_over

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def fill(self, lend: Lend) -> int:
        return await self._cycle.fill(lend)


def body_of(request: Request) -> Source:
    """The request's body, whatever server it came through."""
    cycle = (request.get("extensions") or {}).get(FILL)
    return Pieces(request.stream()) if cycle is None else Body(request, cycle)


async def small_body(request: Request) -> bytes | None:
    """The body, if it is whole and small, as its length says."""
    nbytes = length_of(request)
    if nbytes is None or nbytes > SMALL or "content-range" in request.headers:
        return None
    return await given.body_of(request, SMALL) if nbytes else b""


async def take_bytes(request: Request, pushes: Pushes, upload_id: str, size: int | None) -> int:
    """Append the request's body to the upload, which has *size* bytes; return its new size."""
    chunks: Source = body_of(request)
    offset, nbytes = chunk_of(request)
    if offset is not None and nbytes is not None:
        chunks = Exactly(chunks, nbytes)
    elif nbytes == 0:
        return size or 0
    if size is None:
        await pushes.start(upload_id)
    try:
        return await pushes.append(upload_id, chunks, offset=offset)
    except WrongOffset as error:
        raise RangeInvalid(
            f"the chunk starts at {offset}, the upload has {error.size} bytes",
            headers=whereabouts(pushes.place.repository, upload_id, error.size),
        ) from error
