"""What is done: check a name and a password."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from msgspec import structs

from harbor.auth import second_factor
from harbor.auth.guesses import Guesses
from harbor.auth.lockout import folded
from harbor.core import crypto
from harbor.core.db import Database
from harbor.core.later import Later
from harbor.core.security import Principal
from harbor.directory.service.desk import Directory
from harbor.users import service as users
from harbor.users.service import Login

log = logging.getLogger(__name__)
IsSecret = Callable[[int, str], Awaitable[bool]]  # whether a text is the secret of an account
REMEMBERED = 10_000  # right passwords
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
    later: Later
    failed_login_delay_s: float
    elsewhere: Directory | None = None  # sources of people beside the local accounts
    lockout: Guesses = field(init=False)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _right: dict[bytes, str] = field(default_factory=dict)
    _turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )
    _hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def __post_init__(self) -> None:
        self.lockout = Guesses(self.db, self.later, self.failed_login_delay_s)

    async def log_in(
        self, name: str, password: str, *, address: str, is_secret: IsSecret | None = None
    ) -> Principal | None:
        """Who that is; ``None`` if ``check`` says so, or if a password is not enough.

        The secret of somebody's clients always is: no code could come with it.
        """
        user = await self.check(name, password, address=address, is_secret=is_secret)
        if user is None:
            return None
        by_secret = user.source == users.OIDC_AUTH
        if not by_secret and await second_factor.is_on(self.db.quick, user.user_id):
            return None
        return Principal(user.username, user_id=user.user_id, is_admin=user.is_admin, tried=True)

    async def check(
        self, name: str, password: str, *, address: str, is_secret: IsSecret | None = None
    ) -> Login | None:
        """The account; ``None``, after a wait, if the name or the password is wrong.

        ``Unavailable`` if only a source could know, which does not answer. Accounts of OIDC have
        no password; with *is_secret*, the secret of their clients is taken for one.

        Who was wrong must wait before the next try, and for longer each time: ``Guesses``.
        """
        too_long = len(name) > users.MAX_NAME or len(password) > MAX_PASSWORD
        if too_long or await self.lockout.is_locked(name, address):
            return None
        user = await users.find_login(self.db.quick, name)
        # Of many who give a name at once, one is heard, whether or not there is such an account;
        # once that one was wrong, the others learn nothing.
        async with self._turns.setdefault((folded(name), address), asyncio.Lock()):
            turn = await self.lockout.enter(name, address)
            if turn is None:
                return None
            found = await self._proved(user, name, password, is_secret)
            if found is not None:
                await self.lockout.right(name, address, turn)
                return found
            self._count(name, address)
        await asyncio.sleep(self.failed_login_delay_s)
        return None

    async def _proved(
        self, user: Login | None, name: str, password: str, is_secret: IsSecret | None
    ) -> Login | None:
        """Who that is, if the password is right where it is kept: for local accounts, only here."""
        if user is not None and not user.source:
            return await self._known_here(user, name, password)
        if user is not None and user.source == users.OIDC_AUTH:
            found = user if is_secret and await is_secret(user.user_id, password) else None
        else:
            asked = self.elsewhere
            found = await asked.sign_in(user, name, password) if asked else None
        if found is None:
            await self._compared(password, None)  # so that it takes as long
        return found

    async def _known_here(self, user: Login, name: str, password: str) -> Login | None:
        kept = user.password
        proof = hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
        if kept and self._right.get(proof) == kept:
            return user
        right, better = await self._compared(password, kept)
        if not right or kept is None:
            return None
        if better:
            async with self.db.writing() as session:
                await users.improve_hash(session, user.user_id, kept=kept, better=better)
        self._remember(proof, better or kept)
        return structs.replace(user, password=better or kept)

    async def _compared(self, password: str, kept: str | None) -> tuple[bool, str | None]:
        """Whether a password matches the hash that is *kept*, and a better one if there is.

        Without a hash it is wrong, and takes as long.
        """
        async with self._hashing:
            return await crypto.verify_password(password, kept)

    async def refuse(self, name: str, address: str) -> None:
        """Count a wrong code as a wrong password is counted, and wait as long."""
        self._count(name, address)
        await asyncio.sleep(self.failed_login_delay_s)

    def _count(self, name: str, address: str) -> None:
        log.info("login failed", extra={"user": name[:255], "address": address})
        self.lockout.wrong(name, address)

    def _remember(self, proof: bytes, kept: str) -> None:
        if len(self._right) >= REMEMBERED:
            self._right.clear()
        self._right[proof] = kept
