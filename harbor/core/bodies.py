"""Bodies of requests on their way to the application: few copies, and bounded over all clients.

uvicorn gathers what has come of a body in one growing buffer and copies that for each message; the
loop makes an object for each read. Here what fast clients send is read into one buffer that all
connections share, and the pieces that the parser makes of it are handed on as they are.
"""

import asyncio
import socket
import time
from collections import deque
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from harbor.core.guard import GuardedProtocol, check_uvicorn
from harbor.core.settings import MIB
from harbor.core.watch import KIB

READ = 256 * KIB  # in one go; more would leave the processor's cache before it is used
FAST = 32 * KIB  # who sends so much between two looks has more to send
HIGH = 512 * KIB  # of one client, not taken by the application: no more is read
LOW = HIGH // 2
ALL_HIGH = 16 * MIB  # of all clients: only those are read of whom nothing waits
TINY = KIB  # pieces below are joined: an object for each byte would cost eighty
JOINED = 4 * KIB
# The kernel lets the receive buffer of each connection grow to megabytes, and throws away what
# comes once all of them exceed its limit: clients then wait longer and longer before they send
# again. So of a crowd that has to wait, each gets its share; the kernel counts twice as much.
CROWD = 32  # connections
CROWD_BYTES = 64 * MIB
MIN_BYTES = 64 * KIB
MAX_RETRY_S = 120.0  # Linux include/net/tcp.h, TCP_RTO_MAX

check_uvicorn(
    __name__,
    (
        (HttpToolsProtocol, "_start_asgi_task connection_made cycle flow on_body pipeline"),
        # With `__dict__` there are no slots, and the class of an instance can be changed.
        (RequestResponseCycle, "__dict__ body flow more_body message_event receive run_asgi"),
        (RequestResponseCycle, "disconnected response_complete transport waiting_for_100_continue"),
        (FlowControl, "pause_reading read_paused resume_reading"),
    ),
)


class Shared:
    """What the connections of one server have in common."""

    def __init__(self) -> None:
        self.held = 0  # bytes of bodies that no application has taken
        self.waiting = 0  # connections that are not read
        self.buffer = memoryview(bytearray(READ))


_shared: WeakKeyDictionary[ServerState, Shared] = WeakKeyDictionary()


