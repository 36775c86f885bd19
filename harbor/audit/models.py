"""What is kept: one line for each thing that was done, or tried."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time

COMMON = (
    "artifact"  # the resource type of nearly all lines, which have no place in an index of types
)
RARE = text(f"resource_type <> '{COMMON}'")
SQLITE_FAILED, POSTGRESQL_FAILED = text("operation_result = 0"), text("operation_result = false")


class AuditLog(Table):
    __tablename__ = "audit_log_ext"
    # Each finds what is asked for most, in the order in which it is listed. What else is asked
    # for comes after that, so that lines can be counted without being read.
    __table_args__ = (
        Index(None, "op_time", "id"),
        Index(None, "project_id", "op_time", "id", "username", "operation"),
        Index(None, "username", "op_time", "id", "project_id", "operation"),
        Index(None, "operation", "op_time", "id", "project_id", "username"),
        Index(None, "resource_type", "op_time", "id", sqlite_where=RARE, postgresql_where=RARE),
        Index(
            "ix_audit_log_ext_failed",
            "op_time",
            "id",
            sqlite_where=SQLITE_FAILED,
            postgresql_where=POSTGRESQL_FAILED,
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    project_id: Mapped[int | None]
    operation: Mapped[str] = mapped_column(String(50))  # create, delete, pull, update
    operation_description: Mapped[str] = mapped_column(Text)
    operation_result: Mapped[bool]
    resource_type: Mapped[str] = mapped_column(String(50))
    resource: Mapped[str] = mapped_column(String(1024))
    username: Mapped[str] = mapped_column(String(255))
    op_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
