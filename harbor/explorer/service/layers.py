"""What is done: the layers of an artifact are read in the background, each once."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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
from harbor.explorer.schemas import Index
from harbor.explorer.service import trees
from harbor.explorer.service.reading import read
from harbor.explorer.service.trees import Tree

log = logging.getLogger(__name__)
MOST_WAITING = 1_000  # layers to be read; whoever comes then is asked to come again
REMEMBERED = 100_000  # entries of the layers of trees that are remembered
READERS = 4  # threads that hand out files
FIELDS = list(Index.__struct_fields__)  # kept under the same names
T = TypeVar("T")


class Reading(Struct):
    """A layer that is being read, or waits for it."""

    task: asyncio.Task[Index]
    done: int = 0  # bytes


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
        self._trees: OrderedDict[object, tuple[int, Tree]] = OrderedDict()

    async def close(self) -> None:
        tasks = [reading.task for reading in self._reading.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for pool in (self._indexer, self._planter, self.readers):
            pool.shutdown()

    async def indexes(
        self, digests: Sequence[Digest], patience_s: float
    ) -> dict[Digest, Index | Reading]:
        """What is known of each layer, after *patience_s* at most; the rest is being read.

        ``Unavailable`` if too many layers wait.
        """
        found: dict[Digest, Index | Reading] = {**await self._kept(digests)}
        missing = [digest for digest in dict.fromkeys(digests) if digest not in found]
        readings = {digest: self._read(digest) for digest in missing}
        if readings:
            await asyncio.wait([each.task for each in readings.values()], timeout=patience_s)
        for digest, reading in readings.items():
            found[digest] = reading.task.result() if reading.task.done() else reading
        return found

    async def _kept(self, digests: Sequence[Digest]) -> dict[Digest, Index]:
        columns = [getattr(LayerIndex, name) for name in FIELDS]
        wanted = select(*columns).where(LayerIndex.digest.in_(digests))
        async with self._db.reading() as session:
            rows = (await session.execute(wanted)).mappings().all()
        return {Digest(row["digest"]): Index(**row) for row in rows}

    def _read(self, digest: Digest) -> Reading:
        reading = self._reading.get(digest)
        if reading is None:
            if len(self._reading) >= MOST_WAITING:
                raise Unavailable(Phrase("too many layers wait to be read, try again later"))
            reading = self._reading[digest] = Reading(asyncio.create_task(self._index(digest)))
            reading.task.add_done_callback(lambda _: self._reading.pop(digest))
        return reading

    async def _index(self, digest: Digest) -> Index:
        async with self._one:
            # Another task, or another process, may have read it since this one looked.
            if known := (await self._kept([digest])).get(digest):
                return known
            try:
                index = await self._look_into(digest)
            except BlobMissing:
                return unread(digest, "it is not in this registry")
            except OSError as error:
                log.warning("layer could not be read", extra={"digest": digest}, exc_info=error)
                return unread(digest, "it could not be read from the store")
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

    async def tree(self, indexes: Sequence[Index], alone: int | None) -> Tree:
        """All of the *indexes* merged, or the one with this number *alone*; ``BadRequest``."""
        key = (tuple(index.digest for index in indexes), alone)
        if known := self._trees.get(key):
            self._trees.move_to_end(key)
            return known[1]
        made = await self.work(lambda: planted(indexes, alone))
        weight = sum(index.nentries for index in indexes)
        if weight <= REMEMBERED and all(index.entries for index in indexes):
            self._trees[key] = weight, made
            while sum(each for each, _ in self._trees.values()) > REMEMBERED:
                self._trees.popitem(last=False)
        return made

    async def work(self, function: Callable[[], T]) -> T:
        """What *function* gives, which takes long enough to be done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._planter, function)


def unread(digest: Digest, why: str) -> Index:
    """The index of a layer that could not be opened. Nobody keeps it: the next look tries again."""
    return Index(digest=digest, entries=b"", packages=b"", nentries=0, nbytes=0, problem=why)


def planted(indexes: Sequence[Index], alone: int | None) -> Tree:
    return trees.merged(indexes) if alone is None else trees.alone(indexes[alone], alone)
