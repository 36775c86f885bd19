"""Registry tokens: signed, verified, and the keys that do both.

Source: distribution "Token Authentication Specification"; Harbor src/core/service/token and
src/pkg/token.
"""

import base64
import hashlib
import logging
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Meta, Struct
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.auth import signed
from harbor.auth.models import SigningKey
from harbor.core import clock
from harbor.core.crypto import Box
from harbor.core.db import Database
from harbor.core.security import Grant, Principal, Robot
from harbor.core.wire import Id

log = logging.getLogger(__name__)
ISSUER = "harbor-token-issuer"
AUDIENCE = "harbor-registry"
KEY_BITS = 2048
LEEWAY_S = 60
RELOAD_S = 60  # how soon every process signs with a new key
MISS_RELOAD_S = 1  # how often at most an unknown key id makes us look again
MAX_LIFE_S = 30 * 24 * 3600  # of a token; what it grants ends earlier only with the account
KEEP_OLD_KEYS = timedelta(seconds=MAX_LIFE_S, days=2)  # longer than any token lives
MAX_TOKEN = 32 * 1024  # characters
REMEMBERED = 10_000  # verified tokens
Moment = Annotated[int, Meta(ge=0, le=2**37)]  # seconds since 1970, that a datetime can hold


class Access(Struct, omit_defaults=True):
    """What a token allows on one name."""

    type: str
    name: str
    actions: list[str]
    project_id: int | None = None  # names of projects are used again; Harbor's tokens lack it
    exact: bool = False  # the actions hold in this repository, and not in all of its project


class Claims(Struct):
    """The claims that we read; those without a default must be there."""

    iss: str
    sub: str
    aud: str
    exp: Moment
    nbf: Moment
    iat: Moment
    access: list[Access] = []
    user_id: Id | None = None  # Harbor's tokens lack it
    robot_id: Id | None = None  # the same, where a robot asked for the token
    robot_secret_id: str = ""
    token_id: Id | None = None  # of the personal access token that it was issued for


class Key(Struct, frozen=True):
    kid: str
    private: rsa.RSAPrivateKey


