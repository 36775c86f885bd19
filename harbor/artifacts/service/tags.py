"""What is done: list the tags of artifacts, and attach new ones."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET
from sqlalchemy import Row, String, bindparam, func, literal, select, type_coerce
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


# The same with times as the driver gives them, in the order of the fields; of the table and not of
# the class, since the ORM takes as long for a row as the driver does.
HELD = Tag.__table__.c
PLAIN = select(
    HELD.id,
    HELD.repository_id,
    HELD.artifact_id,
    HELD.name,
    type_coerce(HELD.push_time, String),
    type_coerce(HELD.pull_time, String),
    type_coerce(HELD.expires_at, String),
)
OF_THESE = PLAIN.where(HELD.artifact_id.in_(bindparam("ids", expanding=True))).order_by(
    HELD.push_time.desc(), HELD.id.desc()
)


async def of(session: AsyncSession, artifact_ids: Sequence[int]) -> dict[int, list[schemas.Tag]]:
    """The tags of each artifact, the newest first, to be said: their times are written already."""
    found: dict[int, list[schemas.Tag]] = defaultdict(list)
    rows = await session.execute(OF_THESE, {"ids": artifact_ids})
    for row in rows.all():  # one by one they would be fetched one by one
        tag_id, repository_id, artifact_id, name, pushed, pulled, expires = row
        found[artifact_id].append(
            schemas.Tag(
                tag_id,
                repository_id,
                artifact_id,
                name,
                written(pushed),
                NEVER_WRITTEN if pulled is None else written(pulled),
                False,
                UNSET if expires is None else written(expires),
            )
        )
    return found


def written(moment: datetime | str) -> Any:
    """What JSON says of a time, which SQLite keeps as ``2026-01-31 12:00:00.000000``, and which
    comes from PostgreSQL in UTC.
    """
    if isinstance(moment, str):
        return f"{moment[:10]}T{moment[11:23]}Z"
    return f"{moment.isoformat('T', 'milliseconds')[:23]}Z"


NEVER_WRITTEN: Any = str(Time(NEVER))


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
        await immutable.mark_of(session, artifact_id, found)
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
