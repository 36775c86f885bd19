"""What is done: blobs, and the repositories in which each may be read."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, ArtifactBlob, Blob, Repository, RepositoryBlob
from harbor.artifacts.schemas import Place
from harbor.core import clock
from harbor.core.errors import BlobUnknown, ManifestBlobUnknown, Unsupported
from harbor.core.oci import Digest
from harbor.core.quick import Pen, Quick, among, put_new


def here(place: Place) -> ColumnElement[bool]:
    """The blobs that may be read in *place*, as a condition."""
    return and_(
        RepositoryBlob.project_id == place.project_id,
        RepositoryBlob.repository == place.repository,
    )


HERE = (
    RepositoryBlob.project_id == bindparam("project_id"),
    RepositoryBlob.repository == bindparam("repository"),
)
BLOB = put_new(Blob, "digest", "size", "creation_time")
LINK = put_new(RepositoryBlob, "project_id", "repository", "digest", "creation_time")


async def add(pen: Pen, place: Place, digest: Digest, size: int) -> None:
    """Record a blob of *size* bytes, and that it may be read in *place*."""
    await pen.run(BLOB, digest=digest, size=size, creation_time=clock.now())
    await link(pen, place, digest)


async def link(pen: Pen, place: Place, digest: Digest) -> None:
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
    select(RepositoryBlob.digest)
    .where(*HERE, RepositoryBlob.digest == bindparam("digest"))
    .with_for_update(read=True, key_share=True)
)
HOLDER = (
    select(RepositoryBlob.repository)
    .where(HERE[0], RepositoryBlob.digest == bindparam("digest"))
    .limit(1)
)
PRESENT = (
    select(RepositoryBlob.digest)
    .where(*HERE, among(RepositoryBlob.digest, "digests"))
    .with_for_update(read=True, key_share=True)
)


async def mount(pen: Pen, source: Place, target: Place, digest: Digest) -> bool:
    """Let *target* read a blob of *source*; whether there is such a blob."""
    held = await pen.run(
        HELD, project_id=source.project_id, repository=source.repository, digest=digest
    )
    if not held:
        return False
    await link(pen, target, digest)
    return True


async def mount_from_project(pen: Pen, target: Place, digest: Digest) -> bool:
    """Mount from whichever repository of the same project holds the blob."""
    holder = await pen.run(HOLDER, project_id=target.project_id, digest=digest)
    return bool(holder) and await mount(pen, Place(target.project_id, holder[0][0]), target, digest)


async def require(pen: Pen, place: Place, digests: Collection[Digest]) -> None:
    """Raise ``ManifestBlobUnknown`` unless all may be read in *place*; keep them until commit."""
    known = await present(pen, place, digests)
    for digest in digests:
        if digest not in known:
            raise ManifestBlobUnknown(
                f"blob {digest} not found in {place.repository}", detail={"digest": digest}
            )


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

    Its bytes stay until nothing refers to them; collecting garbage frees the space.
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
    await session.execute(
        delete(RepositoryBlob).where(here(place), RepositoryBlob.digest == digest)
    )


RECORDED = select(exists().where(Blob.digest == bindparam("digest")))


async def is_recorded(quick: Quick, digest: str) -> bool:
    """Whether any row knows the blob; otherwise its file may be a leftover."""
    return bool((await quick.fetch(RECORDED, digest=digest))[0][0])


async def is_recorded_for_sure(session: AsyncSession, digest: str) -> bool:
    """The same, in a transaction that holds the files: nobody can record it meanwhile."""
    return bool(await session.scalar(RECORDED, {"digest": digest}))
