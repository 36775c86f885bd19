import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, text

from harbor.audit.service import trail
from harbor.core import clock, later
from harbor.core.db import Database
from harbor.core.later import Later
from harbor.core.quick import Pen
from tests.conftest import opened
from tests.registry.servers import Rows

NOWHERE = insert(Table("no_such_table", MetaData(), Column("a", Integer))).values(a=1)
NAMES = "SELECT resource FROM audit_log_ext ORDER BY id"


async def write(pen: Pen, items: Sequence[str]) -> None:
    """One line of the audit log for each item."""
    line: dict[str, Any] = {
        "operation": "pull",
        "operation_description": "",
        "operation_result": True,
    }
    line |= {"resource_type": "artifact", "username": "ann"}
    line |= {"project_id": None}
    for item in items:
        await trail.write(pen, line | {"resource": item}, clock.now())


async def write_wrongly(pen: Pen, items: Sequence[str]) -> None:
    await pen.run(NOWHERE)


def on(database_url: str, work: Callable[[Database, Later], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(database_url) as db:
            await work(db, Later(db))

    asyncio.run(run())


def test_what_waits_is_written_in_the_order_it_came(database_url: str, rows: Rows) -> None:
    async def work(db: Database, items: Later) -> None:
        for name in ("one", "two", "three"):
            items.add(write, name)
        await items.flush()
        await items.flush()  # nothing waits any more

    on(database_url, work)
    assert rows(NAMES) == [("one",), ("two",), ("three",)]


def test_what_the_database_refuses_is_kept_for_the_next_time(
    database_url: str, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(db: Database, items: Later) -> None:
        items.add(write, "one")
        async with db.writing() as session:
            await session.execute(text("ALTER TABLE audit_log_ext RENAME TO away"))
        await items.flush()
        items.add(write, "two")
        async with db.writing() as session:
            await session.execute(text("ALTER TABLE away RENAME TO audit_log_ext"))
        await items.flush()

    with caplog.at_level(logging.ERROR):
        on(database_url, work)
    assert rows(NAMES) == [("one",), ("two",)]
    assert "could not write what waited" in caplog.text


def test_one_kind_that_fails_does_not_hold_up_another(database_url: str, rows: Rows) -> None:
    async def work(db: Database, items: Later) -> None:
        items.add(write_wrongly, "bad")
        items.add(write, "good")
        await items.flush()

    on(database_url, work)
    assert rows(NAMES) == [("good",)]


def test_when_the_database_stays_away_the_oldest_are_dropped(
    database_url: str, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "MAX_WAITING", 3)
    fail = True

    async def sometimes(pen: Pen, items: Sequence[str]) -> None:
        await (write_wrongly if fail else write)(pen, items)

    async def work(db: Database, items: Later) -> None:
        nonlocal fail
        for name in "abcde":
            items.add(sometimes, name)
        await items.flush()
        fail = False
        await items.flush()

    on(database_url, work)
    assert rows(NAMES) == [("c",), ("d",), ("e",)]


def test_what_waits_is_written_within_a_second_or_so(
    database_url: str, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "INTERVAL_S", 0.01)

    async def work(db: Database, items: Later) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(items.run(stopping))
        items.add(write, "one")
        async with asyncio.timeout(5), db.reading() as session:
            while not (await session.execute(text(NAMES))).all():
                await session.rollback()
                await asyncio.sleep(0.01)
        stopping.set()
        await running

    on(database_url, work)
    assert rows(NAMES) == [("one",)]


def test_stopping_writes_what_still_waits(database_url: str, rows: Rows) -> None:
    async def work(db: Database, items: Later) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(items.run(stopping))
        await asyncio.sleep(0)
        items.add(write, "one")
        stopping.set()
        await running

    on(database_url, work)
    assert rows(NAMES) == [("one",)]


def test_stopping_while_it_writes_loses_nothing_and_writes_nothing_twice(
    database_url: str, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "INTERVAL_S", 0.01)
    begun = asyncio.Event()

    async def slow_at_first(pen: Pen, items: Sequence[Any]) -> None:
        await write(pen, items)
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(0.05)

    async def work(db: Database, items: Later) -> None:
        items.add(slow_at_first, "one")
        items.add(write, "two")
        stopping = asyncio.Event()
        running = asyncio.create_task(items.run(stopping))
        await begun.wait()
        stopping.set()
        await running

    on(database_url, work)
    assert sorted(rows(NAMES)) == [("one",), ("two",)]


def test_what_was_being_written_when_the_task_was_cancelled_is_kept(
    database_url: str, rows: Rows
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow_at_first(pen: Pen, items: Sequence[Any]) -> None:
        if not begun.is_set():
            begun.set()
            await go_on.wait()
        await write(pen, items)

    async def work(db: Database, items: Later) -> None:
        items.add(slow_at_first, "one")
        items.add(write, "two")
        writing = asyncio.create_task(items.flush())
        await begun.wait()
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        go_on.set()
        await items.flush()

    on(database_url, work)
    assert sorted(rows(NAMES)) == [("one",), ("two",)]
