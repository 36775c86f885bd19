"""Secrets: passwords as hashes, everything else encrypted at rest."""

import asyncio
import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from harbor.core.settings import SettingsError

# Two at a time: each takes 19 MiB, and more threads than cores would only wait.
hashing = ThreadPoolExecutor(2, "password")
# Of a password that nobody knows; made with the parameters of ``hashes``, so it costs the same.
SOME_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$nvMeQ+id8z5HaO2dc46xlg$"
    "3eH8pOXdjLrrOUfPJ82DA1i77X/zmRfR6CPhqKk3v/E"
)


async def hash_password(password: str) -> str:
    """An argon2id hash of *password*, computed off the event loop."""

    def hashed() -> str:
        from harbor.core.hashes import passwords  # noqa: PLC0415, few servers need it all the time

        return str(passwords.hash(password))

    return await asyncio.get_running_loop().run_in_executor(hashing, hashed)


async def verify_password(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether *password* is right, and a new hash to keep if the kept one is of an old kind.

    Without a kept hash the answer is no, but takes as long: names cannot be told by time.
    """

    def verify() -> tuple[bool, str | None]:
        from harbor.core.hashes import passwords  # noqa: PLC0415

        right, better = passwords.verify_and_update(password, kept or SOME_HASH)
        return (right and kept is not None), better

    return await asyncio.get_running_loop().run_in_executor(hashing, verify)


def generate_password() -> str:
    """Twenty characters that satisfy Harbor's rule: a small and a capital letter, a digit."""
    while True:
        password = secrets.token_urlsafe(15)
        if all(any(map(kind, password)) for kind in (str.islower, str.isupper, str.isdigit)):
            return password


class Box:
    """Encrypts what must be kept and must not be read: authenticated, with one key."""

    def __init__(self, key: str) -> None:
        # Whatever the administrator chose as key, Fernet wants 32 bytes.
        self._key = hashlib.sha256(key.encode()).digest()
        self._fernet = Fernet(urlsafe_b64encode(self._key))

    def key_for(self, purpose: str) -> bytes:
        """A key of its own for *purpose*; the same in every process, and after a restart."""
        return hmac.digest(self._key, purpose.encode(), hashlib.sha256)

    def close(self, plain: str) -> str:
        return self._fernet.encrypt(plain.encode()).decode()

    def open(self, closed: str) -> str:
        """What was closed; ``SettingsError`` if it was closed with another key."""
        try:
            return self._fernet.decrypt(closed.encode()).decode()
        except InvalidToken as error:
            raise SettingsError(
                "the secrets in the database were encrypted with another key: "
                "give the old secret.key back, or HARBOR_SECRET_KEY"
            ) from error


def same(left: str, right: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())


def key_from(file: Path) -> str:
    """The key in *file*, made there if there is none yet; only its owner may read it."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        # Not named by process id: what a killed container left would stop the next one for ever.
        fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(32))
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(fresh, file)  # unlike a rename, this loses to another process gracefully
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        folder = os.open(file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    if key := file.read_text().strip():
        return key
    raise SettingsError(f"{file} is empty: it held the key of the secrets in the database")
