"""What is kept: the limit and the use of each project, and what the use consists of."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text

STORAGE = "storage"  # the only resource that is limited
UNLIMITED = -1


class Quota(Table):
    """Every project has one. ``used`` is the sum of the sizes of its ``ProjectBlob`` rows."""

    __tablename__ = "quota"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), unique=True
    )
    hard: Mapped[int] = mapped_column(BigInteger, default=UNLIMITED)  # bytes
    used: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    update_time: Mapped[datetime] = mapped_column(Time, default=clock.now, onupdate=clock.now)


class ProjectBlob(Table):
    """A blob or a manifest that a project is charged for: once, in however many repositories."""

    __tablename__ = "project_blob"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(ascii_text(135), primary_key=True, index=True)
    size: Mapped[int] = mapped_column(BigInteger)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
