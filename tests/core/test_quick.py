"""The quick road: what is written there is on the disk, whole, and known to every process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    select,
    text,
)

from harbor.core.db import Database, hold_files
from harbor.core.errors import Unavailable
from harbor.core.quick import Pen, Row, SessionPen, among, put, put_new
from harbor.core.quick.sqlite import SqliteQuick
from harbor.projects.models import ProjectMetadata
from tests.conftest import POSTGRESQL, opened
from tests.crash.server import free_port

T = TypeVar("T")
MOMENT = datetime(2024, 5, 1, 10, 20, 30, 123456, tzinfo=UTC)
COLUMNS = ("project_id", "name", "value", "creation_time", "update_time")
NEW = put_new(ProjectMetadata, *COLUMNS, returning=ProjectMetadata.name)
HELD = put_new(
    ProjectMetadata,
    *COLUMNS,
    returning=ProjectMetadata.name,
    held_by=["project_id", "name"],
)
PUT = put(
    ProjectMetadata,
    *COLUMNS,
    key=["project_id", "name"],
    where=lambda new: (ProjectMetadata.value != "fixed") & (new.value != "unwanted"),
)
ALL = (
    select(ProjectMetadata.name, ProjectMetadata.value)
    .where(ProjectMetadata.name != "public")
    .order_by(ProjectMetadata.name)
)
SOME = select(ProjectMetadata.name).where(among(ProjectMetadata.name, "names"))
COUNT = select(func.count()).where(ProjectMetadata.name != "public")
TIMES = select(ProjectMetadata.creation_time).where(ProjectMetadata.name == bindparam("name"))


def on(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    async def run() -> T:
        async with opened(url) as db:
            return await work(db)

    return asyncio.run(run())


def meta(name: str, value: str = "1", project_id: int = 1) -> dict[str, Any]:
    times = {"creation_time": MOMENT, "update_time": MOMENT}
    return {"project_id": project_id, "name": name, "value": value, **times}


def adding(*names: str, project_id: int = 1) -> Callable[[Pen], Awaitable[list[Row]]]:
    async def add(pen: Pen) -> list[Row]:
        return [row for name in names for row in await pen.run(NEW, **meta(name, "1", project_id))]

    return add


async def names(db: Database) -> list[str]:
    return [name for name, _ in await db.quick.fetch(ALL)]


def test_what_was_written_is_read_by_everybody(database_url: str) -> None:
    async def work(db: Database) -> tuple[object, object, object]:
        made = await db.quick.write(adding("a", "b"))
        async with opened(database_url) as other, other.reading() as session:
            found = [tuple(row) for row in await session.execute(ALL)]
        return made, found, await db.quick.fetch(TIMES, name="a")

    both = [("a", "1"), ("b", "1")]
    assert on(database_url, work) == ([("a",), ("b",)], both, [(MOMENT,)])


def test_an_insert_leaves_alone_what_is_there(database_url: str) -> None:
    async def work(db: Database) -> object:
        await db.quick.write(adding("a"))
        return await db.quick.write(adding("a", "b"))

    assert on(database_url, work) == [("b",)]


def test_a_row_that_is_there_is_held_and_left_alone(database_url: str) -> None:
    """On SQLite whoever writes holds everything."""
    free = select(ProjectMetadata.name).where(ProjectMetadata.name == "a")

    async def work(db: Database) -> tuple[object, object, object]:
        async def holding(pen: Pen) -> tuple[list[Row], int]:
            found = await pen.run(HELD, **meta("a", "2"))
            async with db.reading() as session:
                others = await session.execute(free.with_for_update(skip_locked=True))
                return found, len(others.all())

        made = await db.quick.write(lambda pen: pen.run(HELD, **meta("a")))
        return made, await db.quick.write(holding), await db.quick.fetch(ALL)

    seen_by_others = 0 if POSTGRESQL else 1
    assert on(database_url, work) == ([("a",)], ([], seen_by_others), [("a", "1")])


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [("old", "new", "new"), ("fixed", "new", "fixed"), ("old", "unwanted", "old")],
)
def test_an_insert_replaces_what_is_there_if_it_may(
    database_url: str, old: str, new: str, kept: str
) -> None:
    async def work(db: Database) -> object:
        for value in (old, new):
            row = meta("a", value)
            await db.quick.write(lambda pen, row=row: pen.run_many(PUT, [row]))  # type: ignore[misc]
        return await db.quick.fetch(ALL)

    assert on(database_url, work) == [("a", kept)]


def test_the_same_statements_run_in_a_session(database_url: str) -> None:
    async def work(db: Database) -> tuple[object, object, object]:
        async with db.writing() as session:
            pen = SessionPen(session)
            await pen.run(PUT, **meta("a"))
            await pen.run_many(PUT, [meta("b"), meta("c")])
            await pen.run_many(PUT, [])
            made = [await pen.run(NEW, **meta(name)) for name in ("c", "d")]
            made += [await pen.run(HELD, **meta(name)) for name in ("c", "e")]
            seen = await pen.run(SOME, names=["a", "c", "f"])
        return made, sorted(seen), await names(db)

    made = [[], [("d",)], [], [("e",)]]
    assert on(database_url, work) == (made, [("a",), ("c",)], ["a", "b", "c", "d", "e"])


def test_any_number_of_texts_is_one_parameter(database_url: str) -> None:
    many = [f"n{number:05}" for number in range(3_000)]

    async def work(db: Database) -> tuple[object, object]:
        await db.quick.write(lambda pen: pen.run_many(PUT, [meta(name) for name in many]))
        odd = ["n00001", 'n"0', "n,", "n'", "", "n02999"]
        found = await db.quick.fetch(SOME, names=many)
        return sorted(found) == [(name,) for name in many], await db.quick.fetch(SOME, names=odd)

    assert on(database_url, work) == (True, [("n00001",), ("n02999",)])


def test_a_failure_takes_back_what_its_own_write_did_and_nothing_else(database_url: str) -> None:
    async def half(pen: Pen) -> None:
        await pen.run(NEW, **meta("half"))
        raise ZeroDivisionError

    async def work(db: Database) -> tuple[list[Any], list[str]]:
        writes = (adding("a"), half, adding("orphan", project_id=99), adding("b"))
        outcomes = await asyncio.gather(
            *(db.quick.write(write) for write in writes), return_exceptions=True
        )
        return outcomes, await names(db)

    outcomes, left = on(database_url, work)
    assert left == ["a", "b"]
    assert [outcomes[0], outcomes[3]] == [[("a",)], [("b",)]]
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert "foreign key" in str(outcomes[2]).lower()


def test_files_go_first_and_their_failure_is_the_writes(database_url: str) -> None:
    order: list[str] = []

    async def file(name: str) -> None:
        await asyncio.sleep(0)
        order.append(f"file {name}")
        if name == "bad":
            raise FileNotFoundError(name)

    async def row(name: str, pen: Pen) -> None:
        order.append(f"row {name}")
        await pen.run(NEW, **meta(name))

    def put_both(db: Database, name: str) -> Awaitable[None]:
        return db.quick.write(lambda pen: row(name, pen), files=lambda: file(name))

    async def work(db: Database) -> tuple[list[Any], list[str]]:
        every = (put_both(db, name) for name in ("a", "bad", "b"))
        return await asyncio.gather(*every, return_exceptions=True), await names(db)

    outcomes, left = on(database_url, work)
    assert [type(each) for each in outcomes] == [type(None), FileNotFoundError, type(None)]
    assert left == ["a", "b"]
    assert "row bad" not in order
    for name in ("a", "b"):
        assert order.index(f"file {name}") < order.index(f"row {name}")


def test_nobody_takes_a_file_away_while_one_is_being_published(database_url: str) -> None:
    order: list[str] = []
    begun = asyncio.Event()

    async def file() -> None:
        begun.set()
        await asyncio.sleep(0.1)
        order.append("published")

    async def remover(db: Database) -> None:
        await begun.wait()
        async with db.writing() as session:
            await hold_files(session, alone=True)
            order.append("removed")

    async def work(db: Database) -> None:
        await asyncio.gather(db.quick.write(adding("a"), files=file), remover(db))

    on(database_url, work)
    assert order == ["published", "removed"]


def test_writers_of_both_roads_lose_nothing(database_url: str) -> None:
    async def quickly(db: Database, number: int) -> None:
        await db.quick.write(adding(f"quick{number:03}"))

    async def slowly(db: Database, number: int) -> None:
        async with db.writing() as session:
            await session.execute(insert(ProjectMetadata), [meta(f"slow{number:03}")])

    async def work(db: Database) -> list[str]:
        async with opened(database_url) as other:
            every = [
                writer(each, number if each is db else 100 + number)
                for number in range(20)
                for writer in (quickly, slowly)
                for each in (db, other)
            ]
            await asyncio.gather(*every)
        return await names(db)

    left = on(database_url, work)
    assert len(left) == 80
    assert len(set(left)) == 80


def test_a_caller_who_left_before_the_commit_wrote_nothing(database_url: str) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(pen: Pen) -> None:
        await pen.run(NEW, **meta("a"))
        begun.set()
        await go_on.wait()

    async def work(db: Database) -> list[str]:
        leaving = asyncio.create_task(db.quick.write(slowly))
        await begun.wait()
        staying = asyncio.create_task(db.quick.write(adding("b")))
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        go_on.set()
        await staying
        return await names(db)

    assert on(database_url, work) == ["b"]


def test_many_rows_let_others_have_their_turn(database_url: str) -> None:
    async def work(db: Database) -> int:
        turns = 0
        writing = asyncio.create_task(
            db.quick.write(lambda pen: pen.run_many(PUT, [meta(f"n{n}") for n in range(5_000)]))
        )
        while not writing.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert on(database_url, work) >= 10


def test_the_version_changes_with_every_commit_whoever_did_it(database_url: str) -> None:
    async def work(db: Database) -> tuple[int, bool]:
        async with opened(database_url) as other:
            seen: list[Any] = [await db.quick.version()]
            for number in range(5):
                await db.quick.write(adding(f"own{number}"))
                seen.append(await db.quick.version())
                await other.quick.write(adding(f"other{number}"))
                seen.append(await db.quick.version())
                async with other.writing() as session:
                    await session.execute(text("DELETE FROM project_metadata WHERE name = 'own0'"))
                    await session.execute(insert(ProjectMetadata), [meta(f"orm{number}")])
                seen.append(await db.quick.version())
            return len({str(each) for each in seen}), seen[-1] == await db.quick.version()

    assert on(database_url, work) == (16, True)


def test_what_is_remembered_under_a_version_is_never_older_than_an_acknowledged_write(
    database_url: str,
) -> None:
    remembered: dict[str, int] = {}
    written = 0

    async def reader(db: Database) -> None:
        for _ in range(60):
            acknowledged = written
            version = str(await db.quick.version())
            if version not in remembered:
                remembered[version] = (await db.quick.fetch(COUNT))[0][0]
            assert remembered[version] >= acknowledged
            await asyncio.sleep(0)

    async def writer(db: Database) -> None:
        nonlocal written
        for number in range(40):
            await db.quick.write(adding(f"n{number}"))
            written += 1

    async def work(db: Database) -> None:
        async with opened(database_url) as other:
            await asyncio.gather(writer(db), *(reader(other) for _ in range(8)))

    on(database_url, work)
    assert written == 40


def test_those_who_write_at_once_share_a_commit(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed: list[int] = []
    ordinary = SqliteQuick._commit

    async def counting(quick: SqliteQuick, group: Sequence[Any]) -> None:
        committed.append(len(group))
        await ordinary(quick, group)

    monkeypatch.setattr(SqliteQuick, "_commit", counting)

    async def work(db: Database) -> list[str]:
        await asyncio.gather(*(db.quick.write(adding(f"n{n:03}")) for n in range(100)))
        return await names(db)

    assert len(on(database_url, work)) == 100
    # PostgreSQL groups commits by itself.
    assert committed == ([] if POSTGRESQL else [64, 36])


def test_a_column_whose_default_only_the_orm_knows_is_not_forgotten(database_url: str) -> None:
    forgetful = put_new(ProjectMetadata, "project_id", "name", "value")

    async def work(db: Database) -> None:
        with pytest.raises(AssertionError, match="creation_time"):
            await db.quick.write(lambda pen: pen.run(forgetful, project_id=1, name="a", value="1"))

    on(database_url, work)


def test_a_table_that_is_not_there_is_an_error_and_no_end(database_url: str) -> None:
    nowhere = Table(
        "nowhere", MetaData(), Column("a", Integer), Column("b", ForeignKey("nowhere.a"))
    )

    async def work(db: Database) -> list[str]:
        with pytest.raises(Exception, match="nowhere"):
            await db.quick.write(lambda pen: pen.run(insert(nowhere).values(a=1)))
        await db.quick.write(adding("a"))
        return await names(db)

    assert on(database_url, work) == ["a"]


def test_a_database_that_cannot_be_reached_is_told_as_that() -> None:
    async def run() -> None:
        db = Database(f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none")
        try:
            for attempt in (db.quick.fetch(ALL), db.quick.write(adding("a")), db.quick.version()):
                with pytest.raises(Unavailable, match="does not answer"):
                    await attempt
        finally:
            await db.close()

    asyncio.run(run())
