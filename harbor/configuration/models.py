"""What is kept: the settings that somebody changed."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time


class Setting(Table):
    """A value as JSON; a secret is encrypted first."""

    __tablename__ = "configuration"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)
