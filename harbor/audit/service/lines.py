"""What is done: find lines again.

Whoever may not see all of them sees those of the projects in which they may list logs. Projects
and their members live on a higher floor, so their tables are named by string, as in a foreign key.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    and_,
    column,
    false,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from harbor.audit.models import COMMON, AuditLog
from harbor.core import query, rbac
from harbor.core.query import Listing, Match
from harbor.core.security import Principal

PROJECT = table("project", column("project_id"), column("deleted", Boolean))
MEMBER = table(
    "project_member",
    column("project_id"),
    column("entity_type"),
    column("entity_id"),
    column("role"),
)
PERSON = "u"  # an entity type
FEW = 1_000  # lines
READERS = [role for role in rbac.ROLES if rbac.role_allows(frozenset({role}), "log", "list")]

# The keys of q. The result and the description go by the names of Harbor's columns, and only by
# these: what they are called in JSON is no key in Harbor either.
COLUMNS: Mapping[str, InstrumentedAttribute[Any]] = {
    "id": AuditLog.id,
    "project_id": AuditLog.project_id,
    "operation": AuditLog.operation,
    "op_desc": AuditLog.operation_description,
    "op_result": AuditLog.operation_result,
    "resource_type": AuditLog.resource_type,
    "resource": AuditLog.resource,
    "username": AuditLog.username,
    "op_time": AuditLog.op_time,
}
# Source: Harbor src/pkg/auditext/event, the types that it registers.


class Beside(FunctionElement[Any]):
    """A column by which rows are sorted out, but not looked up.

    SQLite keeps no statistics here, and takes a project's thousand lines for as many as all pulls.
    """

    inherit_cache = True

    def __init__(self, column: InstrumentedAttribute[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Beside, "sqlite")
def _beside_on_sqlite(element: Beside, compiler: SQLCompiler, **rest: Any) -> str:
    return "+" + compiler.process(element.clause_expr.element, **rest)


@compiles(Beside, "postgresql")
def _beside_on_postgresql(element: Beside, compiler: SQLCompiler, **rest: Any) -> str:
    return compiler.process(element.clause_expr.element, **rest)


class Names:
    """A column with few different values and an index, in which *common*, if given, is left out.

    A part of a value is looked for among these, and not in a million rows.
    """

    def __init__(self, column: InstrumentedAttribute[str], *, common: str = "") -> None:
        self._column, self._common = column, common
        name = column.key
        # Said in the words of the index, or else the database does not know that it may be used.
        self._rare = column != literal_column(f"'{common}'") if common else true()
        least = select(func.min(column).label("name")).where(self._rare)
        first = least.cte(f"each_{name}", recursive=True)
        following = least.where(column > first.c.name).scalar_subquery()
        self._each = first.union_all(select(following).where(first.c.name.is_not(None)))

    def __call__(self, match: Match) -> ColumnElement[bool]:
        if match.form == "fuzzy":
            if match.text.lower() in self._common:
                return match.on(self._column)
            name = self._each.c.name
            return and_(self._column.in_(select(name).where(match.on(name))), self._rare)
        if match.form == "exact" and match.operator == "exact" and match.text != self._common:
            return and_(match.on(self._column), self._rare)
        return match.on(self._column)


EVERYWHERE: query.Fields = {
    **COLUMNS,
    "operation": Names(AuditLog.operation),
    "username": Names(AuditLog.username),
    "resource_type": Names(AuditLog.resource_type, common=COMMON),
}
IN_PROJECTS: query.Fields = {
    **{key: Beside(column) for key, column in COLUMNS.items()},
    "op_time": AuditLog.op_time,
}


async def search(
    session: AsyncSession, asked: Listing, *, within: ColumnElement[bool] | None
) -> tuple[list[AuditLog], int]:
    """One page of the lines *within* some projects, or of all; and how many there are.

    The latest come first, unless something else is asked for.
    """
    if within is None:
        matching = query.conditions(asked.q, EVERYWHERE)
    else:
        matching = [within, *query.conditions(asked.q, IN_PROJECTS)]
    # Counted without a subquery: so SQLite counts a whole index by its pages.
    total = await session.scalar(select(func.count()).select_from(AuditLog).where(*matching)) or 0
    if total <= asked.offset:
        return [], total
    # To sort a few lines is cheaper than to look for them in a million in their order.
    moment = Beside(AuditLog.op_time) if total <= FEW else AuditLog.op_time
    ordered = query.order(asked.sort, COLUMNS) or [moment.desc()]
    page = select(AuditLog).where(*matching).order_by(*ordered, AuditLog.id.desc())
    rows = await session.scalars(page.limit(asked.page_size).offset(asked.offset))
    return list(rows), total


def visible_to(who: Principal) -> ColumnElement[bool] | None:
    """The lines that *who* may see; ``None`` if that is all of them."""
    if who.is_admin:
        return None
    if who.user_id is None:
        return false()
    led = (
        select(MEMBER.c.project_id)
        .join(PROJECT, PROJECT.c.project_id == MEMBER.c.project_id)
        .where(
            MEMBER.c.entity_type == PERSON,
            MEMBER.c.entity_id == who.user_id,
            MEMBER.c.role.in_(READERS),
            PROJECT.c.deleted.is_(False),
        )
    )
    return AuditLog.project_id.in_(led)


def of_project(project_id: int) -> ColumnElement[bool]:
    return AuditLog.project_id == project_id
