"""Passkeys: keys that a device or a password manager holds, and signs with at one site only.

Nothing is kept of a challenge. It follows from a ticket, which says whom it was made for and when;
a passkey that has answered it answers that one, and those from before, no more. Many passkeys
count nothing, so what they signed could be sent again otherwise.
"""

import asyncio
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from harbor.auth.csrf import PORTS, bare
from harbor.auth.models import Passkey
from harbor.auth.tickets import Ticket
from harbor.core import clock, origin, ui
from harbor.core.crypto import Box
from harbor.core.db import Database
from harbor.core.errors import BadRequest, Conflict, NotFound

if TYPE_CHECKING:  # it takes 16 MB, and few ask for it
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

ISSUER = "Harbor"
MAX_EACH = 20  # passkeys of one account
MAX_NAME = 64
MAX_ANSWER = 16_384  # characters of what a browser sends
MAX_CREDENTIAL_ID = 1400
TIMEOUT_MS = 120_000
GONE = delete(Passkey).where(Passkey.user_id == bindparam("gone"))


class Refused(Exception):
    """What a browser sent proves nothing."""


class Answer(msgspec.Struct):
    """What we need to know of an answer before it is verified."""

    id: str


class Site(Struct, frozen=True):
    """Where a browser is; it lets a passkey answer nowhere but where it was made."""

    origin: str
    host: str  # the RP ID


class Challenge(Struct, frozen=True):
    """What is to be signed, and when it was made, in microseconds."""

    site: Site
    raw: bytes
    made: int


def site_of(request: Request, external_url: str) -> Site | None:
    """The site that the browser is at; ``None`` where browsers have no passkeys.

    These are sites by plain HTTP, except on one's own machine, and those without a name.
    """
    scheme, _, place = origin.of(request, external_url).partition("://")
    if scheme not in PORTS:
        return None
    place = bare(place, scheme)
    try:
        host = urlsplit(f"//{place}").hostname or ""
    except ValueError:  # brackets around what is no address
        return None
    is_own = host == "localhost" or host.endswith(".localhost")
    if not host or is_address(host) or not (scheme == "https" or is_own):
        return None
    return Site(f"{scheme}://{place}", host)


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def challenge_of(box: Box, site: Site, told: str, ticket: Ticket, *, life_s: float) -> Challenge:
    """The challenge that follows from a ticket; nobody else can know it beforehand."""
    raw = hmac.digest(box.key_for("passkey"), told.encode(), hashlib.sha256)
    return Challenge(site, raw, int((ticket.ends_at - life_s) * 1_000_000))


async def owned_by(session: AsyncSession, user_id: int) -> Sequence[Passkey]:
    """Somebody's passkeys, the oldest first; there are few."""
    wanted = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    return (await session.scalars(wanted)).all()


async def to_sign(session: AsyncSession, user_id: int, challenge: Challenge) -> str:
    """What a browser is to be told so that a passkey signs; "" if somebody has none here."""
    here = at(challenge.site, await owned_by(session, user_id))
    if not here:
        return ""

    def worded() -> str:
        import webauthn  # noqa: PLC0415, it takes long

        options = webauthn.generate_authentication_options(
            rp_id=challenge.site.host,
            challenge=challenge.raw,
            timeout=TIMEOUT_MS,
            allow_credentials=described(here),
        )
        return webauthn.options_to_json(options)

    return await asyncio.to_thread(worded)


async def to_make(
    session: AsyncSession, box: Box, user_id: int, username: str, challenge: Challenge
) -> str:
    """What a browser is to be told so that a passkey is made; ``BadRequest`` if there are many."""
    owned = await owned_by(session, user_id)
    if len(owned) >= MAX_EACH:
        raise BadRequest(f"an account has at most {MAX_EACH} passkeys; remove one first")
    # Whoever reads what a device keeps learns nothing of the account but its name.
    handle = hmac.digest(box.key_for("passkey owner"), str(user_id).encode(), hashlib.sha256)

    def worded() -> str:
        import webauthn  # noqa: PLC0415, it takes long
        from webauthn.helpers import structs  # noqa: PLC0415

        options = webauthn.generate_registration_options(
            rp_id=challenge.site.host,
            rp_name=ISSUER,
            user_name=username,
            user_id=handle,
            challenge=challenge.raw,
            timeout=TIMEOUT_MS,
            # So that it can be found without a name: then it is all that is asked for.
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=described(at(challenge.site, owned)),
        )
        return webauthn.options_to_json(options)

    return await asyncio.to_thread(worded)


def at(site: Site, passkeys: Sequence[Passkey]) -> list[Passkey]:
    return [each for each in passkeys if each.site == site.host]


