"""Requests begin few at a time: thousands at once would keep the event loop from all others.

A loop runs whatever is ready before it looks at anything else. When thousands of clients connect
and ask at the same moment, the first steps of all of their requests would be ready.
"""

import asyncio
from collections import deque
from collections.abc import Callable

AT_ONCE = 32  # in one turn of the loop: some 20 ms, if all of them are uploads


class Starts:
    """Says whether one more may begin now, and begins the others later, in their order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._begun = 0  # in this turn of the loop, and perhaps some before it
        self._waiting: deque[Callable[[], None]] = deque()

    def may_begin(self) -> bool:
        """Whether to begin now. If so, it is counted."""
        if self._begun == AT_ONCE:
            return False
        self._count()
        return True

    def begin_soon(self, start: Callable[[], None]) -> None:
        """Have *start* called after those that wait already, since it may not begin now."""
        self._waiting.append(start)

    def _count(self) -> None:
        self._begun += 1
        if self._begun == AT_ONCE:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._begun = 0
        while self._waiting and self.may_begin():
            self._waiting.popleft()()
