"""Archives that anybody may have pushed, read as streams: nothing is unpacked to a disk.

So a few bytes may stand for gigabytes, an entry may have any name, be a link, or claim any size.
What reads here blocks, so it runs in a thread. Such a thread gives way to the event loop all the
time (``Courtesy``), because both need Python's lock.
"""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import IO, TypeVar, cast

from harbor.core.errors import BadRequest, TooLarge
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest
from harbor.core.settings import MIB
from harbor.core.storage.interface import Blobs
from harbor.core.storage.stages import settled
from harbor.core.tars import members
from harbor.core.unpacking import BrokenArchive, OversizedArchive, Unpacked

T = TypeVar("T")
Wanted = Callable[[tuple[str, ...]], bool]
MOST_SCANNED = 32 * MIB  # bytes, unpacked, that are looked through for one entry
MOST_ENTRIES = 20_000  # that are looked through for one
WORK_S, REST_S = 0.001, 0.001
threads = ThreadPoolExecutor(2, "archive")  # two at once: each takes some memory


async def content(store: Blobs, digest: Digest, most: int) -> bytes:
    """A blob, unpacked if gzip or zstd packed it; ``TooLarge`` if it has more than *most* bytes."""
    return await looked_into(store, digest, lambda raw: b"".join(Unpacked(raw, most)))


async def entry(store: Blobs, digest: Digest, wanted: Wanted, most: int) -> bytes | None:
    """The first plain file in a tar whose path, as its parts, is *wanted*; ``None`` without one.

    The tar may be packed by gzip or zstd. ``TooLarge`` if the file has more than *most* bytes, or
    is not found soon enough; ``BadRequest`` if that is no tar.
    """
    return await looked_into(store, digest, lambda raw: found(raw, wanted, most))


async def looked_into(store: Blobs, digest: Digest, work: Callable[["Incoming"], T]) -> T:
    """What *work*, in a thread, makes of a blob; ``BadRequest`` or ``TooLarge`` if it cannot."""
    loop = asyncio.get_running_loop()
    async with store.open(digest) as blob:
        raw = Incoming(blob.read(0, blob.size))
        try:
            return await result(raw, loop.run_in_executor(threads, work, raw))
        except OversizedArchive as error:
            raise TooLarge(error.why) from error
        except BrokenArchive as error:
            raise BadRequest(
                Phrase("the blob %(digest)s cannot be read: %(why)s", digest=digest, why=error.why)
            ) from error


def found(raw: io.RawIOBase, wanted: Wanted, most: int) -> bytes | None:
    unpacked, rest = Unpacked(raw, MOST_SCANNED), Courtesy()
    for count, member in enumerate(members(unpacked)):
        rest()
        if count == MOST_ENTRIES:
            entries = f"{MOST_ENTRIES:,}"
            raise OversizedArchive(Phrase("it has more than %(most)s entries", most=entries))
        path = PurePosixPath(member.name)
        inside_of_it = not path.is_absolute() and ".." not in path.parts
        if member.is_plain and inside_of_it and wanted(path.parts):
            if member.size > most:
                raise OversizedArchive(Phrase("it is larger than %(most)s bytes", most=f"{most:,}"))
            return b"".join(unpacked.pieces(member.size))
    return None


async def result(raw: "Incoming", working: asyncio.Future[T]) -> T:
    """What a thread makes of *raw*. If nobody waits for it any more, it is told, and waited for:
    until then the blob must stay open.
    """
    try:
        await asyncio.wait([working])
    except asyncio.CancelledError:
        raw.stop()
        await settled(working)
        working.exception()  # nobody else will ask
        raise
    return working.result()


class Stopped(Exception):
    """Nobody waits for the result any more."""


class Courtesy:
    """Lets others work: between two calls is a bit of work, and now and then there is a rest."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def __call__(self) -> None:
        if time.perf_counter() - self._since > WORK_S:
            time.sleep(REST_S)
            self._since = time.perf_counter()


class Incoming(io.RawIOBase):
    """Pieces that a coroutine yields, as a file for a thread of the same process."""

    def __init__(
        self, pieces: AsyncIterator[bytes], noted: Callable[[int], None] = lambda _: None
    ) -> None:
        """*noted* is told how many bytes were read so far; made where the loop runs."""
        self._loop = asyncio.get_running_loop()
        self._pieces = pieces
        self._noted = noted
        self._piece = memoryview(b"")
        self._nbytes = 0
        self._stopped = False

    def stop(self) -> None:
        """Make the next read raise ``Stopped``."""
        self._stopped = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer)).cast("B")
        if not self._piece:
            self._piece = memoryview(self._next())
            self._nbytes += len(self._piece)
            self._noted(self._nbytes)
        nbytes = min(len(target), len(self._piece))
        target[:nbytes] = self._piece[:nbytes]
        self._piece = self._piece[nbytes:]
        return nbytes

    def _next(self) -> bytes:
        if self._stopped:
            raise Stopped
        return asyncio.run_coroutine_threadsafe(self._ask(), self._loop).result()

    async def _ask(self) -> bytes:
        return await anext(self._pieces, b"")


class Lent(io.RawIOBase):
    """A file that stays open when whoever reads it is done."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer)).cast("B")
        piece = self._file.read(len(target))
        target[: len(piece)] = piece
        return len(piece)
