"""Robots through the REST API."""

from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.users.models import User
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    error_of,
    make_project,
    make_robot,
    make_user,
    message_of,
    robot_of,
)
from tests.registry.servers import change

ROBOTS = f"{API}/robots"
DAY_S = 24 * 3600
PULL = {"team": ["repository:pull"]}


@pytest.fixture
def team(client: TestClient) -> int:
    return make_project(client, "team")


def post(client: TestClient, body: dict[str, Any], login: Login = ADMIN) -> Any:
    return client.post(ROBOTS, json=body, auth=login)


def get(client: TestClient, robot_id: int) -> dict[str, Any]:
    answer = client.get(f"{ROBOTS}/{robot_id}", auth=ADMIN)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(client: TestClient, **params: Any) -> list[str]:
    answer = client.get(ROBOTS, params=params, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Total-Count"] == str(len(answer.json()))
    return [each["name"] for each in answer.json()]


def test_a_new_robot_of_a_project(client: TestClient, team: int) -> None:
    body = robot_of("ci", PULL, duration=30) | {"description": "builds"}
    made = post(client, body | {"secret": "Chosen-secret-1", "disable": True})
    assert made.status_code == 201
    told = made.json()
    assert set(told) == {"id", "name", "secret", "creation_time", "expires_at"}
    assert made.headers["Location"] == f"{ROBOTS}/{told['id']}"
    assert told["name"] == "robot$team+ci"
    assert len(told["secret"]) == 32  # what the body says of it is ignored, as in Harbor
    found = get(client, told["id"])
    assert found == {
        "id": told["id"],
        "name": "robot$team+ci",
        "description": "builds",
        "level": "project",
        "duration": 30,
        "editable": True,
        "disable": False,
        "expires_at": told["expires_at"],
        "permissions": [
            {
                "kind": "project",
                "namespace": "team",
                "access": [{"resource": "repository", "action": "pull", "effect": "allow"}],
            }
        ],
        "creator_type": "local",
        "creator_ref": 1,
        "creation_time": told["creation_time"],
        "update_time": told["creation_time"],
    }


def test_a_new_robot_of_the_system(client: TestClient, team: int) -> None:
    places = {"/": ["catalog:read"], "*": ["repository:pull"], "team": ["repository:push"]}
    told = post(client, robot_of("ci", places, level="system")).json()
    assert (told["name"], told["expires_at"]) == ("robot$ci", -1)
    found = get(client, told["id"])
    assert {(each["kind"], each["namespace"]) for each in found["permissions"]} == {
        ("system", "/"),
        ("project", "*"),
        ("project", "team"),
    }
    assert "secret" not in found


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "Upper"},
        {"name": "a--b"},
        {"name": "a+b"},
        {"name": "a" * 200},
        {"level": "world"},
        {"duration": 0},
        {"duration": -2},
        {"duration": 2**31 - 1},
        {"permissions": []},
        {"permissions": [{"kind": "project", "namespace": "team", "access": []}]},
    ],
)
def test_what_no_robot_can_be(client: TestClient, team: int, wrong: dict[str, Any]) -> None:
    assert error_of(post(client, robot_of("ci", PULL) | wrong)) == (400, "BAD_REQUEST")
    assert names(client, q=f"Level=project,ProjectID={team}") == []


@pytest.mark.parametrize(
    ("level", "places", "status"),
    [
        ("project", {"team": ["repository:fly"]}, 400),
        ("project", {"team": ["robot:update"]}, 400),
        ("project", {"team": ["catalog:read"]}, 400),
        ("project", {"/": ["catalog:read"]}, 400),
        ("project", {"*": ["repository:pull"]}, 400),
        ("project", {"team": ["repository:pull"], "library": ["repository:pull"]}, 400),
        ("project", {"nowhere": ["repository:pull"]}, 404),
        ("system", {"/": ["repository:pull"]}, 400),
        ("system", {"/": ["configuration:update"]}, 400),
        ("system", {"nowhere": ["repository:pull"]}, 404),
    ],
)
def test_what_no_robot_is_given(
    client: TestClient, team: int, level: str, places: dict[str, list[str]], status: int
) -> None:
    assert post(client, robot_of("ci", places, level=level)).status_code == status


