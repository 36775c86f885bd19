"""What comes in: parts of blobs, as the headers describe them."""

import re
from collections.abc import AsyncIterator

from starlette.requests import Request

from harbor.artifacts.service.uploads import Pushes, exactly
from harbor.core import ranges
from harbor.core.errors import RangeInvalid, SizeInvalid
from harbor.core.storage.interface import WrongOffset
from harbor.registry.answers import whereabouts

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


async def take_bytes(request: Request, pushes: Pushes, upload_id: str, size: int) -> int:
    """Append the request's body to the upload, which has *size* bytes; return its new size."""
    chunks: AsyncIterator[bytes] = request.stream()
    offset, nbytes = chunk_of(request)
    if offset is not None and nbytes is not None:
        chunks = exactly(chunks, nbytes)
    elif nbytes == 0:
        return size
    try:
        return await pushes.append(upload_id, chunks, offset=offset)
    except WrongOffset as error:
        raise RangeInvalid(
            f"the chunk starts at {offset}, the upload has {error.size} bytes",
            headers=whereabouts(pushes.place.repository, upload_id, error.size),
        ) from error
