"""``GET /users/current/permissions``: what the portal shows depends on it."""

import pytest
from starlette.testclient import TestClient

from harbor.core import rbac
from tests.make import ADMIN, API, Login, add_member, make_project, make_user

LETTERS = {1: "A", 4: "M", 2: "D", 3: "G", 5: "L"}


def held(client: TestClient, login: Login, scope: str, relative: str = "true") -> set[str]:
    answer = client.get(
        f"{API}/users/current/permissions",
        params={"scope": scope, "relative": relative},
        auth=login,
    )
    assert answer.status_code == 200, answer.text
    found = [f"{each['resource']}:{each['action']}" for each in answer.json()]
    assert len(found) == len(set(found))
    assert all(each.keys() == {"resource", "action"} for each in answer.json())
    return set(found)


def expected(letters: str) -> set[str]:
    return {
        f"{'.' if resource == 'project' else resource}:{action}"
        for (resource, action), who in rbac.ALLOWED.items()
        if set(letters) & set(who)
    }


@pytest.mark.parametrize("role_id", LETTERS)
@pytest.mark.parametrize("public", [False, True])
def test_a_member_holds_what_the_role_gives(client: TestClient, role_id: int, public: bool) -> None:
    project_id = make_project(client, "team", public=public)
    ann = make_user(client, "ann")
    add_member(client, "team", ann, role_id)
    letters = LETTERS[role_id] + ("P" if public else "")
    assert held(client, ann, f"/project/{project_id}") == expected(letters)


def test_a_stranger_holds_what_is_public(client: TestClient) -> None:
    ann = make_user(client, "ann")
    private, public = make_project(client, "team"), make_project(client, "open", public=True)
    assert held(client, ann, f"/project/{private}") == set()
    found = held(client, ann, f"/project/{public}")
    assert found == expected("P")
    assert {".:read", "repository:pull", "artifact:list"} <= found
    assert not {"repository:read", "repository:push", "member:list"} & found


def test_an_administrator_holds_everything(client: TestClient) -> None:
    project_id = make_project(client, "team", owner=make_user(client, "ann"))
    assert held(client, ADMIN, f"/project/{project_id}") == expected("AMDGLP")


def test_resources_are_whole_paths_unless_asked_otherwise(client: TestClient) -> None:
    project_id = make_project(client, "team")
    scope = f"/project/{project_id}"
    found = held(client, ADMIN, scope, "false")
    assert {f"{scope}:delete", f"{scope}/repository:push"} <= found
    assert all(each.startswith(scope) for each in found)
    plain = client.get(f"{API}/users/current/permissions", params={"scope": scope}, auth=ADMIN)
    assert {"resource": f"{scope}/tag", "action": "list"} in plain.json()


def test_the_system_belongs_to_administrators(client: TestClient) -> None:
    found = held(client, ADMIN, "/system")
    assert {"configuration:update", "user:create", "project:list", "scan-all:stop"} <= found
    assert len(found) == 53
    assert "/system/configuration:update" in held(client, ADMIN, "/system", "false")
    assert "/system/project:list" in held(client, ADMIN, "/system", "false")
    assert held(client, make_user(client, "ann"), "/system") == set()


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "/",
        "/project",
        "/project/",
        "/project/999",
        "/project/99999999999999999999",
        "/project/library",
        "/project/-1",
        "/project/1/repository",
        "/project/\N{ARABIC-INDIC DIGIT ONE}",
        "project/1",
        "/system/user",
        "/nothing",
        "/project/1\n",
    ],
)
def test_in_an_unknown_scope_nobody_holds_anything(shared: TestClient, scope: str) -> None:
    assert held(shared, ADMIN, scope) == set()


def test_a_project_that_was_deleted_is_none(client: TestClient) -> None:
    project_id = make_project(client, "team")
    assert client.delete(f"{API}/projects/team", auth=ADMIN).status_code == 200
    assert held(client, ADMIN, f"/project/{project_id}") == set()


def test_what_is_no_truth_value_is_refused(shared: TestClient) -> None:
    answer = shared.get(
        f"{API}/users/current/permissions", params={"relative": "perhaps"}, auth=ADMIN
    )
    assert answer.status_code == 422


def test_strangers_are_not_told(shared: TestClient) -> None:
    assert shared.get(f"{API}/users/current/permissions").status_code == 401
