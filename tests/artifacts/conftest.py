"""The fixtures of the files whose tests share one server, and what pages are tested with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.testclient import TestClient

from harbor.app import Building
from tests.conftest import POSTGRESQL
from tests.projects.conftest import database_url, furnished, people, team
from tests.registry.servers import (
    counted,
    repo,
    shared,
    shared_change,
    shared_rows,
    shared_settings,
)

__all__ = [
    "counted",
    "database_url",
    "furnished",
    "people",
    "repo",
    "shared",
    "shared_change",
    "shared_rows",
    "shared_settings",
    "team",
]


@pytest.fixture
def statements(client: TestClient) -> Iterator[Callable[[Callable[[], object]], int]]:
    """How many statements reading something takes.

    Of three times the fewest: the server has something to read of its own now and then.
    """
    building = client.app
    assert isinstance(building, Building)
    engine = building.db.engine if POSTGRESQL else building.db._reader
    with contextmanager(sent_to)(engine) as sent:

        def taken(read: Callable[[], object]) -> int:
            counts = []
            for _ in range(3):
                del sent[:]
                read()
                counts.append(len(sent))
            return min(counts)

        yield taken


@pytest.fixture
def writing(client: TestClient) -> Iterator[list[str]]:
    """What operations that change something have sent to the database."""
    building = client.app
    assert isinstance(building, Building)
    yield from sent_to(building.db.engine)


def sent_to(engine: AsyncEngine) -> Iterator[list[str]]:
    sent: list[str] = []

    def tell(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", tell)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", tell)
