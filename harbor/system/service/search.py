"""What is done: find projects and repositories by a part of their names."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Repository
from harbor.core import rbac
from harbor.core.query import contains
from harbor.core.security import Principal
from harbor.core.wire import Time
from harbor.projects import schemas as project_schemas
from harbor.projects.models import Project, ProjectMember, ProjectMetadata
from harbor.projects.service.listing import visible_to
from harbor.projects.service.sight import Sight, sight_of
from harbor.projects.service.standing import held_by, public
from harbor.system.schemas import Search, SearchRepository
from harbor.users.models import User

Found = Row[*tuple[Any, ...]]
MOST = 10_000  # of each kind; whoever wants more pages through the lists
CHUNK = 500  # rows, after which other requests get their turn


async def search(session: AsyncSession, who: Principal, part: str) -> Search:
    """The projects and the repositories that *who* may see, with *part* in their names."""
    sight = await sight_of(session, who)
    return Search(
        project=await projects_with(session, who, part, MOST, sight),
        repository=await repositories_with(session, who, part, MOST, sight),
    )


async def projects_with(
    session: AsyncSession, who: Principal, part: str, most: int, sight: Sight
) -> list[project_schemas.Project]:
    """By name. Capitals count, and no project has any."""
    if part != part.lower():
        return []
    wanted = and_(seen_by(who), Project.name.contains(part, autoescape=True))
    ids = select(Project.project_id).where(wanted).order_by(Project.name).limit(most)
    roles = await roles_of(session, who, ids)
    metadata = await metadata_of(session, ids)
    repo_count = (
        select(func.count()).where(Repository.project_id == Project.project_id).scalar_subquery()
    )
    listed = (
        select(
            Project.project_id,
            Project.owner_id,
            User.username.label("owner_name"),
            Project.name,
            Project.creation_time,
            Project.update_time,
            repo_count.label("repo_count"),
        )
        .join(User, User.user_id == Project.owner_id)
        .where(wanted)
        .order_by(Project.name)
        .limit(most)
    )
    return [
        project_schemas.Project(
            project_id=row.project_id,
            owner_id=row.owner_id,
            owner_name=row.owner_name,
            name=row.name,
            creation_time=Time(row.creation_time),
            update_time=Time(row.update_time),
            repo_count=sight.count(row.project_id, row.repo_count),
            current_user_role_id=rbac.highest(frozenset(roles[row.project_id])) or 0,
            current_user_role_ids=roles[row.project_id],
            metadata=msgspec.convert(metadata[row.project_id], project_schemas.ProjectMetadata),
        )
        async for row in rows(session, listed)
    ]


async def repositories_with(
    session: AsyncSession, who: Principal, part: str, most: int, sight: Sight
) -> list[SearchRepository]:
    """By full name."""
    listed = (
        select(
            Project.project_id,
            Project.name.label("project_name"),
            public().label("project_public"),
            Repository.name.label("repository_name"),
            Repository.pull_count,
            Repository.artifact_count,
        )
        .join(Project, Project.project_id == Repository.project_id)
        .where(seen_by(who), contains(Repository.name, part))
        .where(sight.allows(Repository.project_id, Repository.name))
        .order_by(Repository.name)
        .limit(most)
    )
    return [SearchRepository(*row) async for row in rows(session, listed)]


def seen_by(who: Principal) -> ColumnElement[bool]:
    # As in Harbor, robots find only what everybody may see.
    seen = public() if who.robot is not None else visible_to(who)
    return and_(Project.deleted.is_(False), seen)


async def roles_of(
    session: AsyncSession, who: Principal, project_ids: Select[int]
) -> dict[int, list[int]]:
    """The roles that *who* has, by project."""
    roles: dict[int, list[int]] = defaultdict(list)
    if who.user_id is not None:
        held = (
            select(ProjectMember.project_id, ProjectMember.role)
            .where(held_by(who.user_id, lambda project_id: project_id.in_(project_ids)))
            .distinct()
            .order_by(ProjectMember.role)
        )
        async for project_id, role in rows(session, held):
            roles[project_id].append(role)
    return roles


async def metadata_of(session: AsyncSession, project_ids: Select[int]) -> dict[int, dict[str, str]]:
    """All metadata, by project."""
    metadata: dict[int, dict[str, str]] = defaultdict(dict)
    kept = select(ProjectMetadata.project_id, ProjectMetadata.name, ProjectMetadata.value).where(
        ProjectMetadata.project_id.in_(project_ids)
    )
    async for project_id, name, value in rows(session, kept):
        metadata[project_id][name] = value
    return metadata


async def rows(session: AsyncSession, listed: Select[*tuple[Any, ...]]) -> AsyncIterator[Found]:
    """What *listed* finds, piece by piece: in between, others get their turn."""
    for piece in (await session.execute(listed)).partitions(CHUNK):
        for row in piece:
            yield row
        await asyncio.sleep(0)
