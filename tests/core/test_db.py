import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest
from asyncpg.connection import Connection
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.db import Database, async_url, hold_files, insert_or_ignore
from harbor.core.quick.postgresql import Pool
from harbor.projects.models import ProjectMetadata
from harbor.users.models import User
from tests.conftest import opened

T = TypeVar("T")
LIBRARY = 1
MOMENT = datetime(2024, 5, 1, 10, 20, 30, 123456, tzinfo=UTC)


def on(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(url) as db:
            return await work(db)

    return asyncio.run(run())


def meta(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {"project_id": LIBRARY, "name": name, "value": value, **more}


async def values(db: Database) -> dict[str, str]:
    async with db.reading() as session:
        rows = await session.execute(select(ProjectMetadata.name, ProjectMetadata.value))
        return {name: value for name, value in rows if name != "public"}


def test_what_was_written_is_read(database_url: str) -> None:
    async def work(db: Database) -> dict[str, str]:
        async with db.writing() as session:
            session.add(ProjectMetadata(**meta("a", "1")))
        return await values(db)

    assert on(database_url, work) == {"a": "1"}


def test_a_failure_takes_everything_back(database_url: str) -> None:
    async def work(db: Database) -> dict[str, str]:
        with suppress(ZeroDivisionError):
            async with db.writing() as session:
                await session.execute(insert(ProjectMetadata), [meta("a", "1")])
                raise ZeroDivisionError
        return await values(db)

    assert on(database_url, work) == {}


async def add_row(session: AsyncSession) -> None:
    await session.execute(insert(ProjectMetadata), [meta("a", "1")])


async def add_object(session: AsyncSession) -> None:
    session.add(ProjectMetadata(**meta("a", "1")))
    await session.flush()


@pytest.mark.parametrize("add", [add_row, add_object])
def test_nothing_is_changed_while_reading(
    database_url: str, add: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    async def work(db: Database) -> dict[str, str]:
        async with db.reading() as session:
            with pytest.raises(RuntimeError, match="only reads"):
                await add(session)
        return await values(db)

    assert on(database_url, work) == {}


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("name", "kept", "used"),
    [
        ("random_page_cost", "4", "1.1"),
        ("random_page_cost", "2.5", "2.5"),
        ("max_parallel_workers_per_gather", "2", "0"),
        ("max_parallel_workers_per_gather", "3", "3"),
    ],
)
def test_plans_are_made_for_memory_unless_somebody_says_otherwise(
    database_url: str, name: str, kept: str, used: str
) -> None:
    async def work(db: Database) -> str:
        place = async_url(database_url).database
        async with db.writing() as session:
            await session.execute(text(f'ALTER DATABASE "{place}" SET {name} = {kept}'))
        async with opened(database_url) as other, other.reading() as session:
            return str(await session.scalar(text(f"SHOW {name}")))

    assert on(database_url, work) == used


@pytest.mark.postgresql
def test_no_transaction_outlives_whoever_began_it(database_url: str) -> None:
    async def work(db: Database) -> list[bool]:
        place = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        pool, found = Pool(place), []
        for statement in ("BEGIN", "SELECT 1"):
            async with pool.connection() as connection:
                found.append(connection.is_in_transaction())
                await connection.execute(statement)
        await pool.close()
        return found

    assert on(database_url, work) == [False, False]


@pytest.mark.postgresql
@pytest.mark.parametrize("notices", [True, False])
def test_a_connection_that_the_server_ended_is_replaced(
    database_url: str, notices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once if the driver notices it, else once it lay idle for a while."""
    mine = text("SELECT pg_backend_pid()")
    end = text("SELECT pg_terminate_backend(:pid)")

    async def work(db: Database) -> tuple[int, int]:
        async with db.reading() as session:
            before = await session.scalar(mine)
        async with opened(database_url) as other, other.reading() as session:
            await session.execute(end, {"pid": before})
        await asyncio.sleep(0.1)
        if not notices:
            now = time.monotonic
            monkeypatch.setattr(time, "monotonic", lambda: now() + 3600)
            once, is_closed = iter((False,)), Connection.is_closed
            monkeypatch.setattr(
                Connection, "is_closed", lambda self: next(once, True) and is_closed(self)
            )
        async with db.reading() as session:
            return int(before or 0), int(await session.scalar(mine) or 0)

    before, after = on(database_url, work)
    assert before != after


def test_nobody_sees_half_of_it(database_url: str) -> None:
    async def work(db: Database) -> tuple[dict[str, str], dict[str, str]]:
        async with db.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta("a", "1")])
            during = await values(db)
        return during, await values(db)

    assert on(database_url, work) == ({}, {"a": "1"})


def test_rows_stay_readable_after_the_commit(database_url: str) -> None:
    async def work(db: Database) -> str:
        async with db.writing() as session:
            row = ProjectMetadata(**meta("a", "1"))
            session.add(row)
        return row.value

    assert on(database_url, work) == "1"


def test_writers_wait_for_each_other_and_lose_no_update(database_url: str) -> None:
    """Two processes, and in each several tasks."""

    async def add_one(db: Database) -> None:
        async with db.writing() as session:
            where = ProjectMetadata.name == "count"
            held = select(ProjectMetadata.value).where(where).with_for_update()
            value = await session.scalar(held)
            await asyncio.sleep(0)
            new = str(int(value or 0) + 1)
            await session.execute(update(ProjectMetadata).where(where).values(value=new))

    async def work(one: Database) -> dict[str, str]:
        async with one.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta("count", "0")])
        async with opened(database_url) as other:
            await asyncio.gather(*(add_one(db) for db in (one, other) * 10))
        return await values(one)

    assert on(database_url, work) == {"count": "20"}


def test_a_reader_waits_for_no_writer(database_url: str) -> None:
    async def work(db: Database) -> dict[str, str]:
        async with db.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta("a", "1")])
            async with asyncio.timeout(5):
                return await values(db)

    assert on(database_url, work) == {}


def test_references_are_enforced(database_url: str) -> None:
    async def orphan(db: Database) -> None:
        async with db.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta("a", "1", project_id=999)])

    with pytest.raises(IntegrityError):
        on(database_url, orphan)


async def keep(db: Database, moment: datetime) -> datetime:
    async with db.writing() as session:
        changed = update(User).where(User.user_id == 1).values(creation_time=moment)
        await session.execute(changed)
    async with db.reading() as session:
        found = await session.scalar(select(User.creation_time).where(User.user_id == 1))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "moment",
    [MOMENT, MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))), MOMENT.replace(year=1)],
)
def test_a_moment_comes_back_as_it_was_in_utc(database_url: str, moment: datetime) -> None:
    found = on(database_url, lambda db: keep(db, moment))
    assert found == moment
    assert found.tzinfo is UTC


def test_moments_are_compared_as_moments(database_url: str) -> None:
    async def work(db: Database) -> list[int]:
        await keep(db, MOMENT)
        elsewhere = timezone(timedelta(hours=-8))
        found = []
        async with db.reading() as session:
            for seconds in (-1, 0, 1):
                bound = (MOMENT + timedelta(seconds=seconds)).astimezone(elsewhere)
                query = select(User.user_id).where(User.creation_time <= bound, User.user_id == 1)
                found.append(len((await session.scalars(query)).all()))
        return found

    assert on(database_url, work) == [0, 1, 1]


def test_a_moment_without_a_zone_is_a_bug(database_url: str) -> None:
    with pytest.raises(StatementError, match="a time without a zone"):
        on(database_url, lambda db: keep(db, MOMENT.replace(tzinfo=None)))


def test_an_insert_leaves_alone_what_is_there(database_url: str) -> None:
    async def work(db: Database) -> tuple[list[str], dict[str, str]]:
        rows = [
            {**meta(name, "new"), "creation_time": MOMENT, "update_time": MOMENT} for name in "ab"
        ]
        async with db.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta("a", "old")])
        async with db.writing() as session:
            statement = insert_or_ignore(session, ProjectMetadata, rows)
            made = await session.execute(statement.returning(ProjectMetadata.name))
            names = list(made.scalars())
        return names, await values(db)

    assert on(database_url, work) == (["b"], {"a": "old", "b": "new"})


def test_deleting_a_project_takes_its_metadata_along(database_url: str) -> None:
    async def work(db: Database) -> dict[str, str]:
        async with db.writing() as session:
            await session.execute(text("DELETE FROM project_member"))
            await session.execute(text("DELETE FROM project WHERE project_id = 1"))
        async with db.reading() as session:
            rows = await session.execute(select(ProjectMetadata.name, ProjectMetadata.value))
            return {name: value for name, value in rows}  # noqa: C416, rows are no pairs to mypy

    assert on(database_url, work) == {}


def test_one_who_removes_files_is_alone(database_url: str) -> None:
    async def work(db: Database) -> list[str]:
        order: list[str] = []
        inside = asyncio.Event()

        async def publish() -> None:
            await inside.wait()
            async with db.writing() as session:
                await hold_files(session)
                await session.execute(text("SELECT 1"))
                order.append("published")

        publishing = asyncio.create_task(publish())
        async with db.writing() as session:
            await hold_files(session, alone=True)
            await session.execute(text("SELECT 1"))  # on SQLite a transaction begins with this
            inside.set()
            await asyncio.sleep(0.2)
            order.append("removed")
        await publishing
        return order

    assert on(database_url, work) == ["removed", "published"]


def test_sqlite_keeps_what_it_has_committed(tmp_path: Path) -> None:
    async def work(db: Database) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        async with db.writing() as session:
            return {name: await session.scalar(text(f"PRAGMA {name}")) for name in names}

    found = on(f"sqlite:///{tmp_path}/any.db", work)
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg"),
        ("postgres://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg"),
    ],
)
def test_a_url_gets_the_driver_that_we_use(url: str, driver: str) -> None:
    assert async_url(url).drivername == driver


def test_nothing_is_left_of_a_deleted_row(database_url: str) -> None:
    async def work(db: Database) -> dict[str, str]:
        async with db.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta("a", "1")])
        async with db.writing() as session:
            await session.execute(delete(ProjectMetadata).where(ProjectMetadata.name == "a"))
        return await values(db)

    assert on(database_url, work) == {}
