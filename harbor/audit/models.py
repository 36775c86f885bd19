"""What is kept: one line for each thing that was done, or tried, and how many are alike."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time, ascii_text

MANY = BigInteger().with_variant(Integer, "sqlite")  # ids that may get beyond two thousand million


class AuditTally(Table):
    """What lines say that differ in nothing but their time, and how many there are of them.

    So lines are counted, and found by what they say, without being read. ``lines`` is right at
    every commit: whoever adds or deletes lines changes it in the same transaction, as the last
    thing, because others who write the like wait for the end of that.
    """

    __tablename__ = "audit_tally"

    id: Mapped[int] = mapped_column(MANY, primary_key=True)
    # A hash of all that follows: together that may be too long for an index.
    key: Mapped[str] = mapped_column(ascii_text(64), unique=True)
    project_id: Mapped[int | None] = mapped_column(index=True)
    operation: Mapped[str] = mapped_column(String(50))
    operation_result: Mapped[bool]
    resource_type: Mapped[str] = mapped_column(String(50))
    resource: Mapped[str] = mapped_column(String(1024))
    username: Mapped[str] = mapped_column(String(255), index=True)
    lines: Mapped[int] = mapped_column(BigInteger)


class AuditLog(Table):
    __tablename__ = "audit_log_ext"
    __table_args__ = (
        Index(None, "op_time", "id", "tally_id"),
        Index(None, "project_id", "op_time", "id"),
        Index(None, "tally_id", "op_time", "id"),
    )

    id: Mapped[int] = mapped_column(MANY, primary_key=True)
    tally_id: Mapped[int] = mapped_column(ForeignKey("audit_tally.id"))
    project_id: Mapped[int | None]
    operation: Mapped[str] = mapped_column(String(50))  # create, delete, pull, update
    operation_description: Mapped[str] = mapped_column(Text)
    operation_result: Mapped[bool]
    resource_type: Mapped[str] = mapped_column(String(50))
    resource: Mapped[str] = mapped_column(String(1024))
    username: Mapped[str] = mapped_column(String(255))
    op_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
