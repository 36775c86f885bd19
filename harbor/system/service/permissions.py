"""What is done: tell what robots may be given."""

from collections.abc import Mapping

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import grantable
from harbor.core.errors import Forbidden
from harbor.core.security import Principal
from harbor.projects.models import Project, ProjectMember
from harbor.projects.service.ruling import PROJECT_ADMIN
from harbor.projects.service.standing import held_by
from harbor.system.schemas import Permission, Permissions


async def grantable_by(session: AsyncSession, who: Principal) -> Permissions:
    """What *who* may give; ``Forbidden`` to those who administer nothing."""
    if who.is_admin:
        return Permissions(listed(grantable.PROJECT), listed(grantable.SYSTEM))
    if who.robot is not None:
        raise Forbidden(f"{who.name} is a robot, and administers nothing")
    administers = (
        exists()
        .where(held_by(who.known_id), ProjectMember.role == PROJECT_ADMIN)
        .where(Project.project_id == ProjectMember.project_id, Project.deleted.is_(False))
    )
    if not await session.scalar(select(administers)):
        raise Forbidden(f"{who.name} administers no project")
    return Permissions(listed(grantable.PROJECT))


def listed(actions: Mapping[str, tuple[str, ...]]) -> list[Permission]:
    return [Permission(*pair) for pair in grantable.pairs(actions)]
