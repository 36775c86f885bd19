"""Who a machine is: check the name and the secret of a robot, and the tokens that it was issued."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass, field, replace

from msgspec import structs

from harbor.auth.oidc import workloads
from harbor.auth.oidc.providers import Providers
from harbor.auth.oidc.tokens import TokenInvalid
from harbor.auth.service import MAX_PASSWORD, REMEMBERED, Accounts
from harbor.configuration.service import Configuration
from harbor.core import clock, crypto
from harbor.core.db import Database
from harbor.core.errors import BadGateway, Unavailable
from harbor.core.security import NOBODY_AFTER_TRYING, Principal
from harbor.robots import service as robots
from harbor.robots.service import Login, trusts

log = logging.getLogger(__name__)
NEVER = -1


@dataclass
class Machines:
    """Sign-in of robots.

    They send their secret with every request. One that was made here is as good as a key, so that
    a fast hash keeps it; one that somebody chose is hashed like a password, and remembered like
    one while it is right (``Accounts``).
    """

    db: Database
    configuration: Configuration
    accounts: Accounts
    providers: Providers
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _right: dict[bytes, str] = field(default_factory=dict)
    _hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def log_in(self, name: str, secret: str, *, address: str) -> Principal | None:
        """The robot; ``None`` if there is none of that name, or it may not come in.

        Whoever asks goes on with the accounts of people, where a wrong secret is what a wrong
        password is: it takes as long, and locks the name for a while. Nothing is compared here
        while that lasts.
        """
        prefix = (await self.configuration.current()).robot_name_prefix
        if not name.startswith(prefix) or len(secret) > MAX_PASSWORD:
            return None
        found = await robots.find_login(self.db.quick, name.removeprefix(prefix))
        if found is None or not await self._is_right(found, name, secret, address):
            return None
        if not found.is_active:
            return None
        await self.accounts.lockout.right(name, address)
        return Principal(robots.displayed(prefix, found.name), tried=True, robot=found.robot)

    async def by_token(self, name: str, token: str) -> Principal | None:
        """The robot, if it may sign in with that token of another issuer.

        What is issued to it ends with the token, and with the trust. Nobody guesses a signature,
        so that wrong ones lock no name, and a locked one comes in. ``Unavailable`` if the issuer
        does not say what its keys are.
        """
        values = await self.configuration.current()
        prefix = values.robot_name_prefix
        found = await robots.find_login(self.db.quick, name.removeprefix(prefix))
        if found is None or not found.is_active:
            return None
        kept = await trusts.trusts_of(self.db.quick, found.robot.id)
        believed = [trust for trust in kept if values.believes(trust.issuer)]
        said = {"robot": found.name}
        try:
            trust, claims = await workloads.trusted(self.providers, token, believed)
        except TokenInvalid as error:
            log.info("the token of a robot is not accepted", extra=said | {"reason": str(error)})
            return None
        except BadGateway as error:
            log.warning("an issuer is not there", extra=said | {"reason": str(error)})
            raise Unavailable("the issuer of the token does not answer; try again later") from error
        ends_at = int(claims["exp"])
        if ends_at <= clock.now().timestamp():  # to the second: what we issue ends no later
            return None
        if found.robot.expires_at != NEVER:
            ends_at = min(ends_at, found.robot.expires_at)
        mark = trusts.mark_of(kept[trust])
        robot = structs.replace(found.robot, expires_at=ends_at, secret_id=mark)
        return Principal(robots.displayed(prefix, found.name), tried=True, robot=robot)

    async def is_called(self, name: str) -> bool:
        """Whether robots are called like that."""
        return name.startswith((await self.configuration.current()).robot_name_prefix)

    async def behind(self, bearer: Principal) -> Principal:
        """The bearer of a token with the robot that it was issued to, as that one is now.

        Nobody if the robot is gone, disabled or expired, has another secret now, or trusts the
        issuer no more by whose token it signed in: its tokens end with that. Those of people come
        back as they are.
        """
        grant = bearer.grant
        if grant is None or grant.robot_id is None:
            return bearer
        found = await robots.find(self.db.quick, grant.robot_id)
        if found is None or not found.is_active:
            return NOBODY_AFTER_TRYING
        if not await self._still_has(found, grant.robot_secret_id):
            return NOBODY_AFTER_TRYING
        expires_at = found.robot.expires_at
        ends_at = grant.ends_at if expires_at == NEVER else min(grant.ends_at, expires_at)
        return replace(bearer, robot=found.robot, grant=structs.replace(grant, ends_at=ends_at))

    async def _still_has(self, found: Login, secret_id: str) -> bool:
        """Whether the robot could sign in now with what it signed in with then."""
        if trusts.is_mark(secret_id):
            values = await self.configuration.current()
            return await trusts.still(self.db.quick, found.robot.id, secret_id, values)
        return found.robot.secret_id == secret_id

    async def _is_right(self, found: Login, name: str, secret: str, address: str) -> bool:
        if await self.accounts.lockout.is_locked(name, address):
            return False
        if robots.is_fast(found.secret):
            return robots.is_right(secret, found.secret)
        proof = hmac.digest(self._key, f"{found.robot.id}\0{secret}".encode(), hashlib.sha256)
        if self._right.get(proof) == found.secret:
            return True
        async with self._hashing:
            # Of many who guess at once, those who wait here find the name locked.
            if await self.accounts.lockout.is_locked(name, address):
                return False
            right, _ = await crypto.verify_password(secret, found.secret)
        if right:
            if len(self._right) >= REMEMBERED:
                self._right.clear()
            self._right[proof] = found.secret
        return right
