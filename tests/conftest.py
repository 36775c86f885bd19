"""A fresh server for each test: on SQLite, or on PostgreSQL if HARBOR_TEST_DATABASE_URL is set.

The database is migrated and seeded once; each test gets a copy of that.
"""

import asyncio
import atexit
import functools
import os
import shutil
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.testclient import TestClient

from harbor.app import Building, prepare
from harbor.core.db import Database, async_url
from harbor.core.hashes import passwords
from harbor.core.quick import Quick
from harbor.core.settings import Settings
from tests.make import ADMIN

POSTGRESQL = os.environ.get("HARBOR_TEST_DATABASE_URL", "")
SECRET = "the secret key of the tests"
CASES = 1  # of one test, on PostgreSQL
Start = Callable[..., TestClient]
# Thousands of tests make people and sign in. What it costs otherwise: tests/core/test_crypto.py.
CHEAP = {"argon2__memory_cost": 64, "argon2__time_cost": 1}
passwords.update(**CHEAP)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out the tests that need no database: there is nothing new to see.

    Of many cases that get a database each, which takes most of their time, the first one runs.
    """
    if POSTGRESQL:
        left_out = not_for_postgresql(items)
    else:
        left_out = [item for item in items if item.get_closest_marker("postgresql")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def not_for_postgresql(items: list[pytest.Item]) -> list[pytest.Item]:
    apart = {"clients", "crash", "browser", "fuzz"}  # these start servers by themselves
    cases: Counter[str] = Counter()

    def is_one_of_many(item: pytest.Item) -> bool:
        if item.get_closest_marker("postgresql"):
            return False
        name = item.nodeid.partition("[")[0]
        cases[name] += 1
        return cases[name] > CASES and "database_url" in getattr(item, "fixturenames", ())

    return [
        item
        for item in items
        if item.get_closest_marker("once")
        or is_one_of_many(item)
        or (
            "template" not in getattr(item, "fixturenames", ())
            and not any(mark.name in apart for mark in item.iter_markers())
        )
    ]


def administer(statement: str) -> None:
    """Make or drop a database. One connection serves all tests: opening it costs more."""
    run, engine = administration()

    async def execute() -> None:
        async with engine.connect() as connection:
            await connection.execute(text(statement))

    run(execute())


@functools.cache
def administration() -> tuple[Callable[[Coroutine[Any, Any, None]], None], AsyncEngine]:
    engine = create_async_engine(async_url(POSTGRESQL), isolation_level="AUTOCOMMIT")
    runner = asyncio.Runner()
    atexit.register(runner.close)
    atexit.register(lambda: runner.run(engine.dispose()))  # the last is called first
    return runner.run, engine


def copy_of(template: str, name: str) -> str:
    # Without a line in the log for each page, the default, which takes five times as long.
    return f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'


def database(name: str) -> str:
    return make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)


def settings_for(data: Path, database_url: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "data_dir": str(data),
        "database_url": database_url,
        "admin_password": ADMIN[1],
        "secret_key": SECRET,
        "failed_login_delay_s": 0.0,
        "disk_reserve": 0,
    }
    return Settings(**(values | more))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A prepared database: the path of a file, or the name of a PostgreSQL database."""
    folder = tmp_path_factory.mktemp("template")
    if not POSTGRESQL:
        asyncio.run(prepare(settings_for(folder, "")))
        yield str(folder / "harbor.db")
        return
    name = f"harbor_template_{uuid.uuid4().hex}"
    administer(f'CREATE DATABASE "{name}"')
    asyncio.run(prepare(settings_for(folder, database(name))))
    yield name
    administer(f'DROP DATABASE "{name}"')


@pytest.fixture
def database_url(template: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of this test's own."""
    if not POSTGRESQL:
        (tmp_path / "data").mkdir(exist_ok=True)
        file = tmp_path / "data" / "harbor.db"
        shutil.copy(template, file)
        yield f"sqlite:///{file}"
        return
    name = f"harbor_test_{uuid.uuid4().hex}"
    administer(copy_of(template, name))
    yield database(name)
    administer(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return settings_for(tmp_path / "data", database_url)


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts a server with changed settings; each call is one more process's view of the data."""
    with contextmanager(running)() as begin:

        def started(store: Any = None, **changes: Any) -> TestClient:
            building = Building(msgspec.structs.replace(settings, **changes), store)
            return begin(building)

        yield started


def running() -> Iterator[Callable[[Building], TestClient]]:
    clients: list[TestClient] = []

    def begin(building: Building) -> TestClient:
        client = TestClient(building, raise_server_exceptions=True, follow_redirects=False)
        client.__enter__()
        clients.append(client)
        return client

    try:
        yield begin
    finally:
        for client in reversed(clients):
            client.__exit__(None, None, None)


@pytest.fixture
def client(start: Start) -> TestClient:
    return start()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    db = Database(url)
    try:
        yield db
    finally:
        await db.close()


@pytest.fixture
def rows(database_url: str) -> Callable[[str], list[Any]]:
    """The rows that a SELECT finds, beside the running server."""

    def select(statement: str) -> list[Any]:
        async def run() -> list[Any]:
            async with opened(database_url) as db, db.reading() as session:
                return [tuple(row) for row in await session.execute(text(statement))]

        return asyncio.run(run())

    return select


@pytest.fixture
def quickly(database_url: str) -> Callable[[Callable[[Quick], Awaitable[Any]]], Any]:
    """Runs quick reads on the test's database."""

    def run(work: Callable[[Quick], Awaitable[Any]]) -> Any:
        async def inside() -> Any:
            async with opened(database_url) as db:
                return await work(db.quick)

        return asyncio.run(inside())

    return run
