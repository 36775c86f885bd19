"""Tickets: what we have said of somebody, given to a browser and believed when it comes back.

Nothing is kept here of a ticket. It ends with its time, and with the password that it was made
under, so that one which sets another password works once.
"""

import hashlib
import hmac
from base64 import b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct

from harbor.core import clock
from harbor.core.crypto import Box, same
from harbor.users.service import Login

MAX_TICKET = 2048  # characters


class Ticket(Struct):
    """Whom it is about, and what must still be so."""

    user_id: int
    name: str
    mark: str  # of the password
    ends_at: float
    address: str = ""  # of the mailbox that it was sent to


def make(box: Box, purpose: str, login: Login, life_s: float, *, address: str = "") -> str:
    """A ticket that *purpose* alone knows."""
    ends_at = clock.now().timestamp() + life_s
    ticket = Ticket(login.user_id, login.username, mark(login.password), ends_at, address)
    raw = msgspec.json.encode(ticket)
    return ".".join(
        part.decode() for part in (urlsafe_b64encode(raw), signature(box, purpose, raw))
    )


def read(box: Box, purpose: str, ticket: str) -> Ticket | None:
    """What a ticket says, if it is one of ours, for that, and not too old."""
    body, _, signed = ticket[:MAX_TICKET].partition(".")
    try:
        raw = b64decode(body, b"-_", validate=True)
        if not same(signature(box, purpose, raw).decode(), signed):
            return None
        found = msgspec.json.decode(raw, type=Ticket)
    except (ValueError, msgspec.DecodeError):
        return None
    return found if clock.now().timestamp() < found.ends_at else None


def is_still_right(ticket: Ticket, login: Login) -> bool:
    """Whether the account is the same, with the same password."""
    return same(mark(login.password), ticket.mark) and login.user_id == ticket.user_id


def mark(password_hash: str | None) -> str:
    return hashlib.sha256((password_hash or "").encode()).hexdigest()


def signature(box: Box, purpose: str, raw: bytes) -> bytes:
    return urlsafe_b64encode(hmac.digest(box.key_for(purpose), raw, hashlib.sha256))
