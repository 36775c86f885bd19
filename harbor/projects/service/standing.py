"""What is done: say what must be known of a project to decide who may do what in it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    bindparam,
    exists,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from harbor.core.quick import Quick
from harbor.directory.models import UserGroupMember
from harbor.projects.models import (
    GROUP,
    OPEN,
    PERSON,
    Project,
    ProjectMember,
    ProjectMetadata,
    RepositoryRule,
)


class Standing(Struct, frozen=True):
    """What must be known of a project to decide whether somebody may do something in it."""

    project_id: int
    name: str
    creation_time: datetime
    is_public: bool
    has_rules: bool  # rights may differ from one repository to another


# Not a parameter, or the index of just these rows would not be used; and a statement that would
# fit it with the right value is planned again each time that it is run.
PUBLIC = ProjectMetadata.name == literal_column("'public'")
STANDING = (
    select(
        Project.project_id,
        Project.name,
        Project.creation_time,
        ProjectMetadata.value,
        exists().where(RepositoryRule.project_id == Project.project_id),
    )
    .outerjoin(
        ProjectMetadata,
        and_(ProjectMetadata.project_id == Project.project_id, PUBLIC),
    )
    .where(Project.name == bindparam("name"), Project.deleted.is_(False))
)
MEMBER = aliased(ProjectMember)  # to make one for each statement would cost a millisecond


def held_by(
    user_id: int | BindParameter[int], within: Callable[[Any], ColumnElement[bool]] | None = None
) -> ColumnElement[bool]:
    """The memberships of a person, their own and those of their groups, as a condition.

    In which projects is said by *within*, a condition of the column of a project's id: it goes
    where an index answers it.
    """
    there = true() if within is None else within(MEMBER.project_id)
    own = select(MEMBER.id).where(MEMBER.entity_type == PERSON, MEMBER.entity_id == user_id, there)
    shared = (
        select(MEMBER.id)
        .join(UserGroupMember, UserGroupMember.group_id == MEMBER.entity_id)
        .where(MEMBER.entity_type == GROUP, UserGroupMember.user_id == user_id, there)
    )
    return ProjectMember.id.in_(union_all(own, shared))


ROLES = select(ProjectMember.role).where(
    held_by(bindparam("user_id"), lambda project_id: project_id == bindparam("project_id"))
)


def public() -> ColumnElement[bool]:
    """The projects that are open to everybody, as a condition."""
    marked = select(ProjectMetadata.project_id).where(PUBLIC, ProjectMetadata.value.in_(OPEN))
    return Project.project_id.in_(marked)


async def standing(quick: Quick, name: str) -> Standing | None:
    """The project of that name, unless it is deleted."""
    if "\0" in name:
        return None
    rows = await quick.fetch(STANDING, name=name)
    if not rows:
        return None
    project_id, project_name, creation_time, public_value, has_rules = rows[0]
    return Standing(project_id, project_name, creation_time, public_value in OPEN, bool(has_rules))


async def roles_of(quick: Quick, project_id: int, user_id: int) -> frozenset[int]:
    """The ids of the roles that a person has in a project, alone or by a group."""
    rows = await quick.fetch(ROLES, project_id=project_id, user_id=user_id)
    return frozenset(role for (role,) in rows)
