"""What is done: count projects, repositories and bytes."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Blob, Repository
from harbor.core.security import Principal
from harbor.projects.models import Project
from harbor.projects.service.listing import public, visible_to
from harbor.system.schemas import Statistic


async def count(session: AsyncSession, who: Principal) -> Statistic:
    """What *who* may see, by whether everybody may; only an administrator sees totals."""
    repositories = (
        select(Repository.project_id, func.count().label("count"))
        .group_by(Repository.project_id)
        .subquery()
    )
    seen = (
        select(public().label("public"), repositories.c.count)
        .select_from(Project)
        .outerjoin(repositories, repositories.c.project_id == Project.project_id)
        .where(Project.deleted.is_(False), visible_to(who))
        .subquery()
    )
    counted = select(seen.c.public, func.count(), func.sum(seen.c.count)).group_by(seen.c.public)
    told = Statistic()
    for is_public, projects, found in await session.execute(counted):
        if is_public:
            told.public_project_count, told.public_repo_count = projects, int(found or 0)
        else:
            told.private_project_count, told.private_repo_count = projects, int(found or 0)
    if who.is_admin:
        told.total_project_count = told.public_project_count + told.private_project_count
        told.total_repo_count = told.public_repo_count + told.private_repo_count
        # Read from end to end: 0.2 s for a million blobs, and in no other caller's way.
        told.total_storage_consumption = int(await session.scalar(select(func.sum(Blob.size))) or 0)
    return told
