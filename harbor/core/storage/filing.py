"""Files get their names as blobs: those that come within one turn of the loop, together.

Where the disk is fast, one thread does it for all of them: each call that waits for the disk lets
go of the interpreter and takes it again, and threads that do so side by side cost more than the
work. Where the disk is slow, each file has a thread, for many syncs at once cost it little more
than one. A thread has the disk begin with all its files before it waits for the first.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import Executor

from msgspec import Struct

from harbor.core.storage import disk
from harbor.core.storage.interface import StorageFull, UploadMissing
from harbor.core.storage.layout import Layout
from harbor.core.storage.stages import settled

TURN_S = 0.004  # what a thread takes on is done in about that time
GUESS_S = 0.001  # that a file takes, before it is known


class Move(Struct, eq=False):
    """A file that is to be a blob."""

    fd: int
    source: str
    target: str
    nbytes: int
    sync: bool = True  # its bytes are not on the disk yet
    old: bool = False  # a sweep must see that the blob is new
    error: Exception | None = None

    @property
    def shard(self) -> str:
        return self.target.rpartition("/")[0]


Waiting = tuple[Move, asyncio.Future[None]]


class Filing:
    def __init__(self, pool: Executor, layout: Layout) -> None:
        self._pool, self._layout = pool, layout
        self._waiting: list[Waiting] = []
        self._each_s = GUESS_S  # that a file took lately

    async def move(self, move: Move) -> None:
        """Make *move*; name and bytes are on the disk then. ``UploadMissing``, ``StorageFull``."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._start, loop)
        self._waiting.append((move, done))
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            await settled(done)  # the caller closes the file next
            raise
        if move.error is not None:
            raise move.error

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting, []
        share = max(1, int(TURN_S / self._each_s))
        for first in range(0, len(waiting), share):
            self._pool.submit(self._work, loop, waiting[first : first + share])

    def _work(self, loop: asyncio.AbstractEventLoop, waiting: Sequence[Waiting]) -> None:
        began = time.monotonic()
        try:
            self._file([move for move, _ in waiting])
        except Exception as error:  # noqa: BLE001 - `move` raises it
            for move, _ in waiting:
                move.error = move.error or error
        finally:
            each_s = (time.monotonic() - began) / len(waiting)
            self._each_s += (each_s - self._each_s) / 4
            loop.call_soon_threadsafe(tell, [done for _, done in waiting])

    def _file(self, moves: Sequence[Move]) -> None:
        unsynced = [move for move in moves if move.sync]
        if len(unsynced) > 1:
            for move in unsynced:
                disk.start_write_back(move.fd, 0, move.nbytes)
        for move in moves:
            self._name(move)
        # Each folder once, after all names that were given in it.
        for shard in {move.shard for move in moves if move.error is None}:
            try:
                with disk.full_disk_told():
                    disk.sync_directory(shard)
            except (OSError, StorageFull) as error:
                for move in moves:
                    if move.shard == shard:
                        move.error = error

    def _name(self, move: Move) -> None:
        try:
            with disk.full_disk_told():
                if move.sync:
                    os.fdatasync(move.fd)
                if move.old:
                    os.utime(move.fd)
                self._layout.keep(move.shard)
                try:
                    os.rename(move.source, move.target)
                except FileNotFoundError:
                    raise UploadMissing(move.source) from None  # cancelled meanwhile
        except (OSError, StorageFull, UploadMissing) as error:
            move.error = error


def tell(futures: Sequence[asyncio.Future[None]]) -> None:
    for done in futures:
        done.set_result(None)
