"""Requests that the server answers itself, before there is a task or a scope for the application.

The application offers a ``Front``: given a method, a target and headers, it names an answer or
passes. Only plain requests come before it: HTTP/1.1, kept alive, without a body, nothing in front
of them in the same connection. Everything else takes the ordinary road, which gives the same
answers.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from harbor.core import web
from harbor.core.watch import Limits
from harbor.core.zerocopy import ServingProtocol

Headers = list[tuple[bytes, bytes]]
METHODS = frozenset((b"GET", b"HEAD"))
NOT_PLAIN = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))


class Front(NamedTuple):
    answer: Callable[[bytes, bytes, Headers], tuple[bytes, bytes] | None]  # header lines and body
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

    __slots__ = ("_at_once",)
    front: Front | None = None
    dated = Dated()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._at_once = False  # the request that is being read was answered already

    def on_headers_complete(self) -> None:
        if self.front is not None and self._is_plain() and self._answer_at_once(self.front):
            return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._at_once:
            super().on_message_complete()
            return
        self._at_once = False
        self._in_head = True
        self._head_bytes = self._age = 0

    def _is_plain(self) -> bool:
        limits = self._limits
        return (
            not self._busy
            and not self._refused
            and self._peer is not None
            and self._head_bytes <= limits.max_header_bytes
            and len(self.headers) <= limits.max_header_lines
            and not self.flow.write_paused
            and self.parser.get_method() in METHODS
            and self.parser.should_keep_alive()
            and self.parser.get_http_version() == "1.1"
            and NOT_PLAIN.isdisjoint([name for name, _ in self.headers])
        )

    def _answer_at_once(self, front: Front) -> bool:
        started = time.perf_counter() if front.note else 0.0
        method = self.parser.get_method()
        found = front.answer(method, self.url, self.headers)
        if found is None:
            return False
        head, body = found
        request_id = web.id_of(self.headers)
        dated = self.dated(self.server_state.default_headers)
        self.transport.write(
            b"HTTP/1.1 200 OK\r\n%b%bx-request-id: %b\r\n\r\n%b" % (dated, head, request_id, body)
        )
        if front.note:
            target = self.url.decode("ascii", "replace")
            front.note(
                web.access_line(self.client, method.decode(), target, 200, started, request_id)
            )
        self._at_once = True
        self._running, self.scope = Answered, Answered.scope  # type: ignore[assignment]
        self.server_state.total_requests += 1
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        return True


def serving(limits: Limits, front: Front | None = None) -> type[ExpressProtocol]:
    """The protocol with these limits, before an application with this front."""
    own = {"__slots__": (), "limits": limits, "front": front}
    return type("ServingProtocol", (ExpressProtocol,), own)
