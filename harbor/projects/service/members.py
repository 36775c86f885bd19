"""What is done: give roles in a project, change and take them."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import rbac
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.query import contains
from harbor.core.quick import Pen
from harbor.projects import schemas
from harbor.projects.models import PERSON, ProjectMember
from harbor.users.events import UserDeleted
from harbor.users.models import User

OF_PERSON = delete(ProjectMember).where(
    ProjectMember.entity_type == PERSON, ProjectMember.entity_id == bindparam("user_id")
)


CROWD = 2_000  # members
ProjectId = int | ColumnElement[int]


@dataclass(frozen=True, slots=True)
class Named:
    """A member, and the name behind the id."""

    member: ProjectMember
    name: str


async def search(
    session: AsyncSession, project_id: int, query: schemas.MemberQuery
) -> tuple[list[Named], int]:
    """One page of the members by name, and how many there are in all."""
    if query.entityname:  # then all that matters is whether they are many
        some = select(ProjectMember.id).where(*of_project(project_id)).limit(CROWD + 1)
        total = await session.scalar(select(func.count()).select_from(some.subquery())) or 0
    else:
        total = sum((await count(session, project_id)).values())
    # A few members are sorted; of a crowd a page is met soon among all people in their order.
    # Of a crowd PostgreSQL is told in the text of the statement, or it plans as for any project.
    this = literal(project_id, literal_execute=total > CROWD)
    people = select(User.user_id).where(User.deleted.is_(False))
    if total > CROWD:
        same = ProjectMember.entity_id == User.user_id
        people = people.where(exists().where(*of_project(this), same))
    else:
        people = people.join(ProjectMember, ProjectMember.entity_id == User.user_id)
        people = people.where(*of_project(this))
    if query.entityname:
        people = people.where(contains(User.username, query.entityname))
        total = await session.scalar(select(func.count()).select_from(people.subquery())) or 0
    if total <= query.offset:
        return [], total
    # The last pages of a crowd are nearer from the other end.
    size = min(query.page_size, total - query.offset)
    after = total - query.offset - size
    if after < query.offset:
        page = people.order_by(User.username.desc()).limit(size).offset(after)
    else:
        page = people.order_by(User.username).limit(size).offset(query.offset)
    ids = list(await session.scalars(page))
    wanted = members_of(this).where(ProjectMember.entity_id.in_(ids))
    rows = await session.execute(wanted.order_by(User.username))
    return [Named(member, name) for member, name in rows], total


def of_project(project_id: ProjectId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The memberships of people in a project, as conditions."""
    return ProjectMember.project_id == project_id, ProjectMember.entity_type == PERSON


def members_of(project_id: ProjectId) -> "Select[ProjectMember, str]":
    is_user = and_(ProjectMember.entity_type == PERSON, ProjectMember.entity_id == User.user_id)
    return (
        select(ProjectMember, User.username)
        .join(User, is_user)
        .where(ProjectMember.project_id == project_id, User.deleted.is_(False))
    )


async def count(session: AsyncSession, project_id: int) -> dict[int, int]:
    """How many members have which role; roles that nobody has are left out."""
    # Not every person is looked at because a few may be gone.
    gone = select(User.user_id).where(User.deleted.is_(True))
    found = select(ProjectMember.role, func.count()).where(
        *of_project(project_id), ProjectMember.entity_id.not_in(gone)
    )
    rows = await session.execute(found.group_by(ProjectMember.role))
    return dict(rows.all())


async def get(session: AsyncSession, project_id: int, mid: int, *, hold: bool = False) -> Named:
    """The member of that id in that project; *hold* it until the transaction ends."""
    wanted = members_of(project_id).where(ProjectMember.id == mid)
    if hold:
        wanted = wanted.with_for_update(of=ProjectMember)
    row = (await session.execute(wanted)).first()
    if row is None:
        raise NotFound(f"the project member is not found, project id {project_id}, member id {mid}")
    member, name = row
    return Named(member, name)


async def several(session: AsyncSession, project_id: int, mids: list[int]) -> list[Named]:
    """Those of the members that are there, by name."""
    wanted = members_of(project_id).where(ProjectMember.id.in_(mids))
    rows = await session.execute(wanted.order_by(User.username, ProjectMember.id))
    return [Named(member, name) for member, name in rows]


async def add(session: AsyncSession, project_id: int, wanted: schemas.ProjectMember) -> Named:
    """Give a role to somebody who has none here.

    ``BadRequest`` if the role or the person does not exist, ``Conflict`` if the person is a member.
    """
    role_id = checked_role(wanted.role_id)
    user = await resolve(session, wanted)
    member = ProjectMember(
        project_id=project_id, entity_id=user.user_id, entity_type=PERSON, role=role_id
    )
    session.add(member)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict("The project member specified already exist") from error
    return Named(member, user.username)


async def resolve(session: AsyncSession, wanted: schemas.ProjectMember) -> User:
    """The person who is meant; ``BadRequest`` if there is none, or if it is a group.

    Source: Harbor src/controller/member/controller.go, ``Create``.
    """
    user, group = wanted.user, wanted.group
    if user.user_id:
        by, name = User.user_id == user.user_id, str(user.user_id)
    elif user.username and not group.id:
        by, name = User.username == user.username, user.username
    elif group.id or group.named:
        raise BadRequest("groups need LDAP or OIDC; under db_auth there are none")
    else:
        raise BadRequest("at least one of member_user or member_group must be provided")
    found = await session.scalar(select(User).where(by, User.deleted.is_(False)))
    if found is None:
        raise BadRequest(f"User {name} not found")
    return found


async def change_role(
    session: AsyncSession, project_id: int, mid: int, role_id: int | None
) -> Named:
    """Give a member another role in place of the old one."""
    found = await get(session, project_id, mid, hold=True)
    found.member.role = checked_role(role_id)
    return found


async def remove(session: AsyncSession, project_id: int, mid: int) -> Named:
    """Take the role away; return who had it."""
    found = await get(session, project_id, mid, hold=True)
    await session.delete(found.member)
    return found


async def forget(pen: Pen, event: UserDeleted) -> None:
    """Take all roles of somebody who is gone."""
    await pen.run(OF_PERSON, user_id=event.user_id)


def checked_role(role_id: int | None) -> int:
    if role_id not in rbac.ROLES:
        # The words that old clients know; there are five roles by now.
        raise BadRequest("Failed to update project member, role is not in 1,2,3")
    return role_id