def test_the_message_names_what_cannot_be_given(client: TestClient, team: int) -> None:
    answer = post(client, robot_of("ci", {"team": ["repository:fly"]}))
    assert message_of(answer) == "bad request permission: repository:fly"


def test_a_name_is_unique_where_it_belongs(client: TestClient, team: int) -> None:
    make_robot(client, "ci", PULL)
    make_robot(client, "ci", PULL, level="system")
    make_project(client, "other")
    make_robot(client, "ci", {"other": ["repository:pull"]})
    assert error_of(post(client, robot_of("ci", PULL))) == (409, "CONFLICT")


def test_a_name_that_a_user_has_is_refused(client: TestClient, database_url: str) -> None:
    client.put(f"{API}/configurations", json={"robot_name_prefix": "bot."}, auth=ADMIN)
    make_user(client, "ann")
    # Nobody gets such a name any more, but somebody may have it from before.
    change(database_url, update(User).where(User.username == "ann").values(username="bot.ci"))
    answer = post(client, robot_of("ci", {"/": ["catalog:read"]}, level="system"))
    assert error_of(answer) == (409, "CONFLICT")


def test_lists(client: TestClient, team: int) -> None:
    for name in ("beta", "alpha"):
        make_robot(client, name, PULL)
    make_robot(client, "global", PULL, level="system")
    assert names(client) == names(client, q="Level=system") == ["robot$global"]
    here = f"Level=project,ProjectID={team}"
    assert names(client, q=here) == ["robot$team+alpha", "robot$team+beta"]
    assert names(client, q=here, sort="-name") == ["robot$team+beta", "robot$team+alpha"]
    assert names(client, q=f"{here},name=~alp") == ["robot$team+alpha"]
    assert names(client, q=f"{here},name=team%2Bbeta") == ["robot$team+beta"]
    assert names(client, q=f"{here},disable=true") == []


@pytest.mark.parametrize(
    "q", ["Level=project", "Level=project,ProjectID=0", "Level=project,ProjectID=x", "Level=all"]
)
def test_a_list_needs_a_place(client: TestClient, q: str) -> None:
    assert client.get(ROBOTS, params={"q": q}, auth=ADMIN).status_code == 400


def test_a_filter_tells_nothing_of_secrets(client: TestClient, team: int) -> None:
    make_robot(client, "ci", PULL)
    here = f"Level=project,ProjectID={team}"
    for key in ("secret", "Secret", "salt", "permissions"):
        assert names(client, q=f"{here},{key}=~zzz") == ["robot$team+ci"]  # no key of ours


def test_a_change(client: TestClient, team: int) -> None:
    made = post(client, robot_of("ci", PULL, duration=30)).json()
    body = robot_of("ci", {"team": ["repository:pull", "tag:create"]}, duration=10)
    body |= {"name": made["name"], "description": "new", "disable": True}
    path = f"{ROBOTS}/{made['id']}"
    assert client.put(path, json=body, auth=ADMIN).status_code == 200
    found = get(client, made["id"])
    assert (found["description"], found["disable"], found["duration"]) == ("new", True, 10)
    assert found["expires_at"] == made["expires_at"] - 20 * DAY_S
    assert len(found["permissions"][0]["access"]) == 2
    assert client.put(path, json=body | {"duration": None}, auth=ADMIN).status_code == 200
    assert get(client, made["id"])["duration"] == 10
    make_project(client, "other")
    changes: list[dict[str, Any]] = [
        {"name": "ci"},
        {"level": "system"},
        {"duration": 0},
        {"permissions": []},
        {"permissions": robot_of("ci", {"other": ["repository:pull"]})["permissions"]},
    ]
    for wrong in changes:
        assert client.put(path, json=body | wrong, auth=ADMIN).status_code == 400, wrong