class KeyRing:
    """The keys of this registry, as this process knows them."""

    def __init__(self, db: Database, box: Box) -> None:
        self._db, self._box = db, box
        self._keys: dict[str, Key] = {}
        self._signer: Key | None = None
        self._loaded_at = -float("inf")
        self._verified: dict[bytes, tuple[int, Principal]] = {}

    async def load(self) -> None:
        """Read the keys; newest last, which signs."""
        async with self._db.reading() as session:
            rows = (
                await session.scalars(
                    select(SigningKey).order_by(SigningKey.creation_time, SigningKey.kid)
                )
            ).all()
        keys = [
            self._keys.get(row.kid) or Key(row.kid, imported(self._box.open(row.private_pem)))
            for row in rows
        ]
        self._keys = {key.kid: key for key in keys}
        self._signer = keys[-1] if keys else None
        self._loaded_at = time.monotonic()

    async def _load_if_older(self, age_s: float) -> None:
        if time.monotonic() - self._loaded_at >= age_s:
            await self.load()

    async def issue(
        self,
        name: str,
        access: Sequence[Access],
        life_s: int,
        *,
        user_id: int | None = None,
        robot: Robot | None = None,
        token_id: int | None = None,
    ) -> tuple[str, datetime]:
        """A token for *name*, and the moment that it was issued at.

        With the account, or with the personal access token of that id, it ends before its time.
        """
        await self._load_if_older(RELOAD_S)
        signer = self._signer
        if signer is None:
            raise RuntimeError("there is no signing key; `harbor migrate` makes one")
        now = clock.now()
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "sub": name,
            "aud": AUDIENCE,
            "exp": issued + life_s,
            "nbf": issued,
            "iat": issued,
            "jti": secrets.token_hex(8),
            "access": [{"class": "", **msgspec.to_builtins(each)} for each in access],
        }
        if user_id is not None:
            claims["user_id"] = user_id
        if robot is not None:
            claims |= {"robot_id": robot.id, "robot_secret_id": robot.secret_id}
        if token_id is not None:
            claims["token_id"] = token_id
        return signed.sign(claims, signer.kid, signer.private), now

    async def verify(self, token: str) -> Principal | None:
        """The bearer, with what the token grants; ``None`` for whatever is wrong with it."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        remembered = hashlib.sha256(token.encode()).digest()
        now = clock.now().timestamp()
        if known := self._verified.get(remembered):
            return known[1] if now <= known[0] + LEEWAY_S else None
        claims = await self._checked(token)
        if claims is None or not is_current(claims, now):
            return None
        bearer = bearer_of(claims)
        if len(self._verified) >= REMEMBERED:
            self._verified.clear()
        self._verified[remembered] = (claims.exp, bearer)
        return bearer

    async def _checked(self, token: str) -> Claims | None:
        """The claims, if one of our keys signed them."""
        try:
            kid = signed.key_named_in(token)
            if kid not in self._keys:
                await self._load_if_older(MISS_RELOAD_S)
            key = self._keys.get(kid)
            if key is None:
                return None
            return msgspec.json.decode(signed.claims_of(token, key.private), type=Claims)
        except (ValueError, RecursionError):
            return None


def is_current(claims: Claims, now: float) -> bool:
    """Whether the claims are meant for us, and for now; a minute of skew is forgiven."""
    return (
        claims.iss == ISSUER
        and claims.aud == AUDIENCE
        and claims.nbf - LEEWAY_S <= now <= claims.exp + LEEWAY_S
        and claims.iat - LEEWAY_S <= now
    )


def bearer_of(claims: Claims) -> Principal:
    """Rights are kept by project, as in Harbor: the last entry of a project wins.

    Those that were given for one repository only are not among them.
    """
    named = [each for each in claims.access if each.type == "repository"]
    wide = [each for each in named if not each.exact]
    grant = Grant(
        issued_at=datetime.fromtimestamp(claims.iat, UTC),
        ends_at=claims.exp + LEEWAY_S,
        actions={each.name.partition("/")[0]: frozenset(each.actions) for each in wide},
        repositories={each.name: frozenset(each.actions) for each in named},
        projects={each.name.partition("/")[0]: each.project_id for each in named},
        user_id=claims.user_id,
        robot_id=claims.robot_id,
        robot_secret_id=claims.robot_secret_id,
        token_id=claims.token_id,
    )
    return Principal(claims.sub, grant=grant, tried=True)


def imported(pem: str) -> rsa.RSAPrivateKey:
    """A key that was made here: to prove again that it is one would stop the loop for 60 ms."""
    private = serialization.load_pem_private_key(
        pem.encode(), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(private, rsa.RSAPrivateKey)
    return private


def key_id(private: rsa.RSAPrivateKey) -> str:
    """The libtrust key id: twelve groups of base32 over the hash of the public key.

    Source: docker/libtrust util.go, ``keyIDFromCryptoKey``.
    """
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(public).digest()[:30]).decode()
    return ":".join(text[i : i + 4] for i in range(0, len(text), 4))


async def add_key(session: AsyncSession, box: Box) -> str:
    """Make a key that signs from now on, and forget those whose tokens have all ended.

    The last one is never forgotten: tokens that it signed are still about.
    """
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    newest = await session.scalar(
        select(SigningKey.kid).order_by(SigningKey.creation_time.desc()).limit(1)
    )
    await session.execute(
        delete(SigningKey).where(
            SigningKey.creation_time < clock.now() - KEEP_OLD_KEYS, SigningKey.kid != newest
        )
    )
    kid = key_id(private)
    session.add(SigningKey(kid=kid, private_pem=box.close(pem.decode())))
    log.info("new signing key", extra={"kid": kid})
    return kid


async def seed(session: AsyncSession, box: Box) -> None:
    """The first key, if there is none."""
    if await session.scalar(select(SigningKey.kid).limit(1)) is None:
        await add_key(session, box)
