"""What is done: say what must be known of a project to decide who may do what in it."""

from collections.abc import Callable, Sequence
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

from harbor.core.quick import Quick, Row
from harbor.core.wire import MAX_ID
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
ALIVE = (
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
    .where(Project.deleted.is_(False))
)
STANDING = ALIVE.where(Project.name == bindparam("name"))
OF_ID = ALIVE.where(Project.project_id == bindparam("project_id"))
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
    return standing_in(await quick.fetch(STANDING, name=name))


async def standing_at(quick: Quick, reference: str, *, is_name: bool) -> Standing | None:
    """The project that a path names: digits are an id, unless the caller says that they are not."""
    if is_name or not is_id(reference):
        return await standing(quick, reference)
    project_id = id_of(reference)
    rows = [] if project_id is None else await quick.fetch(OF_ID, project_id=project_id)
    return standing_in(rows)


def is_id(reference: str) -> bool:
    return reference.isascii() and reference.isdigit()


def id_of(digits: str) -> int | None:
    """The id; ``None`` for what no project can have."""
    # More digits than a number has here would be too much for the database and for int().
    kept = digits.lstrip("0")
    project_id = int(kept or 0) if len(kept) <= len(str(MAX_ID)) else MAX_ID + 1
    return project_id if project_id <= MAX_ID else None


def standing_in(rows: Sequence[Row]) -> Standing | None:
    if not rows:
        return None
    project_id, project_name, creation_time, public_value, has_rules = rows[0]
    return Standing(project_id, project_name, creation_time, public_value in OPEN, bool(has_rules))


async def roles_of(quick: Quick, project_id: int, user_id: int) -> frozenset[int]:
    """The ids of the roles that a person has in a project, alone or by a group."""
    rows = await quick.fetch(ROLES, project_id=project_id, user_id=user_id)
    return frozenset(role for (role,) in rows)
