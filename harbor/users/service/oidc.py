"""What is done: keep who people are at an OpenID provider, and the secrets of their clients."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from sqlalchemy import Text, bindparam, cast, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import clock
from harbor.core.crypto import Box, generate_password
from harbor.core.errors import Conflict, NotFound
from harbor.core.quick import Pen, Quick
from harbor.core.wire import Time
from harbor.users.events import UserDeleted
from harbor.users.models import OidcUser, User
from harbor.users.schemas import OIDCUserInfo
from harbor.users.service.listing import refuse_address_of_another
from harbor.users.service.people import create, get
from harbor.users.service.rules import EMAIL, OIDC_AUTH, check_name, check_password

ONBOARDED = "Onboarded via OIDC provider"
TO_CHOOSE = timedelta(minutes=15)  # a name
THEIRS = (
    select(
        User.user_id,
        User.username,
        User.sysadmin_flag,
        or_(User.sysadmin_flag, User.admin_role_in_auth),
        OidcUser.issuer,
        OidcUser.secret,
        OidcUser.tried_time,
        OidcUser.refresh_token.is_not(None),
    )
    .join(OidcUser, OidcUser.user_id == User.user_id)
    .where(User.deleted.is_(False))
)
BY_SUBJECT = THEIRS.where(
    OidcUser.issuer == bindparam("issuer"), OidcUser.subject == bindparam("subject")
)
BY_ID = THEIRS.where(OidcUser.user_id == bindparam("theirs"))
# What JSON, as it is kept, has of groups. LIKE would not tell capitals on SQLite.
TOLD = cast(OidcUser.group_names, Text)
LEADS = (
    select(OidcUser.id)
    .where(
        OidcUser.user_id == User.user_id,
        func.rtrim(OidcUser.issuer, "/") == bindparam("issuer"),
        or_(
            OidcUser.admin_group == bindparam("admin_group"),
            func.replace(TOLD, bindparam("in_json"), "") != TOLD,
        ),
    )
    .exists()
)
JUDGED = (
    update(User)
    .where(User.source == OIDC_AUTH, User.admin_role_in_auth != LEADS)
    .values(admin_role_in_auth=~User.admin_role_in_auth, update_time=User.update_time)
)
DUE = update(OidcUser).values(tried_time=bindparam("long_ago"), update_time=OidcUser.update_time)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FORGOTTEN = delete(OidcUser).where(OidcUser.user_id == bindparam("gone"))


class Linked(Struct, frozen=True):
    """An account that somebody at a provider has."""

    user_id: int
    username: str
    sysadmin_flag: bool
    is_admin: bool  # by the flag, or by what the provider told last
    issuer: str
    secret: str  # encrypted
    tried_time: datetime
    refreshes: bool  # there is a refresh token that may be good


class Told(Struct, frozen=True):
    """What a provider told of somebody, and the tokens it gave, which are encrypted."""

    issuer: str
    subject: str
    username: str
    email: str
    groups: Sequence[str] | None  # nothing was told of them
    admin_group: str | None
    refresh_token: str | None
    id_token: str | None


async def by_subject(quick: Quick, issuer: str, subject: str) -> Linked | None:
    return linked(await quick.fetch(BY_SUBJECT, issuer=issuer, subject=subject))


async def by_id(quick: Quick, user_id: int) -> Linked | None:
    return linked(await quick.fetch(BY_ID, theirs=user_id))


def linked(rows: Sequence[tuple[object, ...]]) -> Linked | None:
    return Linked(*rows[0]) if rows else None  # type: ignore[arg-type]  # in the order of THEIRS


async def note(session: AsyncSession, told: Told) -> OidcUser:
    """Write down what a provider just told; the row is new if it never told of them."""
    found = await session.scalar(
        select(OidcUser)
        .where(OidcUser.issuer == told.issuer, OidcUser.subject == told.subject)
        .with_for_update()
    )
    if found is None:
        found = OidcUser(issuer=told.issuer, subject=told.subject, group_names=[], secret="")
        session.add(found)
    found.username, found.email = told.username, told.email
    if told.groups is not None and told.admin_group is not None:
        found.group_names, found.admin_group = list(told.groups), told.admin_group
    found.refresh_token = told.refresh_token or found.refresh_token
    found.id_token = told.id_token or found.id_token
    found.told_time = found.tried_time = clock.now()
    try:
        await session.flush()
    except IntegrityError as error:  # twice at the same moment
        raise Conflict("this person is signing in already; try again") from error
    return found


async def postpone(session: AsyncSession, row: OidcUser, held: str) -> None:
    """Let the browser that holds *held* choose a name for them."""
    row.pending, row.pending_until = mark(held), clock.now() + TO_CHOOSE
    await session.flush()


async def choosing(session: AsyncSession, held: str) -> OidcUser | None:
    """For whom the browser that holds *held* may choose a name."""
    if not held:
        return None
    return await session.scalar(
        select(OidcUser)
        .where(
            OidcUser.pending == mark(held),
            OidcUser.pending_until > clock.now(),
            OidcUser.user_id.is_(None),
        )
        .with_for_update()
    )


async def onboard(session: AsyncSession, row: OidcUser, name: str, box: Box) -> User:
    """Make their account. It is never one that is there, whatever its name or address is.

    ``BadRequest`` if that is no name, ``Conflict`` if it is somebody's.
    """
    check_name("username", name)
    await refuse_address_of_another(session, name)
    taken = select(User.user_id).where(or_(User.email == row.email, User.username == row.email))
    free = EMAIL.fullmatch(row.email) and await session.scalar(taken) is None
    user = await create(
        session,
        username=name,
        email=row.email if free else None,
        realname=name,
        comment=ONBOARDED,
        password_hash=None,
    )
    user.source = OIDC_AUTH
    row.user_id, row.pending, row.pending_until = user.user_id, None, None
    row.secret = box.close(generate_password())
    await session.flush()
    return user


async def account_of(session: AsyncSession, row: OidcUser) -> User | None:
    """The account of somebody at a provider; ``None`` if a name is still to be chosen."""
    return None if row.user_id is None else await get(session, row.user_id)


async def row_of(session: AsyncSession, user_id: int) -> OidcUser | None:
    return await session.scalar(select(OidcUser).where(OidcUser.user_id == user_id))


async def info(session: AsyncSession, user_id: int, box: Box) -> OIDCUserInfo | None:
    """What the person themselves may see of it."""
    row = await row_of(session, user_id)
    if row is None:
        return None
    return OIDCUserInfo(
        id=row.id,
        user_id=user_id,
        subiss=row.subject + row.issuer,
        secret=box.open(row.secret),
        creation_time=Time(row.creation_time),
        update_time=Time(row.update_time),
    )


async def set_secret(session: AsyncSession, user_id: int, secret: str, box: Box) -> str:
    """Give the clients of somebody another secret, or a new one if it is empty; return their name.

    The old one ends. ``BadRequest`` for a bad one, ``NotFound`` if they are from no provider.
    """
    user = await get(session, user_id)
    if secret:
        check_password(secret)
    changed = await session.execute(
        update(OidcUser)
        .where(OidcUser.user_id == user_id)
        .values(secret=box.close(secret or generate_password()))
        .returning(OidcUser.id)
    )
    if changed.first() is None:
        raise NotFound(f"user {user_id} does not come from an OpenID provider")
    return user.username


async def judge(pen: Pen, *, issuer: str, admin_group: str) -> None:
    """Let be administrators who are in that group at that provider, and nobody else of OIDC.

    Empty names stand for no provider, and for no group.
    """
    in_json = json.dumps(admin_group)
    issuer = issuer if admin_group else ""  # which is nobody's
    await pen.run(JUDGED, issuer=issuer, admin_group=admin_group, in_json=in_json)


def is_in(row: OidcUser, group: str) -> bool:
    """Whether somebody is in a group that makes administrators, as ``judge`` sees it."""
    return bool(group) and (row.admin_group == group or group in row.group_names)


async def ask_all_again(pen: Pen) -> None:
    """Let the next use of each account cause a refresh, however lately there was one."""
    await pen.run(DUE, long_ago=LONG_AGO)


async def claim_refresh(session: AsyncSession, user_id: int, *, before: datetime) -> str | None:
    """The refresh token, encrypted, for who asks first since *before*; else ``None``.

    Providers that give a new one each time end both if one is used twice.
    """
    now = clock.now()
    found = await session.execute(
        update(OidcUser)
        .where(
            OidcUser.user_id == user_id,
            OidcUser.tried_time < before,
            OidcUser.refresh_token.is_not(None),
        )
        .values(tried_time=now, update_time=OidcUser.update_time)
        .returning(OidcUser.refresh_token)
    )
    return found.scalar()


async def drop_refresh(session: AsyncSession, user_id: int, *, refused: str) -> None:
    """Forget a refresh token that the provider refused, if there is no other one by now."""
    await session.execute(
        update(OidcUser)
        .where(OidcUser.user_id == user_id, OidcUser.refresh_token == refused)
        .values(refresh_token=None)
    )


async def forget(pen: Pen, event: UserDeleted) -> None:
    """Forget who was deleted: if they come back from their provider, they are new."""
    await pen.run(FORGOTTEN, gone=event.user_id)


def mark(held: str) -> str:
    return hashlib.sha256(held.encode()).hexdigest()
