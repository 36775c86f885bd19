"""Bytes on their way from a client to the disk, hashed and written beside the event loop."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harbor.core.oci import Digest
from harbor.core.storage.disk import MIB, feed, full_disk_told
from harbor.core.storage.interface import StorageFull
from harbor.core.storage.writing import Writer

if TYPE_CHECKING:
    from _hashlib import HASH  # the type has no public name before Python 3.12

SMALL = 64 * 1024  # bytes; up to here a thread costs more than the work
BATCH = MIB // 2  # bytes, hashed and written in one go; as many again gather meanwhile
LIGHTEST = 1024  # tiny pieces weigh this much, so that 1,024 of them, IOV_MAX, are a batch
DWELL_S = 0.25  # bytes wait no longer for more to come: a crash would lose them
AT_ONCE = 16  # uploads whose bytes are taken in at the same time
SLICE = 8 * MIB  # then whoever waits has a turn
LATE_S = 0.1  # who holds a turn, and sends nothing for so long, loses it to whoever waits


Queue = deque[tuple["Turn", asyncio.Future[None]]]


class Turns:
    """Lets few uploads in at a time: thousands at once would need memory, and be slow, all of them.

    First come, first served; nobody waits for a client that sends nothing. Who lost a turn for that
    queues apart: behind thousands, it would be found asleep again, because a sender that has to
    wait tries ever more seldom.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._holders: set[Turn] = set()
        self._waiting: Queue = deque()
        self._returning: Queue = deque()
        self._returning_next = False
        self._looking: asyncio.TimerHandle | None = None

    @property
    def wanted(self) -> bool:
        return bool(self._waiting or self._returning)

    def enter(self, turn: "Turn") -> bool:
        """Whether *turn* begins at once."""
        if not self._free or self.wanted:
            return False
        self._free -= 1
        self._holders.add(turn)
        return True

    async def wait(self, turn: "Turn", *, returning: bool) -> None:
        called = asyncio.get_running_loop().create_future()
        queue = self._returning if returning else self._waiting
        queue.append((turn, called))
        if self._looking is None:
            self._look_later()
        try:
            await called
        except asyncio.CancelledError:
            self.leave(turn)  # if it was called at the same moment
            with suppress(ValueError):
                queue.remove((turn, called))
            raise

    def leave(self, turn: "Turn") -> None:
        if turn not in self._holders:
            return
        self._holders.remove(turn)
        self._free += 1
        while self._free and self.wanted:
            following, called = self._pop()
            if not called.done():
                self._free -= 1
                self._holders.add(following)
                called.set_result(None)

    def _pop(self) -> "tuple[Turn, asyncio.Future[None]]":
        """Who is next: one of each queue in turn, so that neither keeps out the other."""
        self._returning_next = not self._returning_next
        first, second = self._waiting, self._returning
        if self._returning_next:
            first, second = second, first
        return (first or second).popleft()

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(LATE_S, self._look)

    def _look(self) -> None:
        self._looking = None
        for turn in [turn for turn in self._holders if turn.is_late()]:
            self.leave(turn)
        if self.wanted:
            self._look_later()

    def holds(self, turn: "Turn") -> bool:
        return turn in self._holders


