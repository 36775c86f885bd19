"""Personal access tokens: made, found again by their secret, and revoked.

The secret is long and random, so a plain hash of it can be kept and looked up: there is nothing
to guess, and whoever reads the table is not let in. It begins with a word that scanners for
secrets know it by, and ends with a checksum, so that what is no token is refused unasked.
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from string import ascii_letters, digits

from msgspec import Struct
from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.auth.models import AccessToken
from harbor.auth.schemas import AccessTokenReq
from harbor.core import clock, oci, security, ui
from harbor.core.api import Ctx
from harbor.core.db import Database
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.later import Later
from harbor.core.quick import Pen, Quick
from harbor.core.security import Limits, Principal
from harbor.projects.models import Project
from harbor.users.events import UserDeleted
from harbor.users.models import User

Names = Mapping[int, str]  # of projects, by their ids
PREFIX = "hbp_"
SIGNS = ascii_letters + digits
LENGTH = 36  # random characters, each of 62: 214 bits
CHECKSUM = 8  # signs at the end
FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{LENGTH}}}[0-9a-f]{{{CHECKSUM}}}")
SEEN = security.project("project", "read")
MAX_EACH = 100  # tokens of one account
STEP = timedelta(minutes=1)  # how exactly we know when a token was used last
# With each action goes what nobody can do it without.
IMPLIED = {"pull": (), "push": ("pull",), "delete": ("pull",), "read": (), "write": ("read",)}
FOUND = (
    select(
        AccessToken.id,
        AccessToken.actions,
        AccessToken.projects,
        AccessToken.expires_at,
        AccessToken.last_used,
        User.user_id,
        User.username,
        User.email,
        or_(User.sysadmin_flag, User.admin_role_in_auth),
    )
    .join(User, User.user_id == AccessToken.user_id)
    .where(AccessToken.secret == bindparam("secret"), User.deleted.is_(False))
)
THERE = select(AccessToken.id).where(AccessToken.id == bindparam("id"))
USED = (
    update(AccessToken)
    .where(AccessToken.id == bindparam("used"))
    .values(last_used=bindparam("seen"), last_address=bindparam("address"))
)
ENDED_ALL = delete(AccessToken).where(AccessToken.user_id == bindparam("gone"))


class Use(Struct, frozen=True):
    """That a token was used."""

    id: int
    seen: datetime
    address: str


class PersonalTokens:
    def __init__(self, db: Database, later: Later) -> None:
        self._db, self._later = db, later

    async def find(self, name: str, secret: str, *, address: str) -> Principal | None:
        """Whose token that is, if it is still good and that is its owner's name or address."""
        rows = await self._db.quick.fetch(FOUND, secret=hashed(secret))
        if not rows:
            return None
        token_id, actions, projects, expires_at, last_used, user_id, username, email, admin = rows[
            0
        ]
        now = clock.now()
        if name not in (username, email) or (expires_at is not None and now >= expires_at):
            return None
        if last_used is None or now - last_used >= STEP:
            self._later.add(note, Use(token_id, now, address[:64]))
        limits = Limits(
            token_id=token_id,
            actions=frozenset(actions.split()),
            projects=None if projects is None else ids_in(projects),
            ends_at=None if expires_at is None else expires_at.timestamp(),
            is_admin=bool(admin),
        )
        # Lists and the system's own things know administrators by this; projects go by ``limits``.
        is_admin = limits.is_admin and limits.projects is None and "read" in limits.actions
        return Principal(username, user_id=user_id, is_admin=is_admin, limits=limits, tried=True)


def is_one(password: str) -> bool:
    """Whether what was sent as a password is the secret of a token, of whomever."""
    return FORM.fullmatch(password) is not None and password == sealed(password[:-CHECKSUM])


def sealed(text: str) -> str:
    return f"{text}{zlib.crc32(text.encode()):08x}"


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def ids_in(projects: str) -> frozenset[int]:
    return frozenset(map(int, projects.split()))


async def is_there(quick: Quick, token_id: int) -> bool:
    """Whether the token has not been revoked."""
    return bool(await quick.fetch(THERE, id=token_id))


