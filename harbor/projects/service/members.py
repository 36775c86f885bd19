"""What is done: give roles in a project, change and take them."""

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import rbac
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.core.query import contains
from harbor.core.quick import Pen
from harbor.directory.events import GroupDeleted
from harbor.directory.models import LDAP, UserGroup
from harbor.directory.service import names
from harbor.projects import schemas
from harbor.projects.models import GROUP, PERSON, ProjectMember, RepositoryRule
from harbor.projects.service.ruling import Subject, about
from harbor.projects.service.standing import held_by
from harbor.users.events import UserDeleted
from harbor.users.models import User

OF_PERSON = delete(ProjectMember).where(
    ProjectMember.entity_type == PERSON, ProjectMember.entity_id == bindparam("user_id")
)
OF_GROUP = delete(ProjectMember).where(
    ProjectMember.entity_type == GROUP, ProjectMember.entity_id == bindparam("group_id")
)
RULES_ABOUT = delete(RepositoryRule).where(
    RepositoryRule.subject_type == bindparam("kind"),
    RepositoryRule.subject_id == bindparam("subject_id"),
)

CROWD = 2_000  # members
ProjectId = int | ColumnElement[int]
NAME = func.coalesce(User.username, UserGroup.group_name).label("name")


class Named(Struct, frozen=True):
    """A member, and the name behind the id."""

    member: ProjectMember
    name: str


async def search(
    session: AsyncSession, project_id: int, query: schemas.MemberQuery
) -> tuple[list[Named], int]:
    """One page of the members, and how many there are in all: groups, then people, by name."""
    groups = groups_of(project_id, query.entityname)
    total = await session.scalar(select(func.count()).select_from(groups.subquery())) or 0
    found: list[Named] = []
    if total > query.offset:
        rows = await session.execute(groups.limit(query.page_size).offset(query.offset))
        found = [Named(member, name) for member, name in rows]
    offset, size = max(0, query.offset - total), query.page_size - len(found)
    people, all_people = await search_people(session, project_id, query.entityname, (offset, size))
    return found + people, total + all_people


def groups_of(project_id: int, part: str) -> "Select[ProjectMember, str]":
    """The groups with a role in a project, by name; *part* is a part of it."""
    wanted = members_of(project_id).where(ProjectMember.entity_type == GROUP)
    if part:
        wanted = wanted.where(contains(UserGroup.group_name, part))
    return wanted.order_by(UserGroup.group_name, ProjectMember.id)


async def search_people(
    session: AsyncSession, project_id: int, part: str, page_of: tuple[int, int]
) -> tuple[list[Named], int]:
    """The people among the members by name, from an offset so many, and how many there are."""
    offset, page_size = page_of
    if part:  # then all that matters is whether they are many
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
    if part:
        people = people.where(contains(User.username, part))
        total = await session.scalar(select(func.count()).select_from(people.subquery())) or 0
    if total <= offset or not page_size:
        return [], total
    # The last pages of a crowd are nearer from the other end.
    size = min(page_size, total - offset)
    after = total - offset - size
    if after < offset:
        page = people.order_by(User.username.desc()).limit(size).offset(after)
    else:
        page = people.order_by(User.username).limit(size).offset(offset)
    ids = list(await session.scalars(page))
    wanted = (
        select(ProjectMember, User.username)
        .join(User, User.user_id == ProjectMember.entity_id)
        .where(*of_project(this), ProjectMember.entity_id.in_(ids))
    )
    rows = await session.execute(wanted.order_by(User.username))
    return [Named(member, name) for member, name in rows], total


