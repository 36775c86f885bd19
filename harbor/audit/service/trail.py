"""What is done: write lines, where and as far as the settings say."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, bindparam, insert, literal, select
from sqlalchemy.sql.dml import UpdateBase

from harbor.audit.models import AuditLog, AuditTally
from harbor.audit.service.syslog import Syslog, worded
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import clock
from harbor.core.api import AuditLine
from harbor.core.quick import Pen
from harbor.core.quick.statements import Either

ANONYMOUS = "anonymous"
SAID = ("project_id", "operation", "operation_result", "resource_type", "resource", "username")
NAMES = (*SAID, "operation_description", "op_time", "tally_id")
MAX_RESOURCE, MAX_USERNAME = 1024, 255  # characters, as in the table
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


def _tallied(dialect: Any) -> UpdateBase:
    row: dict[str, Any] = {name: bindparam(name) for name in ("key", *SAID, "lines")}
    # The table itself: a session would take what is inserted into a class for rows of values.
    made = dialect.insert(AuditTally.__table__).values(row)
    return made.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["key"], set_={"lines": AuditTally.lines + made.excluded.lines}
    ).returning(AuditTally.__table__.c.id)


TALLIED = Either(_tallied)


class AuditTrail:
    """Writes lines into the database and, if there is one, tells them to a syslog server.

    That server is told when a line is written, within the transaction: should the commit fail,
    for want of space on the disk, it has heard of something that did not happen.
    """

    def __init__(self, configuration: Configuration, syslog: Syslog) -> None:
        self._configuration, self._syslog = configuration, syslog

    async def record(self, pen: Pen, line: AuditLine) -> None:
        values, at = await self._configuration.current(), clock.now()
        if is_wanted(line, values):
            row = columns(line)
            self._tell(row, values, at)
            if is_kept(values):
                await write(pen, row, at)

    async def record_all(self, pen: Pen, lines: Sequence[AuditLine], at: datetime) -> None:
        """Many at once. What one client asks for over and over costs little: lines that are the
        same object are written by one statement.
        """
        values = await self._configuration.current()
        counts = Counter(map(id, lines))
        rows: list[tuple[dict[str, Any], int]] = []
        for line in {id(line): line for line in lines}.values():
            if is_wanted(line, values):
                rows.append((columns(line), counts[id(line)]))
                self._tell(rows[-1][0], values, at, times=counts[id(line)])
        if is_kept(values):
            # In one order, so that two processes never wait for each other in a circle.
            for row, times in sorted(rows, key=lambda each: key_of(each[0])):
                await write(pen, row, at, times)
                await asyncio.sleep(0)

    def _tell(self, row: Mapping[str, Any], values: Values, at: datetime, times: int = 1) -> None:
        if endpoint := values.audit_log_forward_endpoint:
            self._syslog.send(endpoint, worded(row, at), times)


async def write(pen: Pen, row: Mapping[str, Any], at: datetime, times: int = 1) -> None:
    """Write the line *row*, so many *times*, and count it."""
    said = {name: row[name] for name in SAID}
    ((tally_id,),) = await pen.run(TALLIED, **said, key=key_of(said), lines=times)
    if times == 1:
        await pen.run(WRITTEN, **row, op_time=at, tally_id=tally_id)
        return
    for written in range(0, times, BATCH):
        if written:
            await asyncio.sleep(0)
        some = min(times - written, BATCH)
        await pen.run(WRITTEN_OFTEN, **row, op_time=at, tally_id=tally_id, times=some)


def key_of(row: Mapping[str, Any]) -> str:
    """A hash of what a line says beside its time."""
    return hashlib.sha256("\0".join(str(row[name]) for name in SAID).encode()).hexdigest()


def is_wanted(line: AuditLine, values: Values) -> bool:
    """Whether the administrator wants to know of what happened."""
    if line.operation == "pull" and values.pull_audit_log_disable:
        return False
    return f"{line.operation}_{line.resource_type}" not in listed(
        values.disabled_audit_log_event_types
    )


def is_kept(values: Values) -> bool:
    """Whether lines go into the database: always, if there is nobody else who keeps them."""
    return not (values.skip_audit_log_database and values.audit_log_forward_endpoint)


@lru_cache(maxsize=8)
def listed(names: str) -> frozenset[str]:
    """The names between the commas."""
    return frozenset(name.strip() for name in names.split(","))


def columns(line: AuditLine) -> dict[str, Any]:
    """A line as a row, without its time. A name that is refused may be longer than any that is."""
    resource = line.resource[:MAX_RESOURCE]
    return {
        "project_id": line.project_id,
        "operation": line.operation,
        "operation_description": f"{line.operation} {line.resource_type}: {resource}",
        "operation_result": line.succeeded,
        "resource_type": line.resource_type,
        "resource": resource,
        "username": (line.principal.name or ANONYMOUS)[:MAX_USERNAME],
    }
