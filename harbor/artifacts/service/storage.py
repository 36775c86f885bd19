"""What is done: say what repositories and projects hold, and what is freed if they are deleted.

Bytes count once for each digest, as a project is charged for them. A repository frees what no other
repository of its project has; of that, the store frees what no other project has. Little is counted
when somebody asks; much is counted once in a while (``artifacts.jobs``), and its age is told.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from harbor.artifacts.models import (
    Artifact,
    ProjectStorage,
    Repository,
    RepositoryBlob,
    RepositoryStorage,
)
from harbor.core.security import Principal
from harbor.projects import service as projects
from harbor.quotas.models import ProjectBlob, Quota

FEW = 2_000  # blobs, and artifacts, that are counted while somebody waits
LARGEST = 10  # repositories of a project that are told

Other = aliased(ProjectBlob)
# With the digest first, which few projects share.
ELSEWHERE = exists().where(
    Other.digest == ProjectBlob.digest, Other.project_id + 0 != ProjectBlob.project_id
)


class Holding(Struct, frozen=True):
    """Bytes of something, each counted once."""

    nbytes: int
    freed: int  # by which the project would hold less without it
    unique: int  # of them, what no other project has
    counted: datetime | None = None  # None: just now
    at_least: bool = False  # what is freed may be more


class Named(Struct, frozen=True):
    """What a repository holds."""

    repository_id: int
    name: str  # with its project
    holding: Holding


class Whole(Struct, frozen=True):
    """What a project holds."""

    used: int
    unique: int | None  # what no other project has; None: not counted yet
    largest: Sequence[Named]  # the repositories that free most
    counted: datetime | None = None  # None: just now


def total(wanted: ColumnElement[bool] | None = None) -> ColumnElement[int]:
    """The bytes of the rows that are like that."""
    size = ProjectBlob.size if wanted is None else case((wanted, ProjectBlob.size), else_=0)
    return cast(func.coalesce(func.sum(size), 0), BigInteger)  # PostgreSQL sums up to a decimal


async def of_repositories(
    session: AsyncSession, project_id: int, chosen: Sequence[tuple[int, str]]
) -> Holding | None:
    """What repositories of a project, ids and names, hold together; None: not counted yet."""
    ids, names = [each for each, _ in chosen], [name for _, name in chosen]
    linked = and_(RepositoryBlob.project_id == project_id, RepositoryBlob.repository.in_(names))
    inside = Artifact.repository_id.in_(ids)
    if await are_few(session, linked, inside):
        digests = union(
            select(RepositoryBlob.digest).where(linked), select(Artifact.digest).where(inside)
        ).subquery()
        shared = or_(
            exists().where(
                RepositoryBlob.digest == ProjectBlob.digest,
                RepositoryBlob.project_id == ProjectBlob.project_id,
                RepositoryBlob.repository.not_in(names),
            ),
            exists().where(
                Artifact.digest == ProjectBlob.digest,
                Artifact.project_id + 0 == ProjectBlob.project_id,
                Artifact.repository_id.not_in(ids),
            ),
        )
        sums = select(total(), total(not_(shared)), total(not_(shared) & not_(ELSEWHERE)))
        found = sums.join(digests, digests.c.digest == ProjectBlob.digest)
        row = (await session.execute(found.where(ProjectBlob.project_id == project_id))).one()
        nbytes, freed, unique = map(int, row)
        return Holding(nbytes, freed, unique)
    kept = (
        select(
            func.sum(RepositoryStorage.nbytes),
            func.sum(RepositoryStorage.freed_bytes),
            func.sum(RepositoryStorage.unique_bytes),
            func.min(ProjectStorage.count_time),
            func.count(),
        )
        .join(ProjectStorage, ProjectStorage.project_id == RepositoryStorage.project_id)
        .where(RepositoryStorage.repository_id.in_(ids))
    )
    nbytes, freed, unique, counted, count = (await session.execute(kept)).one()
    if not count:
        return None
    return Holding(int(nbytes), int(freed), int(unique), counted, at_least=len(ids) > 1)


async def seen_by(session: AsyncSession, who: Principal, project_id: int) -> Whole:
    """What a project holds, and the repositories that free most of it, if *who* may see them."""
    whole = await of_project(session, project_id)
    sight = await projects.sight_of(session, who, [project_id])
    visible = sight.visible.get(project_id)
    if visible is None:
        return whole
    names = frozenset(visible)
    return replace(whole, largest=[each for each in whole.largest if each.name in names])


async def of_project(session: AsyncSession, project_id: int) -> Whole:
    """What a project holds, and the repositories that free most of it."""
    used = await session.scalar(select(Quota.used).where(Quota.project_id == project_id)) or 0
    in_project = RepositoryBlob.project_id == project_id, Artifact.project_id == project_id
    if await are_few(session, *in_project):
        unique, rows = await counted_now(session, project_id)
        rows = sorted(rows, key=lambda row: (-row.freed, row.repository_id))[:LARGEST]
        return Whole(used, unique, await named(session, rows))
    kept = select(ProjectStorage.unique_bytes, ProjectStorage.count_time)
    row = (await session.execute(kept.where(ProjectStorage.project_id == project_id))).first()
    if row is None:
        return Whole(used, None, ())
    largest = (
        select(
            RepositoryStorage.repository_id,
            RepositoryStorage.nbytes,
            RepositoryStorage.freed_bytes.label("freed"),
            RepositoryStorage.unique_bytes.label("unique"),
        )
        .where(RepositoryStorage.project_id == project_id)
        .order_by(RepositoryStorage.freed_bytes.desc(), RepositoryStorage.repository_id)
        .limit(LARGEST)
    )
    rows = list(await session.execute(largest))
    return Whole(used, row.unique_bytes, await named(session, rows), row.count_time)


async def named(session: AsyncSession, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[Named]:
    wanted = select(Repository.repository_id, Repository.name).where(
        Repository.repository_id.in_([row.repository_id for row in rows])
    )
    names = {row.repository_id: row.name for row in await session.execute(wanted)}
    return [
        Named(
            row.repository_id, names[row.repository_id], Holding(row.nbytes, row.freed, row.unique)
        )
        for row in rows
        if row.repository_id in names
    ]


async def are_few(
    session: AsyncSession, linked: ColumnElement[bool], inside: ColumnElement[bool]
) -> bool:
    """Whether there are few links of blobs, and few artifacts, like that."""
    links = select(RepositoryBlob.digest).where(linked).limit(FEW + 1).subquery()
    artifacts = select(Artifact.id).where(inside).limit(FEW + 1).subquery()
    counts = union_all(
        select(func.count()).select_from(links), select(func.count()).select_from(artifacts)
    )
    return all(count <= FEW for count in await session.scalars(counts))


async def large_projects(session: AsyncSession) -> list[int]:
    """The projects that are not ``are_few``."""
    many = union(
        *(
            select(column).group_by(column).having(func.count() > FEW)
            for column in (RepositoryBlob.project_id, Artifact.project_id)
        )
    )
    return sorted(await session.scalars(many))


async def counted_now(
    session: AsyncSession, project_id: int
) -> tuple[int, list[Row[*tuple[Any, ...]]]]:
    """The bytes that no other project has, and what each repository holds: by reading it all."""
    mine = ProjectBlob.project_id == project_id
    unique = await session.scalar(select(total(not_(ELSEWHERE))).where(mine))
    rows = (await session.execute(of_each(project_id))).all()
    return int(unique or 0), list(rows)


def of_each(project_id: int) -> Select[*tuple[Any, ...]]:
    """What each repository of a project holds."""
    blobs = (
        select(RepositoryBlob.digest, Repository.repository_id)
        .join(Repository, Repository.name == RepositoryBlob.repository)
        .where(RepositoryBlob.project_id == project_id)
    )
    manifests = select(Artifact.digest, Artifact.repository_id).where(
        Artifact.project_id == project_id
    )
    held = union(blobs, manifests).cte("held")
    shares = select(held.c.digest, func.count().label("holders")).group_by(held.c.digest)
    shared = shares.cte("shared")
    alone = shared.c.holders == 1
    return (
        select(
            held.c.repository_id,
            total().label("nbytes"),
            total(alone).label("freed"),
            total(alone & not_(ELSEWHERE)).label("unique"),
        )
        .join(shared, shared.c.digest == held.c.digest)
        .join(
            ProjectBlob,
            and_(ProjectBlob.project_id == project_id, ProjectBlob.digest == held.c.digest),
        )
        .group_by(held.c.repository_id)
    )


async def keep(
    session: AsyncSession,
    project_id: int,
    found: tuple[int, Sequence[Row[*tuple[Any, ...]]]],
    moment: datetime,
) -> None:
    """Keep what ``counted_now`` found at that moment."""
    unique, rows = found
    await drop(session, project_id)
    here = select(Repository.repository_id).where(Repository.project_id == project_id)
    alive = set(await session.scalars(here.with_for_update(read=True, key_share=True)))
    kept = [
        {
            "repository_id": row.repository_id,
            "project_id": project_id,
            "nbytes": row.nbytes,
            "freed_bytes": row.freed,
            "unique_bytes": row.unique,
        }
        for row in rows
        if row.repository_id in alive
    ]
    if kept:
        await session.execute(insert(RepositoryStorage), kept)
    whole = {"project_id": project_id, "unique_bytes": unique, "count_time": moment}
    await session.execute(insert(ProjectStorage), [whole])


async def drop(session: AsyncSession, project_id: int) -> None:
    for table in COUNTED:
        await session.execute(delete(table).where(table.project_id == project_id))


COUNTED = (RepositoryStorage, ProjectStorage)
