"""What is done: create, change and delete people."""

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.db import insert_or_ignore
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.security import Principal
from harbor.users.models import ADMIN_ID, ANONYMOUS_ID, User
from harbor.users.schemas import UserProfile
from harbor.users.service.rules import MAX_NAME, check_local, check_profile

RENAMED_ADMIN = "admin@harbor.local"


async def get(session: AsyncSession, user_id: int) -> User:
    user = await session.get(User, user_id)
    if user is None or user.deleted:
        raise NotFound(f"user {user_id} not found")
    return user


async def update_profile(session: AsyncSession, user_id: int, told: UserProfile) -> User:
    """Change what people may say about themselves. An e-mail address is for ever, or another one.

    ``BadRequest``, ``NotFound``, ``Forbidden`` if the account comes from elsewhere, or ``Conflict``
    if the address is somebody else's.
    """
    check_profile(told)
    user = await get(session, user_id)
    check_local(user)
    if user.email and not told.email:
        raise BadRequest("email can't be empty")
    user.email, user.realname, user.comment = told.email or None, told.realname, told.comment
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"email {told.email} already exists") from error
    return user


async def create(  # noqa: PLR0913, the columns of one row
    session: AsyncSession,
    *,
    username: str,
    email: str | None,
    realname: str,
    comment: str,
    password_hash: str | None,
    sysadmin: bool = False,
) -> User:
    """A new person; ``Conflict`` if the username or the e-mail address is taken.

    A comma separates names elsewhere, so names that come from LDAP or OIDC lose theirs here.
    """
    user = User(
        username=username.replace(",", "_"),
        email=email,
        realname=realname,
        comment=comment,
        password=password_hash,
        sysadmin_flag=sysadmin,
    )
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"user {username} or email {email} already exists") from error
    return user


async def spare_administrators(session: AsyncSession, user_id: int, *, who: Principal) -> None:
    """``Forbidden`` to a robot that would change or delete an administrator; ``NotFound``."""
    if who.robot is not None and (await get(session, user_id)).is_admin:
        raise Forbidden(f"{who.name} is a robot, and user {user_id} an administrator")


async def set_sysadmin(session: AsyncSession, user_id: int, *, is_admin: bool) -> str:
    """Make somebody an administrator, or take that away; return who it is.

    ``NotFound``; ``Forbidden`` if nobody could be an administrator any more.
    """
    if user_id == ADMIN_ID and not is_admin:
        raise Forbidden("the first administrator stays one")
    changed = await session.execute(
        update(User)
        .where(User.user_id == user_id, User.deleted.is_(False))
        .values(sysadmin_flag=is_admin)
        .returning(User.username)
    )
    username = changed.scalar()
    if username is None:
        raise NotFound(f"user {user_id} not found")
    return username


def why_kept(user_id: int, who: Principal) -> str | None:
    """What keeps *who* from deleting that account, in words; ``None`` if nothing does."""
    if user_id in (ADMIN_ID, who.user_id):
        return f"User with ID {user_id} can't be deleted"
    return None


async def remove(session: AsyncSession, user_id: int, *, who: Principal) -> str:
    """Delete an account, and return its name, which is free again.

    The row stays, under a mangled name, for what is still known of it by its id; the password
    does not. ``Forbidden`` for the first administrator and for one's own account; ``NotFound``.
    """
    reason = why_kept(user_id, who)
    if reason is not None:
        raise Forbidden(reason)
    user = await session.scalar(
        select(User).where(User.user_id == user_id, User.deleted.is_(False)).with_for_update()
    )
    if user is None:
        raise NotFound(f"user {user_id} not found")
    username = user.username
    user.username = mangled(username, user_id)
    user.email = mangled(user.email, user_id) if user.email else None
    user.password, user.sysadmin_flag, user.deleted = None, False, True
    user.admin_role_in_auth, user.source_id = False, ""
    await session.flush()
    return username


def mangled(text: str, user_id: int) -> str:
    """A name or an address that nobody else has, or can choose: they may not have this sign."""
    mark = f"#{user_id}"
    return text[: MAX_NAME - len(mark)] + mark


async def rename_admin(session: AsyncSession) -> str:
    """Give the first administrator the other name; return the old one. ``Conflict``."""
    admin = await get(session, ADMIN_ID)
    before = admin.username
    admin.username = RENAMED_ADMIN
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(f"user {RENAMED_ADMIN} already exists") from error
    return before


async def seed(session: AsyncSession, *, admin_password_hash: str) -> bool:
    """Make the first two people; whether they were missing. Two processes may do it at once."""
    admin = {
        "user_id": ADMIN_ID,
        "username": "admin",
        "realname": "system admin",
        "password": admin_password_hash,
        "sysadmin_flag": True,
        "deleted": False,
    }
    anonymous = {
        "user_id": ANONYMOUS_ID,
        "username": "anonymous",
        "realname": "anonymous user",
        "password": None,
        "sysadmin_flag": False,
        "deleted": True,
    }
    made = await session.execute(
        insert_or_ignore(session, User, [admin, anonymous]).returning(User.user_id)
    )
    if ADMIN_ID not in made.scalars().all():
        return False
    if session.get_bind().dialect.name == "postgresql":
        # Ids that were given do not move the sequence; without this the next person gets a 1.
        sequence = func.pg_get_serial_sequence(User.__tablename__, "user_id")
        await session.execute(select(func.setval(sequence, ANONYMOUS_ID)))
    return True
