"""A guard in front of the application: what a slow, greedy or broken client may cost."""

import asyncio
import logging
import socket
import sys
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import uvicorn
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from harbor.core.errors import (
    BadRequest,
    HarborError,
    HeadersTooLarge,
    RequestTimeout,
    Unavailable,
)
from harbor.core.watch import KIB, Limits, Peer, Watch

log = logging.getLogger(__name__)
TLS_GOODBYE_S = 0.5
TLS_WRITE_HIGH = 128 * KIB  # asyncio's own is 512 KiB, which a slow reader could make us hold

# What is used of uvicorn (and of asyncio) although nobody promises it.
USED = (
    (HttpToolsProtocol, "client cycle headers pipeline scheme scope send_400_response url"),
    (HttpToolsProtocol, "on_body on_headers_complete on_message_complete on_response_complete"),
    (RequestResponseCycle, "disconnected keep_alive message_event scope waiting_for_100_continue"),
    (RequestResponseCycle, "response_complete response_started"),
    (asyncio.Event, "_waiters"),
)


def check_uvicorn(module: str = __name__, used: Iterable[tuple[type, str]] = ()) -> None:
    """Raise ``RuntimeError`` if this uvicorn lacks something that *module* relies on."""
    for kind, names in used or USED:
        known = set(vars(kind))
        for member in vars(kind).values():
            known.update(getattr(getattr(member, "__code__", None), "co_names", ()))
        if missing := sorted(set(names.split()) - known):
            version = f"uvicorn {uvicorn.__version__}, Python {sys.version.split()[0]}"
            raise RuntimeError(f"{module}: {kind.__name__} lacks {missing} in {version}")


check_uvicorn()


