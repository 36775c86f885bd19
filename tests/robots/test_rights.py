"""What robots may do: what they were given, where they were given it, and nothing else."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.core.security import EVERYWHERE, OF_SYSTEM, Given, Robot
from tests.make import (
    ADMIN,
    API,
    PASSWORD,
    Login,
    bearer,
    error_of,
    make_project,
    make_robot,
    make_user,
    push_image,
    robot_of,
)

ROBOTS = f"{API}/robots"
PULL, PUSH, LIST = ("repository", "pull"), ("repository", "push"), ("repository", "list")


def given(*allowed: tuple[str, str], but: tuple[tuple[str, str], ...] = ()) -> Given:
    return Given(frozenset(allowed), frozenset(but))


def test_places() -> None:
    robot = Robot(1, 0, -1, {EVERYWHERE: given(PULL, LIST), 5: given(PUSH, but=(PULL,))})
    assert robot.may(7, *PULL)
    assert not robot.may(7, *PUSH)
    assert robot.may(5, *PUSH)
    assert not robot.may(5, *PULL)  # what is denied counts first
    assert not robot.may(OF_SYSTEM, *PULL)
    assert robot.may(EVERYWHERE, *LIST)
    assert not robot.may(EVERYWHERE, *PULL)
    assert robot.places(PULL) == (True, [5])
    assert robot.places(PUSH) == (False, [5])
    assert robot.places() == (True, [])
    assert Robot(1, 5, -1, {5: given(PULL)}).places(LIST) == (False, [])


@pytest.fixture
def shop(client: TestClient) -> TestClient:
    for name in ("team", "other"):
        make_project(client, name)
        push_image(client, f"{name}/app")
    return client


def status(client: TestClient, login: Login, name: str, action: str) -> int:
    method, path = {
        "pull": ("GET", "manifests/1.0"),
        "push": ("POST", "blobs/uploads/"),
        "delete": ("DELETE", "manifests/none"),
    }[action]
    return client.request(method, f"/v2/{name}/{path}", auth=login).status_code


def test_a_robot_of_a_project_does_nothing_elsewhere(shop: TestClient) -> None:
    robot = make_robot(shop, "ci", {"team": ["repository:pull", "repository:list"]})
    assert status(shop, robot, "team/app", "pull") == 200
    assert status(shop, robot, "team/app", "push") == 401
    assert status(shop, robot, "other/app", "pull") == 401
    assert shop.get(f"{API}/projects/team/repositories", auth=robot).status_code == 200
    assert shop.get(f"{API}/projects/other/repositories", auth=robot).status_code == 403
    assert shop.get(f"{API}/projects/nowhere/repositories", auth=robot).status_code == 403
    assert shop.get(f"{API}/projects/team/members", auth=robot).status_code == 403
    headers = bearer(shop, robot, "repository:team/app:pull", "repository:other/app:pull")
    assert shop.get("/v2/other/app/manifests/1.0", headers=headers).status_code == 401


def test_push_implies_pull_only_for_a_robot_of_a_project(shop: TestClient) -> None:
    own = make_robot(shop, "own", {"team": ["repository:push"]})
    wide = make_robot(shop, "wide", {"team": ["repository:push"]}, level="system")
    assert [status(shop, each, "team/app", "push") for each in (own, wide)] == [202, 202]
    assert [status(shop, each, "team/app", "pull") for each in (own, wide)] == [200, 401]


def test_everywhere_means_new_projects_too_but_not_what_is_denied(shop: TestClient) -> None:
    body = robot_of("wide", {"*": ["repository:pull"], "other": ["repository:pull"]})
    body["level"] = "system"
    body["permissions"][1]["access"][0]["effect"] = "deny"
    made = shop.post(ROBOTS, json=body, auth=ADMIN).json()
    robot = made["name"], made["secret"]
    make_project(shop, "new")
    push_image(shop, "new/app")
    found = [status(shop, robot, f"{each}/app", "pull") for each in ("team", "new", "other")]
    assert found == [200, 200, 401]


def test_what_is_public_is_so_for_robots(shop: TestClient) -> None:
    make_project(shop, "open", public=True)
    push_image(shop, "open/app")
    robot = make_robot(shop, "ci", {"team": ["tag:list"]})
    assert status(shop, robot, "open/app", "pull") == 200
    assert status(shop, robot, "open/app", "push") == 401


def names(client: TestClient, path: str, login: Login, key: str = "name") -> list[str]:
    return sorted(each[key] for each in client.get(f"{API}{path}", auth=login).json())


def test_lists_hold_what_it_may_see(shop: TestClient) -> None:
    some = make_robot(shop, "some", {"team": ["repository:pull"]}, level="system")
    lists = make_robot(shop, "lists", {"team": ["repository:list"]}, level="system")
    every = make_robot(shop, "every", {"*": ["repository:list"]}, level="system")
    assert names(shop, "/projects", some) == ["library", "team"]
    assert names(shop, "/repositories", some) == []
    assert names(shop, "/repositories", lists) == ["team/app"]
    assert names(shop, "/projects", every) == ["library", "other", "team"]
    assert names(shop, "/repositories", every) == ["other/app", "team/app"]
    found = shop.get(f"{API}/search", params={"q": "team"}, auth=every).json()
    assert (found["project"], found["repository"]) == ([], [])  # as in Harbor


def test_the_log(shop: TestClient) -> None:
    nothing = make_robot(shop, "nothing", {"team": ["tag:list"]})
    project = make_robot(shop, "logs", {"team": ["log:list"]})
    system = make_robot(shop, "auditor", {"/": ["audit-log:list"]}, level="system")
    every = make_robot(shop, "every", {"*": ["log:list"]}, level="system")

    def found(login: Login) -> set[str]:
        lines = shop.get(f"{API}/auditlog-exts", params={"page_size": 100}, auth=login).json()
        return {each["resource"] for each in lines}

    assert found(nothing) == set()
    assert "robot$team+logs" in found(project)
    assert "robot$auditor" not in found(project)
    assert "robot$auditor" in found(system)
    assert "robot$auditor" not in found(every)
    assert "other" in found(every)


def test_the_system(shop: TestClient) -> None:
    robot = make_robot(shop, "ci", {"/": ["catalog:read", "quota:list"]}, level="system")
    assert shop.get("/v2/_catalog", auth=robot).status_code == 200
    headers = bearer(shop, robot, "registry:catalog:*")
    assert shop.get("/v2/_catalog", headers=headers).status_code == 401
    assert shop.get(f"{API}/quotas", auth=robot).status_code == 200
    for path in ("/users", "/configurations", "/robots", "/users/search?username=a"):
        assert shop.get(f"{API}{path}", auth=robot).status_code == 403
    assert shop.get(f"{API}/permissions", auth=robot).status_code == 403
    assert error_of(shop.get(f"{API}/users/current", auth=robot)) == (412, "PRECONDITION")
    own = shop.get(f"{API}/users/current/permissions?scope=/system&relative=true", auth=robot)
    assert own.json() == [
        {"resource": "catalog", "action": "read"},
        {"resource": "quota", "action": "list"},
    ]


def test_projects_are_made_by_robots_of_the_system_that_may(shop: TestClient) -> None:
    body = {"project_name": "made"}
    plain = make_robot(shop, "ci", {"team": ["project:update"]})
    wide = make_robot(shop, "wide", {"*": ["project:read"]}, level="system")
    for login in (plain, wide):
        assert shop.post(f"{API}/projects", json=body, auth=login).status_code == 403
    maker = make_robot(shop, "maker", {"/": ["project:create"]}, level="system")
    assert shop.post(f"{API}/projects", json=body, auth=maker).status_code == 201
    assert shop.get(f"{API}/projects/made", auth=ADMIN).json()["owner_name"] == "admin"


def make_more(client: TestClient, login: Login, body: dict[str, Any]) -> int:
    return client.post(ROBOTS, json=body, auth=login).status_code


def test_a_robot_gives_no_more_than_it_has(shop: TestClient) -> None:
    robot = make_robot(shop, "ci", {"team": ["robot:create", "repository:pull"]})
    assert make_more(shop, robot, robot_of("a", {"team": ["repository:pull"]})) == 201
    answer = shop.post(ROBOTS, json=robot_of("b", {"team": ["repository:push"]}), auth=robot)
    assert error_of(answer) == (403, "DENIED")
    assert make_more(shop, robot, robot_of("b", {"other": ["repository:pull"]})) == 403
    assert make_more(shop, robot, robot_of("b", {"nowhere": ["repository:pull"]})) == 403
    wide = robot_of("b", {"team": ["repository:pull"]}, level="system")
    assert make_more(shop, robot, wide) == 403
    child = shop.get(
        ROBOTS,
        params={"q": f"Level=project,ProjectID={id_of(shop, 'team')},name=a"},
        auth=ADMIN,
    ).json()[0]
    assert child["creator_type"] == "robot"
    # It cannot be given the right to change any, itself least of all.
    path = f"{ROBOTS}/{child['id']}"
    assert shop.patch(path, json={}, auth=robot).status_code == 403
    body = robot_of("a", {"team": ["repository:pull"]}) | {"name": child["name"]}
    assert shop.put(path, json=body, auth=robot).status_code == 403


def test_nor_does_a_robot_of_the_system(shop: TestClient) -> None:
    held = {"/": ["robot:create"], "team": ["repository:pull"], "*": ["tag:list"]}
    robot = make_robot(shop, "ci", held, level="system")
    for places, wanted in (
        ({"team": ["repository:pull", "tag:list"]}, 201),
        ({"*": ["tag:list"]}, 201),
        ({"other": ["tag:list"]}, 201),
        ({"*": ["repository:pull"]}, 403),
        ({"other": ["repository:pull"]}, 403),
        ({"/": ["user:update"]}, 403),
        ({"/": ["robot:create"]}, 201),
    ):
        name = f"to-{len(names(shop, '/robots', ADMIN))}"
        assert make_more(shop, robot, robot_of(name, places, level="system")) == wanted, places


def id_of(client: TestClient, project: str) -> int:
    return int(client.get(f"{API}/projects/{project}", auth=ADMIN).json()["project_id"])


def test_a_denial_is_not_got_round_by_a_robot_of_its_own(shop: TestClient) -> None:
    body = robot_of(
        "ci", {"/": ["robot:create"], "*": ["repository:pull"], "other": ["repository:pull"]}
    )
    body["level"] = "system"
    body["permissions"][2]["access"][0]["effect"] = "deny"
    made = shop.post(ROBOTS, json=body, auth=ADMIN).json()
    robot = made["name"], made["secret"]
    for namespace, wanted in (("*", 403), ("other", 403), ("team", 201)):
        child = robot_of(f"c{wanted}{len(namespace)}", {namespace: ["repository:pull"]})
        assert make_more(shop, robot, child | {"level": "system"}) == wanted


def test_a_robot_becomes_nobody(shop: TestClient) -> None:
    """A right to change users makes no administrator, of whomever."""
    robot = make_robot(shop, "ci", {"/": ["user:update", "user:delete"]}, level="system")
    make_user(shop, "ann")
    found = shop.get(f"{API}/users/search", params={"username": "ann"}, auth=ADMIN).json()
    ann, admin = f"{API}/users/{found[0]['user_id']}", f"{API}/users/1"
    profile = {"email": "robot@example.com", "realname": "r", "comment": ""}
    for path in (ann, admin):
        flag = shop.put(f"{path}/sysadmin", json={"sysadmin_flag": True}, auth=robot)
        password = shop.put(f"{path}/password", json={"new_password": PASSWORD}, auth=robot)
        assert (flag.status_code, password.status_code) == (403, 403)
    assert shop.put(admin, json=profile, auth=robot).status_code == 403
    assert shop.delete(admin, auth=robot).status_code == 403
    assert shop.put(ann, json=profile, auth=robot).status_code == 200
    assert shop.post("/api/internal/renameadmin", auth=robot).status_code == 403
    assert shop.delete(ann, auth=robot).status_code == 200
