"""How passwords are hashed, and which hashes are known; loaded with the first password."""

import hashlib
from typing import Any, ClassVar

from passlib.context import CryptContext
from passlib.utils import handlers

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
