"""What is done: count projects, repositories and bytes."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Repository
from harbor.artifacts.service import stored
from harbor.core.security import Principal
from harbor.projects.models import Project
from harbor.projects.service.listing import visible_to
from harbor.projects.service.sight import ALL, Sight, sight_of
from harbor.projects.service.standing import public
from harbor.system.schemas import Statistic


async def count(session: AsyncSession, who: Principal) -> Statistic:
    """What *who* may see, by whether everybody may; only an administrator sees totals."""
    told = Statistic()
    told.public_project_count, told.public_repo_count = await counted(session, public())
    if not who.is_admin:
        own = visible_to(who) & ~public()
        told.private_project_count, told.private_repo_count = await counted(
            session, own, await sight_of(session, who)
        )
        return told
    told.total_project_count, told.total_repo_count = await counted(session)
    told.private_project_count = told.total_project_count - told.public_project_count
    told.private_repo_count = told.total_repo_count - told.public_repo_count
    told.total_storage_consumption = await stored.total(session)
    return told


async def counted(
    session: AsyncSession, wanted: ColumnElement[bool] | None = None, sight: Sight = ALL
) -> tuple[int, int]:
    """How many projects are like that, or are at all, and how many repositories they have."""
    ids = select(Project.project_id)
    if wanted is None:
        these: list[ColumnElement[bool]] = [Project.deleted.is_(False)]
        # Few are gone, so that not every repository is looked at with its project.
        held = Repository.project_id.not_in(ids.where(Project.deleted.is_(True)))
    else:
        these = [Project.deleted.is_(False), wanted]
        held = Repository.project_id.in_(ids.where(*these))
    projects = select(func.count()).select_from(Project).where(*these)
    seen = sight.allows(Repository.project_id, Repository.name)
    repositories = select(func.count()).select_from(Repository).where(held, seen)
    row = (
        await session.execute(select(projects.scalar_subquery(), repositories.scalar_subquery()))
    ).one()
    return row[0], row[1]
