"""What is done: write lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert

from harbor.audit.models import AuditLog
from harbor.core import clock
from harbor.core.api import AuditLine
from harbor.core.quick import Pen

ANONYMOUS = "anonymous"
NAMES = (
    "project_id",
    "operation",
    "operation_description",
    "operation_result",
    "resource_type",
    "resource",
    "username",
    "op_time",
)
WRITTEN = insert(AuditLog).values({name: bindparam(name) for name in NAMES})


async def record(pen: Pen, line: AuditLine) -> None:
    await pen.run(WRITTEN, **columns(line), op_time=clock.now())


async def record_all(pen: Pen, lines: Sequence[AuditLine], at: datetime) -> None:
    """Many at once; the same line may occur often, and then costs little."""
    known: dict[int, dict[str, Any]] = {}
    rows = []
    for line in lines:
        row = known.get(id(line))
        if row is None:
            row = known[id(line)] = columns(line) | {"op_time": at}
        rows.append(row)
    await pen.run_many(WRITTEN, rows)


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
