"""Bodies of requests on their way to the application: few copies, and bounded over all clients.

uvicorn gathers what has come of a body in one growing buffer and copies that for each message; the
loop makes an object for each read. Here what fast clients send is read into one buffer that all
connections share, and the pieces that the parser makes of it are handed on as they are.

An application that wants much lends memory instead (``harbor.core.cycle``). The pieces are copied
there at once; or, where no TLS is between, the kernel puts the bytes there itself. The parser then
sees nothing of them, and a new one begins with the next request. That is done where the length of
the body was announced, and with what comes in plain chunks (``harbor.core.chunked``).
"""

import asyncio
from collections import deque
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from harbor.core.chunked import Chunks, Resumed, chunks_of
from harbor.core.cycle import BodyCycle
from harbor.core.flow import Flow, Shared
from harbor.core.guard import GuardedProtocol, check_uvicorn
from harbor.core.settings import MIB
from harbor.core.watch import KIB

FAST = 32 * KIB  # who sends so much between two looks has more to send
HIGH = 128 * KIB  # of one client, not taken by the application: no more is read
LOW = HIGH // 2
ALL_HIGH = 16 * MIB  # of all clients: only those are read of whom nothing waits
TINY = KIB  # pieces below are joined: an object for each byte would cost eighty
JOINED = 4 * KIB
WORTH = 64 * KIB  # bytes to come; for less, the way past the parser is longer
NARROW = 4 * KIB  # memory for less is not read to while frames are to be taken out: it would stay
BITE = 16 * KIB  # that is read of one of a crowd before its body is taken
MAX_RETRY_S = 120.0  # Linux include/net/tcp.h, TCP_RTO_MAX

check_uvicorn(
    __name__,
    (
        (HttpToolsProtocol, "_start_asgi_task connection_made cycle flow on_body parser pipeline"),
        (HttpToolsProtocol, "_unset_keepalive_if_required"),
    ),
)


_shared: WeakKeyDictionary[ServerState, Shared] = WeakKeyDictionary()


