"""What is kept: the rules of each project."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text


class ImmutableRule(Table):
    """Which tags of which repositories never change."""

    __tablename__ = "immutable_tag_rule"
    __table_args__ = (UniqueConstraint("project_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.project_id"))
    fingerprint: Mapped[str] = mapped_column(ascii_text(64))  # of what the rule says
    priority: Mapped[int] = mapped_column(default=0)
    disabled: Mapped[bool] = mapped_column(default=False)
    # As JSON text, which is the same on every road to a database.
    params: Mapped[str] = mapped_column(Text)
    tag_selectors: Mapped[str] = mapped_column(Text)
    scope_selectors: Mapped[str] = mapped_column(Text)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
