"""Secrets: passwords as hashes, everything else encrypted at rest."""

import asyncio
import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from cryptography.fernet import Fernet, InvalidToken
from passlib.context import CryptContext
from passlib.utils import handlers

from harbor.core.settings import SettingsError

HARBOR_ROUNDS = {"sha1": 4096, "sha256": 4096, "pbkdf2_sha256": 600_000}
HARBOR_KEY_BYTES = 16


class HarborHash(handlers.GenericHandler):  # type: ignore[misc]
    """A password hash made by Harbor, as ``$harbor$<version>$<salt>$<hex>``.

    The three columns of Harbor's user table (password_version, salt, password), joined.
    Source: Harbor src/common/utils/encrypt.go.
    """

    name: ClassVar[str] = "harbor"
    ident: ClassVar[str] = "$harbor$"
    setting_kwds: ClassVar[tuple[str, ...]] = ("salt",)
    checksum_chars: ClassVar[str] = handlers.HEX_CHARS

    def __init__(self, version: str = "pbkdf2_sha256", salt: str = "", **more: Any) -> None:
        super().__init__(**more)
        self.version, self.salt = version, salt

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002, passlib's name
        text = hash.decode() if isinstance(hash, bytes) else hash
        return text.startswith(cls.ident)

    @classmethod
    def from_string(cls, hash: str, **_context: Any) -> "HarborHash":  # noqa: A002, passlib's name
        _, _, version, salt, checksum = hash.split("$")
        if version not in HARBOR_ROUNDS:
            raise ValueError("an unknown version of Harbor's password hash")
        return cls(version=version, salt=salt, checksum=checksum)

    def to_string(self) -> str:
        return f"{self.ident}{self.version}${self.salt}${self.checksum}"

    def _calc_checksum(self, secret: str | bytes) -> str:
        raw = secret.encode() if isinstance(secret, str) else secret
        digest = "sha1" if self.version == "sha1" else "sha256"
        rounds = HARBOR_ROUNDS[self.version]
        return hashlib.pbkdf2_hmac(digest, raw, self.salt.encode(), rounds, HARBOR_KEY_BYTES).hex()


# 19 MiB, two passes: OWASP's first choice for argon2id; a login costs some 25 ms.
passwords = CryptContext(
    schemes=["argon2", HarborHash],
    deprecated=["harbor"],
    argon2__type="ID",
    argon2__memory_cost=19 * 1024,
    argon2__time_cost=2,
    argon2__parallelism=1,
)
# Two at a time: each takes 19 MiB, and more threads than cores would only wait.
hashing = ThreadPoolExecutor(2, "password")
# Of a password that nobody knows; made with the parameters above, so that it costs the same.
SOME_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$nvMeQ+id8z5HaO2dc46xlg$"
    "3eH8pOXdjLrrOUfPJ82DA1i77X/zmRfR6CPhqKk3v/E"
)


async def hash_password(password: str) -> str:
    """An argon2id hash of *password*, computed off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(hashing, passwords.hash, password)


async def verify_password(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether *password* is right, and a new hash to keep if the kept one is of an old kind.

    Without a kept hash the answer is no, but takes as long: names cannot be told by time.
    """

    def verify() -> tuple[bool, str | None]:
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