class BodyProtocol(GuardedProtocol):
    """The guarded protocol, whose applications get bodies fast."""

    flow: Flow
    __slots__ = ("_chunk", "_chunks", "_held", "_is_aside", "_left", "_reader", "_shared",
                 "_within")  # fmt: skip

    def __init__(self, config: Config, server_state: ServerState, **rest: Any) -> None:
        super().__init__(config, server_state, **rest)
        shared = _shared.get(server_state)
        if shared is None:
            shared = _shared[server_state] = Shared(self.loop)
        self._shared = shared
        self._held = 0  # this connection's part of it
        self._left = 0  # bytes of a body that the parser is not told of
        self._chunk = -1  # bytes of a chunk with which this read ended, if the parser is in one
        self._within: Chunks | None = None  # where in it, if that is known
        self._chunks: Chunks | None = None  # the same, while the parser is not told of them
        self._is_aside = False  # they are read to the buffer of all
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
        if not self._busy and not self.pipeline:
            # Or both would stay until garbage is collected, which takes long after a crowd.
            self.cycle = self._running = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._in_head and self._shared.starts.are_enough:
            self._wait_with(data)
            return
        self._parse(data)
        # Over TLS the loop copies anyhow.
        if len(data) >= FAST and not self._in_head and self.scheme == "http":
            self._read_fast()
            self.flow.acknowledge(self._arrived)

    def _wait_with(self, data: bytes) -> None:
        """Parse *data*, with which a request may begin, when it may begin."""
        self.flow.pause_reading()
        self._shared.starts.begin_soon(partial(self._go_on_with, data))

    def _go_on_with(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._reader is None:
            self.data_received(data)
        else:
            self.read(memoryview(data))

    def expect_much(self) -> None:
        """What comes next may be a large body: of a crowd, little is read before it is taken."""
        self._shared.starts.may_begin()  # it is counted as a request that has begun
        if self.scheme == "http":
            self._read_fast()

    def _read_fast(self) -> None:
        if self._reader is None and not self._refused and not self.transport.is_closing():
            self._reader = Reader(self)
            self.transport.set_protocol(self._reader)

    def read(self, data: memoryview) -> None:
        """Parse *data*, which is overwritten afterwards."""
        self._parse(data)
        if self._in_head:
            self._read_slowly()
        elif self._chunk > 0 and (cycle := self._own(self.cycle)).lend is not None:
            self._read_chunks_past(cycle)

    def _parse(self, data: bytes | memoryview) -> None:
        if self._chunk > 0:  # noqa: PLR1730 - min() would cost each request more than this
            self._chunk = 0
        GuardedProtocol.data_received(self, data)  # type: ignore[arg-type]
        if self._chunk <= 0:
            return
        if self._chunk < len(data):
            self._within = chunks_of(memoryview(data), self._chunk)
        elif self._within is not None:
            self._within.left -= self._chunk

    def _read_slowly(self) -> None:
        if self._reader is not None and not self.transport.is_closing():
            self._reader = None
            self.transport.set_protocol(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        own = self._own(cycle)
        if self._shared.starts.may_begin():
            super()._start_asgi_task(own, app)
        else:
            self._shared.starts.begin_soon(partial(super()._start_asgi_task, own, app))

    def _own(self, cycle: RequestResponseCycle) -> BodyCycle:
        """*cycle*, which may wait behind others and not have been started, as one of ours."""
        if not isinstance(cycle, BodyCycle):
            cycle.__class__ = BodyCycle
            cycle.protocol = self  # type: ignore[attr-defined]
        return cast(BodyCycle, cycle)

    def _may_read_past(self, cycle: BodyCycle) -> bool:
        """Whether the parser may be left out, which knows when a connection ends or changes."""
        if self._left or self._chunks or self._refused or self.transport.is_closing():
            return False
        plain = self.scheme == "http" and cycle.keep_alive and not self.parser.should_upgrade()
        return plain and self.cycle is cycle

    def read_past(self, cycle: BodyCycle) -> None:
        """Have the rest of the body read past the parser, if that can be done."""
        if cycle.to_come >= WORTH and self._may_read_past(cycle):
            self._left = cycle.to_come
            self._read_fast()
        elif self._chunk > 0:
            self._read_chunks_past(cycle)

    def _read_chunks_past(self, cycle: BodyCycle) -> None:
        within = self._within
        is_worth = within is not None and (self._reader is not None or within.left >= WORTH)
        if is_worth and self._may_read_past(cycle):
            self._chunks, self._within = within, None
            self._read_fast()

    def where(self) -> memoryview:
        """Where the next bytes of the connection are to be read to."""
        buffer = self._shared.buffer
        if self._left:
            # Never anything of the next request, for which there will be a parser.
            return (self._own(self.cycle).borrow() or buffer)[: self._left]
        if not self._chunks:
            return buffer[:BITE] if self._in_head and self._shared.is_crowded else buffer
        memory = self._own(self.cycle).borrow()
        if memory is not None and not self._chunks.left < len(memory) < NARROW:
            self._is_aside = False
            return memory
        self._is_aside = True
        return buffer if memory is None else buffer[:NARROW]

    def there(self, nbytes: int) -> None:
        """Go on with the bytes that were read to that place."""
        if self._refused:
            return
        if self._chunks:
            self._unframe(self._chunks, nbytes)
        elif not self._left:
            data = self._shared.buffer[:nbytes]
            if self._in_head and self._shared.starts.are_enough:
                self._wait_with(bytes(data))
            else:
                self.read(data)
        else:
            self._left -= nbytes
            self._come(nbytes, aside=not self._own(self.cycle).room)
            if not self._left:
                self._parse_again()
        if not self._in_head:
            self.flow.acknowledge(self._own(self.cycle).come)

    def _unframe(self, chunks: Chunks, nbytes: int) -> None:
        if content := chunks.unframe(self.where(), nbytes):
            self._come(content, aside=self._is_aside)
        if chunks.rest is None:
            return
        self._chunks = None
        self._chunk = -1
        if chunks.is_over:
            self._parse_again()
            if chunks.rest:
                self.data_received(chunks.rest)
        else:
            self.parser = Resumed(self).parser
            self.read(memoryview(chunks.rest))

    def _come(self, nbytes: int, *, aside: bool) -> None:
        """Go on with bytes of the body, which are in the buffer of all or in the memory lent."""
        self._unset_keepalive_if_required()  # it was set, if the answer came before this
        if aside:
            self.on_body(bytes(self._shared.buffer[:nbytes]))
        else:
            self._arrived += nbytes
            self._put(self._own(self.cycle), nbytes)

    def _parse_again(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's is made
        self.on_message_complete()
        self._read_slowly()

    def on_chunk_header(self) -> None:
        self._chunk = 0
        self._within = None

    def on_chunk_complete(self) -> None:
        self._chunk = -1

    def _put(self, cycle: BodyCycle, nbytes: int) -> None:
        """Count in what was put into the application's memory."""
        cycle.come += nbytes
        cycle.put(nbytes)
        if not cycle.room:
            self.flow.pause_reading()  # the kernel keeps what comes, until there is memory again

    def on_body(self, body: bytes) -> None:
        nbytes = len(body)
        self._head_bytes = 0
        self._arrived += nbytes
        if not self._chunk:
            self._chunk = nbytes
        cycle = self._own(self.cycle)
        if cycle.response_complete:
            return
        if free := cycle.borrow():
            cut = min(nbytes, len(free))
            free[:cut] = body if cut == nbytes else body[:cut]
            self._put(cycle, cut)
            if cut == nbytes:
                return
            body, nbytes = body[cut:], nbytes - cut
        cycle.come += nbytes
        pieces = cycle.body
        if not pieces:
            cycle.body = deque((body,))
        elif nbytes < TINY and len(pieces[-1]) < JOINED:
            pieces[-1] += body
        else:
            pieces.append(body)
        self._held += nbytes
        self._shared.held += nbytes
        if self._held >= HIGH or self._shared.is_crowded or self._shared.held >= ALL_HIGH:
            self.flow.pause_reading()
        cycle.message_event.set()

    def unload(self, cycle: BodyCycle) -> None:
        """Put what waits into the application's memory."""
        pieces = cycle.body
        while pieces and (free := cycle.borrow()):
            piece = pieces.popleft()
            cut = min(len(piece), len(free))
            if cut < len(piece):
                pieces.appendleft(piece[cut:])
            free[:cut] = piece[:cut]
            cycle.filled += cut
            self._held -= cut
            self._shared.held -= cut

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

    __slots__ = ("_protocol",)

    def __init__(self, protocol: BodyProtocol) -> None:
        self._protocol = protocol

    def get_buffer(self, sizehint: int) -> memoryview:
        # All may share a buffer, since the loop reads and calls buffer_updated in one go.
        return self._protocol.where()

    def buffer_updated(self, nbytes: int) -> None:
        self._protocol.there(nbytes)

    def eof_received(self) -> bool:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()
