"""What is done: tell what robots may be given."""

from collections.abc import Mapping

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import grantable
from harbor.core.errors import Forbidden
from harbor.core.security import Principal
from harbor.projects.models import PERSON, Project, ProjectMember
from harbor.projects.service.projects import PROJECT_ADMIN
from harbor.system.schemas import Permission, Permissions


async def grantable_by(session: AsyncSession, who: Principal) -> Permissions:
    """What *who* may give; ``Forbidden`` to those who administer nothing."""
    if who.is_admin:
        return Permissions(listed(grantable.PROJECT), listed(grantable.SYSTEM))
    administers = (
        exists()
        .where(ProjectMember.entity_type == PERSON, ProjectMember.entity_id == who.known_id)
        .where(ProjectMember.role == PROJECT_ADMIN)
        .where(Project.project_id == ProjectMember.project_id, Project.deleted.is_(False))
    )
    if not await session.scalar(select(administers)):
        raise Forbidden(f"{who.name} administers no project")
    return Permissions(listed(grantable.PROJECT))


def listed(actions: Mapping[str, tuple[str, ...]]) -> list[Permission]:
    return [Permission(resource, action) for resource in actions for action in actions[resource]]
