"""A server on which every request of the permission tests has a meaning."""

import json
from typing import Any

from starlette.testclient import TestClient

from harbor.core import grantable
from tests.make import (
    ADMIN,
    Login,
    add_member,
    make_project,
    make_robot,
    make_user,
    manifest_of,
    push_blob,
    push_image,
)

ROLES = {"limitedGuest": 5, "guest": 3, "developer": 2, "maintainer": 4, "projectAdmin": 1}
REPOSITORY = "team/app"
OF_PROJECTS = [":".join(pair) for pair in grantable.pairs(grantable.PROJECT)]
Request = dict[str, Any]


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
        self.users["robot"] = make_robot(client, "machine", {"*": OF_PROJECTS}, level="system")
        self.count = 0

    def fresh(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def project(self) -> str:
        """The name of one more private project, in which everybody has the same role."""
        name = self.fresh("project")
        make_project(self.client, name)
        for role, role_id in ROLES.items():
            add_member(self.client, name, self.users[role] or ADMIN, role_id)
        return name

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
