"""Batches on their way: hashed in one thread and written in another, in their order.

A thread goes on for as long as there is more to do. To hand over each batch to a thread of its own
would cost as much as to hash it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any

from harbor.core.storage.writing import Batch

DEPTH = 2  # batches of one upload that are worked on at most: then no more are filled
ROUNDS = 16  # then other uploads, for which there is no thread, have a turn

Work = Callable[[list[Batch]], None]


class Stage:
    """Does *work* in the order in which it comes, *at_once* at most; one thread at a time."""

    def __init__(self, pool: Executor, work: Work, at_once: int) -> None:
        self._pool, self._work, self._at_once = pool, work, at_once
        self._lock = threading.Lock()
        self._queue: deque[Batch] = deque()
        self._runs = False

    def put(self, batch: Batch) -> None:
        with self._lock:
            self._queue.append(batch)
            begins, self._runs = not self._runs, True
        if begins:
            self._pool.submit(self._run)

    def _run(self) -> None:
        for _ in range(ROUNDS):
            with self._lock:
                count = min(len(self._queue), self._at_once)
                found = [self._queue.popleft() for _ in range(count)]
                self._runs = bool(found)
            if not found:
                return
            self._work(found)
        self._pool.submit(self._run)  # behind the others


class Stages:
    """What becomes of one upload's batches, of which few are under way at a time."""

    def __init__(
        self, stages: Iterable[tuple[Executor, Work, int]], free: Callable[[Batch], None]
    ) -> None:
        """Threads, what they do, and with how many batches in one go.

        *free* is told of each batch that all stages are done with.
        """
        self.error: Exception | None = None  # the first; nothing is done after it
        self._stages = [Stage(pool, self._doing(work), most) for pool, work, most in stages]
        self._free = free
        self._lock = threading.Lock()
        self._under_way = 0
        self._loop = asyncio.get_running_loop()
        self._waits: tuple[int, asyncio.Future[None]] | None = None

    @property
    def is_idle(self) -> bool:
        return not self._under_way

    async def put(self, batch: Batch, depth: int = DEPTH) -> None:
        """Have *batch* hashed and written; wait while *depth* batches are under way."""
        batch.stages = len(self._stages)
        with self._lock:
            self._under_way += 1
            full = self._under_way >= depth
        for stage in self._stages:
            stage.put(batch)
        if full:
            await self.until(depth - 1)

    async def until(self, few: int = 0) -> None:
        """Wait until *few* batches are under way, even if cancelled meanwhile; raises `error`."""
        arrived = None
        with self._lock:
            if self._under_way > few:
                arrived = self._loop.create_future()
                self._waits = few, arrived
        if arrived is not None:
            await settled(arrived)
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """Let go of the stages, which know this: else they stay until garbage is collected."""
        self._stages.clear()

    def _doing(self, work: Work) -> Work:
        def do(batches: list[Batch]) -> None:
            try:
                if self.error is None:
                    work(batches)
            except Exception as error:  # noqa: BLE001 - `until` raises it
                self.error = self.error or error
            finally:
                for batch in batches:
                    self._done(batch)

        return do

    def _done(self, batch: Batch) -> None:
        called = None
        with self._lock:
            batch.stages -= 1
            if batch.stages:
                return
            self._free(batch)
            self._under_way -= 1
            if self._waits is not None and self._under_way <= self._waits[0]:
                (_, called), self._waits = self._waits, None
        if called is not None:
            self._loop.call_soon_threadsafe(called.set_result, None)


async def settled(*futures: asyncio.Future[Any]) -> None:
    """Wait until all *futures* are done, even if the caller is cancelled meanwhile.

    Their threads work on a descriptor that the caller closes next; its number would soon be
    another file's.
    """
    cancelled: asyncio.CancelledError | None = None
    while waiting := [future for future in futures if not future.done()]:
        try:
            await asyncio.wait(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        for future in futures:
            future.exception()  # nobody else will ask, and asyncio would complain of that
        raise cancelled
