"""What is done: know what a tag has meant, since when, and who did that.

Whoever lets a tag mean something else writes one row, in the same transaction. Pushing the same
again writes none.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    null,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import UpdateBase

from harbor.artifacts import schemas
from harbor.artifacts.models import Artifact, Repository, Tag, TagMove, Trash, TrashArtifact
from harbor.artifacts.schemas import Place
from harbor.core import clock
from harbor.core import query as q
from harbor.core.db import Database
from harbor.core.errors import NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.core.query import Listing
from harbor.core.quick import Pen, among
from harbor.core.quick.statements import Either
from harbor.core.wire import Time
from harbor.projects.events import ProjectDeleted

KEPT = 100  # moves of one tag
GONE_FOR = timedelta(days=365)  # then nobody asks any more what a tag meant
SOME = 500  # tags that are tidied up in one transaction
NAMES = ("project_id", "repository", "tag", "digest", "cause", "username", "op_time")
MAX_USERNAME = 255


class Act(Struct, frozen=True):
    """What lets tags of a repository mean something else."""

    place: Place
    cause: str  # push, copy, create, delete, expire, rollback, restore
    by: str  # the name of who did it

    @property
    def row(self) -> dict[str, object]:
        return {
            "project_id": self.place.project_id,
            "repository": self.place.repository,
            "cause": self.cause,
            "username": self.by[:MAX_USERNAME],
            "op_time": clock.now(),
        }


def _noted(dialect: Any) -> UpdateBase:
    row: dict[str, Any] = {name: bindparam(name) for name in NAMES}
    return dialect.insert(TagMove.__table__).values(row)  # type: ignore[no-any-return]


def _taken(dialect: Any) -> UpdateBase:
    table = TagMove.__table__
    told = {name: bindparam(name, type_=table.c[name].type) for name in NAMES}
    named = (
        select(
            told["project_id"],
            told["repository"],
            Tag.name,
            cast(null(), String),
            told["cause"],
            told["username"],
            told["op_time"],
        )
        .join(Artifact, Artifact.id == Tag.artifact_id)
        .where(
            Tag.repository_id == bindparam("repository_id", type_=Integer),
            among(Artifact.digest, "digests"),
        )
    )
    return dialect.insert(table).from_select(  # type: ignore[no-any-return]
        NAMES, named, include_defaults=False
    )


NOTED, TAKEN = Either(_noted), Either(_taken)


async def note(pen: Pen, act: Act, meaning: Mapping[str, str | None]) -> None:
    """Note what each tag means now: a digest, or nothing."""
    row = act.row
    if len(meaning) == 1:
        ((tag, digest),) = meaning.items()
        await pen.run(NOTED, **row, tag=tag, digest=digest)
        return
    await pen.run_many(NOTED, [row | {"tag": t, "digest": d} for t, d in meaning.items()])


async def note_removal(pen: Pen, act: Act, repository_id: int, digests: list[str]) -> None:
    """Note that all tags of these artifacts are about to go."""
    await pen.run(TAKEN, **act.row, repository_id=repository_id, digests=digests)


async def search(
    session: AsyncSession, place: Place, tag: str, query: Listing
) -> tuple[list[schemas.TagMove], int]:
    """One page of what a tag has meant, the newest first; ``NotFound`` if nothing is known."""
    this = of_tag(place, tag)
    if not await session.scalar(select(exists().where(this))):
        raise NotFound(
            Phrase(
                "tag %(tag)s has never been seen in %(repository)s",
                tag=shown(tag),
                repository=place.repository,
            )
        )
    wanted = and_(this, *q.conditions(query.q, FIELDS))
    total = await session.scalar(select(func.count()).select_from(TagMove).where(wanted))
    page = (
        select(*COLUMNS, state())
        .where(wanted)
        .order_by(*q.order(query.sort, FIELDS), TagMove.id.desc())
        .limit(query.page_size)
        .offset(query.offset)
    )
    rows = await session.execute(page)
    return [
        schemas.TagMove(row.id, row.digest, row.cause, row.username, Time(row.op_time), row.state)
        for row in rows
    ], total or 0


FIELDS: q.Fields = {
    "id": TagMove.id,
    "digest": TagMove.digest,
    "operation": TagMove.cause,
    "username": TagMove.username,
    "op_time": TagMove.op_time,
}
COLUMNS = (TagMove.id, TagMove.digest, TagMove.cause, TagMove.username, TagMove.op_time)


def state() -> ColumnElement[str]:
    """Where the artifact of a move is now, as ``schemas.TagMove`` says it."""
    here = (
        exists()
        .where(
            Repository.project_id == TagMove.project_id,
            Repository.name == TagMove.repository,
            Artifact.repository_id == Repository.repository_id,
            Artifact.digest == TagMove.digest,
        )
        .correlate(TagMove)
    )
    current = (
        exists()
        .where(
            Repository.project_id == TagMove.project_id,
            Repository.name == TagMove.repository,
            Tag.repository_id == Repository.repository_id,
            Tag.name == TagMove.tag,
            Artifact.id == Tag.artifact_id,
            Artifact.digest == TagMove.digest,
        )
        .correlate(TagMove)
    )
    return case(
        (TagMove.digest.is_(None), "none"),
        (current, "current"),
        (here, "here"),
        (in_trash(), "trash"),
        else_="gone",
    ).label("state")


def in_trash() -> ColumnElement[bool]:
    """Whether the artifact of a move can be restored."""
    return (
        exists()
        .where(
            TrashArtifact.digest == TagMove.digest,
            Trash.id == TrashArtifact.trash_id,
            Trash.project_id == TagMove.project_id,
            Trash.repository == TagMove.repository,
            Trash.kept_until > clock.now(),
        )
        .correlate(TagMove)
    )


def of_tag(place: Place, tag: str) -> ColumnElement[bool]:
    return and_(
        TagMove.project_id == place.project_id,
        TagMove.repository == place.repository,
        TagMove.tag == tag,
    )


FORGOTTEN = (
    delete(TagMove)
    .where(TagMove.project_id == bindparam("of"))
    .execution_options(synchronize_session=False)
)


async def forget(pen: Pen, event: ProjectDeleted) -> None:
    """Nothing is known of the tags of a deleted project."""
    await pen.run(FORGOTTEN, of=event.project_id)


async def forget_old(db: Database) -> None:
    """Keep the newest moves of each tag, and nothing of tags that went long ago."""
    newer = aliased(TagMove)
    key = (TagMove.project_id, TagMove.repository, TagMove.tag)
    full = select(*key).group_by(*key).having(func.count() > KEPT)
    after = exists().where(
        newer.project_id == TagMove.project_id,
        newer.repository == TagMove.repository,
        newer.tag == TagMove.tag,
        newer.id > TagMove.id,
    )
    past = select(*key).where(
        TagMove.digest.is_(None), TagMove.op_time < clock.now() - GONE_FOR, ~after
    )
    for wanted, kept in ((full, KEPT), (past, 0)):
        async with db.reading() as session:
            tags = [Known(*row) for row in await session.execute(wanted)]
        for start in range(0, len(tags), SOME):
            async with db.writing() as session:
                for tag in tags[start : start + SOME]:
                    await shorten(session, tag, kept)


class Known(Struct, frozen=True):
    """A tag of which something is known."""

    project_id: int
    repository: str
    tag: str


async def shorten(session: AsyncSession, tag: Known, kept: int) -> None:
    this = of_tag(Place(tag.project_id, tag.repository), tag.tag)
    last = select(TagMove.id).where(this).order_by(TagMove.id.desc()).limit(1).offset(kept)
    await session.execute(
        delete(TagMove)
        .where(this, TagMove.id <= last.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
