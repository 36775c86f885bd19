"""What is kept: uploads that have begun. Their bytes, and how many there are, are in the store."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text


class Upload(Table):
    __tablename__ = "blob_upload"
    __table_args__ = (Index(None, "username"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    project_id: Mapped[int] = mapped_column(
        ForeignKey("project.project_id", ondelete="CASCADE"), index=True
    )
    repository: Mapped[str] = mapped_column(ascii_text(255))
    username: Mapped[str] = mapped_column(String(255))  # nobody else may go on with it
    started_at: Mapped[datetime] = mapped_column(Time, default=clock.now)
