"""What is done: make, find, rename and delete groups, and say who belongs to them."""

from collections.abc import Collection, Iterable

from msgspec import Struct
from sqlalchemy import ColumnElement, bindparam, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.db import insert_or_ignore
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.query import contains
from harbor.core.quick import Pen
from harbor.core.wire import Paging
from harbor.directory import schemas
from harbor.directory.models import HTTP, LDAP, LOCAL, OIDC, UserGroup, UserGroupMember
from harbor.directory.service import names
from harbor.users.events import UserDeleted
from harbor.users.models import User

TYPES = (LDAP, HTTP, OIDC, LOCAL)
OF_PERSON = delete(UserGroupMember).where(UserGroupMember.user_id == bindparam("user_id"))


class Known(Struct, frozen=True):
    """A group as its source names it."""

    name: str
    dn: str = ""  # of LDAP

    @property
    def identity(self) -> str:
        return names.folded(self.dn) if self.dn else self.name


async def search(
    session: AsyncSession, asked: Paging, *, name: str = "", dn: str = ""
) -> tuple[list[UserGroup], int]:
    """One page of the groups by name, and how many there are; *name* is a part of it."""
    wanted: list[ColumnElement[bool]] = []
    if name:
        wanted.append(contains(UserGroup.group_name, name))
    if dn:
        wanted.append(UserGroup.identity == names.folded(dn))
    total = await session.scalar(select(func.count()).select_from(UserGroup).where(*wanted)) or 0
    page = select(UserGroup).where(*wanted).order_by(UserGroup.group_name, UserGroup.id)
    rows = await session.scalars(page.limit(asked.page_size).offset(asked.offset))
    return list(rows), total


async def get(session: AsyncSession, group_id: int) -> UserGroup:
    found = await session.get(UserGroup, group_id)
    if found is None:
        raise NotFound(f"user group {group_id} not found")
    return found


async def several(session: AsyncSession, group_ids: list[int]) -> list[UserGroup]:
    """Those of the groups that are there, by name."""
    wanted = select(UserGroup).where(UserGroup.id.in_(group_ids))
    return list(await session.scalars(wanted.order_by(UserGroup.group_name, UserGroup.id)))


def checked_type(group_type: int | None) -> int:
    """Where a new group comes from; ``BadRequest`` if that is no kind of source."""
    if group_type in (None, 0):
        return LOCAL
    if group_type not in TYPES:
        raise BadRequest(f"group_type is one of {', '.join(map(str, TYPES))}")
    return group_type


def checked_name(name: str) -> str:
    """A name as it may be; ``BadRequest``."""
    if not name.strip() or names.is_unprintable(name):
        raise BadRequest("group_name must be given, without control characters")
    return name.strip()


async def create(session: AsyncSession, group_type: int, known: Known) -> UserGroup:
    """A new group; ``BadRequest``, or ``Conflict`` if there is such a one."""
    group = UserGroup(
        group_name=checked_name(known.name),
        group_type=group_type,
        ldap_group_dn=known.dn,
        identity=known.identity.strip(),
    )
    session.add(group)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"user group {known.dn or known.name} already exists") from error
    return group


async def rename(session: AsyncSession, group_id: int, name: str) -> UserGroup:
    """Give a group another name. What a source calls it stays known.

    ``NotFound``, ``BadRequest``, or ``Conflict`` if another local group has the name.
    """
    group = await get(session, group_id)
    group.group_name = checked_name(name)
    if group.group_type == LOCAL:
        group.identity = group.group_name
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"user group {name} already exists") from error
    return group


async def remove(session: AsyncSession, group_id: int) -> str:
    """Delete a group, and return its name; the caller tells of it. ``NotFound``."""
    group = await get(session, group_id)
    name = group.group_name
    await session.execute(delete(UserGroupMember).where(UserGroupMember.group_id == group_id))
    await session.delete(group)
    await session.flush()
    return name


