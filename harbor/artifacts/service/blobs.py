"""What is done: blobs, and the repositories in which each may be read."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import (
    Artifact,
    ArtifactBlob,
    Blob,
    ReleasedBlob,
    Repository,
    RepositoryBlob,
)
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import releases, stored
from harbor.core import clock
from harbor.core.errors import BlobUnknown, ManifestBlobUnknown, Unsupported
from harbor.core.oci import Digest
from harbor.core.quick import Pen, Quick, SessionPen, among, put_new
from harbor.quotas import service as quotas


def here(
    place: Place, table: type[RepositoryBlob] | type[ReleasedBlob] = RepositoryBlob
) -> ColumnElement[bool]:
    """The blobs that may be read in *place*, as a condition; or another table's rows of it."""
    return and_(table.project_id == place.project_id, table.repository == place.repository)


MOST_HOLDERS = 50
HERE = (
    RepositoryBlob.project_id == bindparam("project_id"),
    RepositoryBlob.repository == bindparam("repository"),
)
BLOB = put_new(Blob, "digest", "size", "creation_time", returning=Blob.digest)
LINK = put_new(RepositoryBlob, "project_id", "repository", "digest", "creation_time")


async def add(pen: Pen, place: Place, digest: Digest, size: int, *, enforced: bool) -> None:
    """Record a blob of *size* bytes, and that it may be read in *place*.

    ``Denied`` if limits are *enforced* and it does not fit into the project.
    """
    is_new = await pen.run(BLOB, digest=digest, size=size, creation_time=clock.now())
    async with quotas.charged(pen, place.project_id, {digest: size}, enforced=enforced):
        await link(pen, place, digest)
    if is_new:
        await stored.add(pen, place.project_id, size)


async def link(pen: Pen, place: Place, digest: Digest) -> None:
    """Let a blob be read in *place*, for which the project is charged."""
    await pen.run(
        LINK,
        project_id=place.project_id,
        repository=place.repository,
        digest=digest,
        creation_time=clock.now(),
    )


SIZE = (
    select(Blob.size)
    .join(RepositoryBlob, RepositoryBlob.digest == Blob.digest)
    .where(*HERE, RepositoryBlob.digest == bindparam("digest"))
)


async def size(quick: Quick, place: Place, digest: Digest) -> int:
    """The size in bytes of a blob that may be read in *place*; ``BlobUnknown``."""
    rows = await quick.fetch(
        SIZE, project_id=place.project_id, repository=place.repository, digest=digest
    )
    if not rows:
        raise BlobUnknown(f"blob {digest} not found in {place.repository}")
    return int(rows[0][0])


HELD = (
    select(Blob.size)
    .join(RepositoryBlob, RepositoryBlob.digest == Blob.digest)
    .where(*HERE, RepositoryBlob.digest == bindparam("digest"))
    .with_for_update(read=True, key_share=True, of=RepositoryBlob)
)
HOLDERS = (
    select(RepositoryBlob.repository)
    .where(HERE[0], RepositoryBlob.digest == bindparam("digest"))
    .limit(MOST_HOLDERS)
)
PRESENT = (
    select(RepositoryBlob.digest)
    .where(*HERE, among(RepositoryBlob.digest, "digests"))
    .order_by(RepositoryBlob.digest)  # as whoever releases them takes the locks
    .with_for_update(read=True, key_share=True)
)


async def mount(pen: Pen, source: Place, target: Place, digest: Digest, *, enforced: bool) -> bool:
    """Let *target* read a blob of *source*; whether there is such a blob. ``Denied``."""
    held = await pen.run(
        HELD, project_id=source.project_id, repository=source.repository, digest=digest
    )
    if not held:
        return False
    sizes = {digest: int(held[0][0])}
    async with quotas.charged(pen, target.project_id, sizes, enforced=enforced):
        await link(pen, target, digest)
    return True


async def holders(quick: Quick, project_id: int, digest: Digest) -> list[str]:
    """Some repositories of a project in which the blob may be read."""
    rows = await quick.fetch(HOLDERS, project_id=project_id, digest=digest)
    return [name for (name,) in rows]


async def require(pen: Pen, place: Place, digests: Collection[Digest]) -> dict[Digest, int]:
    """Raise ``ManifestBlobUnknown`` unless all may be read in *place*; keep them until commit.

    Those that were released meanwhile are returned with their sizes, to be linked again.
    """
    known = await present(pen, place, digests)
    missing = [digest for digest in digests if digest not in known]
    recalled = await releases.recall(pen, place, missing) if missing else {}
    for digest in missing:
        if digest not in recalled:
            raise ManifestBlobUnknown(
                f"blob {digest} not found in {place.repository}", detail={"digest": digest}
            )
    return recalled


async def present(pen: Pen, place: Place, digests: Collection[str]) -> set[str]:
    """Those of *digests* that may be read in *place*; none of them goes before the commit."""
    if not digests:
        return set()
    rows = await pen.run(
        PRESENT, project_id=place.project_id, repository=place.repository, digests=list(digests)
    )
    return {digest for (digest,) in rows}


async def remove(session: AsyncSession, place: Place, digest: Digest) -> None:
    """Take a blob out of *place*; ``Unsupported`` while a manifest there needs it.

    Where nothing else in the project has it, it is no longer charged. Its bytes stay until
    nothing refers to them; collecting garbage frees the space.
    """
    held = await session.scalar(
        select(RepositoryBlob.digest)
        .where(here(place), RepositoryBlob.digest == digest)
        .with_for_update()
    )
    if held is None:
        raise BlobUnknown(f"blob {digest} not found in {place.repository}")
    # The lock first, then the question: a manifest pushed meanwhile has waited, or we have.
    user = await session.scalar(
        select(Artifact.digest)
        .join(ArtifactBlob, ArtifactBlob.artifact_id == Artifact.id)
        .join(Repository, Repository.repository_id == Artifact.repository_id)
        .where(Repository.name == place.repository, ArtifactBlob.digest == digest)
        .limit(1)
    )
    if user is not None:
        raise Unsupported(f"blob {digest} is part of manifest {user}; delete that first")
    await quotas.hold(SessionPen(session), place.project_id, [digest])
    for table in (RepositoryBlob, ReleasedBlob):
        await session.execute(delete(table).where(here(place, table), table.digest == digest))
    await releases.release_if_unused(session, place.project_id, digest)


RECORDED = select(exists().where(Blob.digest == bindparam("digest")))


async def is_recorded(quick: Quick, digest: str) -> bool:
    """Whether any row knows the blob; otherwise its file may be a leftover."""
    return bool((await quick.fetch(RECORDED, digest=digest))[0][0])


async def is_recorded_for_sure(session: AsyncSession, digest: str) -> bool:
    """The same, in a transaction that holds the files: nobody can record it meanwhile."""
    return bool(await session.scalar(RECORDED, {"digest": digest}))
