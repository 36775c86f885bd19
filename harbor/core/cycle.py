"""A request whose body comes in pieces, or is put into memory that the application lends.

An application that wants much finds the request itself in the extensions of its ASGI scope, under
`FILL`, and asks it to ``fill`` memory. That is ours: where it is missing (other servers, tests), it
receives messages.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from harbor.core.guard import check_uvicorn

if TYPE_CHECKING:
    from harbor.core.bodies import BodyProtocol

FILL = "harbor.http.fill"
DWELL_S = 0.25  # bytes wait no longer for more to come: a crash would lose them
LENGTH = re.compile(rb"[0-9]{1,18}")

check_uvicorn(
    __name__,
    (
        # With `__dict__` there are no slots, and the class of an instance can be changed.
        (RequestResponseCycle, "__dict__ body flow more_body message_event receive run_asgi"),
        (RequestResponseCycle, "disconnected response_complete transport waiting_for_100_continue"),
        (RequestResponseCycle, "keep_alive scope"),
    ),
)


class BodyCycle(RequestResponseCycle):
    """A request whose body is a queue of pieces. Made of one of uvicorn's, when it starts."""

    body: deque[bytes]  # type: ignore[assignment]
    protocol: "BodyProtocol"
    come = 0  # bytes of the body
    length: int | None = None  # of the body in bytes, once somebody asks; 0: not announced
    lend: Callable[[], memoryview] | None = None  # while the application waits for bytes
    memory: memoryview | None = None  # that was lent
    filled = 0  # bytes of it
    is_late = False  # they have waited for more for as long as they may

    async def run_asgi(self, app: Any) -> None:
        extensions: dict[str, Any] = {}
        if self.more_body or self.body:
            extensions = dict(self.scope.get("extensions", ()))
            self.scope["extensions"] = extensions
            extensions[FILL] = self
        try:
            await super().run_asgi(app)
        finally:
            extensions.pop(FILL, None)  # or they would keep each other alive
            if self.body:
                self.protocol.forget(self)

    @property
    def is_over(self) -> bool:
        """Whether the application has all of the body."""
        return not self.more_body and not self.body

    async def fill(self, lend: Callable[[], memoryview]) -> int:
        """As ``harbor.core.storage.sources.Source``; raises ``ClientDisconnect``."""
        self._let_go_on()
        self.memory, self.filled, self.is_late = None, 0, False
        self.lend = lend
        try:
            if self.body:
                self.protocol.unload(self)
            if not self._is_filled():
                await self._until_filled()
        finally:
            self.lend = self.memory = None
        if not self.filled and (self.more_body or self.response_complete):
            raise ClientDisconnect
        return self.filled

    async def _until_filled(self) -> None:
        loop = asyncio.get_running_loop()
        dwell = loop.call_later(DWELL_S, self._dawdle)
        self.protocol.read_on()
        self.protocol.read_past(self)
        try:
            while not self._is_filled():
                await self.message_event.wait()
                self.message_event.clear()
        finally:
            dwell.cancel()

    def _is_filled(self) -> bool:
        """Whether no more is to be waited for."""
        if not self.more_body or self.disconnected or self.response_complete:
            return True
        return self.filled > 0 and (self.is_late or not self.room)

    def _dawdle(self) -> None:
        self.is_late = True
        if self.filled:
            self.message_event.set()

    @property
    def to_come(self) -> int:
        """How many bytes are still to come, if that was announced; else 0."""
        if self.length is None:
            named = dict(self.scope["headers"])
            length = LENGTH.fullmatch(named.get(b"content-length", b""))
            self.length = int(length[0]) if length and b"transfer-encoding" not in named else 0
        return max(0, self.length - self.come)

    @property
    def room(self) -> int:
        """How much more the application's memory takes."""
        return len(self.memory) - self.filled if self.memory is not None else 0

    def borrow(self) -> memoryview | None:
        """What is free of the application's memory, if it has lent any."""
        if self.lend is None:
            return None
        if self.memory is None:
            self.memory = self.lend()
        return self.memory[self.filled :]

    def put(self, nbytes: int) -> None:
        """Note that so many bytes are in the memory now."""
        self.filled += nbytes
        if self.is_late or not self.room:
            self.message_event.set()

    def _let_go_on(self) -> None:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False

    async def receive(self) -> Any:
        self._let_go_on()
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
