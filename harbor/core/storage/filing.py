"""Files get their names as blobs: those that come within one turn of the loop, together.

One thread does it for all of them. Each call that waits for the disk lets go of the interpreter
and takes it again, and threads that do so beside each other cost more than the work. The disk has
begun with all files before the first is waited for, so the others take it little time.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Executor

from msgspec import Struct

from harbor.core.storage import disk
from harbor.core.storage.interface import StorageFull, UploadMissing
from harbor.core.storage.layout import Layout
from harbor.core.storage.stages import settled


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


class Filing:
    def __init__(self, pool: Executor, layout: Layout) -> None:
        self._pool, self._layout = pool, layout
        self._waiting: list[tuple[Move, asyncio.Future[None]]] = []
        self._folders: dict[str, int] = {}
        self._opening = threading.Lock()

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

        def work() -> None:
            try:
                self._file([move for move, _ in waiting])
            finally:
                loop.call_soon_threadsafe(tell, [done for _, done in waiting])

        self._pool.submit(work)

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
                    os.fsync(self._folder(shard))
            except (OSError, StorageFull) as error:
                for move in moves:
                    if move.shard == shard:
                        move.error = error

    def _folder(self, path: str) -> int:
        """Its descriptor, which stays open: to open it each time would take as long as to sync."""
        with self._opening:
            if path not in self._folders:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                self._folders[path] = os.open(path, flags)
            return self._folders[path]

    def close(self) -> None:
        """Once no thread is at work."""
        while self._folders:
            os.close(self._folders.popitem()[1])

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