def described(passkeys: Sequence[Passkey]) -> "list[PublicKeyCredentialDescriptor]":
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor  # noqa: PLC0415

    return [PublicKeyCredentialDescriptor(id=bytes_of(each.credential_id)) for each in passkeys]


def to_enter(challenge: Challenge) -> str:
    """What a browser is to be told so that whichever passkey it has for this site signs.

    The device must see who uses it: nothing else is asked for.
    """
    told = {
        "challenge": text_of(challenge.raw),
        "rpId": challenge.site.host,
        "timeout": TIMEOUT_MS,
        "allowCredentials": [],
        "userVerification": "required",
    }
    return msgspec.json.encode(told).decode()


async def are_at(session: AsyncSession, site: Site) -> bool:
    """Whether anybody has a passkey for that site."""
    wanted = select(Passkey.id).where(Passkey.site == site.host).limit(1)
    return await session.scalar(wanted) is not None


async def signer(
    db: Database, challenge: Challenge, answer: str, *, user_id: int | None = None
) -> int | None:
    """Whose passkey signed that challenge, which counts no more then; ``None`` if nobody's did.

    With *user_id*, only theirs will do; without, the device must have seen who uses it.
    """
    try:
        credential_id = msgspec.json.decode(answer[:MAX_ANSWER], type=Answer).id
    except (ValueError, msgspec.DecodeError):
        return None
    wanted = [
        Passkey.credential_id == credential_id[:MAX_CREDENTIAL_ID].replace("\0", ""),
        Passkey.site == challenge.site.host,
    ]
    if user_id is not None:
        wanted.append(Passkey.user_id == user_id)
    async with db.reading() as session:
        found = await session.scalar(select(Passkey).where(*wanted))
    if found is None:
        return None
    try:
        count = await asyncio.to_thread(signed, found, challenge, answer, alone=user_id is None)
    except Refused:
        return None
    # Two answers at once, or the same one twice: one of them finds the row changed.
    counted = Passkey.sign_count < count if count else Passkey.sign_count == 0
    async with db.writing() as session:
        used = await session.execute(
            update(Passkey)
            .where(Passkey.id == found.id, Passkey.last_challenge < challenge.made, counted)
            .values(sign_count=count, last_challenge=challenge.made, last_used=clock.now())
            .returning(Passkey.user_id)
        )
        return used.scalar()


def signed(passkey: Passkey, challenge: Challenge, answer: str, *, alone: bool) -> int:
    """The count that a passkey gave with its signature; ``Refused`` if it is none of that."""
    import webauthn  # noqa: PLC0415, it takes long

    try:
        found = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge.raw,
            expected_rp_id=challenge.site.host,
            expected_origin=challenge.site.origin,
            credential_public_key=bytes_of(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=alone,
        )
    except Exception as error:  # of many kinds: whatever is wrong proves nothing
        raise Refused from error
    return found.new_sign_count


async def verified(challenge: Challenge, answer: str) -> Passkey:
    """The passkey that was made for that challenge, without name and owner; ``BadRequest``."""

    def verify() -> Passkey:
        import webauthn  # noqa: PLC0415, it takes long

        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge.raw,
            expected_rp_id=challenge.site.host,
            expected_origin=challenge.site.origin,
        )
        return Passkey(
            credential_id=text_of(made.credential_id),
            public_key=text_of(made.credential_public_key),
            site=challenge.site.host,
            sign_count=made.sign_count,
            last_challenge=challenge.made,
        )

    try:
        passkey = await asyncio.to_thread(verify)
    except Exception as error:
        raise BadRequest("that is no passkey made for this") from error
    if len(passkey.credential_id) > MAX_CREDENTIAL_ID:
        raise BadRequest("the name that the passkey gave itself is too long")
    return passkey


async def add(session: AsyncSession, user_id: int, name: str, passkey: Passkey) -> None:
    """Give somebody a verified passkey. ``BadRequest``, ``Conflict``."""
    passkey.user_id, passkey.name = user_id, name.strip()
    with ui.at_field("name"):
        if not passkey.name or not passkey.name.isprintable():
            raise BadRequest("a passkey needs a name, of printable characters")
        owned = await owned_by(session, user_id)
        if any(each.name == passkey.name for each in owned):
            raise Conflict(f"there is a passkey of the name {passkey.name} already")
    if len(owned) >= MAX_EACH:
        raise BadRequest(f"an account has at most {MAX_EACH} passkeys; remove one first")
    session.add(passkey)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict("that passkey is known already") from error


async def get(session: AsyncSession, user_id: int, passkey_id: int) -> Passkey:
    """Somebody's passkey; ``NotFound``."""
    found = await session.get(Passkey, passkey_id)
    if found is None or found.user_id != user_id:
        raise NotFound(f"passkey {passkey_id} not found")
    return found


def bytes_of(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
