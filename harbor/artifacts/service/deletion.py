"""What is done: remove tags, and artifacts with all that only they needed.

How many statements that takes depends on how deep indexes and accessories are nested, and not on
how many there are.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, exists, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from harbor.artifacts.models import (
    Accessory,
    Artifact,
    ArtifactBlob,
    ArtifactReference,
    Repository,
    RepositoryBlob,
    Tag,
)
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import history, immutable, listed, releases, repositories, trash
from harbor.artifacts.service.artifacts import unknown
from harbor.artifacts.service.history import Act
from harbor.artifacts.service.trash import Taken, Terms
from harbor.core.errors import NameUnknown, ReferencedByOthers
from harbor.core.i18n import Phrase
from harbor.core.quick import Pen, SessionPen, among
from harbor.core.quick.statements import Statement

MANY = 500  # blobs that are released together

INSIDE = (Artifact.repository_id == bindparam("repository_id"), among(Artifact.digest, "digests"))
# Nobody else may refer to them or remove them until the commit.
LOCKED = select(Artifact.digest).where(*INSIDE).order_by(Artifact.id).with_for_update()
ABOUT = (
    select(Artifact.digest)
    .join(Accessory, Accessory.artifact_id == Artifact.id)
    .where(
        Accessory.repository_id == bindparam("repository_id"),
        among(Accessory.subject_digest, "digests"),
    )
)
CHILDREN = (
    select(ArtifactReference.child_digest)
    .join(Artifact, Artifact.id == ArtifactReference.parent_id)
    .where(*INSIDE)
    .distinct()
)
PARENT = aliased(Artifact)
LISTED_ELSEWHERE = exists().where(
    ArtifactReference.child_id == Artifact.id,
    PARENT.id == ArtifactReference.parent_id,
    not_(among(PARENT.digest, "going")),
)
HELD = select(Artifact.digest).where(
    *INSIDE, or_(exists().where(Tag.artifact_id == Artifact.id), LISTED_ELSEWHERE)
)
NEEDED = select(Artifact.digest).where(*INSIDE, LISTED_ELSEWHERE).limit(1)
TAGS = select(Tag.name).join(Artifact, Artifact.id == Tag.artifact_id).where(*INSIDE)
NAMED = (
    select(ArtifactBlob.digest)
    .join(Artifact, Artifact.id == ArtifactBlob.artifact_id)
    .where(*INSIDE)
    .distinct()
)
UNLISTED = (
    delete(ArtifactReference)
    .where(ArtifactReference.parent_id.in_(select(Artifact.id).where(*INSIDE)))
    .execution_options(synchronize_session=False)
)
GONE = (
    delete(Artifact)
    .where(*INSIDE)
    .returning(Artifact.listed)
    .execution_options(synchronize_session=False)
)


async def remove_tag(
    session: AsyncSession, act: Act, tag: str, *, due: datetime | None = None
) -> None:
    """Take a tag away, or one that is to go by the time *due*; the artifact stays, under its
    digest.

    ``ManifestUnknown``; ``Precondition`` if the tag is immutable.
    """
    repository_id = await hold(session, act.place)
    this = and_(Tag.repository_id == repository_id, Tag.name == tag)
    if due is not None:
        this &= Tag.expires_at <= due
    artifact_id = await session.scalar(delete(Tag).where(this).returning(Tag.artifact_id))
    if artifact_id is None:
        raise unknown(act.place, tag)
    pen = SessionPen(session)
    await immutable.refuse_removal(pen, act.place, [tag])
    await history.note(pen, act, {tag: None})
    digest = await session.scalar(select(Artifact.digest).where(Artifact.id == artifact_id))
    await listed.review(pen, repository_id, {str(digest)})


async def remove(session: AsyncSession, place: Place, digest: str, terms: Terms) -> None:
    """Remove an artifact with its tags, its accessories, the children that have no tag and no other
    parent, and the blobs that nothing else needs.

    Raises ``ManifestUnknown``, ``ReferencedByOthers`` if an index lists it, and ``Precondition`` if
    a tag that would go is immutable.
    Source: Harbor src/controller/artifact/controller.go, ``deleteDeeply``.
    """
    repository_id = await hold(session, place)
    pen = SessionPen(session)
    going, children = await family(pen, repository_id, digest)
    if not going:
        raise unknown(place, digest)
    here = {"repository_id": repository_id, "digests": sorted(going)}
    root = {"repository_id": repository_id, "digests": [digest], "going": []}
    # An index keeps what it lists, even if it would go too, because it speaks about that.
    if await pen.run(NEEDED, **root) or await pen.run(NEEDED, **here, going=sorted(going)):
        raise ReferencedByOthers(Phrase("the deleting artifact is referenced by others"))
    needed = await forget(pen, Taken(place, repository_id, digest), sorted(going), terms)
    await listed.review(pen, repository_id, children - going)
    await releases.release(session, place.project_id, needed)


async def family(pen: Pen, repository_id: int, digest: str) -> tuple[set[str], set[str]]:
    """All that goes with an artifact, locked, and all that any of it lists."""
    going: set[str] = set()
    children: set[str] = set()
    waiting = {digest}
    while waiting:
        here = {"repository_id": repository_id, "digests": sorted(waiting)}
        new = await digests(pen, LOCKED, here) - going
        going |= new
        here["digests"] = sorted(new)
        listed_by_new = await digests(pen, CHILDREN, here)
        about = await digests(pen, ABOUT, here)
        children |= listed_by_new
        # A child goes with its last parent.
        loose = listed_by_new - going
        near = {"repository_id": repository_id, "digests": sorted(loose), "going": sorted(going)}
        loose -= await digests(pen, HELD, near)
        waiting = (loose | about) - going
    return going, children


async def digests(pen: Pen, statement: Statement, values: dict[str, object]) -> set[str]:
    """The digests that a statement finds; none are asked for without a statement."""
    if not values["digests"]:
        return set()
    return {str(digest) for (digest,) in await pen.run(statement, **values)}


async def remove_repository(session: AsyncSession, place: Place, terms: Terms) -> None:
    """Remove a repository with all its artifacts, and with its blobs.

    ``NameUnknown``; ``Precondition`` if one of its tags is immutable.
    """
    repository_id = await hold(session, place)
    pen = SessionPen(session)
    here = select(Artifact.digest).where(Artifact.repository_id == repository_id)
    everything = list(await session.scalars(here.order_by(Artifact.id)))
    needed = await forget(pen, Taken(place, repository_id, None), everything, terms)
    blobs = (
        RepositoryBlob.project_id == place.project_id,
        RepositoryBlob.repository == place.repository,
    )
    needed |= set(await session.scalars(select(RepositoryBlob.digest).where(*blobs)))
    some = sorted(needed)
    for start in range(0, len(some), MANY):
        await releases.release(session, place.project_id, some[start : start + MANY])
    # What other repositories of the project need is still charged, but no longer read here.
    await session.execute(delete(RepositoryBlob).where(*blobs))
    await session.execute(delete(Repository).where(Repository.repository_id == repository_id))


async def forget(pen: Pen, taken: Taken, going: Collection[str], terms: Terms) -> set[str]:
    """Delete the rows of artifacts, having put them into the trash if there is one; return the
    digests of their manifests and of the blobs that they named.
    """
    here = {"repository_id": taken.repository_id, "digests": list(going)}
    tags = [name for (name,) in await pen.run(TAGS, **here)]
    await immutable.refuse_removal(pen, taken.place, tags)
    await trash.keep(pen, taken, going, terms)
    if tags:
        act = Act(taken.place, "delete", terms.by)
        await history.note_removal(pen, act, taken.repository_id, list(going))
    named = {digest for (digest,) in await pen.run(NAMED, **here)}
    await pen.run(UNLISTED, **here)
    gone = await pen.run(GONE, **here)
    await listed.count(pen, taken.repository_id, -listed.shown(gone))
    return {*going, *named}


async def hold(session: AsyncSession, place: Place) -> int:
    """The id of a repository that is about to change; ``NameUnknown``."""
    repository_id = await repositories.touch(session, place)
    if repository_id is None:
        raise NameUnknown(
            Phrase("repository %(repository)s not found", repository=place.repository)
        )
    return repository_id
