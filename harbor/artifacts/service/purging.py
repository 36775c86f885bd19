"""What is done: delete for good what is in the trash.

Manifests and blobs go with the last entry of the trash that names them, unless something else
needs them. Rows first; files once those are committed, so that a crash in between leaves files
that no row knows, which are swept away.
"""

import logging
from collections.abc import Sequence

from msgspec import Struct, field
from sqlalchemy import ColumnElement, Integer, bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from harbor.artifacts.models import (
    Artifact,
    ArtifactBlob,
    Blob,
    Manifest,
    RepositoryBlob,
    Trash,
    TrashArtifact,
    TrashBlob,
)
from harbor.artifacts.service import stored
from harbor.artifacts.service.uploads import remove_unrecorded
from harbor.core import clock
from harbor.core.db import Database, hold_files
from harbor.core.errors import NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest
from harbor.core.quick import SessionPen, among
from harbor.core.storage.interface import Store
from harbor.quotas.models import ProjectBlob

Digests = InstrumentedAttribute[str]
log = logging.getLogger(__name__)
SOME = 500  # entries that are looked up together
THIS = bindparam("trash_id", type_=Integer)
HELD = select(Trash.project_id).where(Trash.id == THIS).with_for_update()
MANIFESTS = select(TrashArtifact.digest, TrashArtifact.manifest_size).where(
    TrashArtifact.trash_id == THIS
)
BLOBS = select(TrashBlob.digest).where(TrashBlob.trash_id == THIS).distinct()
EMPTIED = delete(Trash).where(Trash.id == THIS).execution_options(synchronize_session=False)


def unused(digest: Digests, *users: Digests) -> list[ColumnElement[bool]]:
    """That none of *users*, which are columns, names the digest, as conditions."""
    return [~exists().where(user == digest) for user in users]


BLOBS_LOCKED = (
    select(Blob.digest).where(among(Blob.digest, "digests")).order_by(Blob.digest).with_for_update()
)
BLOBS_GONE = (
    delete(Blob)
    .where(
        among(Blob.digest, "digests"),
        *unused(
            Blob.digest,
            RepositoryBlob.digest,
            ArtifactBlob.digest,
            TrashBlob.digest,
            ProjectBlob.digest,
        ),
    )
    .returning(Blob.digest, Blob.size)
    .execution_options(synchronize_session=False)
)
MANIFESTS_LOCKED = (
    select(Manifest.digest)
    .where(among(Manifest.digest, "digests"))
    .order_by(Manifest.digest)
    .with_for_update()
)
MANIFESTS_GONE = (
    delete(Manifest)
    .where(
        among(Manifest.digest, "digests"),
        *unused(Manifest.digest, Artifact.digest, TrashArtifact.digest),
    )
    .returning(Manifest.digest)
    .execution_options(synchronize_session=False)
)


class Purged(Struct):
    """What is to be removed from the store, once the rows are gone."""

    blobs: list[Digest] = field(default_factory=list)

    async def finish(self, db: Database, store: Store) -> None:
        for digest in self.blobs:
            await remove_unrecorded(db, store, digest)


async def purge(session: AsyncSession, project_id: int, trash_ids: Sequence[int]) -> Purged:
    """Delete entries of a project's trash for good; ``NotFound`` if one of them is not there."""
    await hold_files(session, alone=True)  # nobody brings one of the blobs at the same moment
    purged = Purged()
    for trash_id in trash_ids:
        purged.blobs += await purge_one(session, project_id, trash_id)
    return purged


async def purge_one(session: AsyncSession, project_id: int, trash_id: int) -> list[Digest]:
    """Delete one entry; return the digests of the blobs that nothing needs any more."""
    pen = SessionPen(session)
    if await pen.run(HELD, trash_id=trash_id) != [(project_id,)]:
        raise NotFound(Phrase("there is no entry %(trash_id)s in the trash", trash_id=trash_id))
    sizes: dict[str, int] = dict(await pen.run(MANIFESTS, trash_id=trash_id))
    blobs = [digest for (digest,) in await pen.run(BLOBS, trash_id=trash_id)]
    await pen.run(EMPTIED, trash_id=trash_id)
    # The locks first, then the question: whoever refers to one meanwhile has waited, or we have.
    await pen.run(MANIFESTS_LOCKED, digests=list(sizes))
    gone = await pen.run(MANIFESTS_GONE, digests=list(sizes))
    nbytes = sum(sizes[digest] for (digest,) in gone)
    await pen.run(BLOBS_LOCKED, digests=blobs)
    freed = await pen.run(BLOBS_GONE, digests=blobs)
    nbytes += sum(size for _, size in freed)
    if nbytes:
        await stored.add(pen, project_id, -nbytes)
    return [Digest(digest) for digest, _ in freed]


async def purge_old(db: Database, store: Store) -> int:
    """Delete for good what has been in the trash long enough; return how many entries that were.

    Another process may do the same at the same moment.
    """
    old = select(Trash.project_id, Trash.id).where(Trash.kept_until <= clock.now()).limit(SOME)
    count = 0
    while True:
        async with db.reading() as session:
            rows = (await session.execute(old)).all()
        for project_id, trash_id in rows:
            try:
                async with db.writing() as session:
                    purged = await purge(session, project_id, [trash_id])
            except NotFound:
                continue
            await purged.finish(db, store)
            count += 1
        if len(rows) < SOME:
            break
    if count:
        log.info("the trash was emptied of what is old", extra={"entries": count})
    return count


async def ids_of(session: AsyncSession, project_id: int) -> list[int]:
    """All entries of a project's trash."""
    return list(await session.scalars(select(Trash.id).where(Trash.project_id == project_id)))


async def empty(db: Database, store: Store, project_id: int) -> int:
    """Delete a project's trash for good, one entry after the other; return how many it had."""
    async with db.reading() as session:
        ids = await ids_of(session, project_id)
    count = 0
    for trash_id in ids:
        try:
            async with db.writing() as session:
                purged = await purge(session, project_id, [trash_id])
        except NotFound:  # restored meanwhile
            continue
        await purged.finish(db, store)
        count += 1
    return count
