"""What is kept: the keys that sign registry tokens."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time


class SigningKey(Table):
    """The newest one signs; older ones verify until the tokens that they signed have ended."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    private_pem: Mapped[str] = mapped_column(Text)  # encrypted: core/crypto.py, Box
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
