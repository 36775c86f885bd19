"""One server for a whole file of tests, and what a polite HTTP client cannot send."""

import asyncio
import itertools
import shutil
import sqlite3
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.sql import Executable
from starlette.testclient import TestClient
from starlette.types import Message

from harbor.app import Building
from harbor.core.settings import Settings
from tests.conftest import POSTGRESQL, administer, copy_of, database, opened, running, settings_for
from tests.make import ADMIN, Login, make_project

Rows = Callable[[str], list[Any]]
Change = Callable[..., None]
numbers = itertools.count(1)
MEMORY = Path("/dev/shm")


@contextmanager
def copied(template: str, folder: Path) -> Iterator[str]:
    """The URL of a copy of the prepared database."""
    if not POSTGRESQL:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, folder / "harbor.db")
        yield f"sqlite:///{folder / 'harbor.db'}"
        return
    name = f"harbor_test_{uuid.uuid4().hex}"
    administer(copy_of(template, name))
    yield database(name)
    administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def select(url: str, statement: str) -> list[Any]:
    """The rows that a SELECT finds, beside the running server."""

    async def run() -> list[Any]:
        async with opened(url) as db, db.reading() as session:
            return [tuple(row) for row in await session.execute(text(statement))]

    return asyncio.run(run())


def change(url: str, *statements: Executable) -> None:
    """What no operation of ours does yet, done in the database beside the running server."""

    async def run() -> None:
        async with opened(url) as db, db.writing() as session:
            for statement in statements:
                await session.execute(statement)

    asyncio.run(run())


@pytest.fixture(scope="module")
def shared_settings(template: str) -> Iterator[Settings]:
    # In memory, where there is a file system in memory: hundreds of pushes would wait for a disk.
    home = MEMORY if MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="harbor-test-", dir=home) as folder:
        data = Path(folder) / "data"
        with copied(template, data) as url:
            yield settings_for(data, url)


@pytest.fixture(scope="module")
def shared(shared_settings: Settings) -> Iterator[TestClient]:
    """A server that all tests of a file share; each works in a project of its own."""
    with contextmanager(running)() as begin:
        yield begin(Building(shared_settings))


@pytest.fixture
def repo(shared: TestClient) -> str:
    """A repository's name, in a new private project on the shared server."""
    project = f"p{next(numbers)}-{uuid.uuid4().hex[:8]}"
    make_project(shared, project)
    return f"{project}/app"


@pytest.fixture(scope="module")
def shared_rows(shared_settings: Settings) -> Rows:
    return lambda statement: select(shared_settings.database, statement)


COUNTED = """
SELECT repository.name, repository.artifact_count, count(artifact.id) FROM repository
LEFT JOIN artifact ON artifact.repository_id = repository.repository_id AND artifact.listed
GROUP BY repository.name, repository.artifact_count
HAVING repository.artifact_count <> count(artifact.id)
"""
JUDGED = """
WITH known AS (SELECT artifact.*,
    EXISTS (SELECT 1 FROM tag WHERE artifact_id = artifact.id) AS has_tag,
    EXISTS (SELECT 1 FROM artifact_accessory WHERE artifact_id = artifact.id) AS is_about,
    EXISTS (SELECT 1 FROM artifact_reference WHERE child_id = artifact.id) AS is_child
    FROM artifact)
SELECT digest, listed, tagged, accessory, has_tag, is_about, is_child FROM known
WHERE tagged <> has_tag OR accessory <> is_about
OR listed <> (NOT is_about AND (has_tag OR NOT is_child))
"""


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test has done: lists know what they show, and repositories how much that is."""
    urls = []
    if "database_url" in request.fixturenames:
        urls.append(request.getfixturevalue("database_url"))
    if "shared_settings" in request.fixturenames:
        urls.append(request.getfixturevalue("shared_settings").database)
    yield
    for url in urls:
        assert not (wrong := misjudged(url)), wrong


def misjudged(url: str) -> list[Any]:
    """Repositories whose count is not what their lists show, and artifacts of which lists say what
    is not so.
    """
    return found_beside(url, COUNTED) + found_beside(url, JUDGED)


def found_beside(url: str, statement: str) -> list[Any]:
    if POSTGRESQL:
        return select(url, statement)
    # Without an engine, which costs more than many a test.
    with closing(sqlite3.connect(make_url(url).database or "")) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture(scope="module")
def shared_change(shared_settings: Settings) -> Change:
    return lambda *statements: change(shared_settings.database, *statements)


def project_of(repo: str) -> str:
    return repo.partition("/")[0]


def flush(client: TestClient) -> None:
    """Have written now what would be written within a second."""
    building = client.app
    assert isinstance(building, Building)
    in_server(client, building.later.flush)


def until(client: TestClient, found: Callable[[], object], expected: object) -> None:
    """Wait for what is written later; fail as an equation if it never comes."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        flush(client)
        if found() == expected:
            return
        time.sleep(0.05)
    assert found() == expected


def in_server(
    client: TestClient, work: Callable[..., Coroutine[Any, Any, Any]], *given: Any
) -> Any:
    """Run *work* in the event loop of the server."""
    assert client.portal is not None
    return client.portal.call(work, *given)


@dataclass
class Answer:
    """What an ASGI server would have been told to send."""

    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


@dataclass
class Raw:
    """A request as bytes on a socket allow it, and httpx does not."""

    method: str
    path: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()
    chunks: Sequence[bytes] = ()
    leaves: bool = False  # the client goes away after the chunks
    leaves_after: int = 2**63  # bytes of the answer, after which the client goes away
    sent: list[Message] = field(default_factory=list)

    async def run(self, client: TestClient) -> Answer:
        coming: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in self.chunks
        ]
        left = asyncio.Event()
        if self.leaves:
            left.set()
        else:
            coming.append({"type": "http.request", "body": b"", "more_body": False})

        async def receive() -> Message:
            if coming:
                return coming.pop(0)
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.sent.append(message)
            if sum(len(each.get("body", b"")) for each in self.sent) >= self.leaves_after:
                left.set()
            await asyncio.sleep(0)

        await client.app(self.scope(), receive, send)
        return self.answer()

    def scope(self) -> dict[str, Any]:
        path, _, query = self.path.partition(b"?")
        return {
            "type": "http",
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": unquote(path.decode("latin-1")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(self.headers),
            "client": ("testclient", 50000),
            "server": ("127.0.0.1", 8080),
        }

    def answer(self) -> Answer:
        if not self.sent:
            return Answer()
        start, *rest = self.sent
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start["headers"]}
        return Answer(start["status"], headers, b"".join(m.get("body", b"") for m in rest))


def ask(client: TestClient, method: str, path: bytes | str, **more: Any) -> Answer:
    """Send a request that httpx would refuse or tidy up."""
    raw = path if isinstance(path, bytes) else path.encode()
    answer: Answer = in_server(client, Raw(method, raw, **more).run, client)
    return answer


def basic(login: Login = ADMIN) -> tuple[bytes, bytes]:
    """The header that httpx makes of ``auth=``."""
    return b"authorization", b"Basic " + b64encode(":".join(login).encode())
