"""A small table of all kinds of columns, to ask by q."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    Table,
    insert,
    or_,
    select,
)

from harbor.core import query
from harbor.core.db import Database, Time, ascii_text

START = datetime(2024, 5, 1, 10, tzinfo=UTC)
ROWS = Table(
    "of_this_test",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", ascii_text(64)),
    Column("size", BigInteger().with_variant(Integer, "sqlite")),
    Column("small", Integer),
    Column("flag", Boolean),
    Column("made_at", Time),
    Column("extra_attrs", JSON),
)


@dataclass(frozen=True)
class Row:
    id: int
    name: str | None
    size: int | None
    small: int
    flag: bool
    made_at: datetime


NAMES = ["app", "App", "library/app", "a%b", "a_b", "axb", "~x", "\\x", "it's", "10", "-1", None]
SIZES = [0, 1, -1, 2**31, 2**63 - 1, -(2**63), None]
DATA = [
    Row(
        id=i,
        name=NAMES[i % len(NAMES)],
        size=SIZES[i % len(SIZES)],
        small=i % 5 - 2,
        flag=i % 3 == 0,
        made_at=START + timedelta(hours=i),
    )
    for i in range(24)
]
FIELDS: query.Fields = {
    "id": ROWS.c.id,
    "name": ROWS.c.name,
    "size": ROWS.c.size,
    "small": ROWS.c.small,
    "is_flag": ROWS.c.flag,
    "creation_time": ROWS.c.made_at,
    "extra_attrs": ROWS.c.extra_attrs,
    "odd": lambda match: ROWS.c.small == (1 if match.flag() else 0),
    "either": lambda match: or_(match.on(ROWS.c.name), match.on(ROWS.c.small)),
}
Find = Callable[..., list[int]]


@contextmanager
def filled(url: str) -> Iterator[Find]:
    """Finds the ids of rows in a table that is filled with ``DATA``."""
    with asyncio.Runner() as runner:
        db = Database(url)

        async def fill() -> None:
            async with db.writing() as session:
                await (await session.connection()).run_sync(ROWS.create)
                rows = [vars(row) | {"extra_attrs": extra(row)} for row in DATA]
                await session.execute(insert(ROWS), rows)

        async def find(q: str, sort: str) -> list[int]:
            asked = select(ROWS.c.id).where(*query.conditions(q, FIELDS))
            async with db.reading() as session:
                ordered = asked.order_by(*query.order(sort, FIELDS), ROWS.c.id)
                return list(await session.scalars(ordered))

        runner.run(fill())
        try:
            yield lambda q, sort="": runner.run(find(q, sort))
        finally:
            runner.run(db.close())


def extra(row: Row) -> dict[str, Any]:
    return {"a": {"b": f"value {row.small}"}, "n": row.small}


def ids(holds: Callable[[Row], bool]) -> list[int]:
    return [row.id for row in DATA if holds(row)]