def test_secrets_are_replaced(client: TestClient, team: int) -> None:
    made = post(client, robot_of("ci", PULL)).json()
    path, name = f"{ROBOTS}/{made['id']}", made["name"]

    def lets_in(secret: str) -> bool:
        return client.get("/v2/", auth=(name, secret)).status_code == 200

    assert lets_in(made["secret"])
    fresh = client.patch(path, json={}, auth=ADMIN).json()["secret"]
    assert (lets_in(fresh), lets_in(made["secret"])) == (True, False)
    chosen = client.patch(path, json={"secret": "Chosen-secret-1"}, auth=ADMIN)
    assert chosen.json() == {"secret": ""}
    assert (lets_in("Chosen-secret-1"), lets_in("Chosen-secret-1"), lets_in(fresh)) == (
        True,
        True,
        False,
    )
    assert client.patch(path, json={"secret": "weak"}, auth=ADMIN).status_code == 400
    assert lets_in("Chosen-secret-1")


def test_they_go_with_their_project(client: TestClient, team: int) -> None:
    made = post(client, robot_of("ci", PULL)).json()
    wide = post(client, robot_of("wide", PULL | {"/": ["catalog:read"]}, level="system")).json()
    assert client.delete(f"{API}/projects/{team}", auth=ADMIN).status_code == 200
    assert client.get(f"{ROBOTS}/{made['id']}", auth=ADMIN).status_code == 404
    assert client.get("/v2/", auth=(made["name"], made["secret"])).status_code == 401
    assert [each["namespace"] for each in get(client, wide["id"])["permissions"]] == ["/"]
    # A project of the same name is another one.
    again = make_project(client, "team")
    assert names(client, q=f"Level=project,ProjectID={again}") == []
    login = wide["name"], wide["secret"]
    assert client.get(f"{API}/projects/team/repositories", auth=login).status_code == 403


def test_what_is_not_there(client: TestClient) -> None:
    for method in ("GET", "DELETE"):
        assert client.request(method, f"{ROBOTS}/77", auth=ADMIN).status_code == 404
    assert client.get(f"{ROBOTS}/{2**40}", auth=ADMIN).status_code == 422


def test_no_robot_for_a_foreign_project(client: TestClient, team: int) -> None:
    """CVE-2019-16919, and its like by ids (CVE-2022-31667)."""
    eve = make_user(client, "eve")
    make_project(client, "own", owner=eve)
    own = post(client, robot_of("ci", {"own": ["repository:pull"]}), eve).json()
    theirs = post(client, robot_of("ci", PULL)).json()
    assert post(client, robot_of("spy", PULL), eve).status_code == 403
    assert post(client, robot_of("spy", {"nowhere": ["tag:list"]}), eve).status_code == 403
    assert post(client, robot_of("spy", PULL, level="system"), eve).status_code == 403
    path = f"{ROBOTS}/{theirs['id']}"
    body = robot_of("ci", PULL) | {"name": theirs["name"]}
    for method, told in (("GET", None), ("PUT", body), ("PATCH", {}), ("DELETE", None)):
        assert client.request(method, path, json=told, auth=eve).status_code == 403
    assert client.get(ROBOTS, auth=eve).status_code == 403
    moved = robot_of("ci", PULL) | {"name": own["name"]}
    assert client.put(f"{ROBOTS}/{own['id']}", json=moved, auth=eve).status_code == 400
    assert client.get("/v2/", auth=(theirs["name"], theirs["secret"])).status_code == 200


def test_a_guest_sees_robots_and_no_more(client: TestClient, team: int) -> None:
    made = post(client, robot_of("ci", PULL)).json()
    guest = make_user(client, "guest")
    add_member(client, "team", guest, 3)
    found = client.get(f"{ROBOTS}/{made['id']}", auth=guest)
    assert found.status_code == 200
    assert made["secret"] not in found.text
    assert client.patch(f"{ROBOTS}/{made['id']}", json={}, auth=guest).status_code == 403