_watches: WeakKeyDictionary[ServerState, Watch] = WeakKeyDictionary()


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with `limits`; give it as ``uvicorn.Config(http=...)``.

    A subclass that writes to the socket itself sets `sending` meanwhile, because the transport's
    buffer is empty then, and sets `stalled` to 0 when bytes have left.
    """

    limits = Limits()

    # Slots, because Python shares the keys of instances only up to thirty of them.
    __slots__ = ("_age", "_arrived", "_busy", "_head_bytes", "_in_head", "_limits", "_peer",
                 "_refused", "_running", "_taken", "_unsent", "_watch", "sending", "stalled"
                 )  # fmt: skip

    def __init__(self, config: Config, server_state: ServerState, **rest: Any) -> None:
        super().__init__(config, server_state, **rest)
        # A websocket would take the transport along and never be counted out.
        self.ws_protocol_class = None
        watch = _watches.get(server_state)
        if watch is None:
            watch = _watches[server_state] = Watch(self.limits, self.loop)
        self._watch = watch
        self._limits = self.limits  # found faster in the instance
        self.headers = []  # where uvicorn has None until a request begins
        self._peer: Peer | None = None  # who is counted in; a refused connection is not
        self._running: RequestResponseCycle | None = None  # while `cycle` is the newest request
        self._in_head = True  # the next byte belongs to a header, not to a body
        self._busy = False  # a request is being answered
        self._refused = False  # nothing more is taken from this client
        self.sending = False
        self._head_bytes = 0  # since a header, a chunk or a trailer began
        self._arrived = 0  # bytes of the body in this window
        self._age = 0  # ticks for which the client has been late: in a header, a body, or leaving
        self.stalled = 0  # ticks since the client last took a byte
        self._unsent = self._taken = 0  # of the answer, when last looked at

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = self._watch.admit(self, self.client[0] if self.client else "")
        if self._peer is None:
            self._refused = True
            # Without lingering: it would hold the descriptor that there is none of.
            transport.write(self._answer(Unavailable("too many connections")))
            transport.close()
            self._close_soon()
        elif self.scheme == "https":
            transport.set_write_buffer_limits(high=TLS_WRITE_HIGH)

    def shutdown(self) -> None:
        super().shutdown()
        self._close_soon()

    def _close_soon(self) -> None:
        """See that a transport that was closed ends: over TLS it would wait for a good-bye."""
        if self.scheme == "https" and self.transport.is_closing():
            self.loop.call_later(TLS_GOODBYE_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._peer is not None:
            self._watch.dismiss(self, self._peer, idle=not self._busy)
            self._peer = None
        super().connection_lost(exc)
        if self._running is not None and not self._running.response_complete:
            # uvicorn tells the newest request only, which is not the one that is being answered.
            _hang_up(self._running)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether to keep writing: to a client that has asked, and only has no more to say."""
        if not self._busy:
            return False
        self._refused = True
        if self._in_head or not self.cycle.body:
            self._may_answer()
        # Else look() does it when the application has taken what came. TLS cannot be half closed.
        return self.scheme == "http" and not self.cycle.disconnected

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._head_bytes += len(data)
        HttpToolsProtocol.data_received(self, data)  # super() would cost 0.2 µs, here and below
        # Bytes are counted here, because the parser tells of a line only when it has ended.
        limits = self._limits
        long = self._head_bytes > limits.max_header_bytes
        if long or len(self.headers) > limits.max_header_lines:
            self._refuse(HeadersTooLarge("the request's header is too large"))

    def on_headers_complete(self) -> None:
        limits = self._limits
        long = self._head_bytes > limits.max_header_bytes
        if long or len(self.headers) > limits.max_header_lines or self.pipeline:
            self._check_header()
        HttpToolsProtocol.on_headers_complete(self)
        # Trailers go to a list of their own: uvicorn would add them to the headers, unchecked.
        self.headers = []
        self._in_head = False
        self._head_bytes = self._age = self._arrived = 0
        if not self._busy and self._peer is not None:
            self._busy = True
            self._running = self.cycle
            self._peer.idle -= 1

    def _check_header(self) -> None:
        # Counted anew, because bytes of the body may have come in the same read.
        nbytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        limits = self._limits
        if nbytes > limits.max_header_bytes or len(self.headers) > limits.max_header_lines:
            self._refuse(HeadersTooLarge("the request's header is too large"))
        elif len(self.pipeline) >= limits.max_pipelined:
            self._refuse(Unavailable("too many requests are waiting in this connection"))
        if self._refused:
            raise ConnectionAbortedError  # stops the parser

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        self._arrived += len(body)
        HttpToolsProtocol.on_body(self, body)

    def on_message_complete(self) -> None:
        HttpToolsProtocol.on_message_complete(self)
        self._in_head = True
        self._head_bytes = self._age = 0

    def send_400_response(self, msg: str) -> None:
        self._refuse(BadRequest(msg))

    def on_response_complete(self) -> None:
        queued = self.pipeline[-1][0] if self.pipeline else None
        HttpToolsProtocol.on_response_complete(self)
        if queued is not None:
            self._running = queued
        elif self._peer is not None:
            self._busy = False
            self._peer.idle += 1

    def resume_writing(self) -> None:
        self.stalled = 0
        super().resume_writing()

    def _refuse(self, error: HarborError) -> None:
        """Take no more from this client, and say why if it is the client's turn to hear."""
        if self._refused:
            return
        self._refused = True
        self._age = 0
        log.info("client refused", extra={"why": str(error), "client": self.client})
        if not self._may_answer():
            return
        self.transport.write(self._answer(error))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _may_answer(self) -> bool:
        """Whether an error would not end up inside an answer, or after one to the same request."""
        if not self._in_head and self.cycle is self._running:
            _hang_up(self.cycle)
            if self.cycle.response_started:
                self.transport.close()
            return not self.cycle.response_started
        if not self._in_head:
            # The broken request still waits behind others: it is dropped, they are answered.
            self.pipeline.popleft()
            assert self._running is not None
            self.cycle = self.pipeline[0][0] if self.pipeline else self._running
            self._in_head = True
        if self._busy:
            self.cycle.keep_alive = False
        return not self._busy

    def _answer(self, error: HarborError) -> bytes:
        body = msgspec.json.encode(error.body())
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        return STATUS_LINE[error.status] + lines + b"\r\n" + body

    def look(self) -> None:
        """Close the connection if its client has been late for too long."""
        if self.sending or self.transport.get_write_buffer_size():
            self._look_at_answer()
        else:
            self.stalled = 0
        if self._refused:
            self._look_at_refused()
        elif self._in_head:
            self._look_at_header()
        else:
            self._look_at_body()

    def _look_at_refused(self) -> None:
        if not self._busy or self.cycle.disconnected:
            self._age += 1
            if self._age >= self._watch.linger_ticks:
                self.transport.abort()
        elif not self._in_head and not self.cycle.body:
            self._may_answer()

    def _look_at_answer(self) -> None:
        # The kernel takes more only when much of its buffer is free, so a slow client may leave
        # ours as it is for minutes: what it has acknowledged is the better sign.
        unsent = self.transport.get_write_buffer_size()
        taken = _bytes_acked(self.transport.get_extra_info("socket"))
        if unsent < self._unsent or taken != self._taken:
            self.stalled = 0
        self._unsent, self._taken = unsent, taken
        self.stalled += 1
        if self.stalled > self._watch.stall_ticks:
            self._drop("the answer is not read")

    def _look_at_header(self) -> None:
        last = self._running
        begun = self._head_bytes > 0 or (last is not None and self.scope is not last.scope)
        # A next request may wait for this answer; between requests uvicorn's own timer runs.
        if self._busy or (last is not None and not begun):
            return
        self._age += 1
        if self._age < self._watch.header_ticks:
            return
        if begun:
            self._refuse(RequestTimeout("the request's header took too long"))
        else:
            self._drop("nothing was sent")

    def _look_at_body(self) -> None:
        if self._arrived >= self._limits.min_body_bytes:
            self._age = min(self._age, 0)  # below it, there is time that was granted beforehand
            self._arrived = 0
        # A future in the event means that the application waits in receive() and has all there is;
        # once the answer is complete, nobody but us reads the rest.
        elif self.cycle.response_complete or self.cycle.message_event._waiters:
            self._age += 1
            if self._age >= self._watch.body_ticks:
                self._drop("the body comes too slowly")

    def _drop(self, why: str) -> None:
        log.info("connection dropped", extra={"why": why, "client": self.client})
        self.transport.abort()  # close() would wait for the client, to read or to end TLS


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """The protocol with these limits."""
    return type("GuardedProtocol", (GuardedProtocol,), {"__slots__": (), "limits": limits})


def _hang_up(cycle: RequestResponseCycle) -> None:
    """Let the application see ``http.disconnect``."""
    cycle.disconnected = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()


def _bytes_acked(sock: socket.socket) -> int:
    """What the client's side of a TCP connection has acknowledged; 0 where that is not told."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 128)
    except (AttributeError, OSError):  # not Linux; a Unix socket, or one that is closed
        return 0
    return int.from_bytes(info[120:128], sys.byteorder)  # tcpi_bytes_acked
