"""What is done: remove tags, and artifacts with all that only they needed."""

from collections.abc import Collection

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, ArtifactBlob, ArtifactReference, Repository, Tag
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import accessories, releases
from harbor.artifacts.service.artifacts import unknown
from harbor.core.errors import NameUnknown, ReferencedByOthers

MANY = 500  # SQLite takes a limited number of parameters


async def remove_tag(session: AsyncSession, place: Place, tag: str) -> None:
    """Take a tag away; the artifact stays, under its digest. ``ManifestUnknown``."""
    repository_id = await found(session, place, in_place(place))
    gone = await session.scalar(
        delete(Tag).where(Tag.repository_id == repository_id, Tag.name == tag).returning(Tag.id)
    )
    if gone is None:
        raise unknown(place, tag)


async def remove(session: AsyncSession, place: Place, digest: str) -> None:
    """Remove an artifact with its tags, its accessories, and the blobs that nothing else needs.

    Raises ``ManifestUnknown``, and ``ReferencedByOthers`` if an index lists it.
    Source: Harbor src/controller/artifact/controller.go, ``deleteDeeply``.
    """
    # Whoever pushes to the repository waits for us, or we have waited.
    repository_id = await found(session, place, in_place(place).with_for_update(key_share=True))
    artifact_id = await locked(session, repository_id, digest)
    if artifact_id is None:
        raise unknown(place, digest)
    doomed = await with_accessories(session, repository_id, artifact_id, digest)
    needed = set(doomed.values())
    ids = list(doomed)
    for start in range(0, len(ids), MANY):
        some = ids[start : start + MANY]
        needed |= await named_by(session, some)
        await session.execute(delete(Artifact).where(Artifact.id.in_(some)))
    await releases.release(session, place.project_id, needed)


async def with_accessories(
    session: AsyncSession, repository_id: int, artifact_id: int, digest: str
) -> dict[int, str]:
    """Id → digest of what is locked and of its accessories, and theirs, and so on, now locked too.

    Not by recursion: chains may be long, and signatures by tag may sign each other in a circle.
    """
    waiting, seen, doomed = [(artifact_id, digest)], {digest}, {}
    while waiting:
        each_id, each = waiting.pop()
        await refuse_child(session, each_id)
        doomed[each_id] = each
        for accessory in await accessories.digests_of(session, repository_id, each):
            accessory_id = await locked(session, repository_id, accessory)
            if accessory_id is not None and accessory not in seen:
                waiting.append((accessory_id, accessory))
                seen.add(accessory)
    return doomed


async def locked(session: AsyncSession, repository_id: int, digest: str) -> int | None:
    """The id of an artifact, which nobody else may refer to or remove until the commit."""
    return await session.scalar(
        select(Artifact.id)
        .where(Artifact.repository_id == repository_id, Artifact.digest == digest)
        .with_for_update()
    )


async def refuse_child(session: AsyncSession, artifact_id: int) -> None:
    """Raise ``ReferencedByOthers`` if an index lists the artifact."""
    parent = await session.scalar(
        select(ArtifactReference.parent_id)
        .where(ArtifactReference.child_id == artifact_id)
        .limit(1)
    )
    if parent is not None:
        raise ReferencedByOthers("the deleting artifact is referenced by others")


async def named_by(session: AsyncSession, artifact_ids: Collection[int]) -> set[str]:
    """The digests of the blobs that the artifacts name."""
    rows = await session.scalars(
        select(ArtifactBlob.digest).where(ArtifactBlob.artifact_id.in_(artifact_ids))
    )
    return set(rows)


def in_place(place: Place) -> "Select[int]":
    return select(Repository.repository_id).where(
        Repository.name == place.repository, Repository.project_id == place.project_id
    )


async def found(session: AsyncSession, place: Place, wanted: "Select[int]") -> int:
    """The id of a repository that was pushed to; ``NameUnknown``."""
    repository_id = await session.scalar(wanted)
    if repository_id is None:
        raise NameUnknown(f"repository {place.repository} not found")
    return repository_id