class Turn:
    """One upload's place among the others."""

    def __init__(self, turns: Turns) -> None:
        self.busy = False  # the threads are at work: not the client's fault
        self._turns = turns
        self._nbytes = self._seen = 0

    async def begin(self) -> None:
        returning = 0 < self._nbytes < SLICE  # lost it by being late
        if not returning:
            self._nbytes = 0
        self._seen = self._nbytes
        if not self._turns.enter(self):
            await self._turns.wait(self, returning=returning)

    def is_over(self, nbytes: int) -> bool:
        """Note that bytes came; whether the next turn must be waited for."""
        self._nbytes += nbytes
        if self._nbytes >= SLICE and self._turns.wanted:
            self._turns.leave(self)
        return not self._turns.holds(self)

    def end(self) -> None:
        self._turns.leave(self)

    def is_late(self) -> bool:
        """Whether nothing has come since the last look."""
        late = self._nbytes == self._seen and not self.busy
        self._seen = self._nbytes
        return late


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
    """One ``append``: gathers pieces to batches, while the batch before is hashed and written.

    One thread does both: what it has just written is still in the processor's cache.
    """

    def __init__(
        self,
        writer: Writer,
        progress: Progress,
        pool: Executor,
        turns: Turns,
        has_room: Callable[[], bool],
    ) -> None:
        self.failed = False  # to hash or write; that the client went away is no failure
        self._writer = writer
        self._progress = progress
        self._pool = pool
        self._turn = Turn(turns)
        self._has_room = has_room
        self._batch: list[bytes] = []
        self._weight = 0
        self._running: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._ripening: asyncio.TimerHandle | None = None  # while there is a batch

    async def take(self, chunks: AsyncIterator[bytes]) -> None:
        """Hash and write *chunks*; if they raise, what came before is kept."""
        try:
            await self._turn.begin()
            async for chunk in chunks:
                if chunk:
                    self._gather(chunk)
                    if self._weight >= BATCH:
                        await self._hand_over(more=True)
                    if self._turn.is_over(len(chunk)):
                        await self._put_down()
                        await self._turn.begin()
        finally:
            self._stop_ripening()
            try:
                if not self.failed:
                    await self._finish()
            finally:
                self._turn.end()

    def _gather(self, piece: bytes) -> None:
        if not self._batch:
            self._ripening = self._loop.call_later(DWELL_S, self._ripen)
        self._batch.append(piece)
        self._weight += max(len(piece), LIGHTEST)

    def _ripen(self) -> None:
        """Start on what was gathered although no more comes: the client is slow, or has gone."""
        if self._running is None or (self._running.done() and not self._running.exception()):
            if self._has_room():
                self._start()
        else:
            self._ripening = self._loop.call_later(DWELL_S, self._ripen)

    def _stop_ripening(self) -> None:
        if self._ripening is not None:
            self._ripening.cancel()
            self._ripening = None

    async def _hand_over(self, *, more: bool = False) -> None:
        """Start on what was gathered, after the batch before it."""
        self._stop_ripening()
        await self._settle()
        self._require_room()
        self._start(more=more)

    def _start(self, *, more: bool = False) -> None:
        batch, self._batch, self._weight = self._batch, [], 0
        self._running = self._loop.run_in_executor(self._pool, self._keep, batch, more)
        self._turn.busy = True
        self._running.add_done_callback(self._rested)

    def _rested(self, _: asyncio.Future[None]) -> None:
        self._turn.busy = False

    async def _finish(self) -> None:
        if self._batch and (self._running is not None or self._weight > SMALL):
            await self._hand_over()
        if self._running is not None:
            await self._settle()
            if self._writer.waits:
                await self._hand_over()
                await self._settle()
        elif self._batch:
            self._require_room()
            self.failed = True  # until it is done
            self._keep(self._batch)
            self.failed = False

    async def _put_down(self) -> None:
        """Keep what was gathered: who waits holds no memory."""
        await self._settle()
        if self._batch or self._writer.waits:
            await self._hand_over()
            await self._settle()

    async def _settle(self) -> None:
        if self._running is None:
            return
        try:
            await settled(self._running)
        finally:
            error = self._running.exception()
            self.failed = error is not None
        if error is not None:
            raise error

    def _require_room(self) -> None:
        if not self._has_room():
            self.failed = True
            raise StorageFull("the free space is down to its reserve")

    def _keep(self, batch: Sequence[bytes], more: bool = False) -> None:
        with full_disk_told():
            self._writer.write(batch, more=more)
        for piece in batch:
            self._progress.add(piece)
