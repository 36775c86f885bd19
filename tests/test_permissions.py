"""Who may do what: every operation, tried in every role. The expected answers are in a table.

The project is private. ``permissions.csv`` has a row for each operation and a column for each
role; an operation without a row fails.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import operations
from harbor.core.openapi import camel
from tests.make import (
    ADMIN,
    OCI_MANIFEST,
    PASSWORD,
    Login,
    add_member,
    make_project,
    make_user,
    manifest_of,
    push_blob,
    push_image,
    sha256,
)

TABLE = Path(__file__).with_name("permissions.csv")
ROLES = {"limitedGuest": 5, "guest": 3, "developer": 2, "maintainer": 4, "projectAdmin": 1}
COLUMNS = ("anonymous", "stranger", *ROLES, "admin")
EMPTY = sha256(b"")
REPOSITORY = "team/app"


def table() -> dict[str, dict[str, str]]:
    with TABLE.open() as file:
        return {row["operation"]: row for row in csv.DictReader(file)}


def id_of(op: Any) -> str:
    return op.id or camel(op.handler.__name__)


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    assert set(table()) == {id_of(op) for op in operations()}


class World:
    """A server with one private project, and a way to make each request meaningful again."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        make_project(client, "team")
        self.users: dict[str, Login | None] = {"anonymous": None, "admin": ADMIN}
        for role in ("stranger", *ROLES):
            self.users[role] = make_user(client, role.lower())
        for role, role_id in ROLES.items():
            add_member(client, "team", self.users[role] or ADMIN, role_id)
        self.count = 0

    def fresh(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def member(self) -> str:
        path = add_member(self.client, "team", make_user(self.client, self.fresh("user")), 3)
        return path.rpartition("/")[2]

    def digest(self) -> str:
        return push_image(self.client, REPOSITORY, self.fresh("tag")).digest

    def blob(self) -> str:
        return push_blob(self.client, REPOSITORY, self.fresh("blob").encode())

    def upload(self, login: Login | None) -> str:
        """An upload of the caller's own, where the caller may have one."""
        for each in (login or ADMIN, ADMIN):
            made = self.client.post(f"/v2/{REPOSITORY}/blobs/uploads/", auth=each)
            if made.status_code == 202:
                return str(made.headers["Location"].rpartition("/")[2])
        raise AssertionError("nobody can begin an upload")

    def manifest(self) -> bytes:
        config, layer = self.fresh("config").encode(), self.fresh("layer").encode()
        for data in (config, layer):
            push_blob(self.client, REPOSITORY, data)
        return json.dumps(manifest_of(config, layer)).encode()


Request = dict[str, Any]


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    """What each operation is asked, beyond its path with ``team`` and ``team/app`` in it."""
    name = world.fresh
    user = {"username": name("new"), "realname": "n", "password": PASSWORD, "comment": ""}
    member = {"role_id": 3, "member_user": {"username": "stranger"}}
    return {
        "createUser": lambda: {"json": user | {"email": f"{name('m')}@example.com"}},
        "createProject": lambda: {"json": {"project_name": name("project")}},
        "headProject": lambda: {"params": {"project_name": "team"}},
        "createProjectMember": lambda: {"json": member},
        "getProjectMember": lambda: {"path": {"mid": world.member()}},
        "updateProjectMember": lambda: {"path": {"mid": world.member()}, "json": {"role_id": 2}},
        "deleteProjectMember": lambda: {"path": {"mid": world.member()}},
        "static": lambda: {"path": {"name": "harbor.css"}},
        "getToken": lambda: {"params": {"service": "harbor-registry"}},
        "getManifest": lambda: {"path": {"reference": world.digest()}},
        "putManifest": lambda: {
            "path": {"reference": name("tag")},
            "content": world.manifest(),
            "headers": {"Content-Type": OCI_MANIFEST},
        },
        "deleteManifest": lambda: {"path": {"reference": world.digest()}},
        "listReferrers": lambda: {"path": {"digest": EMPTY}},
        "listTags": lambda: {"path": {"name": REPOSITORY, "made": world.digest()}},
        "getBlob": lambda: {"path": {"digest": world.blob()}},
        "deleteBlob": lambda: {"path": {"digest": world.blob()}},
        "getUpload": lambda: {"path": {"upload_id": world.upload(login)}},
        "appendToUpload": lambda: {"path": {"upload_id": world.upload(login)}, "content": b"x"},
        "finishUpload": lambda: {
            "path": {"upload_id": world.upload(login)},
            "params": {"digest": EMPTY},
        },
        "cancelUpload": lambda: {"path": {"upload_id": world.upload(login)}},
    }


@pytest.mark.parametrize("role", COLUMNS)
def test_a_role_may_do_what_the_table_says_and_nothing_else(client: TestClient, role: str) -> None:
    world = World(client)
    login = world.users[role]
    special = requests(world, login)
    found = {}
    for op in operations():
        asked = special.get(id_of(op), dict)()
        named = {"name": REPOSITORY, "project_name_or_id": "team"} | asked.pop("path", {})
        if login:
            asked["auth"] = login
        answer = client.request(op.method, op.path.format(**named), **asked)
        found[id_of(op)] = str(answer.status_code)
        if role != "anonymous":  # the stranger must stay one
            drop_member(client, "stranger")
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
