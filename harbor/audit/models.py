"""What is kept: one line for each thing that was done, or tried."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time


class AuditLog(Table):
    __tablename__ = "audit_log_ext"
    __table_args__ = (
        Index(None, "op_time", "id"),
        Index(None, "project_id", "op_time"),
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
