"""Bytes on their way from a client to the disk, hashed and written side by side."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harbor.core.oci import Digest
from harbor.core.storage.disk import MIB, feed, full_disk_told, start_write_back, write_all
from harbor.core.storage.interface import StorageFull

if TYPE_CHECKING:
    from _hashlib import HASH  # the type has no public name before Python 3.12

SMALL = 64 * 1024  # bytes; up to here a thread costs more than the work
BATCH = MIB  # handed to the threads when they are idle
LEAST = 128 * 1024  # handed over at once while very many uploads go on
MANY = 48 * MIB
TURN_S = 2.0  # who waits for a turn may be behind clients that do not use theirs
FULL = 2 * MIB  # the client waits: as much again is with the threads, 4 MiB for an upload
LIGHTEST = 2 * 1024  # tiny pieces weigh this much, so that 1,024 of them, IOV_MAX, are FULL
DWELL_S = 0.25  # bytes wait no longer for more to come: a crash would lose them
WRITE_BACK = 8 * MIB


@dataclass(slots=True)
class Load:
    """The bytes that all uploads of a store have gathered, or are hashing and writing."""

    nbytes: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def turn(self) -> None:
        """Wait until there is room for a batch; first come, first served."""
        if self.nbytes < MANY:
            return
        called = asyncio.get_running_loop().create_future()
        self.waiting.append(called)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(TURN_S):
                    await called
        finally:
            if called.cancelled():
                with suppress(ValueError):  # as it may have been called at the same moment
                    self.waiting.remove(called)

    def give_back(self, nbytes: int) -> None:
        self.nbytes -= nbytes
        for _ in range(min(len(self.waiting), (MANY - self.nbytes) // LEAST)):
            called = self.waiting.popleft()
            if not called.done():
                called.set_result(None)


@dataclass(slots=True)
class Progress:
    """How far an upload has been hashed, so that ``seal`` need not read it all again."""

    nbytes: int = 0
    hasher: "HASH" = field(default_factory=hashlib.sha256)
    digest: Digest | None = None  # known to be that of the bytes as they are now
    synced: bool = False  # they are on the disk

    def add(self, piece: bytes | memoryview) -> None:
        self.digest, self.synced = None, False
        self.hasher.update(piece)
        self.nbytes += len(piece)

    def catch_up(self, fd: int, size: int) -> None:
        """Read what was written before a restart, or by another process."""
        feed(self.add, fd, self.nbytes, size)


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


class Intake:
    """One ``append``: gathers pieces to batches, while the batch before is hashed and written."""

    def __init__(
        self,
        fd: int,
        progress: Progress,
        pool: Executor,
        load: Load,
        has_room: Callable[[], bool],
    ) -> None:
        self.failed = False  # to hash or write; that the client went away is no failure
        self._fd = fd
        self._progress = progress
        self._pool = pool
        self._load = load
        self._has_room = has_room
        self._end = self._pushed = progress.nbytes
        self._batch: list[bytes] = []
        self._weight = 0
        self._nbytes = self._working = 0  # of the load, and what of it the threads have
        self._running: Sequence[asyncio.Future[None]] = ()
        self._loop = asyncio.get_running_loop()
        self._ripening: asyncio.TimerHandle | None = None  # while there is a batch

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Hash and write *chunks*; if they raise, what came before is kept."""
        try:
            await self._load.turn()
            async for chunk in chunks:
                if chunk:
                    self._gather(chunk)
                    if self._due():
                        await self._hand_over()
                        if self._load.nbytes >= MANY:
                            await self._settle()
                            await self._load.turn()
        finally:
            self._stop_ripening()
            try:
                if not self.failed:
                    await self._finish()
            finally:
                self._working = self._nbytes
                self._let_go()

    def _gather(self, piece: bytes) -> None:
        if not self._batch:
            self._ripening = self._loop.call_later(DWELL_S, self._ripen)
        self._batch.append(piece)
        self._weight += max(len(piece), LIGHTEST)
        self._nbytes += len(piece)
        self._load.nbytes += len(piece)

    def _let_go(self) -> None:
        self._load.give_back(self._working)
        self._nbytes -= self._working
        self._working = 0

    def _due(self) -> bool:
        if self._weight >= BATCH:
            return self._weight >= FULL or self._idle()
        return self._weight >= LEAST and self._load.nbytes >= MANY

    def _idle(self) -> bool:
        return all(future.done() for future in self._running)

    def _ripen(self) -> None:
        """Start on what was gathered although no more comes: the client is slow, or has gone."""
        if self._idle() and not any(future.exception() for future in self._running):
            if self._has_room():
                self._start()
        else:
            self._ripening = self._loop.call_later(DWELL_S, self._ripen)

    def _stop_ripening(self) -> None:
        if self._ripening is not None:
            self._ripening.cancel()
            self._ripening = None

    async def _hand_over(self) -> None:
        """Start on what was gathered, after the batch before it."""
        self._stop_ripening()
        await self._settle()
        self._require_room()
        self._start()

    def _start(self) -> None:
        self._let_go()  # of the batch before
        self._working = self._nbytes
        lanes = (self._hash, self._write) if self._weight > SMALL else (self._hash_and_write,)
        batch, self._batch, self._weight = self._batch, [], 0
        self._running = [self._loop.run_in_executor(self._pool, lane, batch) for lane in lanes]
        for future in self._running:
            future.add_done_callback(self._worked)

    def _worked(self, _: asyncio.Future[None]) -> None:
        if self._idle():
            self._let_go()

    async def _finish(self) -> None:
        if self._batch and (self._running or self._weight > SMALL):
            await self._hand_over()
        if self._running:
            await self._settle()
        elif self._batch:
            self._require_room()
            self.failed = True  # until both are done
            self._hash_and_write(self._batch)
            self.failed = False

    async def _settle(self) -> None:
        try:
            await settled(*self._running)
        finally:
            errors = [error for future in self._running if (error := future.exception())]
            self.failed = bool(errors)
        if errors:
            raise errors[0]

    def _require_room(self) -> None:
        if not self._has_room():
            self.failed = True
            raise StorageFull("the free space is down to its reserve")

    def _hash_and_write(self, batch: Sequence[bytes]) -> None:
        self._hash(batch)
        self._write(batch)

    def _hash(self, batch: Sequence[bytes]) -> None:
        for piece in batch:
            self._progress.add(piece)

    def _write(self, batch: Sequence[bytes]) -> None:
        with full_disk_told():
            self._end = write_all(self._fd, batch, self._end)
        if self._end - self._pushed >= WRITE_BACK:
            start_write_back(self._fd, self._pushed, self._end)
            self._pushed = self._end
