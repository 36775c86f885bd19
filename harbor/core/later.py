"""What may be written a second later: pull counts, pull times, audit lines of pulls.

Only what can be lost without harm is handed in here. A kill loses at most the last second of
it; a proper stop loses nothing.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from harbor.core import clock
from harbor.core.db import Database
from harbor.core.quick import Pen

log = logging.getLogger(__name__)
Write = Callable[[Pen, Sequence[Any]], Awaitable[None]]
INTERVAL_S = 1.0
MAX_WAITING = 100_000  # items; beyond that the database cannot follow, and the oldest are dropped


class Later:
    """Items by the function that writes them, many in one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: dict[Write, list[Any]] = defaultdict(list)

    def add(self, write: Write, item: object) -> None:
        self._waiting[write].append(item)

    async def flush(self) -> None:
        """Write all that waits.

        What fails stays, to be tried again, and so does what a stop interrupts.
        """
        for write in list(self._waiting):
            items = self._waiting.pop(write)
            written = False
            try:
                await self._db.quick.write(partial(write_all, write, items))
                written = True
            except Exception:  # whatever the database says, the items are tried again
                log.exception("could not write what waited", extra={"items": len(items)})
            finally:
                if not written:
                    self._waiting[write] = (items + self._waiting[write])[-MAX_WAITING:]

    async def run(self, stopping: asyncio.Event) -> None:
        """Flush every second until told to stop, and once more then."""
        while await clock.pause(INTERVAL_S, stopping):
            if self._waiting:
                await self.flush()
        await self.flush()


async def write_all(write: Write, items: Sequence[Any], pen: Pen) -> None:
    await write(pen, items)
