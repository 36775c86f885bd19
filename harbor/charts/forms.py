"""What comes in: the files of a form, or one file that is the whole body, on the disk if large."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import multipart
from starlette.requests import ClientDisconnect, Request

from harbor.core.errors import BadRequest, InsufficientStorage, TooLarge

FORM = "multipart/form-data"
MEMORY = 256 * 1024  # bytes of a file; of a larger one the rest is on the disk
BESIDE = 64 * 1024  # bytes of a body that belong to no file
MAX_PARTS = 16


class Files:
    """Open files by the fields that they came in, each no longer than its field allows."""

    def __init__(self, limits: Mapping[str, int], folder: Path) -> None:
        self._limits, self._folder = limits, folder
        self._open: dict[str, IO[bytes]] = {}
        self._nbytes: dict[str, int] = {}

    def get(self, name: str) -> IO[bytes] | None:
        return self._open.get(name)

    def add(self, name: str) -> None:
        if name in self._open:
            raise BadRequest(f"the form has the field {name} twice")
        # Closed by ``close``, when the request is over.
        self._open[name] = SpooledTemporaryFile(MEMORY, dir=str(self._folder))  # noqa: SIM115
        self._nbytes[name] = 0

    async def write(self, name: str, piece: bytes) -> None:
        self._nbytes[name] += len(piece)
        if self._nbytes[name] > self._limits[name]:
            raise TooLarge(f"{name} is larger than {self._limits[name]} bytes")
        with room():
            if self._nbytes[name] > MEMORY:
                await asyncio.to_thread(self._open[name].write, piece)
            else:
                self._open[name].write(piece)

    def close(self) -> None:
        for file in self._open.values():
            file.close()


@contextmanager
def room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise InsufficientStorage("the registry's storage is full") from error
        raise


@asynccontextmanager
async def files_of(
    request: Request, limits: Mapping[str, int], folder: Path
) -> AsyncIterator[Files]:
    """The files in the fields that *limits* names; a body that is no form is the first of them."""
    files = Files(limits, folder)
    try:
        kind, options = multipart.parse_options_header(request.headers.get("content-type", ""))
        if kind == FORM:
            await take_form(request, files, limits, options.get("boundary", ""))
        else:
            first = next(iter(limits))
            async for piece in body_of(request, limits[first]):
                if files.get(first) is None:
                    files.add(first)
                await files.write(first, piece)
        yield files
    finally:
        files.close()


async def take_form(
    request: Request, files: Files, limits: Mapping[str, int], boundary: str
) -> None:
    most = sum(limits.values()) + BESIDE
    try:
        parser = multipart.PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
        name = ""
        async for piece in body_of(request, most):
            for event in parser.parse(piece):
                if isinstance(event, multipart.MultipartSegment):
                    name = event.name if event.name in limits else ""
                    if name:
                        files.add(name)
                elif event is not None and name:
                    await files.write(name, bytes(event))
        parser.close()
    except multipart.MultipartError as error:
        raise BadRequest(f"bad request: the body is no form: {error}") from error


async def body_of(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The pieces of a body of at most *limit* bytes; ``TooLarge``."""
    announced = request.headers.get("content-length", "")
    total = int(announced) if announced.isascii() and announced.isdigit() else 0
    if total > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    total = 0
    try:
        async for piece in request.stream():
            total += len(piece)
            if total > limit:
                raise TooLarge(f"the body is larger than {limit} bytes")
            if piece:
                yield piece
    except ClientDisconnect as error:
        raise BadRequest("bad request: the body ends early") from error
