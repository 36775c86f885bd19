"""What is done: uploads, from their first byte to the blob.

The order survives a kill at every step. The bytes are checked and on the disk before the
transaction begins; inside it come the rows and, last, the file's new name; the answer is sent
after the commit. A file whose row did not make it is swept later and never served.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from msgspec import Struct
from sqlalchemy import bindparam, delete, func, literal, select, union_all

from harbor.artifacts.models import EndedUpload, Upload
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import blobs
from harbor.artifacts.service.upload_ids import UploadIds
from harbor.core import clock
from harbor.core.api import Ctx
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
from harbor.core.quick import Pen, Row, put_new
from harbor.core.storage.interface import (
    DigestMismatch,
    StorageFull,
    Store,
    UploadInUse,
    UploadMissing,
)
from harbor.core.storage.sources import Lend, Source
from harbor.quotas import service as quotas

KNOWN = union_all(
    select(Upload.project_id, Upload.repository, Upload.username).where(
        Upload.id == bindparam("upload_id")
    ),
    select(literal(0), literal(""), literal("")).where(EndedUpload.id == bindparam("upload_id")),
)
OPEN = select(func.count()).select_from(Upload).where(Upload.username == bindparam("username"))
BEGUN = put_new(Upload, "id", "project_id", "repository", "username", "started_at")
GONE = (
    delete(Upload)
    .where(Upload.id == bindparam("upload_id"))
    .returning(Upload.project_id, Upload.repository)
)
ENDED = put_new(EndedUpload, "id", returning=EndedUpload.id)


class Pushes(Struct, frozen=True):
    """Uploads of one caller into one repository."""

    db: Database
    store: Store
    ids: UploadIds
    place: Place
    username: str
    at_most: int  # uploads that the caller may have open
    limited: bool  # whether the project must keep to its limit

    async def begin(self) -> str:
        """A new upload's id. Nothing is kept of it until something is sent.

        ``TooManyRequests`` if the caller has too many open already.
        """
        self._require_few(await self.db.quick.fetch(OPEN, username=self.username))
        try:
            self.store.require_room()
        except StorageFull as error:
            raise full() from error
        return self.ids.new(self.place, self.username)

    def begin_another(self) -> str | None:
        """The same, where nothing changed since the last; ``None`` if there is no room now."""
        try:
            self.store.require_room()
        except StorageFull:
            return None
        return self.ids.new(self.place, self.username)

    def _require_few(self, counted: list[Row]) -> None:
        if counted[0][0] >= self.at_most:
            raise TooManyRequests(
                f"{self.username} has {self.at_most} unfinished uploads; finish some first"
            )

    async def start(self, upload_id: str) -> None:
        """Let the upload have bytes; ``TooManyRequests``, and ``UploadUnknown`` if it is over."""
        made = True
        try:
            await self.store.begin(upload_id)
        except UploadInUse:  # another request does the same, or a kill came between
            made = False
        except StorageFull as error:
            raise full() from error
        try:
            await self.db.quick.write(partial(self._started, upload_id))
        except Exception:
            if made:
                await self.store.cancel(upload_id)  # or who is refused would fill the folder
            raise

    async def _started(self, upload_id: str, pen: Pen) -> None:
        if (0, "", "") in await pen.run(KNOWN, upload_id=upload_id):
            raise unknown(upload_id)
        self._require_few(await pen.run(OPEN, username=self.username))
        await pen.run(
            BEGUN,
            id=upload_id,
            project_id=self.place.project_id,
            repository=self.place.repository,
            username=self.username,
            started_at=clock.now(),
        )

    async def find(self, upload_id: str) -> int | None:
        """How many bytes the upload has; ``None`` if nothing was sent, and it must be started.

        ``UploadUnknown`` also if it is somebody else's.
        """
        known = await self.db.quick.fetch(KNOWN, upload_id=upload_id)
        if not known and self.ids.is_fresh(upload_id, self.place, self.username):
            return None
        if known != [(self.place.project_id, self.place.repository, self.username)]:
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

    async def keep(self, digest: Digest, data: bytes, upload_id: str = "") -> None:
        """Make *data* a blob of this repository; the upload, if there is one, was not started.

        A wrong digest ends that, and so does ``Denied``; ``UploadUnknown`` if it is over.
        """
        async with self._told(upload_id):
            try:
                await self.db.quick.write(
                    partial(self._kept, upload_id, digest, len(data)),
                    files=partial(self.store.put, data, digest),
                )
            except (Denied, NameUnknown, UploadUnknown):  # the file is published
                await remove_unrecorded(self.db, self.store, digest)
                raise

    async def _kept(self, upload_id: str, digest: Digest, size: int, pen: Pen) -> None:
        if upload_id and not await pen.run(ENDED, id=upload_id):
            raise unknown(upload_id)
        await blobs.add(pen, self.place, digest, size, enforced=self.limited)

    async def _finished(self, upload_id: str, digest: Digest, size: int, pen: Pen) -> None:
        # The repository may have been moved while the bytes came.
        rows = await self._ended(upload_id, pen)
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
        """End the upload, if there is one."""
        if not upload_id:
            return
        # The bytes first: on a full disk the database cannot write until they are gone.
        await self.store.cancel(upload_id)
        await self.db.quick.write(partial(self._ended, upload_id))

    async def _ended(self, upload_id: str, pen: Pen) -> list[Row]:
        if self.ids.is_fresh(upload_id, self.place, self.username):
            await pen.run(ENDED, id=upload_id)
        return await pen.run(GONE, upload_id=upload_id)


def of(ctx: Ctx, place: Place, *, limited: bool = True) -> Pushes:
    """The caller's uploads into *place*."""
    at_most = ctx.settings.open_uploads_per_user
    ids = ctx.the(UploadIds)
    return Pushes(ctx.db, ctx.store, ids, place, ctx.principal.name, at_most, limited)


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
