"""What is done: create, find and list projects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    column,
    func,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.db import insert_or_ignore
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.quick import Quick
from harbor.core.security import Principal
from harbor.core.wire import MAX_ID
from harbor.projects.models import Project, ProjectMember, ProjectMetadata
from harbor.projects.schemas import ProjectQuery
from harbor.projects.service import metadata as meta
from harbor.users.models import ADMIN_ID, User

LIBRARY_ID = 1
PROJECT_ADMIN = 1  # the role
PERSON = "u"  # an entity type; "g" is a group
NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
MAX_NAME = 255
OPEN = ("true", "1")  # values of "public"; we write the first, an older Harbor wrote either
SORTABLE = {
    "project_id": Project.project_id,
    "name": Project.name,
    "owner_id": Project.owner_id,
    "creation_time": Project.creation_time,
    "update_time": Project.update_time,
}
# Repositories live on a higher floor, so their table is named by string, as in a foreign key.
REPOSITORY = table("repository", column("project_id"))


@dataclass(frozen=True, slots=True)
class Seen:
    """A project as somebody sees it."""

    project: Project
    owner_name: str
    repo_count: int
    role_ids: list[int]
    metadata: dict[str, str]


async def find(session: AsyncSession, name: str) -> Project:
    """The project of that name, unless it is deleted; ``NotFound``."""
    found = None
    if "\0" not in name:  # PostgreSQL cannot even be asked
        named = select(Project).where(Project.name == name, Project.deleted.is_(False))
        found = await session.scalar(named)
    if found is None:
        raise NotFound(f"project {name} not found")
    return found


async def find_by_reference(session: AsyncSession, reference: str, *, is_name: bool) -> Project:
    """The project that a path names: digits are an id, unless the caller says that they are not."""
    if is_name or not reference.isascii() or not reference.isdigit():
        return await find(session, reference)
    # More digits than a number has here would be too much for the database and for int().
    digits = reference.lstrip("0")
    project_id = int(digits or 0) if len(digits) <= len(str(MAX_ID)) else MAX_ID + 1
    found = await session.get(Project, project_id) if project_id <= MAX_ID else None
    if found is None or found.deleted:
        raise NotFound(f"project {reference} not found")
    return found


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


async def create(
    session: AsyncSession, *, name: str, owner_id: int, metadata: Mapping[str, str]
) -> Project:
    """A new project whose owner is its first admin.

    ``BadRequest`` if the name or the metadata is not allowed, ``Conflict`` if the name is taken.
    """
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise BadRequest("project name is not in lower case or contains illegal characters")
    kept = meta.normalised(metadata)
    project = Project(name=name, owner_id=owner_id)
    session.add(project)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"The project named {name} already exists") from error
    await furnish(session, project.project_id, owner_id, kept)
    return project


def check_registry(registry_id: int | None, *, is_admin: bool) -> None:
    """Refuse a proxy cache: it needs an administrator, and a registry, and there is none yet."""
    if registry_id is None:
        return
    if not is_admin:
        raise Forbidden("Only system admin can create proxy cache project")
    if registry_id <= 0:
        raise BadRequest(
            f"bad request: {registry_id} is invalid value of registry_id, "
            "it should be geater than 0"  # so spelt by Harbor
        )
    raise BadRequest(f"registry {registry_id} not found")


async def furnish(
    session: AsyncSession, project_id: int, owner_id: int, metadata: Mapping[str, str]
) -> None:
    """Give a new project its first member and its metadata."""
    owner = ProjectMember(
        project_id=project_id, entity_id=owner_id, entity_type="u", role=PROJECT_ADMIN
    )
    session.add(owner)
    meta.keep(session, project_id, metadata)
    await session.flush()


async def seed_library(session: AsyncSession) -> None:
    """Make the first project, if there has never been one. Two processes may do it at once."""
    if await session.scalar(select(Project.project_id).limit(1)) is not None:
        return
    library = {"project_id": LIBRARY_ID, "name": "library", "owner_id": ADMIN_ID, "deleted": False}
    made = await session.execute(
        insert_or_ignore(session, Project, [library]).returning(Project.project_id)
    )
    if made.first() is None:
        return
    if session.get_bind().dialect.name == "postgresql":
        # Ids that were given do not move the sequence; without this the next project gets a 1.
        sequence = func.pg_get_serial_sequence(Project.__tablename__, "project_id")
        await session.execute(select(func.setval(sequence, LIBRARY_ID)))
    await furnish(session, LIBRARY_ID, ADMIN_ID, {"public": "true"})


async def search(
    session: AsyncSession, *, who: Principal, query: ProjectQuery
) -> tuple[list[Seen], int]:
    """One page of the projects that *who* may see, and how many there are in all."""
    matching = described().where(visible_to(who), *conditions(query))
    total = await session.scalar(
        select(func.count()).select_from(matching.with_only_columns(Project.project_id).subquery())
    )
    page = in_order(matching, query.sort).limit(query.page_size).offset(query.offset)
    return await seen_by(session, who, page), total or 0


async def see(session: AsyncSession, project_id: int, *, who: Principal) -> Seen:
    """One project as *who* sees it; ``NotFound`` if it is gone."""
    one = described().where(Project.project_id == project_id)
    found = await seen_by(session, who, one)
    if not found:
        raise NotFound(f"project {project_id} not found")
    return found[0]


async def seen_by(
    session: AsyncSession, who: Principal, page: "Select[Project, str, int]"
) -> list[Seen]:
    """The projects of a page, with what else is shown of them: three statements for any number."""
    rows = (await session.execute(page)).all()
    ids = [project.project_id for project, _, _ in rows]
    metadata = await meta.of(session, ids)
    roles: dict[int, list[int]] = {project_id: [] for project_id in ids}
    if who.user_id is not None:
        held = select(ProjectMember.project_id, ProjectMember.role).where(
            ProjectMember.project_id.in_(ids), *held_by(who.user_id)
        )
        for project_id, role in await session.execute(held.order_by(ProjectMember.role)):
            roles[project_id].append(role)
    return [
        Seen(project, owner, repo_count, roles[project.project_id], metadata[project.project_id])
        for project, owner, repo_count in rows
    ]


def described() -> "Select[Project, str, int]":
    """Projects with the names of their owners and the numbers of their repositories."""
    repo_count: ScalarSelect[int] = (
        select(func.count())
        .select_from(REPOSITORY)
        .where(REPOSITORY.c.project_id == Project.project_id)
        .scalar_subquery()
    )
    return (
        select(Project, User.username, repo_count)
        .join(User, User.user_id == Project.owner_id)
        .where(Project.deleted.is_(False))
    )


def visible_to(who: Principal) -> ColumnElement[bool]:
    """The projects that *who* may see, as a condition."""
    if who.is_admin:
        return true()
    if who.user_id is None:
        return public()
    joined = select(ProjectMember.project_id).where(*held_by(who.user_id))
    return or_(public(), Project.project_id.in_(joined))


def public() -> ColumnElement[bool]:
    """The projects that are open to everybody, as a condition."""
    marked = select(ProjectMetadata.project_id).where(
        ProjectMetadata.name == "public", ProjectMetadata.value.in_(OPEN)
    )
    return Project.project_id.in_(marked)


def held_by(user_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The memberships of one person, as conditions."""
    return ProjectMember.entity_type == PERSON, ProjectMember.entity_id == user_id


def conditions(query: ProjectQuery) -> list[ColumnElement[bool]]:
    """What was asked for, beside what may be seen."""
    asked: list[ColumnElement[bool]] = []
    if name := query.name.removeprefix("~"):  # Harbor's sign for "a part of it"; it is implied
        asked.append(Project.name.icontains(name, autoescape=True))
    if query.owner:
        asked.append(User.username == query.owner)
    if query.public is not None:
        asked.append(public() if query.public else ~public())
    return asked


def in_order(matching: "Select[Project, str, int]", sort: str) -> "Select[Project, str, int]":
    """Sort by the columns that *sort* names, then by name and id, so that pages never overlap."""
    for part in sort.split(","):
        key = SORTABLE.get(part.strip().removeprefix("-"))
        if key is not None:
            falling = part.strip().startswith("-")
            matching = matching.order_by(key.desc() if falling else key.asc())
    return matching.order_by(Project.name, Project.project_id)
