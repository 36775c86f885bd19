"""What is kept: labels."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time

NO_PROJECT = 0


class Label(Table):
    """Of the whole registry ("g") or of one project ("p")."""

    __tablename__ = "label"
    __table_args__ = (Index(None, "scope", "project_id", "name", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    description: Mapped[str] = mapped_column(Text, default="")
    color: Mapped[str] = mapped_column(String(16), default="")
    scope: Mapped[str] = mapped_column(String(1))
    project_id: Mapped[int] = mapped_column(default=NO_PROJECT)  # 0 for the whole registry
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)
