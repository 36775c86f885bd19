"""How passwords are hashed, and which hashes are known; loaded with the first password."""

import hashlib
import hmac

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

HARBOR = "$harbor$"
HARBOR_ROUNDS = {"sha1": 4096, "sha256": 4096, "pbkdf2_sha256": 600_000}
HARBOR_KEY_BYTES = 16


class Passwords:
    """Hashes and verifies with argon2id; verifies what Harbor hashed, too.

    That is kept as ``$harbor$<version>$<salt>$<hex>``: the three columns of Harbor's user table
    (password_version, salt, password), joined. Source: Harbor src/common/utils/encrypt.go.
    """

    def __init__(self, *, memory_kib: int, passes: int) -> None:
        self.cost(memory_kib=memory_kib, passes=passes)

    def cost(self, *, memory_kib: int, passes: int) -> None:
        """What a hash takes from now on."""
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def verify_and_update(self, password: str, kept: str) -> tuple[bool, str | None]:
        """Whether *password* is right, and if so a new hash where the kept one is of an old kind.

        ``ValueError`` if *kept* is no hash that we know.
        """
        if kept.startswith(HARBOR):
            right = is_harbors(password, kept)
        else:
            try:
                right = self._argon2.verify(kept, password)
            except VerifyMismatchError:
                return False, None
            if not self._argon2.check_needs_rehash(kept):
                return right, None
        return right, self.hash(password) if right else None


def is_harbors(password: str, kept: str) -> bool:
    """Whether *kept* is Harbor's hash of *password*."""
    _, _, version, salt, key = kept.split("$")
    if version not in HARBOR_ROUNDS:
        raise ValueError("an unknown version of Harbor's password hash")
    algorithm = "sha1" if version == "sha1" else "sha256"
    rounds = HARBOR_ROUNDS[version]
    raw = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt.encode(), rounds, HARBOR_KEY_BYTES)
    return hmac.compare_digest(raw.hex(), key)


# 19 MiB, two passes: OWASP's first choice for argon2id; a login costs some 25 ms.
passwords = Passwords(memory_kib=19 * 1024, passes=2)
