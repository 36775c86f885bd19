"""Blobs as answers: whole or in part, sent by the kernel where it can, and conditions."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harbor.core import ranges
from harbor.core.errors import BlobUnknown
from harbor.core.oci import Digest
from harbor.core.storage.interface import Blob, BlobMissing, Store
from harbor.core.zerocopy import EXTENSION

SMALL = 64 * 1024  # bytes that are sent at once: less work than to hand them to the kernel


class BlobResponse(Response):
    """A blob from the store: all of it, a range, nothing new (304), or where to fetch it."""

    def __init__(
        self,
        request: Request,
        store: Store,
        digest: Digest,
        keep: Callable[[bytes], None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """A small blob, sent as a whole, is given to *keep*; *headers* go before ``facts``."""
        self.request, self.store, self.digest, self.keep = request, store, digest, keep
        self.said = facts(digest) | dict(headers or {})
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self.store.open(self.digest) as blob:
                if blob.url is not None:
                    await Response(status_code=307, headers=self.said | {"Location": blob.url})(
                        scope, receive, send
                    )
                    return
                await self.stream(blob, receive, send)
        except BlobMissing as error:
            raise BlobUnknown(f"blob {self.digest} is not in the store") from error

    async def stream(self, blob: Blob, receive: Receive, send: Send) -> None:
        headers = dict(self.said)
        part = self.part(blob.size)
        start, stop = part or (0, blob.size)
        headers["Content-Length"] = str(stop - start)
        if part:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
        await send(
            {
                "type": "http.response.start",
                "status": 206 if part else 200,
                "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            }
        )
        if stop - start <= SMALL:
            body = b"".join([piece async for piece in blob.read(start, stop)])
            if self.keep and not part:
                self.keep(body)
            await send({"type": "http.response.body", "body": body})
        elif blob.fileno is not None and EXTENSION in (self.request.get("extensions") or ()):
            await send(
                {"type": EXTENSION, "file": blob.fileno, "offset": start, "count": stop - start}
            )
        else:
            await in_pieces(blob, start, stop, receive, send)

    def part(self, size: int) -> tuple[int, int] | None:
        """The range asked for, unless it was asked of another version (``If-Range``)."""
        headers = self.request.headers
        if headers.get("if-range", etag(self.digest)) != etag(self.digest):
            return None
        return ranges.asked(headers.get("range", ""), size)


async def in_pieces(blob: Blob, start: int, stop: int, receive: Receive, send: Send) -> None:
    """The bytes themselves, where the server cannot send the file."""
    gone = asyncio.create_task(disconnected(receive))
    try:
        async for piece in blob.read(start, stop):
            # The server's send neither fails nor waits once the client has gone.
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def facts(digest: Digest) -> dict[str, str]:
    """What is true of a blob for ever."""
    return {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": digest,
        "ETag": etag(digest),
        "Cache-Control": "max-age=31536000",
        "Accept-Ranges": "bytes",
    }


def etag(digest: str) -> str:
    return f'"{digest}"'


def unchanged(request: Request, digest: str) -> bool:
    """Whether the client has it already (``If-None-Match``, quoted or not)."""
    given = request.headers.get("if-none-match", "")
    known = {each.strip().removeprefix("W/").strip('"') for each in given.split(",")}
    return digest in known or "*" in known