async def members(
    session: AsyncSession, group_id: int, asked: Paging
) -> tuple[list[tuple[int, str]], int]:
    """Ids and names of one page of the people in a group, by name, and how many there are."""
    there = [
        UserGroupMember.group_id == group_id,
        User.user_id == UserGroupMember.user_id,
        User.deleted.is_(False),
    ]
    total = await session.scalar(select(func.count(User.user_id)).where(*there)) or 0
    page = select(User.user_id, User.username).where(*there).order_by(User.username)
    rows = await session.execute(page.limit(asked.page_size).offset(asked.offset))
    return [(user_id, name) for user_id, name in rows], total


async def join(session: AsyncSession, group_id: int, person: schemas.GroupMemberReq) -> str:
    """Put somebody into a local group; return who it is.

    ``NotFound``; ``BadRequest`` if a source decides who belongs to it; ``Conflict``.
    """
    await check_local(session, group_id)
    by = User.user_id == person.user_id if person.user_id else User.username == person.username
    found = await session.scalar(select(User).where(by, User.deleted.is_(False)))
    if found is None:
        raise BadRequest(f"User {person.user_id or person.username} not found")
    row = {"group_id": group_id, "user_id": found.user_id}
    made = await session.execute(
        insert_or_ignore(session, UserGroupMember, [row]).returning(UserGroupMember.user_id)
    )
    if made.first() is None:
        raise Conflict(f"{found.username} is in the group already")
    return found.username


async def leave(session: AsyncSession, group_id: int, user_id: int) -> str:
    """Take somebody out of a local group; return who it was. ``NotFound``, ``BadRequest``."""
    await check_local(session, group_id)
    name = await member_name(session, group_id, user_id)
    await session.execute(
        delete(UserGroupMember).where(
            UserGroupMember.group_id == group_id, UserGroupMember.user_id == user_id
        )
    )
    return name


async def member_name(session: AsyncSession, group_id: int, user_id: int) -> str:
    """The name of somebody in a group; ``NotFound``."""
    found = await session.scalar(
        select(User.username)
        .join(UserGroupMember, UserGroupMember.user_id == User.user_id)
        .where(UserGroupMember.group_id == group_id, User.user_id == user_id)
    )
    if found is None:
        raise NotFound(f"user {user_id} is not in the group")
    return found


async def check_local(session: AsyncSession, group_id: int) -> UserGroup:
    """The group; ``BadRequest`` if it comes from elsewhere, and its members with it."""
    group = await get(session, group_id)
    if group.group_type != LOCAL:
        raise BadRequest("who belongs to this group is decided where it comes from")
    return group


async def follow(
    session: AsyncSession, user_id: int, group_type: int, told: Iterable[Known]
) -> None:
    """Let somebody belong to those groups of a source, which are made, and to no others of it."""
    wanted = {known.identity: known for known in told}
    have = await ids(session, group_type, wanted)
    missing = [known for identity, known in wanted.items() if identity not in have]
    if missing:
        rows = [
            {
                "group_name": known.name,
                "group_type": group_type,
                "ldap_group_dn": known.dn,
                "identity": known.identity,
            }
            for known in missing
        ]
        await session.execute(insert_or_ignore(session, UserGroup, rows))
        have = await ids(session, group_type, wanted)
    of_source = select(UserGroup.id).where(UserGroup.group_type == group_type)
    await session.execute(
        delete(UserGroupMember).where(
            UserGroupMember.user_id == user_id,
            UserGroupMember.group_id.in_(of_source),
            UserGroupMember.group_id.not_in(list(have.values())),
        )
    )
    if have:
        joined = [{"group_id": group_id, "user_id": user_id} for group_id in have.values()]
        await session.execute(insert_or_ignore(session, UserGroupMember, joined))


async def ids(
    session: AsyncSession, group_type: int, identities: Collection[str]
) -> dict[str, int]:
    """The ids of those groups of a source that are known, by what the source calls them."""
    found = await session.execute(
        select(UserGroup.identity, UserGroup.id).where(
            UserGroup.group_type == group_type, UserGroup.identity.in_(list(identities))
        )
    )
    return {row.identity: row.id for row in found}


async def forget(pen: Pen, event: UserDeleted) -> None:
    """Take somebody who is gone out of all groups."""
    await pen.run(OF_PERSON, user_id=event.user_id)
