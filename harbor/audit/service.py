"""What is done: write lines."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, bindparam, insert, literal, select

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
BATCH = 1_000  # rows, a millisecond or two; then others get their turn
WRITTEN = insert(AuditLog).values({name: bindparam(name) for name in NAMES})
_one = select(literal(1).label("n")).cte("numbers", recursive=True)
_numbers = _one.union_all(select(_one.c.n + 1).where(_one.c.n < bindparam("times", type_=Integer)))
WRITTEN_OFTEN = insert(AuditLog).from_select(
    NAMES,
    select(*(bindparam(name, type_=AuditLog.__table__.c[name].type) for name in NAMES)).select_from(
        _numbers
    ),
    include_defaults=False,
)


async def record(pen: Pen, line: AuditLine) -> None:
    await pen.run(WRITTEN, **columns(line), op_time=clock.now())


async def record_all(pen: Pen, lines: Sequence[AuditLine], at: datetime) -> None:
    """Many at once. What one client asks for over and over costs little: lines that are the same
    object are written by one statement.
    """
    counts = Counter(map(id, lines))
    for line in {id(line): line for line in lines}.values():
        left = counts[id(line)]
        row = columns(line) | {"op_time": at}
        while left:
            await pen.run(WRITTEN_OFTEN, **row, times=min(left, BATCH))
            left -= min(left, BATCH)
            await asyncio.sleep(0)


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
