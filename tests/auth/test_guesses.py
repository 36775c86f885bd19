"""Wrong passwords are counted once, however many processes serve."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from harbor.auth import guesses
from harbor.auth import jobs as auth_jobs
from harbor.auth.guesses import Guesses
from harbor.auth.lockout import ADDRESS, FORGET_S, PAIR
from harbor.auth.models import SignInTry
from harbor.core import clock
from harbor.core.db import Database
from harbor.core.later import Later
from harbor.core.quick import SessionPen
from tests.auth.test_lockout import HERE, THERE, lockouts, release
from tests.conftest import Start, opened
from tests.make import make_user
from tests.registry.servers import Rows

DELAY_S = 0.05
Work = Callable[["Process", "Process"], Awaitable[None]]


class Process:
    """The counts of a process, which tells and asks when the test wants it to."""

    def __init__(self, db: Database) -> None:
        self.db, self.later = db, Later(db)
        self.counts = Guesses(db, self.later, DELAY_S)

    async def tell(self) -> None:
        await self.later.flush()

    def forget_answers(self) -> None:
        """As if a second had gone by."""
        self.counts._asked.clear()

    async def guess(self, name: str, address: str) -> bool:
        """Whether a wrong password was looked at."""
        if await self.counts.enter(name, address) is None:
            return False
        self.counts.wrong(name, address)
        return True

    async def comes_in(self, name: str, address: str) -> bool:
        turn = await self.counts.enter(name, address)
        if turn is None:
            return False
        await self.counts.right(name, address, turn)
        return True

    async def exhaust(self, name: str, address: str, times: int) -> None:
        for _ in range(times):
            self.counts.wrong(name, address)
        await self.tell()


@asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[Process, Process]]:
    async with opened(url) as one, opened(url) as other:
        yield Process(one), Process(other)


@pytest.fixture
def both(database_url: str) -> Callable[[Work], None]:
    def run(work: Work) -> None:
        async def inside() -> None:
            async with two(database_url) as (one, other):
                await work(one, other)

        asyncio.run(inside())

    return run


def test_what_one_process_has_seen_the_others_know(both: Callable[[Work], None]) -> None:
    async def work(one: Process, other: Process) -> None:
        one.counts.here.delay_s = other.counts.here.delay_s = 60.0
        assert await one.guess("ann", HERE)
        await one.tell()
        assert await other.counts.is_locked("ANN", HERE)
        assert not await other.counts.is_locked("ann", THERE)
        assert not await other.guess("ann", HERE)

    both(work)


def test_counts_of_all_processes_add_up(both: Callable[[Work], None]) -> None:
    async def work(one: Process, other: Process) -> None:
        for process in (one, other, one, other):
            await process.exhaust("ann", HERE, 2)
        ((wrong,),) = [
            (each.wrong,)
            for each in (await one.counts.listed(offset=0, limit=10))[0]
            if (each.name, each.address) == ("ann", HERE)
        ]
        assert wrong == 8

    both(work)


def test_of_all_processes_one_at_a_time_looks_at_a_password(both: Callable[[Work], None]) -> None:
    async def work(one: Process, other: Process) -> None:
        await one.exhaust("ann", HERE, PAIR.free)
        await asyncio.sleep(DELAY_S * 2)
        assert not await other.counts.is_locked("ann", HERE)  # both believe that they may
        assert not await one.counts.is_locked("ann", HERE)
        tried = await asyncio.gather(one.guess("ann", HERE), other.guess("ann", HERE))
        assert sorted(tried) == [False, True]

    both(work)


def test_names_tried_from_one_address_take_turns_too(both: Callable[[Work], None]) -> None:
    async def work(one: Process, other: Process) -> None:
        for number in range(ADDRESS.free):
            one.counts.wrong(f"user{number}", HERE)
        await one.tell()
        tries = [
            process.guess(f"{place}{number}", HERE)
            for number in range(5)
            for place, process in (("here", one), ("there", other))
        ]
        assert sum(await asyncio.gather(*tries)) == 1
        assert await other.comes_in("ann", THERE)

    both(work)


def test_a_right_password_lets_the_next_one_try_everywhere(both: Callable[[Work], None]) -> None:
    async def work(one: Process, other: Process) -> None:
        await one.exhaust("ann", HERE, PAIR.free + 1)
        await asyncio.sleep(DELAY_S * 3)
        assert await one.comes_in("ann", HERE)
        assert await other.comes_in("ann", HERE)
        await one.tell()
        other.forget_answers()
        assert not await other.counts.is_locked("ann", HERE)
        assert not other.counts.here.contested("ann", HERE)

    both(work)


def test_who_came_in_at_one_process_pays_at_none_for_neighbours(
    both: Callable[[Work], None],
) -> None:
    async def work(one: Process, other: Process) -> None:
        assert await one.comes_in("ann", HERE)
        await one.tell()
        one.counts.here.delay_s = 60.0
        for number in range(ADDRESS.free + 5):
            one.counts.wrong(f"user{number}", HERE)
        await one.tell()
        assert await other.counts.is_locked("bob", HERE)
        assert not await other.counts.is_locked("ann", HERE)

    both(work)


def test_what_one_process_forgets_the_others_forget(both: Callable[[Work], None]) -> None:
    async def work(one: Process, other: Process) -> None:
        one.counts.here.delay_s = other.counts.here.delay_s = 60.0
        await one.exhaust("ann", HERE, 1)
        assert await other.counts.is_locked("ann", HERE)
        async with other.db.writing() as session:
            assert await other.counts.release(SessionPen(session), "Ann", HERE)
        one.counts.here._pairs.counts["ann", HERE].last -= guesses.WITHIN_S
        one.forget_answers()
        assert not await one.counts.is_locked("ann", HERE)
        async with one.db.writing() as session:
            assert not await one.counts.release(SessionPen(session), "Ann", HERE)

    both(work)


def test_what_is_forgotten_before_it_was_told_is_not_told_after_it(
    both: Callable[[Work], None],
) -> None:
    async def work(one: Process, other: Process) -> None:
        one.counts.here.delay_s = other.counts.here.delay_s = 60.0
        assert await one.guess("ann", HERE)
        async with one.db.writing() as session:
            assert await one.counts.release(SessionPen(session), "ann", HERE)
        await one.tell()
        assert not await other.counts.is_locked("ann", HERE)

    both(work)


def test_a_right_password_is_no_reason_to_write(
    both: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(one: Process, _: Process) -> None:
        written: list[Any] = []

        async def write(rows: Any, **_more: Any) -> None:
            written.append(rows)

        assert await one.comes_in("ann", HERE)
        await one.tell()  # once a day, so that others know that ann comes from there
        monkeypatch.setattr(one.db.quick, "write", write)
        for _again in range(3):
            one.forget_answers()
            assert await one.comes_in("ann", HERE)
        await one.tell()
        assert not written
        assert await one.guess("ann", HERE)
        await one.tell()
        assert len(written) == 1

    both(work)


def test_a_flood_is_one_write_of_bounded_size(
    both: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch, rows: Rows
) -> None:
    monkeypatch.setattr(guesses, "MAX_TOLD", 10)

    async def work(one: Process, _: Process) -> None:
        for number in range(50):
            one.counts.wrong("ann", f"10.2.0.{number}")
        assert await one.comes_in("bob", HERE)
        await one.tell()

    both(work)
    assert rows("SELECT name, wrong FROM sign_in_try WHERE known_time IS NOT NULL") == [("bob", 0)]
    assert rows("SELECT count(*) FROM sign_in_try WHERE known_time IS NULL") == [(10,)]
    assert rows("SELECT wrong FROM sign_in_try WHERE address = ''") == [(50,)]


async def names(db: Database) -> list[str]:
    async with db.reading() as session:
        found = await session.scalars(select(SignInTry.name).where(SignInTry.name != ""))
        return list(found.unique())


def test_what_nobody_asks_for_any_more_is_forgotten(
    both: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = clock.now()

    async def work(one: Process, _: Process) -> None:
        await one.exhaust("eve", HERE, 2)
        assert await one.comes_in("ann", HERE)
        await one.tell()
        for later, left in ((FORGET_S + 60, ["ann"]), (31 * 24 * 3600, [])):
            at = begun + timedelta(seconds=later)
            monkeypatch.setattr(clock, "now", lambda at=at: at)
            await auth_jobs.sweep(one.db)
            assert await names(one.db) == left

    both(work)


def test_the_newest_of_very_many_are_kept(
    both: Callable[[Work], None], monkeypatch: pytest.MonkeyPatch, rows: Rows
) -> None:
    async def work(one: Process, _: Process) -> None:
        await one.exhaust("ann", HERE, 1)
        assert await one.comes_in("bob", THERE)
        await one.exhaust("eve", THERE, 1)
        monkeypatch.setattr(guesses, "SURPLUS", guesses.all_but(3))
        await one.db.quick.write(guesses.tidy)

    both(work)
    kept = rows("SELECT name, address FROM sign_in_try WHERE known_time IS NULL ORDER BY name")
    assert ("ann", HERE) not in kept
    assert ("eve", THERE) in kept
    assert rows("SELECT name FROM sign_in_try WHERE known_time IS NOT NULL") == [("bob",)]


def test_two_servers_show_and_forget_the_same(start: Start) -> None:
    one, other = start(failed_login_delay_s=0.001), start(failed_login_delay_s=0.001)
    ann = make_user(one, "ann")
    for client in (one, other):
        client.app.known.accounts.lockout.here.delay_s = 60.0  # type: ignore[attr-defined]
    assert one.get("/v2/", auth=("ann", "wrong")).status_code == 401
    assert lockouts(one) == [("ann", "testclient", 1)]  # told before it answers
    assert lockouts(other) == [("ann", "testclient", 1)]
    assert other.get("/v2/", auth=ann).status_code == 401
    assert release(other, "ann") == 200
    assert other.get("/v2/", auth=ann).status_code == 200
    assert lockouts(one) == []


def test_names_with_and_without_an_account_leave_the_same_traces(
    client: TestClient, rows: Rows
) -> None:
    make_user(client, "ann")
    for name in ("ann", "nobody"):
        assert client.get("/v2/", auth=(name, "wrong")).status_code == 401
    lockouts(client)
    of = "SELECT wrong, address, known_time FROM sign_in_try WHERE name = '{}' ORDER BY address"
    assert rows(of.format("ann")) == rows(of.format("nobody")) != []
