"""Servers on fresh data, on SQLite, or on PostgreSQL if HARBOR_TEST_DATABASE_URL is set."""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.crash.server import Server

POSTGRESQL = os.environ.get("HARBOR_TEST_DATABASE_URL", "")
MakeServer = Callable[..., Server]


async def administer(statement: str) -> None:
    connection = await asyncpg.connect(POSTGRESQL)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def databases() -> Iterator[Callable[[], str]]:
    """Makes empty databases and gives their URLs; none, for SQLite in the data folder."""
    names = []

    def make() -> str:
        if not POSTGRESQL:
            return ""
        names.append(f"harbor_crash_{secrets.token_hex(6)}")
        asyncio.run(administer(f'CREATE DATABASE "{names[-1]}"'))
        return f"{POSTGRESQL.rpartition('/')[0]}/{names[-1]}"

    yield make
    for name in names:
        asyncio.run(administer(f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextmanager
def servers(folder: Path) -> Iterator[MakeServer]:
    """Makes servers that are not started yet, each on data of its own, and ends them."""
    made: list[Server] = []
    with databases() as fresh_database:

        def make(data: Path | None = None, **settings: object) -> Server:
            told = {f"HARBOR_{name.upper()}": str(value) for name, value in settings.items()}
            if "HARBOR_DATABASE_URL" not in told:
                told["HARBOR_DATABASE_URL"] = fresh_database()
            made.append(Server(data or folder / f"data{len(made)}", told, logs=folder))
            return made[-1]

        try:
            yield make
        finally:
            for server in made:
                server.clean_up()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    with servers(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with its default settings, which all tests of a module share."""
    with servers(tmp_path_factory.mktemp("server")) as make:
        made = make()
        made.start()
        yield made
