"""Sessions of browsers: begun at sign-in, found again by their cookie, and ended.

The cookie holds a secret and the table its hash, so that whoever reads the table is not let in.
A session is good as long as its account is there and still has the password that it was begun
with: nobody who changes either needs to know of sessions.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.auth.models import Session
from harbor.configuration.service import Configuration
from harbor.core import clock
from harbor.core.crypto import same
from harbor.core.db import Database
from harbor.core.errors import NotFound
from harbor.core.later import Later
from harbor.core.quick import Pen
from harbor.core.security import Principal
from harbor.users import service as users
from harbor.users.events import UserDeleted
from harbor.users.models import User
from harbor.users.service import Login

MAX_EACH = 200  # sessions of one account; the one that was used least lately goes first
MAX_LIFE_MINUTES = 366 * 24 * 60
STEP = timedelta(minutes=1)  # how exactly we know when a session was used last
FOUND = (
    select(
        User.user_id,
        User.username,
        or_(User.sysadmin_flag, User.admin_role_in_auth),
        User.password,
        Session.password_mark,
        Session.last_seen,
        Session.expires_at,
    )
    .join(User, User.user_id == Session.user_id)
    .where(Session.id == bindparam("id"), User.deleted.is_(False))
)
NAMES = (
    "id",
    "user_id",
    "password_mark",
    "address",
    "user_agent",
    "creation_time",
    "last_seen",
    "expires_at",
)
BEGUN = insert(Session).values({name: bindparam(name) for name in NAMES})
ENDED_ALL = delete(Session).where(Session.user_id == bindparam("gone"))
ENDED = delete(Session).where(Session.id == bindparam("ended"))
EXTENDED = (
    update(Session)
    .where(Session.id == bindparam("extended"))
    .values(last_seen=bindparam("seen"), expires_at=bindparam("until"))
)
SURPLUS = delete(Session).where(
    Session.id.in_(
        select(Session.id)
        .where(Session.user_id == bindparam("owner"))
        .order_by(Session.last_seen.desc(), Session.id)
        .offset(MAX_EACH - 1)
    )
)


class Client(Struct, frozen=True):
    """Where somebody signs in, and with which cookie they came."""

    address: str
    user_agent: str
    sid: str


class Use(Struct, frozen=True):
    """That a session was used."""

    id: str
    seen: datetime
    until: datetime


class Sessions:
    def __init__(self, db: Database, later: Later, configuration: Configuration) -> None:
        self._db, self._later, self._configuration = db, later, configuration

    async def find(self, sid: str, *, renew: bool = True) -> Principal | None:
        """Whose session that is, if it is still good; unless told otherwise, it lasts longer now.

        Rights are those that the account has now, not those of the sign-in.
        """
        rows = await self._db.quick.fetch(FOUND, id=hashed(sid))
        if not rows:
            return None
        user_id, username, is_admin, password, password_mark, last_seen, expires_at = rows[0]
        now, life = clock.now(), await self.life()
        # The setting may have become shorter meanwhile.
        if now >= min(expires_at, last_seen + life) or not same(password_mark, mark(password)):
            return None
        if renew and now - last_seen >= min(STEP, life / 10):
            self._later.add(extend, Use(hashed(sid), now, now + life))
        return Principal(username, user_id=user_id, is_admin=bool(is_admin))

    async def life(self) -> timedelta:
        """How long a session lasts that nobody uses."""
        minutes = (await self._configuration.current()).session_timeout
        return timedelta(minutes=min(minutes, MAX_LIFE_MINUTES))


async def begin(pen: Pen, login: Login, client: Client, *, life: timedelta) -> str:
    """A new session of somebody whose password was right; return the secret for the cookie.

    It is always a new secret, and the session that the client came with is over: an id that
    somebody else chose, or knows, is never worth anything.
    """
    sid = secrets.token_urlsafe(32)
    now = clock.now()
    await pen.run(ENDED, ended=hashed(client.sid))
    await pen.run(SURPLUS, owner=login.user_id)
    await pen.run(
        BEGUN,
        id=hashed(sid),
        user_id=login.user_id,
        password_mark=mark(login.password),
        address=client.address[:64],
        user_agent=client.user_agent.replace("\0", "")[:255],
        creation_time=now,
        last_seen=now,
        expires_at=now + life,
    )
    return sid


async def end(pen: Pen, sid: str) -> None:
    await pen.run(ENDED, ended=hashed(sid))


async def extend(pen: Pen, uses: Sequence[Use]) -> None:
    """Write down which sessions were used; the last use of each counts."""
    last = {use.id: use for use in uses}
    await pen.run_many(
        EXTENDED,
        [{"extended": use.id, "seen": use.seen, "until": use.until} for use in last.values()],
    )


async def owned_by(session: AsyncSession, user_id: int, *, life: timedelta) -> Sequence[Session]:
    """The sessions of an account that are still good, the one used last first; there are few."""
    now = clock.now()
    user = await users.get(session, user_id)
    wanted = (
        select(Session)
        .where(
            Session.user_id == user_id,
            Session.password_mark == mark(user.password),
            Session.expires_at > now,
            Session.last_seen > now - life,
        )
        .order_by(Session.last_seen.desc(), Session.id)
    )
    return (await session.scalars(wanted)).all()


async def end_one(session: AsyncSession, user_id: int, session_id: str) -> None:
    """End a session of an account. ``NotFound``."""
    theirs, that = Session.user_id == user_id, Session.id == session_id
    gone = await session.execute(delete(Session).where(theirs, that).returning(Session.id))
    if gone.first() is None:
        raise NotFound("there is no such session any more")


async def end_all(session: AsyncSession, user_id: int, *, but: str = "") -> None:
    """End the sessions of an account, except the one with the secret *but*."""
    theirs, kept = Session.user_id == user_id, Session.id == hashed(but)
    await session.execute(delete(Session).where(theirs, ~kept))


async def forget(pen: Pen, event: UserDeleted) -> None:
    """End the sessions of somebody who is gone; ``Sessions.find`` knows none of them anyway."""
    await pen.run(ENDED_ALL, gone=event.user_id)


async def keep_only(session: AsyncSession, user_id: int, sid: str, *, password_hash: str) -> None:
    """After a change of password: one session goes on with the new one, all others are over."""
    theirs, this = Session.user_id == user_id, Session.id == hashed(sid)
    await session.execute(delete(Session).where(theirs, ~this))
    await session.execute(
        update(Session).where(theirs, this).values(password_mark=mark(password_hash))
    )


def hashed(sid: str) -> str:
    """The id of the session with that secret."""
    return hashlib.sha256(sid.encode()).hexdigest()


def mark(password_hash: str | None) -> str:
    """What tells whether a password was changed, and nothing else about it."""
    return hashlib.sha256((password_hash or "").encode()).hexdigest()
