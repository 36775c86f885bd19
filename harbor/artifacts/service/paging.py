"""What is done: find the artifacts of one page of a list, and how many there are in all."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Label,
    Row,
    Select,
    UnaryExpression,
    func,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact
from harbor.artifacts.service import filters
from harbor.artifacts.service.filters import Wanted
from harbor.core import query as q
from harbor.core.query import Listing

Ids = Select[*tuple[Any, ...]]
Order = Sequence[UnaryExpression[Any]]


async def page_of(
    session: AsyncSession,
    columns: Select[*tuple[Any, ...]],
    wanted: Wanted,
    query: Listing,
    counted: int | None = None,
) -> tuple[Sequence[Row[*tuple[Any, ...]]], int]:
    """The *columns* of those *wanted* artifacts that are on one page, and how many are wanted,
    unless somebody has *counted* them.
    """
    order = ordered(query.sort)
    if wanted.is_sought:
        found = kept(wanted.condition, order)
        total = select(func.count()).select_from(found).scalar_subquery().label("total")
        both = select(found.c.id, total).order_by(*again(found, order))
        rows = await on_page(session, columns, both, order, query)
        if rows or not query.offset:
            return rows, rows[0].total if rows else 0
    if counted is None:
        one_by_one = select(func.count()).select_from(Artifact).where(wanted.condition)
        counted = await session.scalar(one_by_one if wanted.total is None else wanted.total)
    if not counted or counted <= query.offset:
        return [], counted or 0
    ids: Ids = select(Artifact.id).where(wanted.condition).order_by(*order)
    if filters.shows_children(query.q):
        ids = merged(wanted.condition, order, query.offset + query.page_size)
    return await on_page(session, columns, ids, order, query), counted


def ordered(sort: str) -> Order:
    """What *sort* asks for; then the newest first, or the oldest, if those were asked for last.

    So either is the order of an index, forwards or backwards.
    """
    order = q.order(sort, filters.ORDERS)
    if order and order[-1].compare(Artifact.push_time.asc()):
        return (*order, Artifact.id.asc())
    return (*order, Artifact.push_time.desc(), Artifact.id.desc())


async def on_page(
    session: AsyncSession,
    columns: Select[*tuple[Any, ...]],
    ids: Ids,
    order: Order,
    query: Listing,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The *columns* of those *ids* that are on the page, and what comes with the ids."""
    page = ids.limit(query.page_size).offset(query.offset).subquery()
    rows = columns.add_columns(*(column for column in page.c if column.name != "id"))
    return (await session.execute(rows.join(page, page.c.id == Artifact.id).order_by(*order))).all()


def kept(wanted: ColumnElement[bool], order: Order) -> CTE:
    """All that are *wanted*, found once: to be counted, and to be sorted."""
    found = select(Artifact.id, *keys(order)).where(wanted).cte()
    return found.prefix_with("MATERIALIZED")


def merged(wanted: ColumnElement[bool], order: Order, most: int) -> Select[int]:
    """The ids of the first *most* that lists show and of those that they do not, in one order.

    Indexes have them apart, each in order: all would have to be sorted to find the first few.
    """
    firsts = [
        select(Artifact.id, *keys(order)).where(wanted, part).order_by(*order).limit(most)
        for part in (Artifact.listed.is_(True), Artifact.listed.is_(False))
    ]
    both = union_all(*(select(first.subquery()) for first in firsts)).subquery()
    return select(both.c.id).order_by(*again(both, order))


def keys(order: Order) -> list[Label[Any]]:
    """What *order* sorts by, as columns."""
    return [term.element.label(f"key{at}") for at, term in enumerate(order)]


def again(found: Any, order: Order) -> Order:
    """The same order, of something that has its keys as columns."""
    return [
        UnaryExpression(found.c[f"key{at}"], modifier=term.modifier)
        for at, term in enumerate(order)
    ]
