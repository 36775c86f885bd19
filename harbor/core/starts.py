"""Requests begin few at a time: thousands at once would keep the event loop from all others.

A loop runs whatever is ready before it looks at anything else. When thousands of clients connect
and ask at the same moment, the first steps of all of their requests would be ready; and when what
they send is there at the same moment, all of it would be parsed.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

AT_ONCE = 32  # in one turn of the loop, at most: some 20 ms, if all of them are uploads
FEWEST = 4  # and where turns take long, because the machine is slow or there is more to do
LONG_S = 0.03  # for a turn


class Starts:
    """Says whether one more may begin now, and begins the others later, in their order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._most = AT_ONCE
        self._begun = 0  # in this turn of the loop, and perhaps some before it
        self._went_on_at = 0.0  # if that was in the turn before this one
        self._is_counted = False  # whoever begins now is
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def are_enough(self) -> bool:
        """Whether as many have begun as may, so that one more has to wait."""
        return self._begun >= self._most and not self._is_counted

    def may_begin(self) -> bool:
        """Whether to begin now. If so, it is counted."""
        if self._is_counted:
            return True
        if self._begun >= self._most:
            return False
        self._count()
        return True

    def begin_soon(self, start: Callable[[], None]) -> None:
        """Have *start* called after those that wait already, since it may not begin now."""
        self._waiting.append(start)

    def _count(self) -> None:
        self._begun += 1
        if self._begun == self._most:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        now = monotonic()
        if self._went_on_at:
            self._adapt(now - self._went_on_at)
        self._begun, self._went_on_at = 0, 0.0
        try:
            while self._waiting and self.may_begin():
                self._start(self._waiting.popleft())
        finally:
            if self._begun == self._most:
                self._went_on_at = now
            elif self._waiting:  # one of them failed
                self._loop.call_soon(self._go_on)

    def _adapt(self, turn_s: float) -> None:
        """Let fewer begin in a turn if the last one was long, and more if it was short."""
        if turn_s > LONG_S:
            self._most = max(FEWEST, self._most // 2)
        elif turn_s < LONG_S / 2:
            self._most = min(AT_ONCE, self._most + FEWEST)

    def _start(self, start: Callable[[], None]) -> None:
        self._is_counted = True
        try:
            start()
        finally:
            self._is_counted = False
