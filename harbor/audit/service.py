"""What is done: write lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.audit.models import AuditLog
from harbor.core import clock
from harbor.core.api import AuditLine

ANONYMOUS = "anonymous"
BATCH = 500  # rows; the event loop turns between two batches


def record(session: AsyncSession, line: AuditLine) -> None:
    session.add(AuditLog(**columns(line), op_time=clock.now()))


async def record_all(session: AsyncSession, lines: Sequence[AuditLine], at: datetime) -> None:
    """Many at once, without an object for each."""
    rows = [columns(line) | {"op_time": at} for line in lines]
    for start in range(0, len(rows), BATCH):
        await session.execute(insert(AuditLog), rows[start : start + BATCH])


def columns(line: AuditLine) -> dict[str, Any]:
    return {
        "project_id": line.project_id,
        "operation": line.operation,
        "operation_description": f"{line.operation} {line.resource_type}: {line.resource}",
        "operation_result": line.succeeded,
        "resource_type": line.resource_type,
        "resource": line.resource,
        "username": line.principal.name or ANONYMOUS,
    }
