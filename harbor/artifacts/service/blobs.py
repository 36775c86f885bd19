"""What is done: blobs, and the repositories in which each may be read."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, ArtifactBlob, Blob, Repository, RepositoryBlob
from harbor.artifacts.schemas import Place
from harbor.core import clock
from harbor.core.db import insert_or_ignore
from harbor.core.errors import BlobUnknown, ManifestBlobUnknown, Unsupported
from harbor.core.oci import Digest
from harbor.core.quick import Quick


def here(place: Place) -> ColumnElement[bool]:
    """The blobs that may be read in *place*, as a condition."""
    return and_(
        RepositoryBlob.project_id == place.project_id,
        RepositoryBlob.repository == place.repository,
    )


async def add(session: AsyncSession, place: Place, digest: Digest, size: int) -> None:
    """Record a blob of *size* bytes, and that it may be read in *place*."""
    await session.execute(
        insert_or_ignore(
            session, Blob, [{"digest": digest, "size": size, "creation_time": clock.now()}]
        )
    )
    await link(session, place, digest)


async def link(session: AsyncSession, place: Place, digest: Digest) -> None:
    row = {
        "project_id": place.project_id,
        "repository": place.repository,
        "digest": digest,
        "creation_time": clock.now(),
    }
    await session.execute(insert_or_ignore(session, RepositoryBlob, [row]))


SIZE = (
    select(Blob.size)
    .join(RepositoryBlob, RepositoryBlob.digest == Blob.digest)
    .where(
        RepositoryBlob.project_id == bindparam("project_id"),
        RepositoryBlob.repository == bindparam("repository"),
        RepositoryBlob.digest == bindparam("digest"),
    )
)


async def size(quick: Quick, place: Place, digest: Digest) -> int:
    """The size in bytes of a blob that may be read in *place*; ``BlobUnknown``."""
    rows = await quick.fetch(
        SIZE, project_id=place.project_id, repository=place.repository, digest=digest
    )
    if not rows:
        raise BlobUnknown(f"blob {digest} not found in {place.repository}")
    return int(rows[0][0])


async def mount(session: AsyncSession, source: Place, target: Place, digest: Digest) -> bool:
    """Let *target* read a blob of *source*; whether there is such a blob."""
    held = await session.scalar(
        select(RepositoryBlob.digest)
        .where(here(source), RepositoryBlob.digest == digest)
        .with_for_update(read=True, key_share=True)
    )
    if held is None:
        return False
    await link(session, target, digest)
    return True


async def mount_from_project(session: AsyncSession, target: Place, digest: Digest) -> bool:
    """Mount from whichever repository of the same project holds the blob."""
    source = await session.scalar(
        select(RepositoryBlob.repository)
        .where(RepositoryBlob.project_id == target.project_id, RepositoryBlob.digest == digest)
        .limit(1)
    )
    return source is not None and await mount(
        session, Place(target.project_id, source), target, digest
    )


async def require(session: AsyncSession, place: Place, digests: Collection[Digest]) -> None:
    """Raise ``ManifestBlobUnknown`` unless all may be read in *place*; keep them until commit."""
    known = await present(session, place, digests)
    for digest in digests:
        if digest not in known:
            raise ManifestBlobUnknown(
                f"blob {digest} not found in {place.repository}", detail={"digest": digest}
            )


async def present(session: AsyncSession, place: Place, digests: Collection[str]) -> set[str]:
    """Those of *digests* that may be read in *place*; none of them goes before the commit."""
    found: set[str] = set()
    wanted = list(digests)
    for start in range(0, len(wanted), 500):  # SQLite takes a limited number of parameters
        rows = await session.scalars(
            select(RepositoryBlob.digest)
            .where(here(place), RepositoryBlob.digest.in_(wanted[start : start + 500]))
            .with_for_update(read=True, key_share=True)
        )
        found.update(rows)
    return found


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
