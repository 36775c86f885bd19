"""The second factor: codes of an authenticator, passkeys, and codes that stand for lost ones.

Whoever has it on signs in with a browser by password and one of these. Where nobody is there to
show one, in docker and scripts, the password alone opens nothing any more: personal access tokens
do.
"""

import hashlib
import secrets
from base64 import b32decode, b32encode
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from msgspec import Struct
from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.auth import passkeys
from harbor.auth.models import Passkey, RecoveryCode, SecondFactor
from harbor.core import clock
from harbor.core.crypto import Box
from harbor.core.errors import Conflict, Forbidden, NotFound
from harbor.core.quick import Pen, Quick
from harbor.users.events import UserDeleted
from harbor.users.models import User

DIGITS, STEP_S = 6, 30  # what every authenticator understands, whatever the address tells it
KEY_BYTES = 20
LEEWAY = (0, -1, 1)  # steps that a clock may be wrong by
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits: a plain hash can be kept
MAX_CODE = 64  # characters that somebody may enter
TICKET_S = 300  # between password and code
PURPOSE = "second factor"  # of the tickets in between
CHANGE = "second factor: change"  # of those that passkeys sign for a change
NEW_PASSKEY = "second factor: new passkey"
ALONE = "passkey alone"  # instead of a password
ALONE_S = 3600  # a page to sign in may stand open for long
NO_CODE = "that is not the code, or it was used before"
ON = select(User.user_id).where(
    User.user_id == bindparam("user_id"),
    or_(
        exists().where(SecondFactor.user_id == User.user_id, SecondFactor.confirmed.is_(true())),
        exists().where(Passkey.user_id == User.user_id),
    ),
)
GONE = (
    delete(SecondFactor).where(SecondFactor.user_id == bindparam("gone")),
    delete(RecoveryCode).where(RecoveryCode.user_id == bindparam("gone")),
    passkeys.GONE,
)


class State(Struct, frozen=True):
    """What a second factor consists of."""

    since: datetime
    left: int  # recovery codes
    has_authenticator: bool
    passkeys: Sequence[Passkey]


def life_of(purpose: str) -> float:
    """How long tickets of that purpose are good, in seconds."""
    return ALONE_S if purpose == ALONE else TICKET_S


async def is_on(quick: Quick, user_id: int) -> bool:
    """Whether a password alone does not open that account."""
    return bool(await quick.fetch(ON, user_id=user_id))


async def begin(session: AsyncSession, box: Box, user_id: int) -> str:
    """A new secret for somebody's authenticator, in its own alphabet; ``Conflict`` if it is on."""
    kept = await session.get(SecondFactor, user_id, with_for_update=True)
    if kept is not None and kept.confirmed:
        raise Conflict("the second factor is on already")
    secret = b32encode(secrets.token_bytes(KEY_BYTES)).decode()
    if kept is None:
        kept = SecondFactor(user_id=user_id)
        session.add(kept)
    kept.secret, kept.creation_time = box.close(secret), clock.now()
    await session.flush()
    return secret


async def confirm(session: AsyncSession, box: Box, user_id: int, code: str) -> list[str]:
    """Ask for codes from now on, if the authenticator works; return what ``first_codes`` does.

    ``Forbidden`` if the code is wrong; ``NotFound`` if nothing was begun.
    """
    kept = await session.get(SecondFactor, user_id, with_for_update=True)
    if kept is None or kept.confirmed:
        raise NotFound("no second factor is being set up")
    step = step_of(box.open(kept.secret), plain(code))
    if step is None:
        raise Forbidden(NO_CODE)
    codes = await first_codes(session, user_id)
    kept.confirmed, kept.last_step = True, step
    return codes


async def add_passkey(
    session: AsyncSession, user_id: int, name: str, passkey: Passkey
) -> list[str]:
    """Ask for that passkey, too, from now on; return what ``first_codes`` does."""
    codes = await first_codes(session, user_id)
    await passkeys.add(session, user_id, name, passkey)
    return codes


