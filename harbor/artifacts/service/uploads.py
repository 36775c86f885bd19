"""What is done: uploads, from their first byte to the blob.

The order survives a kill at every step. The bytes are checked and on the disk before the
transaction begins; inside it come the rows and, last, the file's new name; the answer is sent
after the commit. A file whose row did not make it is swept later and never served.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from msgspec import Struct
from sqlalchemy import bindparam, delete, func, insert, select

from harbor.artifacts.models import Upload
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import blobs
from harbor.core import clock
from harbor.core.db import Database, hold_files
from harbor.core.errors import (
    Denied,
    DigestInvalid,
    InsufficientStorage,
    NameUnknown,
    SizeInvalid,
    TooManyRequests,
    UploadBusy,
    UploadUnknown,
)
from harbor.core.oci import Digest
from harbor.core.quick import Pen
from harbor.core.storage.interface import (
    DigestMismatch,
    StorageFull,
    Store,
    UploadInUse,
    UploadMissing,
)
from harbor.core.storage.sources import Lend, Source
from harbor.quotas import service as quotas

OWN = select(Upload.id).where(
    Upload.id == bindparam("upload_id"),
    Upload.project_id == bindparam("project_id"),
    Upload.repository == bindparam("repository"),
    Upload.username == bindparam("username"),
)
OPEN = select(func.count()).select_from(Upload).where(Upload.username == bindparam("username"))
BEGUN = insert(Upload).values(
    {name: bindparam(name) for name in ("id", "project_id", "repository", "username", "started_at")}
)
GONE = (
    delete(Upload)
    .where(Upload.id == bindparam("upload_id"))
    .returning(Upload.project_id, Upload.repository)
)


class Pushes(Struct, frozen=True):
    """Uploads of one caller into one repository."""

    db: Database
    store: Store
    place: Place
    username: str
    limited: bool  # whether the project must keep to its limit

    async def begin(self, *, at_most: int) -> str:
        """A new upload's id; ``TooManyRequests`` if the caller has *at_most* open already."""
        upload_id = uuid.uuid4().hex
        try:
            await self.store.begin(upload_id)
        except StorageFull as error:
            raise full() from error
        try:
            await self.db.quick.write(partial(self._begun, upload_id, at_most))
        except Exception:  # refused, or not written: nobody was told the id
            await self.store.cancel(upload_id)  # or whoever is refused would fill the folder
            raise
        return upload_id

    async def _begun(self, upload_id: str, at_most: int, pen: Pen) -> None:
        ((open_now,),) = await pen.run(OPEN, username=self.username)
        if open_now >= at_most:
            raise TooManyRequests(
                f"{self.username} has {at_most} unfinished uploads; finish some first"
            )
        await pen.run(
            BEGUN,
            id=upload_id,
            project_id=self.place.project_id,
            repository=self.place.repository,
            username=self.username,
            started_at=clock.now(),
        )

    async def find(self, upload_id: str) -> int:
        """How many bytes the upload has; ``UploadUnknown`` also if it is somebody else's."""
        known = await self.db.quick.fetch(
            OWN,
            upload_id=upload_id,
            project_id=self.place.project_id,
            repository=self.place.repository,
            username=self.username,
        )
        if not known:
            raise unknown(upload_id)
        try:
            return await self.store.size(upload_id)
        except UploadMissing as error:
            raise unknown(upload_id) from error

    async def append(
        self, upload_id: str, chunks: AsyncIterator[bytes], *, offset: int | None
    ) -> int:
        """Add *chunks*, return the new size; raises ``WrongOffset`` too.

        A full disk ends the upload: its bytes are in the way of everybody else's.
        """
        async with self._told(upload_id):
            return await self.store.append(upload_id, chunks, offset)

    async def require_room(self, digest: Digest | None, nbytes: int, upload_id: str = "") -> None:
        """Refuse what will not fit before it is sent; without *digest*, if nothing fits at all.

        ``Denied`` ends the upload.
        """
        if not self.limited:
            return
        async with self._told(upload_id):
            wanted = (digest, nbytes) if digest else ()
            await quotas.require_room(self.db.quick, self.place.project_id, *wanted)

    async def finish(self, upload_id: str, digest: Digest, checked: int) -> None:
        """Make the upload a blob of this repository; a wrong digest ends it, and so does
        ``Denied``. There was room for *checked* bytes a moment ago.
        """
        async with self._told(upload_id):
            for again in (True, True, False):
                size = await self.store.seal(upload_id, digest)
                if size > checked:
                    await self.require_room(digest, size)
                try:
                    await self.db.quick.write(
                        partial(self._finished, upload_id, digest, size),
                        files=partial(self.store.publish, upload_id, digest),
                    )
                except UploadInUse:
                    # Publishing does not wait. Who looks into the upload at that moment only finds
                    # that it is whole, and is refused: one of all must get it in.
                    if again:
                        continue
                    raise
                except (Denied, NameUnknown):  # others were faster; the file is published
                    await remove_unrecorded(self.db, self.store, digest)
                    raise
                return

    async def _finished(self, upload_id: str, digest: Digest, size: int, pen: Pen) -> None:
        # The repository may have been moved while the bytes came.
        rows = await pen.run(GONE, upload_id=upload_id)
        place = Place(*rows[0]) if rows else self.place
        await blobs.add(pen, place, digest, size, enforced=self.limited)

    @asynccontextmanager
    async def _told(self, upload_id: str) -> AsyncIterator[None]:
        """What the store says, as errors that a client understands."""
        try:
            yield
        except UploadMissing as error:
            raise unknown(upload_id) from error
        except UploadInUse as error:
            raise UploadBusy(f"another request is writing to upload {upload_id}") from error
        except (Denied, NameUnknown):  # its bytes would be in the way
            if upload_id:
                await self.cancel(upload_id)
            raise
        except StorageFull as error:
            await self.cancel(upload_id)
            raise full() from error
        except DigestMismatch as error:
            await self.cancel(upload_id)
            raise DigestInvalid(
                f"provided digest did not match uploaded content, which is {error.actual}"
            ) from error

    async def cancel(self, upload_id: str) -> None:
        # The bytes first: on a full disk the database cannot write until they are gone.
        await self.store.cancel(upload_id)
        await self.db.quick.write(partial(self._cancelled, upload_id))

    async def _cancelled(self, upload_id: str, pen: Pen) -> None:
        await pen.run(GONE, upload_id=upload_id)


