"""Blobs in a directory of this host: the store that needs nothing but a disk.

What a kill or a power cut leaves, step by step:

1. ``append``: some of the bytes; the file's size says how many, and ``seal`` reads them again.
2. ``seal``: the content is on the disk, under the upload's name only.
3. ``publish`` first makes the directory of the blob durable, then renames: whoever opens the
   digest sees nothing before and everything after. Then it makes the rename durable.

The directory of the uploads is never synced. At worst the name of a finished or cancelled upload
comes back, which no row names: a leftover.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from harbor.core import clock
from harbor.core.oci import Digest, digest_of
from harbor.core.storage import disk
from harbor.core.storage.filing import Filing, Move
from harbor.core.storage.interface import (
    Blob,
    BlobMissing,
    DigestMismatch,
    Leftover,
    StorageFull,
    UploadInUse,
    UploadMissing,
    WrongOffset,
)
from harbor.core.storage.lanes import SMALL, Intake, Pools, Progress, Turns
from harbor.core.storage.layout import FILE_MODE, Layout
from harbor.core.storage.sources import Pieces, Source
from harbor.core.storage.stages import settled
from harbor.core.storage.writing import Writer

T = TypeVar("T")

PIECE = 128 * 1024  # bytes read at a time
AHEAD = 2 * PIECE  # read in one go by a thread; more would cost memory for every slow client
REMEMBERED = 1024  # uploads whose hash goes on without reading them again
WAITERS = 16  # threads that wait for the disk; many syncs at once cost it little more than one
YOUNG_S = 60  # since the last byte; sweeps leave an hour
BUSY = min(16, 2 * (os.cpu_count() or 1))  # threads that hash and write: both lanes of each core


class _FileBlob(Struct, frozen=True):
    size: int
    name: str
    fileno: int
    pool: Executor
    url: None = None

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        while start < stop:
            end = min(start + AHEAD, stop)
            if self.size <= SMALL:
                pieces = _pieces(self.fileno, start, end)
            else:
                pieces = await _in_thread(self.pool, _pieces, self.fileno, start, end)
            if not pieces:
                raise OSError(errno.EIO, f"blob {self.name} ends at {start}, before {stop}")
            for piece in pieces:
                yield piece
                start += len(piece)


class FileStore:
    """Implements ``interface.Store``. Several processes of one host may share the directory."""

    def __init__(
        self, root: Path, *, reserve: int, patience_s: float = 5.0, direct: bool = True
    ) -> None:
        """Refuse bytes when fewer than *reserve* are free; wait *patience_s* for a busy upload.

        Large blobs go to the disk *direct*, past the page cache, where that works.
        """
        self._layout = Layout(root)
        self._reserve, self._direct = reserve, direct
        self._patience_s = patience_s
        self._progress: OrderedDict[str, Progress] = OrderedDict()
        self._held: set[str] = set()  # uploads that are locked here
        self._waiters = ThreadPoolExecutor(WAITERS, "storage-wait")
        self._lanes = ThreadPoolExecutor(BUSY, "storage-lane")
        self._pools = Pools(self._waiters, self._lanes)
        self._turns = Turns()
        self._filing = Filing(self._waiters, self._layout)

    def close(self) -> None:
        """End the threads, after what they are doing."""
        self._lanes.shutdown()
        self._waiters.shutdown()

    @asynccontextmanager
    async def open(self, digest: Digest) -> AsyncIterator[Blob]:
        path = self._layout.blob(digest)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobMissing(digest) from None
        try:
            yield _FileBlob(os.fstat(fd).st_size, digest, fd, self._waiters)
        finally:
            os.close(fd)

    async def delete(self, digest: Digest) -> None:
        with suppress(BlobMissing):
            await _in_thread(self._waiters, _unlink, self._layout.blob(digest))

    async def blobs(self) -> AsyncIterator[Leftover]:
        for shard in await _in_thread(self._waiters, self._layout.shards):
            found = await _in_thread(self._waiters, self._layout.blobs, shard)
            for name, mtime in found:
                yield Leftover(name, _age_s(mtime))

    async def uploads(self) -> AsyncIterator[Leftover]:
        for name, mtime in await _in_thread(self._waiters, self._layout.uploads):
            yield Leftover(name, _age_s(mtime))

    async def begin(self, upload_id: str) -> None:
        try:
            os.close(self._made(self._layout.upload(upload_id)))
        except FileExistsError:
            raise UploadInUse from None

    def require_room(self) -> None:
        if not self._has_room():
            raise StorageFull("the free space is down to its reserve")

    def _made(self, path: str) -> int:
        """The descriptor of a new file."""
        self.require_room()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with disk.full_disk_told():
            return os.open(path, flags, FILE_MODE)

    async def size(self, upload_id: str) -> int:
        try:
            return os.lstat(self._layout.upload(upload_id)).st_size
        except FileNotFoundError:
            raise UploadMissing(upload_id) from None

    async def append(
        self, upload_id: str, chunks: AsyncIterator[bytes], offset: int | None = None
    ) -> int:
        async with self._locked(upload_id) as fd:
            start = os.fstat(fd).st_size
            if offset is not None and offset != start:
                raise WrongOffset(start)
            progress = await self._caught_up(upload_id, fd, start)
            writer = Writer(fd, start, direct=self._direct)
            intake = Intake(writer, progress, self._pools, self._turns, self._has_room)
            try:
                await intake.take(chunks if isinstance(chunks, Source) else Pieces(chunks))
            finally:
                writer.close()
                if intake.failed:
                    self._progress.pop(upload_id, None)
                    await _in_thread(self._waiters, os.ftruncate, fd, start)
            return progress.nbytes

    async def seal(self, upload_id: str, digest: Digest) -> int:
        if self._is_small_and_whole(upload_id, digest):
            return self._progress[upload_id].nbytes
        async with self._locked(upload_id) as fd:
            progress = await self._checked(upload_id, fd, digest, os.fstat(fd).st_size)
            # What is small is synced when it gets its name: one thread less, and nobody waits long.
            if not progress.synced and progress.nbytes > SMALL:
                try:
                    with disk.full_disk_told():
                        await _in_thread(self._waiters, os.fdatasync, fd)
                except (OSError, StorageFull):
                    # The kernel reports lost pages once; the next sync would succeed without them.
                    await self.cancel(upload_id)
                    raise
                progress.synced = True
            return progress.nbytes

    async def publish(self, upload_id: str, digest: Digest) -> None:
        source, target = self._layout.upload(upload_id), self._layout.blob(digest)
        # Without patience: the caller's transaction keeps every other writer waiting.
        async with self._locked(upload_id, patience_s=0) as fd:
            found = os.fstat(fd)
            progress = await self._checked(upload_id, fd, digest, found.st_size)
            old = _age_s(found.st_mtime) > YOUNG_S
            move = Move(fd, source, target, progress.nbytes, sync=not progress.synced, old=old)
            try:
                await self._filing.move(move)
            except (OSError, StorageFull):
                if not progress.synced:  # see seal
                    await self.cancel(upload_id)
                raise
            finally:
                self._progress.pop(upload_id, None)

    async def put(self, data: bytes, digest: Digest) -> None:
        target = self._layout.blob(digest)
        actual = digest_of(data, digest.partition(":")[0])
        if actual != digest:
            raise DigestMismatch(actual)
        source = self._layout.upload(os.urandom(16).hex())
        fd = self._made(source)
        try:
            with disk.full_disk_told():
                disk.write_all(fd, [data] if data else [], 0)
            await self._filing.move(Move(fd, source, target, len(data)))
        except BaseException:
            await _in_thread(self._waiters, _forget, source)
            raise
        finally:
            os.close(fd)

    async def cancel(self, upload_id: str) -> None:
        self._progress.pop(upload_id, None)
        with suppress(UploadMissing):
            path = self._layout.upload(upload_id)
            await _in_thread(self._waiters, _forget, path)

    def _has_room(self) -> bool:
        return not self._reserve or disk.bytes_free(self._layout.root) >= self._reserve

    @asynccontextmanager
    async def _locked(
        self, upload_id: str, *, patience_s: float | None = None
    ) -> AsyncIterator[int]:
        """The upload's descriptor, while nobody else, in this process or another, has it."""
        path = self._layout.upload(upload_id)
        try:
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise UploadMissing(upload_id) from None
        try:
            await self._lock(fd, self._patience_s if patience_s is None else patience_s)
            # While we waited, it may have been published: then these are the bytes of a blob.
            if not _is_at(fd, path):
                raise UploadMissing(upload_id)
            self._held.add(upload_id)
            try:
                yield fd
            finally:
                self._held.discard(upload_id)
        finally:
            os.close(fd)  # and with it goes the lock

    async def _lock(self, fd: int, patience_s: float) -> None:
        now_s = asyncio.get_running_loop().time
        deadline_s, pause_s = now_s() + patience_s, 0.005
        while True:
            try:
                return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # A client whose connection broke may be back before we saw that it was gone.
                if now_s() >= deadline_s:
                    raise UploadInUse from None
            await asyncio.sleep(pause_s)
            pause_s = min(0.1, 2 * pause_s)

    async def _caught_up(self, upload_id: str, fd: int, size: int) -> Progress:
        """The progress of a locked upload, hashed up to its *size*."""
        progress = self._progress.get(upload_id)
        if progress is None or progress.nbytes > size:
            progress = Progress()
        if progress.nbytes < size:
            await _in_thread(self._waiters, progress.catch_up, fd, size)
        self._progress[upload_id] = progress
        self._progress.move_to_end(upload_id)
        if len(self._progress) > REMEMBERED:
            self._progress.popitem(last=False)
        return progress

    def _is_small_and_whole(self, upload_id: str, digest: Digest) -> bool:
        """Whether an upload that this process has just written has *digest*, and so few bytes that
        they are synced when it gets its name. That needs no lock: it is looked at once more then.
        """
        progress = self._progress.get(upload_id)
        if progress is None or progress.nbytes > SMALL or upload_id in self._held:
            return False
        if progress.digest is not None:
            return False  # it was here before, and did not get its name: somebody else is at it
        if f"sha256:{progress.hasher.hexdigest()}" != digest:
            return False
        try:
            if os.lstat(self._layout.upload(upload_id)).st_size != progress.nbytes:
                return False
        except FileNotFoundError:
            return False
        progress.digest = digest
        return True

    async def _checked(self, upload_id: str, fd: int, digest: Digest, size: int) -> Progress:
        """The progress of the locked upload, whose content has *digest*; ``DigestMismatch``."""
        progress = await self._caught_up(upload_id, fd, size)
        if progress.digest != digest:
            hasher = progress.hasher
            if not digest.startswith("sha256:"):
                hasher = hashlib.new(digest.partition(":")[0])
                await _in_thread(self._waiters, disk.feed, hasher.update, fd, 0, size)
            actual = Digest(f"{hasher.name}:{hasher.hexdigest()}")
            if actual != digest:
                raise DigestMismatch(actual)
            progress.digest = digest
        return progress


async def _in_thread(pool: Executor, work: Callable[..., T], *args: object) -> T:
    # What the loop's own run_in_executor does besides takes as long as a short work.
    future = asyncio.wrap_future(pool.submit(work, *args))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await settled(future)
        future.exception()  # nobody else will ask, and asyncio would complain of that
        raise


def _pieces(fd: int, start: int, stop: int) -> list[bytes]:
    """The bytes from *start* to *stop*, as far as the file has them."""
    found = []
    while start < stop and (piece := os.pread(fd, min(PIECE, stop - start), start)):
        found.append(piece)
        start += len(piece)
    return found


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
        disk.sync_directory(path.rpartition("/")[0])


def _forget(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _age_s(mtime: float) -> float:
    return max(0.0, clock.now().timestamp() - mtime)
