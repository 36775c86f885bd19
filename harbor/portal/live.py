"""Telling browsers that something was changed, so that they read anew what they show.

An answer lasts a few seconds only: the browser asks again, with the number of the last event. So it
ends with the session, nothing is missed between two answers, and no open page keeps a stopping
server waiting.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator

from harbor.core.errors import Unavailable
from harbor.core.quick import Quick

LIFE_S = 12  # less than the least that a stopping server gives (Settings.shutdown_s)
LOOK_EVERY_S = 1.0
MAX_OPEN = 200  # answers at a time, in each process


class Live:
    """The open answers of this process."""

    def __init__(self, quick: Quick) -> None:
        self._quick = quick
        self._open = 0

    def enter(self) -> None:
        """Take a place; ``Unavailable`` if there is none."""
        if self._open >= MAX_OPEN:
            raise Unavailable("too many pages are open", headers={"Retry-After": "30"})
        self._open += 1

    async def events(self, since: str, wait_s: float) -> AsyncIterator[bytes]:
        """Lines of server-sent events: ``changed`` whenever the version is another than *since*.

        Gives back the place that ``enter`` took.
        """
        try:
            ends = time.monotonic() + min(wait_s, LIFE_S)
            yield b"retry: 2000\n\n"
            while True:
                now = await self.version()
                if now != since:
                    yield f"event: changed\nid: {now}\ndata:\n\n".encode()
                    since = now
                if time.monotonic() >= ends:
                    return
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            self._open -= 1

    async def version(self) -> str:
        """What the database holds, in a few characters; each process has its own names for it."""
        text = f"{os.getpid()} {await self._quick.version()}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
