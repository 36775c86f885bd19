"""What is done: say what must be known of a project to decide who may do what in it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, select

from harbor.core.quick import Quick
from harbor.projects.models import OPEN, PERSON, Project, ProjectMember, ProjectMetadata


@dataclass(frozen=True, slots=True)
class Standing:
    """What must be known of a project to decide whether somebody may do something in it."""

    project_id: int
    name: str
    creation_time: datetime
    is_public: bool


STANDING = (
    select(Project.project_id, Project.name, Project.creation_time, ProjectMetadata.value)
    .outerjoin(
        ProjectMetadata,
        and_(ProjectMetadata.project_id == Project.project_id, ProjectMetadata.name == "public"),
    )
    .where(Project.name == bindparam("name"), Project.deleted.is_(False))
)
ROLES = select(ProjectMember.role).where(
    ProjectMember.project_id == bindparam("project_id"),
    ProjectMember.entity_type == PERSON,
    ProjectMember.entity_id == bindparam("user_id"),
)


async def standing(quick: Quick, name: str) -> Standing | None:
    """The project of that name, unless it is deleted."""
    if "\0" in name:
        return None
    rows = await quick.fetch(STANDING, name=name)
    if not rows:
        return None
    project_id, project_name, creation_time, public_value = rows[0]
    return Standing(project_id, project_name, creation_time, public_value in OPEN)


async def roles_of(quick: Quick, project_id: int, user_id: int) -> frozenset[int]:
    """The ids of the roles that a person has in a project."""
    rows = await quick.fetch(ROLES, project_id=project_id, user_id=user_id)
    return frozenset(role for (role,) in rows)