class Flow(FlowControl):
    """uvicorn's, with the connections counted that are not read."""

    def __init__(self, transport: asyncio.Transport, shared: Shared) -> None:
        super().__init__(transport)
        self.paused_s = 0.0  # the last time
        self._since = 0.0
        self._shared = shared

    def pause_reading(self) -> None:
        if not self.read_paused:
            super().pause_reading()
            self._since = time.monotonic()
            self._shared.waiting += 1
            if self._shared.waiting > CROWD and not self._transport.is_closing():
                self._shrink(max(MIN_BYTES, CROWD_BYTES // self._shared.waiting))

    def resume_reading(self) -> None:
        if self.read_paused:
            self._shared.waiting -= 1
            self.paused_s = time.monotonic() - self._since
            super().resume_reading()

    def _shrink(self, nbytes: int) -> None:
        kept = self._transport.get_extra_info("socket")
        if kept.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 2 * nbytes:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, nbytes)


class BodyCycle(RequestResponseCycle):
    """A request whose body is a queue of pieces. Made of one of uvicorn's, when it starts."""

    body: deque[bytes]  # type: ignore[assignment]
    protocol: "BodyProtocol"

    async def run_asgi(self, app: Any) -> None:
        try:
            await super().run_asgi(app)
        finally:
            if self.body:
                self.protocol.forget(self)

    async def receive(self) -> Any:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.body and not self.disconnected and not self.response_complete:
            self.protocol.read_on()
            await self.message_event.wait()
            self.message_event.clear()
        # Unlike uvicorn's, a client that has gone does not take along what came before.
        if self.response_complete or (self.disconnected and not self.body):
            return {"type": "http.disconnect"}
        piece = b""
        if self.body:
            piece = self.body.popleft()
            self.protocol.taken(len(piece))
            if not self.body:
                self.message_event.clear()
        more = self.more_body or bool(self.body)
        return {"type": "http.request", "body": piece, "more_body": more}


class BodyProtocol(GuardedProtocol):
    """The guarded protocol, whose applications get bodies fast."""

    flow: Flow
    __slots__ = ("_held", "_reader", "_shared")

    def __init__(self, config: Config, server_state: ServerState, **rest: Any) -> None:
        super().__init__(config, server_state, **rest)
        shared = _shared.get(server_state)
        if shared is None:
            shared = _shared[server_state] = Shared()
        self._shared = shared
        self._held = 0  # this connection's part of it
        self._reader: Reader | None = None  # while a fast client sends a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport, self._shared)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._reader is not None:
            self._reader = None
        self._shared.waiting -= self.flow.read_paused
        self.flow.read_paused = False
        for cycle, _ in self.pipeline:  # they will not be started
            self.forget(cycle)

    def data_received(self, data: bytes) -> None:
        GuardedProtocol.data_received(self, data)
        # Over TLS the loop copies anyhow.
        if len(data) >= FAST and not self._in_head and self.scheme == "http":
            self._read_fast()

    def _read_fast(self) -> None:
        if self._reader is None and not self._refused and not self.transport.is_closing():
            self._reader = Reader(self, self._shared)
            self.transport.set_protocol(self._reader)

    def read(self, data: memoryview) -> None:
        """Parse *data*, which is overwritten afterwards."""
        GuardedProtocol.data_received(self, data)  # type: ignore[arg-type]
        if self._in_head and self._reader is not None and not self.transport.is_closing():
            self._reader = None
            self.transport.set_protocol(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = BodyCycle
        cycle.protocol = self  # type: ignore[attr-defined]
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        nbytes = len(body)
        self._head_bytes = 0
        self._arrived += nbytes
        cycle: Any = self.cycle
        if cycle.response_complete:
            return
        pieces = cycle.body
        if not pieces:
            cycle.body = deque((body,))
        elif nbytes < TINY and len(pieces[-1]) < JOINED:
            pieces[-1] += body
        else:
            pieces.append(body)
        self._held += nbytes
        self._shared.held += nbytes
        if self._held >= HIGH or self._shared.held >= ALL_HIGH:
            self.flow.pause_reading()
        cycle.message_event.set()

    def taken(self, nbytes: int) -> None:
        """Count out what the application has taken, and read on when there is room."""
        self._held -= nbytes
        self._shared.held -= nbytes
        if self._held <= (LOW if self._shared.held < ALL_HIGH else 0):
            self.read_on()

    def read_on(self) -> None:
        if self.flow.read_paused:
            self.flow.resume_reading()
            # A sender whose packets are not taken waits longer from try to try, as long again as
            # it has waited already. That is no fault of its.
            if ticks := int(min(self.flow.paused_s, MAX_RETRY_S) / self._limits.tick_s):
                self._age = min(self._age, -ticks)

    def forget(self, cycle: RequestResponseCycle) -> None:
        """Drop what no application will take."""
        nbytes = sum(map(len, cycle.body)) if cycle.body else 0  # type: ignore[arg-type]
        cycle.body.clear()
        self._held -= nbytes
        self._shared.held -= nbytes

    def _may_answer(self) -> bool:
        newest = self.cycle
        may = super()._may_answer()
        if self.cycle is not newest:
            self.forget(newest)
        return may


class Reader(asyncio.BufferedProtocol):
    """Stands in for the protocol: a loop fills buffers only for who is no `asyncio.Protocol`."""

    __slots__ = ("_buffer", "_protocol", "_shared")

    def __init__(self, protocol: BodyProtocol, shared: Shared) -> None:
        self._protocol = protocol
        self._shared = shared
        self._buffer = shared.buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        # All may share it, since the loop reads and calls buffer_updated in one go.
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._protocol.read(self._buffer[:nbytes])

    def eof_received(self) -> bool:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()
