"""Files sent from the page cache to the socket by the kernel: no copy, no thread.

Offered to the application as the ASGI extension ``http.response.zerocopysend``, on plain TCP only.
Whoever sends must fall back where the scope does not name it: TLS, other servers, tests.

Source: ASGI "Zero Copy Send" extension.
"""

import asyncio
import os
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from harbor.core.bodies import BodyProtocol
from harbor.core.packets import PACKET, unpaced, whole
from harbor.core.settings import MIB

EXTENSION = "http.response.zerocopysend"
TURN = 4 * MIB  # bytes in one call of the kernel; then the others have their turn

if not hasattr(HttpToolsProtocol, "_start_asgi_task"):
    raise RuntimeError("harbor.core.zerocopy does not fit this uvicorn: no _start_asgi_task")


class FileShrank(OSError):
    """There are fewer bytes in the file than were promised."""


class ServingProtocol(BodyProtocol):
    """The guarded protocol, which can send files itself."""

    __slots__ = ("_writable",)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._writable: asyncio.Future[None] | None = None  # while the socket takes no more

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.scheme == "https":
            super()._start_asgi_task(cycle, app)
            return
        cycle.scope["extensions"] = {EXTENSION: {}}

        async def with_files(scope: Any, receive: Any, send: Any) -> None:
            async def sending(message: Any) -> None:
                if message["type"] == EXTENSION:
                    await self._send_file(
                        cycle, message["file"], message["offset"], message["count"]
                    )
                else:
                    await send(message)

            await app(scope, receive, sending)

        super()._start_asgi_task(cycle, with_files)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wake()

    def _wake(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    async def _send_file(
        self, cycle: RequestResponseCycle, file: int, offset: int, count: int
    ) -> None:
        """Send *count* bytes as the rest of the body, which must be announced by its length.

        Returns early once the client has gone, as ``send`` does.
        """
        if not cycle.response_started or cycle.chunked_encoding:
            raise RuntimeError("a file can be sent only after a Content-Length")
        if cycle.scope["method"] != "HEAD":
            if count != cycle.expected_content_length:
                raise RuntimeError("the file is not as long as the Content-Length")
            await self._drain()
            self.sending = True
            try:
                if count > PACKET and not self.transport.is_closing():
                    unpaced(self.transport)
                    with whole(self.transport):
                        await self._pump(cycle, file, offset, count)
                else:
                    await self._pump(cycle, file, offset, count)
            finally:
                self.sending = False
            if cycle.disconnected:
                return
            cycle.expected_content_length = 0
        await cycle.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _drain(self) -> None:
        """Wait until all that was written has left: we go behind the transport's back."""
        transport = self.transport
        if transport.get_write_buffer_size():
            low, high = transport.get_write_buffer_limits()
            transport.set_write_buffer_limits(high=0)
            await self.flow.drain()
            if not transport.is_closing():
                transport.set_write_buffer_limits(high=high, low=low)

    async def _pump(self, cycle: RequestResponseCycle, file: int, offset: int, count: int) -> None:
        out = self.transport.get_extra_info("socket").fileno()
        stop = offset + count
        while offset < stop and not cycle.disconnected and not self.transport.is_closing():
            try:
                sent = os.sendfile(out, file, offset, min(TURN, stop - offset))
            except BlockingIOError:
                await self._until_writable(out)
                continue
            except OSError:
                # The client reset the connection; the transport will say so too.
                self.transport.abort()
                cycle.disconnected = True
                return
            if sent == 0:
                raise FileShrank(f"the file ends {stop - offset} bytes early")
            offset += sent
            self.stalled = 0
            # A fast client never makes the socket block, and nobody else would have a turn.
            await asyncio.sleep(0)

    async def _until_writable(self, out: int) -> None:
        # A descriptor of our own: the loop does not watch one that belongs to a transport.
        watched = os.dup(out)
        self._writable = self.loop.create_future()
        self.loop.add_writer(watched, self._wake)
        try:
            await self._writable
        finally:
            self.loop.remove_writer(watched)
            os.close(watched)
            self._writable = None