async def remove_unrecorded(db: Database, store: Store, digest: Digest) -> bool:
    """Remove a blob's file unless a row knows it; whether it was removed."""
    async with db.writing() as session:
        await hold_files(session, alone=True)
        if await blobs.is_recorded_for_sure(session, digest):
            return False
        await store.delete(digest)
        return True


class Exactly(Source):
    """*source*, which must have *nbytes* in all; ``SizeInvalid`` if it has more or fewer."""

    def __init__(self, source: Source, nbytes: int) -> None:
        self._source = source
        self._nbytes = nbytes
        self._total = 0

    @property
    def come(self) -> int:
        return self._source.come

    @property
    def is_over(self) -> bool:
        return self._source.is_over

    async def __anext__(self) -> bytes:
        async for chunk in self._source:
            self._count(len(chunk))
            return chunk
        self._end()
        raise StopAsyncIteration

    async def fill(self, lend: Lend) -> int:
        nbytes = await self._source.fill(lend)
        self._count(nbytes)
        if not nbytes:
            self._end()
        return nbytes

    def _count(self, nbytes: int) -> None:
        self._total += nbytes
        if self._total > self._nbytes:
            raise SizeInvalid(
                f"the chunk is longer than the {self._nbytes} bytes of its Content-Range"
            )

    def _end(self) -> None:
        if self._total < self._nbytes:
            raise SizeInvalid(
                f"the chunk has {self._total} bytes, its Content-Range says {self._nbytes}"
            )


def unknown(upload_id: str) -> UploadUnknown:
    return UploadUnknown(f"blob upload {upload_id} unknown to registry")


def full() -> InsufficientStorage:
    return InsufficientStorage("the registry's storage is full; nothing was kept of this upload")
