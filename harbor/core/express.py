"""Requests that the server answers itself, before there is a task or a scope for the application.

The application offers a ``Front``: given what was asked, it names an answer or passes. Only plain
requests come before it: HTTP/1.1, kept alive, without a body, nothing in front of them in the same
connection. Everything else takes the ordinary road, which gives the same answers.

Clients ask the same thing again in the same bytes. What such bytes mean is remembered, so that
they are not parsed each time; what the answer is, the front says each time.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from harbor.core import web
from harbor.core.watch import Limits
from harbor.core.zerocopy import ServingProtocol

Headers = list[tuple[bytes, bytes]]
Said = tuple[int, bytes, bytes]  # status, lines of headers, body
METHODS = frozenset((b"GET", b"HEAD", b"POST"))
NOT_PLAIN = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))
NO_BODY = (b"content-length", b"0")  # what clients say of a POST without a body

END = b"\r\n\r\n"
MAX_KNOWN = 500  # requests whose meaning is remembered, for all connections
MAX_KNOWN_BYTES = 4096  # of one of them


class Asked:
    """What a plain request says, and what the front has *noted* of it for the next time."""

    __slots__ = ("headers", "method", "noted", "own_id", "url")

    def __init__(self, method: bytes, url: bytes, headers: Headers) -> None:
        self.method, self.url, self.headers = method, url, headers
        self.own_id = web.own_id(headers)
        self.noted: Any = None


class Front(NamedTuple):
    answer: Callable[[Asked], Said | None]
    note: Callable[[str], None] | None = None  # takes lines of the access log


class Answered:
    """Stands for a request that is over, where the guard looks at the last one."""

    scope: dict[str, Any] = {}  # noqa: RUF012, nobody writes to it
    response_complete = True


class Dated:
    """The server's own headers as bytes; they change once a second."""

    def __init__(self) -> None:
        self._headers: Headers = []
        self._lines = b""

    def __call__(self, headers: Headers) -> bytes:
        if headers is not self._headers:
            self._headers = headers
            self._lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        return self._lines


class ExpressProtocol(ServingProtocol):
    """The serving protocol with a *front*."""

    __slots__ = ("_asked", "_at_once", "_idle_from", "_nrequests", "_passed")
    front: Front | None = None
    known: dict[bytes, Asked] = {}  # noqa: RUF012, each server has its own
    dated = Dated()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._at_once = False  # the request that is being read was answered already
        self._asked: Asked | None = None  # by the last of those, within what was read last
        self._nrequests = 0  # that ended there
        self._passed = False  # the front has just said that it does not know
        self._idle_from = 0.0  # when it last answered, by the loop's time

    def data_received(self, data: bytes) -> None:
        if (
            self.front is None
            or len(data) > MAX_KNOWN_BYTES
            or self._head_bytes
            or not self._in_head
        ):
            ServingProtocol.data_received(self, data)
            return
        asked = self.known.get(data)
        # Thousands that begin an upload at the same moment take their turns.
        if (
            asked is not None
            and (asked.method != b"POST" or not self._shared.starts.are_enough)
            and self._is_free()
        ):
            if self._answer_at_once(self.front, asked):
                return
            self._passed = True
        self._asked, self._nrequests = None, 0
        ServingProtocol.data_received(self, data)
        self._passed = False
        self._learn(data)

    def _learn(self, data: bytes) -> None:
        """Remember what *data* means, if it is one plain request and nothing else."""
        if self._asked and self._nrequests == 1 and data.find(END) == len(data) - len(END):
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[data] = self._asked

    def on_headers_complete(self) -> None:
        if self.front is not None and not self._passed and self._is_plain():
            asked = Asked(self.parser.get_method(), self.url, self.headers)
            if self._answer_at_once(self.front, asked):
                self._at_once, self._asked = True, asked
                return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._nrequests += 1
        if not self._at_once:
            super().on_message_complete()
            return
        self._at_once = False
        self._in_head = True
        self._head_bytes = self._age = 0

    def _is_free(self) -> bool:
        """Whether the client may be answered now."""
        return (
            not self._busy
            and not self._refused
            and self._peer is not None
            and not self.flow.write_paused
        )

    def _is_plain(self) -> bool:
        limits = self._limits
        return (
            self._is_free()
            and self._head_bytes <= limits.max_header_bytes
            and len(self.headers) <= limits.max_header_lines
            and self.parser.get_method() in METHODS
            and self.parser.should_keep_alive()
            and self.parser.get_http_version() == "1.1"
            and NOT_PLAIN.isdisjoint([header[0] for header in self.headers if header != NO_BODY])
        )

    def _answer_at_once(self, front: Front, asked: Asked) -> bool:
        started = time.perf_counter() if front.note else 0.0
        found = front.answer(asked)
        if found is None:
            return False
        status, head, body = found
        request_id = asked.own_id or web.new_id()
        dated = self.dated(self.server_state.default_headers)
        self.transport.write(
            b"%b%b%bx-request-id: %b\r\n\r\n%b"
            % (STATUS_LINE[status], dated, head, request_id, body)
        )
        if asked.method == b"POST":
            self.expect_much()
        if front.note:
            method, target = asked.method.decode(), asked.url.decode("ascii", "replace")
            front.note(web.access_line(self.client, method, target, status, started, request_id))
        self._running, self.scope = Answered, Answered.scope  # type: ignore[assignment]
        self.server_state.total_requests += 1
        self._idle_from = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_for_next(self._idle_from)
        return True

    def _wait_for_next(self, since: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(
            since + self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def timeout_keep_alive_handler(self) -> None:
        # To set the timer anew with each answer would cost more than to see now how old it is.
        if self._idle_from + self.timeout_keep_alive > self.loop.time():
            self._wait_for_next(self._idle_from)
        else:
            super().timeout_keep_alive_handler()


def serving(limits: Limits, front: Front | None = None) -> type[ExpressProtocol]:
    """The protocol with these limits, before an application with this front."""
    own = {"__slots__": (), "limits": limits, "front": front, "known": {}}
    return type("ServingProtocol", (ExpressProtocol,), own)
