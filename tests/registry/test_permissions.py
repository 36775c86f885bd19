"""Who may pull, push and delete: every role, public and private, by password and by token."""

from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core import rbac
from tests.make import (
    ADMIN,
    OCI_MANIFEST,
    Login,
    Pushed,
    add_member,
    bearer,
    make_project,
    make_user,
    push_image,
    sha256,
)

pytestmark = pytest.mark.once

ROLES = {"projectAdmin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limitedGuest": 5}
CALLERS = (*ROLES, "stranger", "anonymous", "admin")
# Harbor's matrix; in a public project anybody may pull.
ALLOWED = {
    "pull": {"projectAdmin", "maintainer", "developer", "guest", "limitedGuest", "admin"},
    "push": {"projectAdmin", "maintainer", "developer", "admin"},
    "delete": {"projectAdmin", "maintainer", "admin"},
}


@dataclass
class World:
    client: TestClient
    images: dict[str, Pushed]
    logins: dict[str, Login | None]

    def credentials(self, caller: str, kind: str, repo: str) -> dict[str, Any]:
        login = self.logins[caller]
        if kind == "token":
            return {"headers": bearer(self.client, login, f"repository:{repo}:pull,push,delete")}
        return {"auth": login or ("nobody", "at all")}

    def answers(self, action: str, repo: str, how: dict[str, Any]) -> set[int]:
        """The statuses of all that needs the right to do *action*."""
        found = set()
        for method, path, more in self.roads(action, repo):
            headers = how.get("headers", {}) | more.get("headers", {})
            asked = {**how, **more, "headers": headers}
            found.add(self.client.request(method, f"/v2/{repo}/{path}", **asked).status_code)
        return found

    def roads(self, action: str, repo: str) -> list[tuple[str, str, dict[str, Any]]]:
        image = self.images[repo]
        blob = sha256(image.blobs[0])
        manifest = {"content": image.raw, "headers": {"Content-Type": OCI_MANIFEST}}
        gone = sha256(b"nothing")
        if action == "pull":
            return [
                ("GET", "tags/list", {}),
                ("GET", "manifests/1.0", {}),
                ("HEAD", f"manifests/{image.digest}", {}),
                ("GET", f"blobs/{blob}", {}),
                ("HEAD", f"blobs/{blob}", {}),
                ("GET", f"referrers/{image.digest}", {}),
            ]
        if action == "push":
            return [
                ("POST", "blobs/uploads/", {}),
                ("POST", "blobs/uploads/", {"params": {"digest": sha256(b"")}}),
                ("POST", "blobs/uploads/", {"params": {"mount": blob, "from": repo}}),
                ("PUT", "manifests/2.0", manifest),
                ("PUT", f"manifests/{image.digest}", manifest),
            ]
        return [
            ("DELETE", "manifests/none", {}),
            ("DELETE", f"manifests/{gone}", {}),
            ("DELETE", f"blobs/{gone}", {}),
        ]


@pytest.fixture(scope="module")
def world(shared: TestClient) -> World:
    images = {}
    logins: dict[str, Login | None] = {"anonymous": None, "admin": ADMIN}
    for caller in ("stranger", *ROLES):
        logins[caller] = make_user(shared, caller)
    for project, public in (("open", True), ("closed", False)):
        make_project(shared, project, public=public)
        images[f"{project}/app"] = push_image(shared, f"{project}/app")
        for role, role_id in ROLES.items():
            add_member(shared, project, logins[role] or ADMIN, role_id)
    return World(shared, images, logins)


@pytest.mark.parametrize("kind", ["password", "token"])
@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("visibility", ["open", "closed"])
@pytest.mark.parametrize("caller", CALLERS)
def test_the_matrix_holds(
    world: World, caller: str, visibility: str, action: str, kind: str
) -> None:
    repo = f"{visibility}/app"
    allowed = caller in ALLOWED[action] or (visibility == "open" and action == "pull")
    let_in = {"pull": {200}, "push": {202, 201}, "delete": {404}}[action]
    found = world.answers(action, repo, world.credentials(caller, kind, repo))
    assert found == (let_in if allowed else {401})


def test_the_programs_table_is_harbors() -> None:
    for role, role_id in ROLES.items():
        for action, who in ALLOWED.items():
            held = rbac.role_allows(frozenset((role_id,)), "repository", action)
            assert held == (role in who), (role, action)
    assert [a for a in ALLOWED if rbac.public_allows("repository", a)] == ["pull"]


@pytest.mark.parametrize("caller", ["stranger", "guest"])
def test_who_may_pull_may_not_touch_uploads(world: World, caller: str) -> None:
    started = world.client.post("/v2/open/app/blobs/uploads/", auth=ADMIN)
    location = started.headers["Location"]
    login = world.logins[caller]
    assert login is not None
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        assert world.client.request(method, location, auth=login).status_code == 401