async def make(ctx: Ctx, wanted: AccessTokenReq) -> tuple[AccessToken, str]:
    """A new token of the caller's, and its secret; also ``NotFound`` for projects unseen."""
    ids = None
    if wanted.projects is not None:
        with ui.at_field("projects"):
            ids = {await seen(ctx, name) for name in wanted.projects}
    return await create(ctx.session, ctx.principal.known_id, wanted, ids)


async def seen(ctx: Ctx, name: str) -> int:
    """The id of a project that the caller sees; ``NotFound`` tells nothing of others."""
    found = None if "/" in name else await ctx.wiring.may(ctx.principal, SEEN, name)
    if found is None:
        raise NotFound(f"project {oci.shown(name)} not found")
    return found


async def create(
    session: AsyncSession,
    user_id: int,
    wanted: AccessTokenReq,
    projects: Collection[int] | None,
) -> tuple[AccessToken, str]:
    """A new token, for some projects or for all, and its secret, which nobody can find out later.

    ``BadRequest`` if it would be for nothing, or there are too many; ``Conflict``.
    """
    name = wanted.name.strip()
    with ui.at_field("name"):
        if not name or not name.isprintable():
            raise BadRequest("a token needs a name, of printable characters")
    with ui.at_field("actions"):
        if not wanted.actions:
            raise BadRequest(f"a token needs at least one action of {', '.join(IMPLIED)}")
    if projects is not None and not projects:
        raise BadRequest("a token is for at least one project, or, without a list, for all")
    if not wanted.duration:
        raise BadRequest("a token lasts at least one day; -1 stands for no end")
    owned = select(func.count()).where(AccessToken.user_id == user_id)
    if (await session.scalar(owned) or 0) >= MAX_EACH:
        raise BadRequest(f"an account has at most {MAX_EACH} tokens; revoke one first")
    held = {each for action in wanted.actions for each in (action, *IMPLIED[action])}
    secret = sealed(PREFIX + "".join(secrets.choice(SIGNS) for _ in range(LENGTH)))
    now = clock.now()
    token = AccessToken(
        user_id=user_id,
        name=name,
        secret=hashed(secret),
        actions=" ".join(each for each in IMPLIED if each in held),
        projects=None if projects is None else " ".join(map(str, sorted(projects))),
        creation_time=now,
        expires_at=now + timedelta(days=wanted.duration) if wanted.duration > 0 else None,
    )
    session.add(token)
    with ui.at_field("name"):
        try:
            await session.flush()
        except IntegrityError as error:
            raise Conflict(f"there is a token of the name {name} already") from error
    return token, secret


async def owned_by(session: AsyncSession, user_id: int) -> Sequence[AccessToken]:
    """The tokens of an account, the newest first; there are few."""
    wanted = (
        select(AccessToken)
        .where(AccessToken.user_id == user_id)
        .order_by(AccessToken.creation_time.desc(), AccessToken.id.desc())
    )
    return (await session.scalars(wanted)).all()


async def names_of(session: AsyncSession, tokens: Iterable[AccessToken]) -> Names:
    """What the projects are called, by their ids; those that were deleted are left out."""
    ids = {each for token in tokens for each in ids_in(token.projects or "")}
    wanted = select(Project.project_id, Project.name).where(
        Project.project_id.in_(ids), Project.deleted.is_(False)
    )
    return {row.project_id: row.name for row in await session.execute(wanted)}


async def revoke(session: AsyncSession, user_id: int, token_id: int) -> str:
    """End a token of an account, with all that was issued for it; return its name. ``NotFound``."""
    gone = await session.execute(
        delete(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.user_id == user_id)
        .returning(AccessToken.name)
    )
    name = gone.scalar()
    if name is None:
        raise NotFound(f"token {token_id} not found")
    return name


async def note(pen: Pen, uses: Sequence[Use]) -> None:
    """Write down when and from where tokens were used; the last use of each counts."""
    last = {use.id: use for use in uses}
    await pen.run_many(
        USED,
        [{"used": use.id, "seen": use.seen, "address": use.address} for use in last.values()],
    )


async def forget(pen: Pen, event: UserDeleted) -> None:
    """Remove the tokens of somebody who is gone; ``PersonalTokens.find`` knows none of them."""
    await pen.run(ENDED_ALL, gone=event.user_id)
