"""Labels, made as a client makes them."""

from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, Login, add_member, make_project, make_user

LABELS = f"{API}/labels"
PEOPLE = {"limited": 5, "guest": 3, "dev": 2, "mia": 4, "ann": 1, "stranger": None}


class MakeLabel(Protocol):
    def __call__(self, name: str, *, project: int = 0, **more: Any) -> str: ...


@pytest.fixture
def make_label(client: TestClient) -> MakeLabel:
    """Makes a label, global unless *project* says where; returns its path."""

    def make(name: str, *, project: int = 0, **more: Any) -> str:
        where = {"scope": "p", "project_id": project} if project else {"scope": "g"}
        made = client.post(LABELS, json={"name": name} | where | more, auth=ADMIN)
        assert made.status_code == 201, made.text
        return str(made.headers["Location"])

    return make


@pytest.fixture
def team(client: TestClient) -> int:
    """The id of a private project."""
    return make_project(client, "team")


@pytest.fixture
def people(client: TestClient, team: int) -> dict[str, Login]:
    """Somebody for each role in ``team``, and somebody without."""
    logins = {name: make_user(client, name) for name in PEOPLE}
    for name, role_id in PEOPLE.items():
        if role_id is not None:
            add_member(client, "team", logins[name], role_id)
    return logins
