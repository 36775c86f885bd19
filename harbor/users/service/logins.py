"""What is done: find who signs in, and keep their passwords."""

from msgspec import Struct
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.errors import Forbidden, NotFound
from harbor.core.quick import Quick
from harbor.users.models import LOCAL, User

WRONG_PASSWORD = "Current password is incorrect"  # noqa: S105, not a password
BY_USERNAME = User.username == bindparam("name")
LOGIN = (
    select(
        User.user_id,
        User.username,
        User.password,
        or_(User.sysadmin_flag, User.admin_role_in_auth),
        User.source,
    )
    .where(or_(BY_USERNAME, User.email == bindparam("name")), User.deleted.is_(False))
    .order_by(BY_USERNAME.desc())
    .limit(1)
)
LOCAL_LOGIN = select(User.user_id, User.username, User.password, User.sysadmin_flag).where(
    User.user_id == bindparam("user_id"),
    User.deleted.is_(False),
    User.source == LOCAL,
    User.password.is_not(None),
)
THERE = select(User.user_id).where(User.user_id == bindparam("user_id"), User.deleted.is_(False))


class Login(Struct, frozen=True):
    """What signing in needs to know of a person."""

    user_id: int
    username: str
    password: str | None  # a hash
    is_admin: bool
    source: str = LOCAL  # what knows the password


async def find_login(quick: Quick, name: str) -> Login | None:
    """The person who signs in with *name*: a username or else an e-mail address."""
    if "\0" in name:
        return None  # PostgreSQL cannot even be asked
    rows = await quick.fetch(LOGIN, name=name)
    if not rows:
        return None
    user_id, username, password, is_admin, source = rows[0]
    return Login(user_id, username, password, bool(is_admin), source)


async def find_local(quick: Quick, user_id: int) -> Login | None:
    """That person, if the password is kept here."""
    rows = await quick.fetch(LOCAL_LOGIN, user_id=user_id)
    if not rows:
        return None
    found_id, username, password, is_admin = rows[0]
    return Login(found_id, username, password, bool(is_admin))


async def is_there(quick: Quick, user_id: int) -> bool:
    """Whether the account has not been deleted."""
    return bool(await quick.fetch(THERE, user_id=user_id))


async def improve_hash(session: AsyncSession, user_id: int, *, kept: str, better: str) -> None:
    """Keep *better*, a hash of the same password, unless the password was changed meanwhile."""
    await session.execute(
        update(User)
        .where(User.user_id == user_id, User.password == kept)
        .values(password=better, update_time=User.update_time)
    )


async def replace_password(
    session: AsyncSession, user_id: int, *, password_hash: str, instead_of: str | None = None
) -> None:
    """Keep the hash of another password; ``NotFound`` if the person is gone.

    With *instead_of*, a hash that was proved a moment ago: ``Forbidden`` if it is no more.
    """
    # The password of an account from elsewhere is there.
    there = [User.user_id == user_id, User.deleted.is_(False), User.source == LOCAL]
    if instead_of is not None:
        there.append(User.password == instead_of)
    changed = await session.execute(
        update(User).where(*there).values(password=password_hash).returning(User.user_id)
    )
    if changed.first() is None:
        raise Forbidden(WRONG_PASSWORD) if instead_of else NotFound(f"user {user_id} not found")