def of_project(project_id: ProjectId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The memberships of people in a project, as conditions."""
    return ProjectMember.project_id == project_id, ProjectMember.entity_type == PERSON


def members_of(project_id: int) -> "Select[ProjectMember, str]":
    """The people and groups with a role in a project, and their names."""
    is_user = and_(
        ProjectMember.entity_type == PERSON,
        ProjectMember.entity_id == User.user_id,
        User.deleted.is_(False),
    )
    is_group = and_(ProjectMember.entity_type == GROUP, ProjectMember.entity_id == UserGroup.id)
    return (
        select(ProjectMember, NAME)
        .outerjoin(User, is_user)
        .outerjoin(UserGroup, is_group)
        .where(
            ProjectMember.project_id == project_id,
            or_(User.user_id.is_not(None), UserGroup.id.is_not(None)),
        )
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
        raise NotFound(
            Phrase(
                "the project member is not found, project id %(project_id)s, member id %(mid)s",
                project_id=project_id,
                mid=mid,
            )
        )
    member, name = row
    return Named(member, name)


async def several(session: AsyncSession, project_id: int, mids: list[int]) -> list[Named]:
    """Those of the members that are there, by name."""
    wanted = members_of(project_id).where(ProjectMember.id.in_(mids))
    rows = await session.execute(wanted.order_by(NAME, ProjectMember.id))
    return [Named(member, name) for member, name in rows]


async def add(session: AsyncSession, project_id: int, wanted: schemas.ProjectMember) -> Named:
    """Give a role to a person or a group that has none here.

    ``BadRequest`` if the role or whoever is meant does not exist, ``Conflict`` if it is a member.
    """
    role_id = checked_role(wanted.role_id)
    kind, entity_id, name = await entity_of(session, wanted)
    member = ProjectMember(
        project_id=project_id, entity_id=entity_id, entity_type=kind, role=role_id
    )
    session.add(member)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(Phrase("The project member specified already exist")) from error
    return Named(member, name)


async def entity_of(session: AsyncSession, wanted: schemas.ProjectMember) -> tuple[str, int, str]:
    """Who is meant: the kind, the id and the name; ``BadRequest`` if there is nobody like that.

    Source of the order: Harbor src/controller/member/controller.go, ``Create``.
    """
    user, group = wanted.user, wanted.group
    if user.user_id or (user.username and not group.id):
        found = await resolve(session, user)
        return PERSON, found.user_id, found.username
    if not group.id and not group.named:
        raise BadRequest(Phrase("at least one of member_user or member_group must be provided"))
    known = await find_group(session, group)
    return GROUP, known.id, known.group_name


async def find_group(session: AsyncSession, meant: schemas.UserGroup) -> UserGroup:
    """The group of that id, or of that DN, or else of that name; ``BadRequest``."""
    if meant.id:
        by, name = UserGroup.id == meant.id, str(meant.id)
    elif meant.ldap_group_dn:
        by, name = UserGroup.identity == names.folded(meant.ldap_group_dn), meant.ldap_group_dn
        by = and_(by, UserGroup.group_type == LDAP)
    else:
        by, name = UserGroup.group_name == meant.group_name, meant.group_name or ""
        if meant.group_type:
            by = and_(by, UserGroup.group_type == meant.group_type)
    found = list(await session.scalars(select(UserGroup).where(by).limit(2)))
    if not found:
        raise BadRequest(Phrase("User group %(name)s not found", name=name))
    if len(found) > 1:
        raise BadRequest(
            Phrase("there are several groups %(name)s: name the one by its id", name=name)
        )
    return found[0]


async def resolve(session: AsyncSession, user: schemas.UserEntity) -> User:
    """The person who is meant; ``BadRequest`` if there is none."""
    if user.user_id:
        by, name = User.user_id == user.user_id, str(user.user_id)
    else:
        by, name = User.username == user.username, user.username or ""
    found = await session.scalar(select(User).where(by, User.deleted.is_(False)))
    if found is None:
        raise BadRequest(Phrase("User %(name)s not found", name=name))
    return found


async def change_role(
    session: AsyncSession, project_id: int, mid: int, role_id: int | None
) -> Named:
    """Give a member another role in place of the old one."""
    found = await get(session, project_id, mid, hold=True)
    found.member.role = checked_role(role_id)
    return found


async def remove(session: AsyncSession, project_id: int, mid: int) -> Named:
    """Take the role away, and the rules about repositories that are theirs; return who had it."""
    found = await get(session, project_id, mid, hold=True)
    subject = Subject(found.member.entity_type, found.member.entity_id)
    own = delete(RepositoryRule).where(RepositoryRule.project_id == project_id, about(subject))
    await session.execute(own)
    await session.delete(found.member)
    return found


async def roles_of(session: AsyncSession, project_id: int, user_id: int) -> frozenset[int]:
    """The roles that a person has in a project, alone or by a group."""
    held = select(ProjectMember.role).where(held_by(user_id, lambda there: there == project_id))
    return frozenset(await session.scalars(held))


async def forget(pen: Pen, event: UserDeleted) -> None:
    """Take all roles of somebody who is gone, in projects and in repositories."""
    await pen.run(OF_PERSON, user_id=event.user_id)
    await pen.run(RULES_ABOUT, kind=PERSON, subject_id=event.user_id)


async def forget_group(pen: Pen, event: GroupDeleted) -> None:
    """Take all roles of a group that is gone, in projects and in repositories."""
    await pen.run(OF_GROUP, group_id=event.group_id)
    await pen.run(RULES_ABOUT, kind=GROUP, subject_id=event.group_id)


def checked_role(role_id: int | None) -> int:
    if role_id not in rbac.ROLES:
        # The words that old clients know; there are five roles by now.
        raise BadRequest(Phrase("Failed to update project member, role is not in 1,2,3"))
    return role_id
