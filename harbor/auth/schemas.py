"""What is said: the token that a client asks for."""

from msgspec import Struct

from harbor.core.wire import Time


class TokenQuery(Struct):
    """Which token; ``scope`` may come several times, or hold several, parted by spaces."""

    service: str = ""
    scope: str = ""
    account: str = ""
    client_id: str = ""
    offline_token: str = ""


class Token(Struct):
    """A registry token. Clients read ``token``, or ``access_token``, which is the same."""

    token: str
    access_token: str
    expires_in: int  # seconds
    issued_at: Time
