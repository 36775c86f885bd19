"""What is done: make secrets, and keep them so that checking one costs microseconds.

A secret of 32 random characters cannot be guessed, whoever has its hash, so nothing is gained by
a slow one. What people choose is hashed like a password.
"""

import hashlib
import hmac
import secrets
import string
from functools import lru_cache

from harbor.core import crypto
from harbor.users.service import check_password

LENGTH = 32
ALPHABET = string.ascii_letters + string.digits
KINDS = (str.islower, str.isupper, str.isdigit)
FAST = "$hmac-sha256$"
REMEMBERED = 1_000  # hashes


def made() -> str:
    """A new secret, which satisfies the rule for chosen ones too."""
    while True:
        secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if all(any(map(kind, secret)) for kind in KINDS):
            return secret


def kept(secret: str) -> str:
    """What is kept of a secret that was made here."""
    salt = secrets.token_hex(16)
    return f"{FAST}{salt}${digest(secret, salt)}"


async def kept_of_chosen(secret: str) -> str:
    """What is kept of a secret that somebody chose; ``BadRequest`` if it breaks the rule."""
    check_password(secret)
    return await crypto.hash_password(secret)


@lru_cache(maxsize=REMEMBERED)
def secret_id(hashed: str) -> str:
    """What tells a secret from the earlier ones of its robot, and nothing else of it."""
    return hashlib.sha256(hashed.encode()).hexdigest()[:16]


def is_fast(hashed: str) -> bool:
    return hashed.startswith(FAST)


def is_right(secret: str, hashed: str) -> bool:
    """Whether that is the secret of a fast hash."""
    salt, _, expected = hashed.removeprefix(FAST).partition("$")
    return crypto.same(digest(secret, salt), expected)


def digest(secret: str, salt: str) -> str:
    return hmac.digest(salt.encode(), secret.encode(), hashlib.sha256).hex()
