"""What is kept: the keys that sign registry tokens, and sessions of browsers."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time


class SigningKey(Table):
    """The newest one signs; older ones verify until the tokens that they signed have ended."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    private_pem: Mapped[str] = mapped_column(Text)  # encrypted: core/crypto.py, Box
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class Session(Table):
    """Somebody who has signed in with a browser. The cookie holds what ``id`` is a hash of."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hexadecimal
    user_id: Mapped[int] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), index=True
    )
    password_mark: Mapped[str] = mapped_column(String(64))  # of the password it was begun with
    address: Mapped[str] = mapped_column(String(64), default="")  # of the client that signed in
    user_agent: Mapped[str] = mapped_column(String(255), default="")
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    last_seen: Mapped[datetime] = mapped_column(Time, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Time, index=True)
