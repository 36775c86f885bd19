"""Who may do what: every operation, tried in every role. The expected answers are in tables.

The project is private, and the robot may do in every project whatever robots may. ``tables/`` has
a row for each operation and a column for each role; an operation without a row fails. What an
operation is asked, beyond its path with ``team`` and ``team/app`` in it, is in ``asked/``; both
have a file for each tag.
"""

import csv
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core.openapi import camel
from harbor.doors import operations
from tests.make import ADMIN, Login
from tests.permissions.world import REPOSITORY, ROLES, Request, World

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
COLUMNS = ("anonymous", "stranger", *ROLES, "admin", "robot")


def table() -> dict[str, dict[str, str]]:
    rows = {}
    for path in (HERE / "tables").glob("*.csv"):
        with path.open() as file:
            rows.update({row["operation"]: row for row in csv.DictReader(file)})
    return rows


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    found: dict[str, Callable[[], Request]] = {}
    for path in (HERE / "asked").glob("[a-z]*.py"):
        found |= import_module(f"tests.permissions.asked.{path.stem}").requests(world, login)
    return found


def id_of(op: Any) -> str:
    return op.id or camel(op.handler.__name__)


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert set(table()) == {id_of(op) for op in operations()}


@pytest.mark.parametrize("role", COLUMNS)
def test_a_role_may_do_what_the_table_says_and_nothing_else(client: TestClient, role: str) -> None:
    world = World(client)
    login = world.users[role]
    special = requests(world, login)
    found = {}
    # Whoever creates a project leads one from then on, which would change other answers.
    for op in sorted(operations(), key=lambda op: op.handler.__name__.startswith("create_project")):
        asked = special.get(id_of(op), dict)()
        named = {"name": REPOSITORY, "project_name_or_id": "team"} | asked.pop("path", {})
        if login:
            asked["auth"] = login
        answer = client.request(op.method, op.path.format(**named), **asked)
        found[id_of(op)] = str(answer.status_code)
        if (
            role != "anonymous"
            and op.method != "GET"
            and answer.is_success | answer.has_redirect_location
        ):
            drop_member(client, "stranger")  # who must stay one
    expected = {name: row[role] for name, row in table().items()}
    assert found == expected


def drop_member(client: TestClient, username: str) -> None:
    members = client.get(
        "/api/v2.0/projects/team/members", params={"entityname": username}, auth=ADMIN
    ).json()
    for member in members:
        if member["entity_name"] == username:
            gone = client.delete(f"/api/v2.0/projects/team/members/{member['id']}", auth=ADMIN)
            assert gone.status_code == 200
