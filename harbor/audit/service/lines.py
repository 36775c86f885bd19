"""What is done: find lines again.

Lines that say the same are counted where they are written (``AuditTally``), so a list is counted
without reading its lines. Which road is shorter to a page of it follows from that number: few
lines are looked up by what they say and sorted; many are met soon by walking the log in its order.

Whoever may not see all lines sees those of the projects in which they may list logs. Projects
and their members live on a higher floor, so their tables are named by string, as in a foreign key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    column,
    false,
    func,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from harbor.audit.models import AuditLog, AuditTally
from harbor.core import query, rbac
from harbor.core.query import Beside, Listing
from harbor.core.security import OF_SYSTEM, Principal, Robot

PROJECT = table("project", column("project_id"), column("deleted", Boolean))
MEMBER = table(
    "project_member",
    column("project_id"),
    column("entity_type"),
    column("entity_id"),
    column("role"),
)
IN_GROUP = table("user_group_member", column("group_id"), column("user_id"))
PERSON, GROUP = "u", "g"  # entity types
FEW = 50_000  # lines that are sorted in some ten milliseconds
FEW_TALLIES = 2_000  # that are read rather than looked for twice
READERS = [role for role in rbac.ROLES if rbac.role_allows(frozenset({role}), "log", "list")]
Column = InstrumentedAttribute[Any]
Within = Callable[[query.Column], ColumnElement[bool]]  # a condition of the id of a project

# The keys of q. The result and the description go by the names of Harbor's columns, and only by
# these: what they are called in JSON is no key in Harbor either.
SAID: Mapping[str, InstrumentedAttribute[Any]] = {
    "project_id": AuditTally.project_id,
    "operation": AuditTally.operation,
    "op_result": AuditTally.operation_result,
    "resource_type": AuditTally.resource_type,
    "resource": AuditTally.resource,
    "username": AuditTally.username,
}
OWN: Mapping[str, InstrumentedAttribute[Any]] = {
    "id": AuditLog.id,
    "op_desc": AuditLog.operation_description,
    "op_time": AuditLog.op_time,
}
COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    **{key: getattr(AuditLog, said.key) for key, said in SAID.items()},
    **OWN,
}

LOOKED_UP: Mapping[str, query.Column] = {**SAID, **OWN, "op_time": Beside(AuditLog.op_time)}


class Wanted(Struct, frozen=True):
    """What a list is to hold, in the columns of the tables that say so."""

    said: Sequence[ColumnElement[bool]]  # of tallies
    own: Sequence[ColumnElement[bool]]  # what only lines know
    lines: Sequence[ColumnElement[bool]]  # all of it, of lines
    ids: Sequence[int] | None = None  # of the tallies that say so, where they were read

    @property
    def tallied(self) -> ColumnElement[bool]:
        """The lines of the tallies that say so, as a condition."""
        ids = self.ids
        if ids is None:
            return AuditLog.tally_id.in_(select(AuditTally.id).where(*self.said))
        return AuditLog.tally_id.in_(ids)

    def among(self, said: Column, values: Sequence[object]) -> "Wanted":
        """The same, but only what has one of *values* there."""
        given = [value for value in values if value is not None]
        these = [
            or_(column.in_(given), *([column.is_(None)] if None in values else ()))
            for column in (said, getattr(AuditLog, said.key))
        ]
        said_so, lines_so = these
        return replace(self, said=[*self.said, said_so], lines=[*self.lines, lines_so], ids=None)


class Part(Struct, frozen=True):
    """A part of a list."""

    sort: str
    limit: int
    offset: int


async def search(
    session: AsyncSession, asked: Listing, *, within: Within | None
) -> tuple[list[AuditLog], int]:
    """One page of the lines *within* some projects, or of all; and how many there are.

    The latest come first, unless something else is asked for.
    """
    wanted = Wanted(
        said=[
            *([within(AuditTally.project_id)] if within else ()),
            *query.conditions(asked.q, SAID),
        ],
        own=query.conditions(asked.q, OWN),
        lines=[
            *([within(AuditLog.project_id)] if within else ()),
            *query.conditions(asked.q, COLUMNS),
        ],
    )
    total, few = 0, False
    if wanted.said or not wanted.own:
        some = select(AuditTally.id, AuditTally.lines).where(*wanted.said).limit(FEW_TALLIES + 1)
        tallies = (await session.execute(some)).all() if wanted.said else ()
        if wanted.said and len(tallies) <= FEW_TALLIES:
            wanted = replace(wanted, ids=[tally_id for tally_id, _ in tallies])
            total = sum(lines for _, lines in tallies)
        else:
            total = await count_tallied(session, wanted)
        few = total <= FEW
    if wanted.own and (total or not wanted.said):
        total = await count(session, wanted, few=few)
    if total <= asked.offset:
        return [], total
    part = Part(asked.sort, asked.page_size, asked.offset)
    if few or wanted.own or leading(asked.sort) is None:
        return list(await session.scalars(page_of(part, wanted, few=few))), total
    return await sorted_page(session, part, wanted), total


async def count_tallied(session: AsyncSession, wanted: Wanted) -> int:
    """How many lines say what is wanted."""
    found = await session.scalar(select(func.sum(AuditTally.lines)).where(*wanted.said))
    return int(found or 0)


async def count(session: AsyncSession, wanted: Wanted, *, few: bool) -> int:
    """How many lines there are, where that depends on what only lines know."""
    these = [wanted.tallied, *wanted.own] if few else wanted.lines
    found = select(func.count()).select_from(AuditLog).where(*these)
    return await session.scalar(found) or 0


def page_of(part: Part, wanted: Wanted, *, few: bool) -> Select[AuditLog]:
    ids = select(AuditLog.id).limit(part.limit).offset(part.offset)
    if few:
        # What tallies say is not read of lines again.
        ordered = query.order(part.sort, LOOKED_UP) or [LOOKED_UP["op_time"].desc()]
        ids = ids.where(wanted.tallied, *wanted.own)
        if part.sort:
            ids = ids.join(AuditTally, AuditTally.id == AuditLog.tally_id)
    else:
        ordered = query.order(part.sort, COLUMNS) or [AuditLog.op_time.desc()]
        ids = ids.where(*wanted.lines)
    these = ids.order_by(*ordered, AuditLog.id.desc()).subquery()
    # What else lines say is read of these only, not of all that had to be sorted.
    shown = select(AuditLog).join(these, these.c.id == AuditLog.id)
    ordered = query.order(part.sort, COLUMNS) or [AuditLog.op_time.desc()]
    return shown.order_by(*ordered, AuditLog.id.desc())


def leading(sort: str) -> Column | None:
    """The column by which lines are sorted first, if it is one of tallies."""
    found = query.field_of(sort.partition(",")[0].strip().removeprefix("-"), SAID)
    return found if isinstance(found, InstrumentedAttribute) else None


async def sorted_page(session: AsyncSession, part: Part, wanted: Wanted) -> list[AuditLog]:
    """A page of many lines that are sorted by what tallies say.

    Tallies know how many lines come before it, so that not all of them need to be sorted.
    """
    first = leading(part.sort)
    assert first is not None
    groups = await groups_in(session, part, wanted, first)
    if sum(group.lines for group in groups) <= FEW:
        these = wanted.among(first, [group.value for group in groups])
        rest = replace(part, offset=part.offset - groups[0].before)
        return list(await session.scalars(page_of(rest, these, few=True)))
    found: list[AuditLog] = []
    for group in groups:
        skipped = max(0, part.offset - group.before)
        rest = Part(
            part.sort.partition(",")[2] or "-id",
            min(part.limit - len(found), group.lines - skipped),
            skipped,
        )
        these = wanted.among(first, [group.value])
        found += await session.scalars(page_of(rest, these, few=group.lines <= FEW))
    return found


class Group(Struct, frozen=True):
    """The lines with one value in the column by which all are sorted."""

    value: object
    lines: int
    before: int  # lines that come before all of these


async def groups_in(
    session: AsyncSession, part: Part, wanted: Wanted, first: Column
) -> list[Group]:
    """The groups of which some lines are in a part of a list, in their order."""
    is_down = part.sort.lstrip().startswith("-")
    until = part.offset + part.limit
    # Each tally has a line at least, so these reach to the end of the part.
    reaching = (
        select(first, AuditTally.lines)
        .where(*wanted.said)
        .order_by(first.desc() if is_down else first.asc())
        .limit(until)
    )
    counts: dict[object, int] = {}
    for value, lines in await session.execute(reaching):
        if value not in counts and sum(counts.values()) >= until:
            break
        counts[value] = counts.get(value, 0) + lines
    found, before = [], 0
    *whole, last = counts
    exact = {value: counts[value] for value in whole} | {
        last: await count_tallied(session, wanted.among(first, [last]))
    }
    for value, lines in exact.items():
        if before + lines > part.offset:
            found.append(Group(value, lines, before))
        before += lines
    return found


def visible_to(who: Principal) -> Within | None:
    """The lines that *who* may see; ``None`` if that is all of them."""
    if who.is_admin:
        return None
    if who.robot is not None:
        return visible_to_robot(who.robot)
    if who.user_id is None:
        return lambda _column: false()
    reading = (
        select(MEMBER.c.project_id)
        .join(PROJECT, PROJECT.c.project_id == MEMBER.c.project_id)
        .where(MEMBER.c.role.in_(READERS), PROJECT.c.deleted.is_(False))
    )
    own = reading.where(MEMBER.c.entity_type == PERSON, MEMBER.c.entity_id == who.user_id)
    shared = reading.join(IN_GROUP, IN_GROUP.c.group_id == MEMBER.c.entity_id).where(
        MEMBER.c.entity_type == GROUP, IN_GROUP.c.user_id == who.user_id
    )
    led = union_all(own, shared)
    return lambda project_id: project_id.in_(led)


def visible_to_robot(robot: Robot) -> Within | None:
    """The lines of the projects whose log it may list; all of them, if it may list the system's."""
    if robot.may(OF_SYSTEM, "audit-log", "list"):
        return None
    but, ids = robot.places(("log", "list"))
    named = PROJECT.c.project_id.in_(ids)
    there = select(PROJECT.c.project_id).where(
        PROJECT.c.deleted.is_(False), ~named if but else named
    )
    return lambda project_id: project_id.in_(there)


def of_project(wanted: int) -> Within:
    return lambda project_id: project_id == wanted
