"""What is done: check a name and a password."""

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from dataclasses import dataclass, field, replace

from harbor.core import crypto
from harbor.core.db import Database
from harbor.core.security import Principal
from harbor.users import service as users
from harbor.users.service import Login

log = logging.getLogger(__name__)
REMEMBERED = 10_000  # right passwords, and locks
MAX_PASSWORD = 4096  # characters that anybody may make us hash
AT_ONCE = 2  # passwords that are hashed at a time; there are as many threads for it


@dataclass
class Accounts:
    """Sign-in by password, with what this process remembers of earlier ones.

    podman, helm and scripts send their password with every request. Hashing it each time would
    cost 25 ms, so a password that was right is remembered: as a keyed hash, with the stored hash
    that it matched, and it counts only while the account still has that very hash.
    """

    db: Database
    failed_login_delay_s: float
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _right: dict[bytes, str] = field(default_factory=dict)
    _locked_until: dict[tuple[str, str], float] = field(default_factory=dict)
    _hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def log_in(self, name: str, password: str, *, address: str) -> Principal | None:
        """Who that is; ``None`` if ``check`` says so."""
        user = await self.check(name, password, address=address)
        if user is None:
            return None
        return Principal(user.username, user_id=user.user_id, is_admin=user.is_admin, tried=True)

    async def check(self, name: str, password: str, *, address: str) -> Login | None:
        """The account; ``None``, after a wait, if the name or the password is wrong.

        A wrong password locks the name for the same while, for its address only: nobody can
        keep others out.
        """
        if len(name) > users.MAX_NAME or len(password) > MAX_PASSWORD:
            return None
        if self.is_locked(name, address):
            return None
        user = await users.find_login(self.db.quick, name)
        kept = user.password if user else None
        proof = hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
        if user is not None and kept and self._right.get(proof) == kept:
            return user
        async with self._hashing:
            # Of many who guess at once, those who wait here learn nothing once one was wrong.
            if self.is_locked(name, address):
                return None
            right, better = await crypto.verify_password(password, kept)
            if not right:
                self._lock(name, address)
        if not right or user is None or kept is None:
            await asyncio.sleep(self.failed_login_delay_s)
            return None
        if better:
            async with self.db.writing() as session:
                await users.improve_hash(session, user.user_id, kept=kept, better=better)
        self._remember(proof, better or kept)
        return replace(user, password=better or kept)

    def is_locked(self, name: str, address: str) -> bool:
        """Whether a wrong password was given for *name* a moment ago."""
        return self._locked_until.get((name, address), 0) > time.monotonic()

    def _lock(self, name: str, address: str) -> None:
        log.info("login failed", extra={"user": name[:255], "address": address})
        now = time.monotonic()
        if len(self._locked_until) >= REMEMBERED:
            self._locked_until = {k: t for k, t in self._locked_until.items() if t > now}
        self._locked_until[name, address] = now + self.failed_login_delay_s

    def _remember(self, proof: bytes, kept: str) -> None:
        if len(self._right) >= REMEMBERED:
            self._right.clear()
        self._right[proof] = kept
