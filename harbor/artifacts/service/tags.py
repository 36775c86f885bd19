"""What is done: list the tags of artifacts, and attach new ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET
from sqlalchemy import Row, bindparam, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts import schemas
from harbor.artifacts.models import Repository, Tag
from harbor.artifacts.schemas import Known, Place, TagQuery
from harbor.artifacts.service import history, immutable, listed
from harbor.artifacts.service.filters import NEVER
from harbor.artifacts.service.history import Act
from harbor.core import clock, oci
from harbor.core import query as q
from harbor.core.db import Time as Moment
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.core.quick import SessionPen
from harbor.core.wire import Time

FIELDS: q.Fields = {
    "id": Tag.id,
    "repository_id": Tag.repository_id,
    "artifact_id": Tag.artifact_id,
    "name": Tag.name,
    "push_time": Tag.push_time,
    "expires_at": Tag.expires_at,
    "pull_time": func.coalesce(Tag.pull_time, literal(NEVER, Moment)),
}
USUAL = (Tag.push_time.desc(), Tag.id.desc())
# Not as objects of the ORM: an artifact may have thousands.
COLUMNS = select(
    Tag.id,
    Tag.repository_id,
    Tag.artifact_id,
    Tag.name,
    Tag.push_time,
    Tag.pull_time,
    Tag.expires_at,
)


RANKED = (
    select(
        Tag.artifact_id,
        Tag.name,
        func.row_number().over(partition_by=Tag.artifact_id, order_by=USUAL).label("at"),
        func.count().over(partition_by=Tag.artifact_id).label("total"),
    )
    .where(Tag.artifact_id.in_(bindparam("ids", expanding=True)))
    .subquery()
)
NEWEST = (
    select(RANKED.c.artifact_id, RANKED.c.name, RANKED.c.total)
    .where(RANKED.c.at <= bindparam("most"))
    .order_by(RANKED.c.artifact_id, RANKED.c.at)
)


async def newest(
    session: AsyncSession, artifact_ids: Sequence[int], most: int
) -> dict[int, tuple[list[str], int]]:
    """The names of the *most* newest tags of each artifact, and how many it has."""
    found: dict[int, tuple[list[str], int]] = {}
    rows = await session.execute(NEWEST, {"ids": artifact_ids, "most": most})
    for artifact_id, name, total in rows:
        found.setdefault(artifact_id, ([], total))[0].append(name)
    return found


async def several(session: AsyncSession, artifact_id: int, ids: Sequence[int]) -> list[str]:
    """The names of those of *ids* that are tags of the artifact; ``NotFound`` if none is."""
    wanted = select(Tag.name).where(Tag.artifact_id == artifact_id, Tag.id.in_(ids))
    found = list(await session.scalars(wanted.order_by(Tag.name)))
    if not found:
        raise NotFound(Phrase("none of these tags is there any more"))
    return found


async def search(
    session: AsyncSession, artifact_id: int, query: TagQuery, counted: int | None = None
) -> tuple[list[schemas.Tag], int]:
    """One page of the tags of an artifact, and how many there are, unless they are *counted*."""
    wanted = [Tag.artifact_id == artifact_id, *q.conditions(query.q, FIELDS)]
    if counted is None:
        counted = await session.scalar(select(func.count()).select_from(Tag).where(*wanted))
    page = (
        COLUMNS.where(*wanted)
        .order_by(*q.order(query.sort, FIELDS), *USUAL)
        .limit(query.page_size)
        .offset(query.offset)
    )
    found = [shown(row) for row in await session.execute(page)]
    if query.with_immutable_status:
        await immutable.mark(session, artifact_id, found)
    return found, counted or 0


async def create(session: AsyncSession, artifact: Known, name: str, act: Act) -> None:
    """Attach a tag, in a repository that is held; it must mean nothing else there.

    ``BadRequest`` if it is no name for a tag, ``Conflict`` if it is taken.
    """
    if not oci.TAG.fullmatch(name):
        raise BadRequest(Phrase("invalid tag name: %(name)s", name=oci.shown(name)))
    taken = select(Tag.id).where(Tag.repository_id == artifact.repository_id, Tag.name == name)
    if await session.scalar(taken) is not None:
        raise Conflict(Phrase("tag %(name)s already exists", name=name))
    session.add(
        Tag(
            repository_id=artifact.repository_id,
            artifact_id=artifact.id,
            name=name,
            push_time=clock.now(),
        )
    )
    await session.flush()
    await history.note(SessionPen(session), act, {name: artifact.digest})
    await listed.review(SessionPen(session), artifact.repository_id, {artifact.digest})


async def is_attached(session: AsyncSession, artifact: Known, name: str) -> bool:
    """Whether the tag means this artifact."""
    wanted = select(Tag.id).where(Tag.artifact_id == artifact.id, Tag.name == name)
    return await session.scalar(wanted) is not None


def shown(row: Row[*tuple[Any, ...]]) -> schemas.Tag:
    """A tag as callers see it; whether it is immutable is looked up where they ask for it."""
    return schemas.Tag(
        id=row.id,
        repository_id=row.repository_id,
        artifact_id=row.artifact_id,
        name=row.name,
        push_time=Time(row.push_time),
        pull_time=Time(row.pull_time or NEVER),
        immutable=False,
        expires_at=Time(row.expires_at) if row.expires_at else UNSET,
    )


async def expiry_of(session: AsyncSession, place: Place, name: str) -> datetime | None:
    """When a tag is to be removed, if it is; ``NotFound``."""
    wanted = (
        select(Tag.expires_at)
        .join(Repository, Repository.repository_id == Tag.repository_id)
        .where(
            Repository.project_id == place.project_id,
            Repository.name == place.repository,
            Tag.name == name,
        )
    )
    found = (await session.scalars(wanted)).all()
    if not found:
        raise NotFound(
            Phrase(
                "tag %(name)s not found in %(repository)s",
                name=oci.shown(name),
                repository=place.repository,
            )
        )
    return found[0]
