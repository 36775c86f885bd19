"""Projects of every kind, as a client makes them."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from tests.make import ADMIN, API, add_member, make_project, make_user
from tests.registry.servers import change

ROLES = {"pam": 1, "dev": 2, "guest": 3, "mia": 4, "limited": 5}
Configure = Callable[..., None]


@pytest.fixture
def team(client: TestClient) -> str:
    """The path of a private project."""
    make_project(client, "team")
    return f"{API}/projects/team"


@pytest.fixture
def people(client: TestClient, team: str) -> dict[str, Any]:
    """Somebody for each role in ``team``, the admin, somebody without a role, and nobody."""
    logins: dict[str, Any] = {"admin": ADMIN, "nobody": None}
    for name in (*ROLES, "stranger"):
        login = logins[name] = make_user(client, name)
        if name in ROLES:
            add_member(client, "team", login, ROLES[name])
    return logins


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
