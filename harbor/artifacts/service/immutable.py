"""What is done: keep immutable tags as they are, and say which those are."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts import schemas
from harbor.artifacts.models import Artifact, Repository, Tag
from harbor.artifacts.schemas import Place
from harbor.core.errors import Precondition
from harbor.core.i18n import Phrase
from harbor.core.quick import Pen, SessionPen
from harbor.immutability import service as immutability

TAKEN = select(Tag.id).where(
    Tag.repository_id == bindparam("repository_id"), Tag.name == bindparam("name")
)
# Of a repository; ``RETURNING`` tells it to a push without a statement of its own.
RULED: ColumnElement[bool] = immutability.apply_to(Repository.project_id)


async def refuse_push(pen: Pen, place: Place, repository_id: int, tag: str) -> None:
    """``Precondition`` if *tag* is there and immutable: not even the same may be pushed again."""
    if await pen.run(TAKEN, repository_id=repository_id, name=tag):
        rules = await immutability.in_force(pen, place.project_id)
        if await rules.held(place.repository, [tag]):
            raise moved(place, tag)


def moved(place: Place, tag: str) -> Precondition:
    return Precondition(
        Phrase(
            "Failed to process request due to '%(repository)s:%(tag)s' configured as immutable.",
            repository=place.repository,
            tag=tag,
        )
    )


async def refuse_removal(pen: Pen, place: Place, tags: Collection[str]) -> None:
    """``Precondition`` if one of *tags* is immutable."""
    if not tags:
        return
    rules = await immutability.in_force(pen, place.project_id)
    if rules and (held := await rules.held(place.repository, sorted(tags))):
        raise Precondition(
            Phrase("the tag %(tag)s configured as immutable, cannot be deleted", tag=held[0])
        )


async def rules_of(session: AsyncSession, project_id: int) -> immutability.Rules:
    """The rules of a project that are in force."""
    return await immutability.in_force(SessionPen(session), project_id)


async def mark(session: AsyncSession, artifact_id: int, tags: Sequence[schemas.Tag]) -> None:
    """Let each of *tags*, which one artifact has, say whether it is immutable."""
    wanted = (
        select(Repository.project_id, Repository.name)
        .join(Artifact, Artifact.repository_id == Repository.repository_id)
        .where(Artifact.id == artifact_id)
    )
    for project_id, repository in await session.execute(wanted):
        rules = await rules_of(session, project_id)
        held = frozenset(await rules.held(repository, [tag.name for tag in tags]))
        for tag in tags:
            tag.immutable = tag.name in held
