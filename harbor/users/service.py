"""What is done: check, find, create and change people."""

import re
from dataclasses import dataclass
from unicodedata import category

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.db import insert_or_ignore
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.quick import Quick
from harbor.core.security import Principal
from harbor.users.models import ADMIN_ID, ANONYMOUS_ID, User
from harbor.users.schemas import UserCreationReq, UserProfile, UserQuery

DB_AUTH = "db_auth"
WRONG_PASSWORD = "Current password is incorrect"  # noqa: S105, not a password
MAX_NAME = 255
MAX_COMMENT = 30
FORBIDDEN = frozenset(',"~#%$')  # in usernames and real names
PASSWORD_LENGTHS = range(8, 129)
PASSWORD_KINDS = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))
EMAIL = re.compile(
    r'(?:[^<>()\[\]\\.,;:\s@"]+(?:\.[^<>()\[\]\\.,;:\s@"]+)*|"[^"\r\n]+")'
    r"@(?:\[[0-9]{1,3}(?:\.[0-9]{1,3}){3}\]|(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,})"
)


def check_password(password: str) -> None:
    """Raise ``BadRequest`` unless *password* satisfies the rule for passwords and secrets."""
    kinds = all(kind.search(password) for kind in PASSWORD_KINDS)
    if not kinds or len(password) not in PASSWORD_LENGTHS:
        raise BadRequest(
            "the password or secret must be 8-128, inclusively, characters long "
            "with at least 1 uppercase letter, 1 lowercase letter and 1 number"
        )


def check(person: UserCreationReq) -> None:
    """Raise ``BadRequest`` for the first thing about *person* that is not allowed.

    Source: Harbor src/server/v2.0/handler/user.go, ``validateUserProfile``.
    """
    check_password(person.password)
    if not person.email:
        raise BadRequest("email can't be empty")
    check_profile(person)
    check_name("username", person.username)


def check_profile(person: UserCreationReq | UserProfile) -> None:
    """Raise ``BadRequest`` for what is not allowed; whether there must be an email is not asked."""
    if person.email and not EMAIL.fullmatch(person.email):
        raise BadRequest("email with illegal format")
    check_name("realname", person.realname)
    if len(person.comment) > MAX_COMMENT:
        raise BadRequest("comment with illegal length")


def check_name(field: str, name: str) -> None:
    """Harbor's rule; beside it, nothing that would begin a new line in a log or a header."""
    if not 1 <= len(name) <= MAX_NAME:
        raise BadRequest(f"{field} with illegal length")
    if not FORBIDDEN.isdisjoint(name) or any(category(letter) == "Cc" for letter in name):
        raise BadRequest(f"{field} contains illegal characters")


def check_mode_for_new(auth_mode: str) -> None:
    """``Forbidden`` where people come from elsewhere."""
    if auth_mode != DB_AUTH:
        raise Forbidden(f"creating local user is not allowed under auth mode: {auth_mode}")


def check_mode(auth_mode: str, user_id: int, *, who: Principal) -> None:
    """``Forbidden`` where that person comes from elsewhere, with profile and password."""
    if auth_mode != DB_AUTH and not (user_id == ADMIN_ID and who.is_admin):
        raise Forbidden(f"user {user_id} can not be changed here under auth mode: {auth_mode}")


BY_USERNAME = User.username == bindparam("name")
LOGIN = (
    select(User.user_id, User.username, User.password, User.sysadmin_flag)
    .where(or_(BY_USERNAME, User.email == bindparam("name")), User.deleted.is_(False))
    .order_by(BY_USERNAME.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Login:
    """What signing in needs to know of a person."""

    user_id: int
    username: str
    password: str | None  # a hash
    is_admin: bool


async def find_login(quick: Quick, name: str) -> Login | None:
    """The person who signs in with *name*: a username or else an e-mail address."""
    if "\0" in name:
        return None  # PostgreSQL cannot even be asked
    rows = await quick.fetch(LOGIN, name=name)
    return Login(*rows[0]) if rows else None


async def get(session: AsyncSession, user_id: int) -> User:
    user = await session.get(User, user_id)
    if user is None or user.deleted:
        raise NotFound(f"user {user_id} not found")
    return user


async def search(session: AsyncSession, query: UserQuery) -> tuple[list[tuple[int, str]], int]:
    """Ids and names of a page of those whose name holds a text, short names first; and how many.

    No index helps to find a part of a name, so all names are looked at, but only once.
    """
    matching = select(User.user_id, User.username, func.count().over()).where(
        User.username.icontains(query.username, autoescape=True), User.deleted.is_(False)
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


async def update_profile(session: AsyncSession, user_id: int, told: UserProfile) -> User:
    """Change what people may say about themselves. An e-mail address is for ever, or another one.

    ``BadRequest``, ``NotFound``, or ``Conflict`` if the address is somebody else's.
    """
    check_profile(told)
    user = await get(session, user_id)
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
    there = [User.user_id == user_id, User.deleted.is_(False)]
    if instead_of is not None:
        there.append(User.password == instead_of)
    changed = await session.execute(
        update(User).where(*there).values(password=password_hash).returning(User.user_id)
    )
    if changed.first() is None:
        raise Forbidden(WRONG_PASSWORD) if instead_of else NotFound(f"user {user_id} not found")


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
