"""What is done: the layers of an artifact are read in the background, each once."""

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from harbor.core.archives import Incoming, result
from harbor.core.db import Database, insert_or_ignore
from harbor.core.errors import Unavailable
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest
from harbor.core.storage.interface import BlobMissing, Store
from harbor.explorer.models import LayerIndex
from harbor.explorer.schemas import Index, Summary
from harbor.explorer.service import blocks
from harbor.explorer.service.blocks import Blocks, Memory, Shelf
from harbor.explorer.service.reading import read

log = logging.getLogger(__name__)
MOST_WAITING = 1_000  # layers to be read; whoever comes then is asked to come again
MOST_MAKING = 100  # views
READERS = 4  # threads that hand out files
KNOWN = list(Summary.__struct_fields__)  # kept under the same names
FIELDS = list(Index.__struct_fields__)
MISSING = Phrase("it is not in this registry")
T = TypeVar("T")


class Reading(Struct):
    """A layer that is being read, or waits for it."""

    task: asyncio.Task[Summary]
    done: int = 0  # bytes


class Unread(Summary, frozen=True, kw_only=True):
    """A layer that could not be opened."""


class Explorer:
    """Knows the files of layers, and reads the layers that it does not know yet.

    One layer after the other is read: it costs a processor, which others need too.
    """

    def __init__(self, db: Database, store: Store) -> None:
        self.store = store
        self.readers = ThreadPoolExecutor(READERS, "explorer-read")
        self._db = db
        self._indexer = ThreadPoolExecutor(1, "explorer-index")
        self._planter = ThreadPoolExecutor(1, "explorer-tree")
        self._one = asyncio.Lock()
        self._reading: dict[Digest, Reading] = {}
        self._making: dict[str, asyncio.Task[Shelf]] = {}

    async def close(self) -> None:
        tasks: list[asyncio.Task[Any]] = [reading.task for reading in self._reading.values()]
        tasks += self._making.values()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for pool in (self._indexer, self._planter, self.readers):
            pool.shutdown()

    async def indexes(
        self, digests: Sequence[Digest], patience_s: float
    ) -> dict[Digest, Summary | Reading]:
        """What is known of each layer, after *patience_s* at most; the rest is being read.

        ``Unavailable`` if too many layers wait.
        """
        found: dict[Digest, Summary | Reading] = {**await self._kept(digests)}
        missing = [digest for digest in dict.fromkeys(digests) if digest not in found]
        readings = {digest: self._read(digest) for digest in missing}
        if readings:
            await asyncio.wait([each.task for each in readings.values()], timeout=patience_s)
        for digest, reading in readings.items():
            found[digest] = reading.task.result() if reading.task.done() else reading
        return found

    async def _kept(self, digests: Sequence[Digest]) -> dict[Digest, Summary]:
        columns = [getattr(LayerIndex, name) for name in KNOWN]
        wanted = select(*columns).where(LayerIndex.digest.in_(digests))
        async with self._db.reading() as session:
            rows = (await session.execute(wanted)).mappings().all()
        return {Digest(row["digest"]): Summary(**row) for row in rows}

    async def entries(self, layers: Sequence[Summary]) -> list[Index]:
        """All that was found in these layers; nothing in one that could not be read."""
        columns = [getattr(LayerIndex, name) for name in FIELDS]
        wanted = select(*columns).where(LayerIndex.digest.in_({each.digest for each in layers}))
        async with self._db.reading() as session:
            rows = (await session.execute(wanted)).mappings().all()
        known = {row["digest"]: Index(**row) for row in rows}
        return [known.get(each.digest) or empty(each) for each in layers]

    def _read(self, digest: Digest) -> Reading:
        reading = self._reading.get(digest)
        if reading is None:
            if len(self._reading) >= MOST_WAITING:
                raise Unavailable(Phrase("too many layers wait to be read, try again later"))
            reading = self._reading[digest] = Reading(asyncio.create_task(self._index(digest)))
            reading.task.add_done_callback(lambda _: self._reading.pop(digest))
        return reading

    async def _index(self, digest: Digest) -> Summary:
        async with self._one:
            # Another task, or another process, may have read it since this one looked.
            if known := (await self._kept([digest])).get(digest):
                return known
            try:
                index = await self._look_into(digest)
            except BlobMissing:
                return unread(digest, MISSING)
            except OSError as error:
                log.warning("layer could not be read", extra={"digest": digest}, exc_info=error)
                return unread(digest, Phrase("it could not be read from the store"))
            await self._keep(index)
            return index

    async def _look_into(self, digest: Digest) -> Index:
        async with self.store.open(digest) as blob:
            raw = Incoming(blob.read(0, blob.size), self._noted(digest))
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(self._indexer, read, digest, raw, blob.size)
            return await result(raw, reading)

    def _noted(self, digest: Digest) -> Callable[[int], None]:
        def note(done: int) -> None:
            if reading := self._reading.get(digest):
                reading.done = done

        return note

    async def _keep(self, index: Index) -> None:
        row = {name: getattr(index, name) for name in FIELDS}
        with contextlib.suppress(IntegrityError):  # the blob is gone meanwhile
            async with self._db.writing() as session:
                await session.execute(insert_or_ignore(session, LayerIndex, [row]))

    async def shelf(self, source: blocks.Source, make: Callable[[], Awaitable[Blocks]]) -> Shelf:
        """Where the view of *source* is; what *make* makes is kept. ``Unavailable``."""
        if known := await blocks.find(self._db, source):
            return known
        task = self._making.get(source.key)
        if task is None:
            if len(self._making) >= MOST_MAKING:
                raise Unavailable(Phrase("too many layers wait to be read, try again later"))
            task = self._making[source.key] = asyncio.create_task(self._make(source, make))
            task.add_done_callback(lambda made: self._made(source.key, made))
        return await asyncio.shield(task)  # others may wait for it, too

    def _made(self, key: str, made: asyncio.Task[Shelf]) -> None:
        del self._making[key]
        if not made.cancelled():
            made.exception()  # whoever asked may be gone

    async def _make(self, source: blocks.Source, make: Callable[[], Awaitable[Blocks]]) -> Shelf:
        made = await make()
        await blocks.keep(self._db, source, made)
        return Memory(made)

    async def work(self, function: Callable[[], T]) -> T:
        """What *function* gives, which takes long enough to be done in a thread."""
        run = contextvars.copy_context().run  # the reader's language goes with it
        return await asyncio.get_running_loop().run_in_executor(self._planter, run, function)


def unread(digest: Digest, why: Phrase) -> Summary:
    """Of a layer that could not be opened. Nobody keeps it: the next look tries again."""
    return Unread(digest=digest, nentries=0, nbytes=0, problem=why.kept())


def empty(layer: Summary) -> Index:
    return Index(
        digest=layer.digest, nentries=0, nbytes=0, problem=layer.problem, entries=b"", packages=b""
    )
