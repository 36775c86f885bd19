"""What is done: list repositories, show and describe them."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, String, and_, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts import schemas
from harbor.artifacts.models import Repository, RepositoryBlob
from harbor.artifacts.schemas import Place
from harbor.core import clock
from harbor.core import query as q
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown as printable
from harbor.core.query import Listing
from harbor.core.security import Principal
from harbor.core.wire import Time
from harbor.projects import service as projects
from harbor.projects.models import Project

LIST = ("repository", "list")
MAX_DESCRIPTION = 65_535
# As Go escapes HTML: clients that show a description without escaping rely on it.
ESCAPED = str.maketrans({"&": "&amp;", "'": "&#39;", "<": "&lt;", ">": "&gt;", '"': "&#34;"})


def holding(match: q.Match) -> ColumnElement[bool]:
    """The repositories in which the blob of that digest may be read, as a condition."""
    return (
        select(RepositoryBlob.digest)
        .where(
            match.on(RepositoryBlob.digest),
            RepositoryBlob.project_id == Repository.project_id,
            RepositoryBlob.repository == Repository.name,
        )
        .exists()
    )


FIELDS: q.Fields = {
    "id": Repository.repository_id,
    "repository_id": Repository.repository_id,
    "project_id": Repository.project_id,
    "name": Repository.name,
    "description": Repository.description,
    "pull_count": Repository.pull_count,
    "creation_time": Repository.creation_time,
    "update_time": Repository.update_time,
    "blob_digest": holding,
}


async def of_project(
    session: AsyncSession, who: Principal, project_id: int, query: Listing, *, containing: str = ""
) -> tuple[list[schemas.Repository], int]:
    """One page of the repositories of a project that *who* may see, and how many there are.

    *containing*: a part of the name, in which that of the project does not count.
    """
    inside = Repository.project_id == project_id
    if containing:
        named = select(Project.name).where(Project.project_id == project_id).scalar_subquery()
        own = func.substr(Repository.name, func.length(named) + 2, type_=String)
        inside = and_(inside, q.Match("name", "fuzzy", (containing,)).on(own))
    return await search(session, and_(inside, await seen_by(session, who, project_id)), query)


async def visible(
    session: AsyncSession, who: Principal, query: Listing
) -> tuple[list[schemas.Repository], int]:
    """One page of the repositories that *who* may see, and how many there are."""
    seen = and_(Project.deleted.is_(False), projects.visible_to(who, LIST))
    inside = and_(
        Repository.project_id.in_(select(Project.project_id).where(seen)),
        await seen_by(session, who),
    )
    return await search(session, true() if who.is_admin else inside, query)


async def seen_by(
    session: AsyncSession, who: Principal, project_id: int | None = None
) -> ColumnElement[bool]:
    """The repositories that rules do not hide from *who*, in one project or all."""
    wanted = None if project_id is None else [project_id]
    sight = await projects.sight_of(session, who, wanted, LIST)
    return sight.allows(Repository.project_id, Repository.name)


async def search(
    session: AsyncSession, where: ColumnElement[bool], query: Listing
) -> tuple[list[schemas.Repository], int]:
    wanted = and_(where, *q.conditions(query.q, FIELDS))
    total = await session.scalar(select(func.count()).select_from(Repository).where(wanted))
    usual = (Repository.creation_time.desc(), Repository.repository_id.desc())
    order = (*q.order(query.sort, FIELDS), *usual)
    page = (
        select(Repository.repository_id)
        .where(wanted)
        .order_by(*order)
        .limit(query.page_size)
        .offset(query.offset)
        .subquery()
    )
    # Descriptions are long: only those on the page are read.
    rows = (
        select(Repository)
        .join(page, page.c.repository_id == Repository.repository_id)
        .order_by(*order)
    )
    return [shown(row) for row in await session.scalars(rows)], total or 0


async def see(session: AsyncSession, place: Place) -> schemas.Repository:
    """One repository; ``NotFound``."""
    row = await session.scalar(select(Repository).where(*at(place)))
    if row is None:
        raise missing(place)
    return shown(row)


def as_written(description: str) -> str:
    """A description as somebody wrote it, before it was escaped to be kept."""
    from html import unescape  # noqa: PLC0415, its names of characters take memory

    return unescape(description)


async def describe(session: AsyncSession, place: Place, description: str) -> None:
    """Give a repository another description, kept as HTML that shows it; ``NotFound``."""
    escaped = description.translate(ESCAPED)
    if len(escaped) > MAX_DESCRIPTION:
        raise BadRequest(
            Phrase("the description has more than %(most)s characters", most=MAX_DESCRIPTION)
        )
    row = await session.scalar(select(Repository).where(*at(place)).with_for_update())
    if row is None:
        raise missing(place)
    row.description = escaped


async def several(
    session: AsyncSession, project_id: int, ids: Sequence[int]
) -> list[schemas.Repository]:
    """Those of *ids* that are repositories of the project, by name; ``NotFound`` if none is."""
    wanted = select(Repository).where(
        Repository.project_id == project_id, Repository.repository_id.in_(ids)
    )
    rows = (await session.scalars(wanted.order_by(Repository.name))).all()
    if not rows:
        raise NotFound(Phrase("none of these repositories is there any more"))
    return [shown(row) for row in rows]


async def find(session: AsyncSession, place: Place) -> int:
    """The id of a repository; ``NotFound``."""
    repository_id, _ = await find_counted(session, place)
    return repository_id


async def find_counted(session: AsyncSession, place: Place) -> tuple[int, int]:
    """The id of a repository, and how many artifacts its lists show; ``NotFound``."""
    wanted = select(Repository.repository_id, Repository.artifact_count).where(*at(place))
    row = (await session.execute(wanted)).first()
    if row is None:
        raise missing(place)
    return row.repository_id, row.artifact_count


async def count_artifacts(session: AsyncSession, which: ColumnElement[bool]) -> int:
    """How many artifacts are shown by the lists of *which* repositories, all together."""
    return await session.scalar(select(func.sum(Repository.artifact_count)).where(which)) or 0


async def hold(session: AsyncSession, place: Place) -> int:
    """The id of a repository that is about to change; ``NotFound``."""
    found = await touch(session, place)
    if found is None:
        raise missing(place)
    return found


async def touch(session: AsyncSession, place: Place) -> int | None:
    """The id of a repository, if it is there, whose time of change is now.

    Whoever else changes it waits for us, or we have waited.
    """
    touched = update(Repository).where(*at(place)).values(update_time=clock.now())
    rows = await session.scalars(touched.returning(Repository.repository_id))
    return rows.first()


def at(place: Place) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Repository.name == place.repository, Repository.project_id == place.project_id


def missing(place: Place) -> NotFound:
    return NotFound(
        Phrase("repository %(repository)s not found", repository=printable(place.repository))
    )


def shown(row: Repository) -> schemas.Repository:
    return schemas.Repository(
        id=row.repository_id,
        project_id=row.project_id,
        name=row.name,
        description=row.description,
        artifact_count=row.artifact_count,
        pull_count=row.pull_count,
        creation_time=Time(row.creation_time),
        update_time=Time(row.update_time),
    )
