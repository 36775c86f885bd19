"""Bytes on their way from a client to the disk, hashed and written beside the event loop."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from harbor.core.oci import Digest
from harbor.core.storage.disk import MIB, feed, full_disk_told
from harbor.core.storage.interface import StorageFull
from harbor.core.storage.sources import Source
from harbor.core.storage.stages import DEPTH, Stages
from harbor.core.storage.writing import BATCH, LEAST, Batch, Writer

if TYPE_CHECKING:
    from _hashlib import HASH  # the type has no public name before Python 3.12

SMALL = 64 * 1024  # bytes; up to here a thread costs more than the work
AT_ONCE = 16  # uploads whose bytes are taken in at the same time
SLICE = 8 * MIB  # then whoever waits has a turn
MEMORY = 7 * MIB  # that is lent, unless few uploads need less
BLOCKS = MIB // 4  # of which each has whole ones
FEW = 2  # uploads, of each of which one batch is filled while another is worked on
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

    @property
    def depth(self) -> int:
        """How many batches of one upload have memory at a time.

        Of more than a few, one each: others are filled while it is worked on, and large batches
        gain more than to be ahead.
        """
        return DEPTH if len(self._holders) <= FEW else 1

    @property
    def share(self) -> int:
        """How many bytes of memory to lend at once: the fewer uploads, the more."""
        each = MEMORY // (self.depth * max(1, len(self._holders)))
        return max(LEAST, min(each - each % BLOCKS, BATCH))

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

    def __init__(self, turns: Turns, source: Source) -> None:
        self.busy = False  # the threads are at work: not the client's fault
        self._turns = turns
        self._source = source
        self._nbytes = 0  # taken in this turn
        self._seen = 0  # that had come when last looked at

    async def begin(self) -> None:
        returning = 0 < self._nbytes < SLICE  # lost it by being late
        if not returning:
            self._nbytes = 0
        self._seen = self._source.come
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
        late = self._source.come == self._seen and not self.busy
        self._seen = self._source.come
        return late


class Pools(NamedTuple):
    """The threads of a store."""

    waiters: Executor  # for the disk
    lanes: Executor  # of the processor


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


class Intake:
    """One ``append``: memory is filled, while what was filled before is hashed and written."""

    def __init__(
        self,
        writer: Writer,
        progress: Progress,
        pools: Pools,
        turns: Turns,
        has_room: Callable[[], bool],
    ) -> None:
        self.failed = False  # to hash or write; that the client went away is no failure
        self._writer = writer
        self._progress = progress
        self._turns = turns
        self._has_room = has_room
        stages = (pools.waiters, self._write, DEPTH), (pools.lanes, self._hash, 1)
        self._stages = Stages(stages, writer.free)

    async def take(self, source: Source) -> None:
        """Hash and write all of *source*; if it raises, what came before is kept."""
        turn = Turn(self._turns, source)
        try:
            await turn.begin()
            while batch := await self._filled(source):
                nbytes = batch.stop - batch.start
                await self._keep(batch, turn, at_once=nbytes <= SMALL and source.is_over)
                if turn.is_over(nbytes):
                    await self._put_down()
                    await turn.begin()
        finally:
            try:
                await self._put_down()
            finally:
                turn.end()
                self._stages.close()

    async def _filled(self, source: Source) -> Batch | None:
        """What comes next; None at the end."""
        lent: list[Batch] = []

        def lend() -> memoryview:
            lent.append(self._writer.lend(self._turns.share))
            return lent[0].room

        nbytes = await source.fill(lend)
        if not nbytes:
            return None
        self._writer.fill(lent[0], nbytes)
        return lent[0]

    async def _keep(self, batch: Batch, turn: "Turn", *, at_once: bool) -> None:
        """Start on what was filled, or do it, *at_once*: for little, that is less work."""
        with self._failing():
            if not self._has_room():
                raise StorageFull("the free space is down to its reserve")
            if at_once and self._stages.is_idle:
                self._write([batch])
                self._hash([batch])
                self._writer.free(batch)
                return
            turn.busy = True
            await self._stages.put(batch, self._turns.depth)
            turn.busy = False

    async def _put_down(self) -> None:
        """Have all of it written, and hold no memory."""
        with self._failing():
            await self._stages.until()
        self._writer.rest()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.failed = True
            raise

    def _write(self, batches: list[Batch]) -> None:
        with full_disk_told():
            self._writer.write(batches)

    def _hash(self, batches: list[Batch]) -> None:
        for batch in batches:
            self._progress.add(batch.content)
