"""Projects of every kind, as a client makes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from harbor.app import Building
from tests.conftest import running, settings_for
from tests.make import ADMIN, API, PASSWORD, add_member, make_project, make_user
from tests.registry.servers import change, copied

ROLES = {"pam": 1, "dev": 2, "guest": 3, "mia": 4, "limited": 5}
Configure = Callable[..., None]


@pytest.fixture(scope="session")
def furnished(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A prepared database that has ``team`` and everybody in it, who take long to make."""
    folder = tmp_path_factory.mktemp("furnished")
    with copied(template, folder) as url:
        with contextmanager(running)() as begin:
            client = begin(Building(settings_for(folder, url)))
            make_project(client, "team")
            for name in (*ROLES, "stranger"):
                login = make_user(client, name)
                if name in ROLES:
                    add_member(client, "team", login, ROLES[name])
        yield make_url(url).database or ""


@pytest.fixture
def database_url(request: pytest.FixtureRequest, template: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of this test's own, where its *people* are, if it has any."""
    has_people = "people" in request.fixturenames
    source = request.getfixturevalue("furnished") if has_people else template
    with copied(source, tmp_path / "data") as url:
        yield url


@pytest.fixture
def team(client: TestClient, request: pytest.FixtureRequest) -> str:
    """The path of a private project."""
    if "people" not in request.fixturenames:
        make_project(client, "team")
    return f"{API}/projects/team"


@pytest.fixture
def people(team: str) -> dict[str, Any]:
    """Somebody for each role in ``team``, the admin, somebody without a role, and nobody."""
    assert team
    logins = {name: (name, PASSWORD) for name in (*ROLES, "stranger")}
    return {"admin": ADMIN, "nobody": None, **logins}


@pytest.fixture
def configure(client: TestClient) -> Configure:
    """Changes system settings."""

    def configured(**values: Any) -> None:
        answer = client.put(f"{API}/configurations", json=values, auth=ADMIN)
        assert answer.status_code == 200, answer.text

    return configured


@pytest.fixture
def execute(database_url: str) -> Callable[[str], None]:
    """Runs a statement beside the running server."""
    return lambda statement: change(database_url, text(statement))


def error(answer: Any) -> tuple[int, str]:
    """Status and code of a failure."""
    return answer.status_code, str(answer.json()["errors"][0]["code"])


def message(answer: Any) -> str:
    return str(answer.json()["errors"][0]["message"])