async def remove_passkey(session: AsyncSession, user_id: int, passkey_id: int) -> None:
    """Ask for that passkey no more; without another one, or an authenticator, all is off."""
    await session.delete(await passkeys.get(session, user_id, passkey_id))
    await drop_codes_of_nothing(session, user_id)


async def remove_authenticator(session: AsyncSession, user_id: int) -> None:
    """Ask for its codes no more; without a passkey, all is off. ``NotFound`` if there is none."""
    kept = await session.get(SecondFactor, user_id, with_for_update=True)
    if kept is None or not kept.confirmed:
        raise NotFound("there is no authenticator")
    await session.delete(kept)
    await drop_codes_of_nothing(session, user_id)


async def drop_codes_of_nothing(session: AsyncSession, user_id: int) -> None:
    """Forget recovery codes that there is nothing left to stand for."""
    await session.flush()
    if await state(session, user_id) is None:
        await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


async def first_codes(session: AsyncSession, user_id: int) -> list[str]:
    """The recovery codes, told this once, of an account about to get a second factor.

    None if it has one: its codes are good for what is added.
    """
    return [] if await state(session, user_id) else await renew_codes(session, user_id)


async def renew_codes(session: AsyncSession, user_id: int) -> list[str]:
    """New recovery codes; those from before are worth nothing."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = [b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    rows = [{"user_id": user_id, "code": hashed(code)} for code in codes]
    await session.execute(insert(RecoveryCode), rows)
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


async def accepts(session: AsyncSession, box: Box, user_id: int, code: str) -> bool:
    """Whether that is a code of somebody's, which is worth nothing from now on."""
    if len(code) > MAX_CODE:
        return False
    kept, entered = await session.get(SecondFactor, user_id), plain(code)
    has_authenticator = kept is not None and kept.confirmed
    step = step_of(box.open(kept.secret), entered) if kept and has_authenticator else None
    if step is not None:
        used = await session.execute(
            update(SecondFactor)
            .where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
            .values(last_step=step)
            .returning(SecondFactor.user_id)
        )
        return used.first() is not None
    spent = await session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code == hashed(entered))
        .returning(RecoveryCode.user_id)
    )
    return spent.first() is not None


async def state(session: AsyncSession, user_id: int) -> State | None:
    """What it consists of; ``None`` if it is off."""
    kept = await session.get(SecondFactor, user_id)
    owned = await passkeys.owned_by(session, user_id)
    begun = [each.creation_time for each in owned]
    has_authenticator = kept is not None and kept.confirmed
    if kept is not None and has_authenticator:
        begun.append(kept.creation_time)
    if not begun:
        return None
    left = await session.scalar(select(func.count()).where(RecoveryCode.user_id == user_id))
    return State(min(begun), left or 0, has_authenticator, owned)


async def remove(session: AsyncSession, user_id: int) -> None:
    """Switch it off. ``NotFound`` if it is not on."""
    was_on = await state(session, user_id)
    for statement in GONE:
        await session.execute(statement, {"gone": user_id})
    if was_on is None:
        raise NotFound("there is no second factor")


async def forget(pen: Pen, event: UserDeleted) -> None:
    for statement in GONE:
        await pen.run(statement, gone=event.user_id)


def address_of(secret: str, username: str, issuer: str) -> str:
    """What the QR code says to an authenticator."""
    return generator(secret).get_provisioning_uri(username, issuer)


def step_of(secret: str, code: str) -> int | None:
    """In which step, of those around now, the authenticator shows *code*."""
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    now = int(clock.now().timestamp()) // STEP_S
    codes = generator(secret)
    found = None
    for off in LEEWAY:  # all of them, whichever it is
        try:
            codes.verify(code.encode(), (now + off) * STEP_S)
        except InvalidToken:
            continue
        found = now + off
    return found


def generator(secret: str) -> TOTP:
    # What authenticators know; nothing rests on collisions here.
    return TOTP(b32decode(secret), DIGITS, SHA1(), STEP_S)  # noqa: S303


def plain(code: str) -> str:
    """A code without what people put between its signs."""
    return code.replace(" ", "").replace("-", "").upper()


def hashed(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
