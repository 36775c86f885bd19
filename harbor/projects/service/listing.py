"""What is done: list projects, and show each as somebody sees it."""

from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    column,
    func,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import query as q
from harbor.core import rbac
from harbor.core.errors import NotFound
from harbor.core.security import Action, Principal
from harbor.projects.models import (
    CVEAllowlist,
    Project,
    ProjectMember,
    RepositoryRule,
)
from harbor.projects.schemas import ProjectQuery
from harbor.projects.service import machines
from harbor.projects.service import metadata as meta
from harbor.projects.service.ruling import NO_ROLE, about_them
from harbor.projects.service.sight import REPOSITORY, sight_of
from harbor.projects.service.standing import held_by, public
from harbor.users.models import User

# It lives on a higher floor, so its table is named by string, as in a foreign key.
QUOTA = table("quota", column("project_id"), column("hard"), column("used"))


class Seen(Struct, frozen=True):
    """A project as somebody sees it."""

    project: Project
    owner_name: str
    repo_count: int
    role_ids: list[int]
    metadata: dict[str, str]
    cve_allowlist: CVEAllowlist | None


class Storage(NamedTuple):
    """The quota of a project, in bytes."""

    hard: int  # -1 for none
    used: int


def owned(match: q.Match) -> ColumnElement[bool]:
    """The projects whose owner's name matches, as a condition."""
    return Project.owner_id.in_(select(User.user_id).where(match.on(User.username)))


FIELDS: q.Fields = {
    "project_id": Project.project_id,
    "name": Project.name,
    "names": lambda match: match.on(Project.name),
    "owner_id": Project.owner_id,
    "owner": owned,
    "public": lambda match: public() if match.flag() else ~public(),
    "creation_time": Project.creation_time,
    "update_time": Project.update_time,
}


def visible_to(who: Principal, *wanted: Action) -> ColumnElement[bool]:
    """The projects that *who* may see, as a condition; maybe for some repositories only.

    Of robots, which may have any rights without others: where they may do something that is
    *wanted*, or without a wish anything.
    """
    if who.is_admin:
        return true()
    if who.robot is not None:
        but, ids = who.robot.places(*wanted)
        named = Project.project_id.in_(ids)
        seen = or_(public(), ~named if but else named)
        return or_(seen, machines.let_in(who.robot, wanted)) if wanted else seen
    if who.user_id is None:
        return public()
    joined = select(ProjectMember.project_id).where(held_by(who.user_id))
    let_in = select(RepositoryRule.project_id).where(
        about_them(who.user_id), RepositoryRule.role != NO_ROLE
    )
    return or_(public(), Project.project_id.in_(joined), Project.project_id.in_(let_in))


async def search(
    session: AsyncSession, *, who: Principal, query: ProjectQuery
) -> tuple[list[Seen], int]:
    """One page of the projects that *who* may see, and how many there are in all."""
    wanted = and_(Project.deleted.is_(False), visible_to(who), *conditions(query))
    total = await session.scalar(select(func.count()).select_from(Project).where(wanted))
    # So that pages never overlap.
    order = (*q.order(query.sort, FIELDS), Project.name, Project.project_id)
    page = (
        select(Project.project_id)
        .where(wanted)
        .order_by(*order)
        .limit(query.page_size)
        .offset(query.offset)
        .subquery()
    )
    # What else is shown is read of these only, not of all that had to be sorted.
    rows = described().join(page, page.c.project_id == Project.project_id).order_by(*order)
    return await seen_by(session, who, rows), total or 0


def conditions(query: ProjectQuery) -> list[ColumnElement[bool]]:
    """What was asked for, beside what may be seen."""
    asked = q.conditions(query.q, FIELDS)
    if name := query.name.removeprefix("~"):  # Harbor's sign for "a part of it"; it is implied
        asked.append(q.contains(Project.name, name))
    if query.owner:
        asked.append(owned(q.Match("owner", "exact", (query.owner,))))
    if query.public is not None:
        asked.append(public() if query.public else ~public())
    return asked


async def see(session: AsyncSession, project_id: int, *, who: Principal) -> Seen:
    """One project as *who* sees it; ``NotFound`` if it is gone."""
    alive = Project.project_id == project_id, Project.deleted.is_(False)
    found = await seen_by(session, who, described().where(*alive))
    if not found:
        raise NotFound(f"project {project_id} not found")
    return found[0]


def described() -> "Select[Project, str, int, CVEAllowlist]":
    """Projects with the names of their owners, the numbers of their repositories, their lists."""
    repo_count: ScalarSelect[int] = (
        select(func.count())
        .select_from(REPOSITORY)
        .where(REPOSITORY.c.project_id == Project.project_id)
        .scalar_subquery()
    )
    return (
        select(Project, User.username, repo_count, CVEAllowlist)
        .join(User, User.user_id == Project.owner_id)
        .outerjoin(CVEAllowlist, CVEAllowlist.project_id == Project.project_id)
    )


async def seen_by(
    session: AsyncSession, who: Principal, wanted: "Select[Project, str, int, CVEAllowlist]"
) -> list[Seen]:
    """Projects, and what else is shown of them: a few statements for any number."""
    rows = (await session.execute(wanted)).all()
    ids = [project.project_id for project, *_ in rows]
    metadata = await meta.of(session, ids)
    roles = await roles_in(session, ids, who)
    sight = await sight_of(session, who, ids)
    return [
        Seen(
            project,
            owner_name,
            sight.count(project.project_id, repo_count),
            roles.get(project.project_id, []),
            metadata[project.project_id],
            cve_allowlist,
        )
        for project, owner_name, repo_count, cve_allowlist in rows
    ]


async def roles_in(
    session: AsyncSession, project_ids: list[int], who: Principal
) -> dict[int, list[int]]:
    """The roles that *who* has in the projects."""
    roles: dict[int, list[int]] = {}
    if who.user_id is None:
        return roles
    held = select(ProjectMember.project_id, ProjectMember.role).where(
        held_by(who.user_id, lambda project_id: project_id.in_(project_ids))
    )
    ordered = held.distinct().order_by(ProjectMember.role)
    for project_id, role in await session.execute(ordered):
        roles.setdefault(project_id, []).append(role)
    return roles


async def has_repositories(session: AsyncSession, project_id: int) -> bool:
    held = select(REPOSITORY.c.project_id).where(REPOSITORY.c.project_id == project_id)
    return await session.scalar(held.limit(1)) is not None


async def storage(session: AsyncSession, project_id: int) -> Storage | None:
    held = select(QUOTA.c.hard, QUOTA.c.used).where(QUOTA.c.project_id == project_id)
    row = (await session.execute(held)).first()
    return None if row is None else Storage(row.hard, row.used)


async def open_to_pushes(
    session: AsyncSession, who: Principal, *, containing: str, most: int
) -> list[str]:
    """The names of projects that *who* may push to, with that text in them; the first few."""
    wanted = select(Project.name).where(Project.deleted.is_(False))
    if containing:
        wanted = wanted.where(q.contains(Project.name, containing))
    if not who.is_admin:
        pushing = [r for r in rbac.ROLES if rbac.role_allows(frozenset([r]), "repository", "push")]
        held = select(ProjectMember.project_id).where(
            held_by(who.user_id or 0), ProjectMember.role.in_(pushing)
        )
        wanted = wanted.where(Project.project_id.in_(held))
    return list(await session.scalars(wanted.order_by(Project.name).limit(most)))
