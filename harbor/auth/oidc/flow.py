"""One sign-in: bound to the browser that began it, to one provider, and to ten minutes.

The browser holds a secret as a cookie, one for each sign-in, as tabs may begin several. What the
provider gets to see of it, ``state``, ``nonce`` and the challenge of PKCE, can be made only here,
so nothing is kept until somebody has signed in.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

import msgspec
from msgspec import Struct

from harbor.configuration.schemas import Values
from harbor.core import clock
from harbor.core.crypto import Box, same
from harbor.core.settings import SettingsError

LIFE_S = 600
MARK = 16  # signs that tell the sign-ins of one browser apart
MAX_PATH = 1_024  # characters of where one goes afterwards


class Began(Struct):
    """What ``state`` says, to us only: it is encrypted."""

    held: str  # a hash of what the browser holds
    at: int  # seconds since 1970
    where: str  # which provider and client
    to: str  # the path afterwards


class Flow:
    def __init__(self, key: bytes) -> None:
        self._key, self._box = key, Box(key.hex())

    def nonce(self, held: str) -> str:
        return self._derived("nonce", held)

    def verifier(self, held: str) -> str:
        """What proves to the provider that the code comes from whom it was made for."""
        return self._derived("verifier", held)

    def state(self, held: str, values: Values, to: str) -> str:
        began = Began(hashed(held), int(clock.now().timestamp()), where(values), to[:MAX_PATH])
        return self._box.close(msgspec.json.encode(began).decode())

    def path_after(self, state: str, held: str, values: Values) -> str | None:
        """Where to go; ``None`` unless this browser began, lately, with the same provider."""
        began = self._opened(state)
        if began is None:
            return None
        ours = same(began.held, hashed(held)) and began.where == where(values)
        late = clock.now().timestamp() - began.at >= LIFE_S
        return began.to if held and ours and not late else None

    def mark(self, state: str) -> str:
        """Which of the sign-ins that a browser has begun that is; "" if nobody began it here."""
        began = self._opened(state)
        return began.held[:MARK] if began else ""

    def _opened(self, state: str) -> Began | None:
        try:
            return msgspec.json.decode(self._box.open(state), type=Began)
        except (SettingsError, ValueError):
            return None

    def _derived(self, purpose: str, held: str) -> str:
        raw = hmac.digest(self._key, f"{purpose}\0{held}".encode(), hashlib.sha256)
        return urlsafe_b64encode(raw).decode().rstrip("=")


def held() -> str:
    """What a browser shall hold."""
    return secrets.token_urlsafe(32)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def mark_of(held: str) -> str:
    """The same of what the browser holds."""
    return hashed(held)[:MARK]


def where(values: Values) -> str:
    return hashed(f"{values.oidc_endpoint}\0{values.oidc_client_id}")
