"""What is done: find people, by what is known of them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from harbor.core import query
from harbor.core.errors import BadRequest, Conflict
from harbor.core.query import Match, contains
from harbor.users.models import ADMIN_ID, User
from harbor.users.schemas import UserListQuery, UserQuery

# What nobody may ask for is not named: hashes of passwords would come out letter by letter.
COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    "user_id": User.user_id,
    "username": User.username,
    "email": User.email,
    "realname": User.realname,
    "comment": User.comment,
    "sysadmin_flag": User.sysadmin_flag,
    "creation_time": User.creation_time,
    "update_time": User.update_time,
}


def by_either(match: Match) -> ColumnElement[bool]:
    return or_(match.on(User.username), match.on(User.email))


FIELDS: query.Fields = {**COLUMNS, "username_or_email": by_either}
# As in Harbor, lists have neither the first administrator nor anonymous people.
LISTED = User.user_id > ADMIN_ID, User.deleted.is_(False)


async def listed(session: AsyncSession, asked: UserListQuery) -> tuple[list[User], int]:
    """One page of the people, by name unless told otherwise; and how many there are.

    ``BadRequest`` where ``q`` is none.
    """
    wanted = [*LISTED, *query.conditions(asked.q, FIELDS)]
    for column, part in ((User.username, asked.username), (User.email, asked.email)):
        if part:
            wanted.append(Match(column.key, "fuzzy", (part,)).on(column))
    total = await session.scalar(select(func.count()).select_from(User).where(*wanted)) or 0
    if total <= asked.offset:
        return [], total
    ordered = query.order(asked.sort, COLUMNS) or [User.username.asc()]
    page = select(User).where(*wanted).order_by(*ordered, User.user_id)
    rows = await session.scalars(page.limit(asked.page_size).offset(asked.offset))
    return list(rows), total


async def several(session: AsyncSession, user_ids: list[int]) -> list[User]:
    """Those of the people who are listed, by name."""
    wanted = select(User).where(User.user_id.in_(user_ids), *LISTED)
    return list(await session.scalars(wanted.order_by(User.username)))


async def search(session: AsyncSession, query: UserQuery) -> tuple[list[tuple[int, str]], int]:
    """Ids and names of a page of those whose name holds a text, short names first; and how many.

    No index helps to find a part of a name, so all names are looked at, but only once.
    """
    matching = select(User.user_id, User.username, func.count().over()).where(
        contains(User.username, query.username), User.deleted.is_(False)
    )
    page = matching.order_by(func.length(User.username), User.username, User.user_id)
    rows = (await session.execute(page.limit(query.page_size).offset(query.offset))).all()
    total = rows[0][2] if rows else 0
    if not rows and query.offset:
        total = await session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    return [(user_id, username) for user_id, username, _ in rows], total


async def is_taken(session: AsyncSession, *, target: str, value: str) -> bool:
    """Whether nobody else could have that username or e-mail address; ``BadRequest``."""
    columns = {"username": User.username, "email": User.email}
    if target not in columns:
        raise BadRequest("target must be username or email")
    taken = select(User.user_id).where(columns[target] == value)
    return await session.scalar(taken.limit(1)) is not None


async def refuse_address_of_another(session: AsyncSession, username: str) -> None:
    """``Conflict`` if a new name is somebody's e-mail address, who signs in with it.

    Names count before addresses, so that the owner would be kept out.
    """
    if await is_taken(session, target="email", value=username):
        raise Conflict(f"user {username} or email {username} already exists")
