"""Rules about robots: who can be in one, who writes them, and what becomes of them."""

from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.robots.models import Robot
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    error_of,
    make_project,
    make_repository_rule,
    make_robot,
    make_user,
    push_image,
    robot_of,
)
from tests.projects.pages import audit
from tests.registry.servers import change

GUEST, DEVELOPER, MAINTAINER = 3, 2, 4
PULL = ["repository:pull"]
CI = "robot$team+ci"
ROBOTS = f"{API}/robots"


@pytest.fixture
def ci(client: TestClient) -> Login:
    """The robot ``ci`` of ``team``, which pulls."""
    make_project(client, "team")
    push_image(client, "team/app/web")
    return make_robot(client, "ci", {"team": PULL})


def rules(client: TestClient, *path: object, project: str = "team") -> str:
    project_id = client.get(f"{API}/projects/{project}", auth=ADMIN).json()["project_id"]
    return "/".join((f"{API}/projects/{project_id}/repositoryrules", *map(str, path)))


def listed(client: TestClient, project: str = "team") -> list[tuple[str, str, str]]:
    found = client.get(rules(client, project=project), auth=ADMIN).json()
    return [
        (each["subject"].get("name", "*"), each["pattern"], each["role_name"]) for each in found
    ]


def about(name: str, role_id: int = DEVELOPER, pattern: str = "app/**") -> dict[str, Any]:
    return {"subject": {"type": "robot", "name": name}, "pattern": pattern, "role_id": role_id}


def write(client: TestClient, name: str, *, by: Login = ADMIN) -> int:
    return client.post(rules(client), json=about(name), auth=by).status_code


def id_of(client: TestClient, name: str, where: str = "") -> int:
    found = client.get(ROBOTS, params={"q": where} if where else {}, auth=ADMIN).json()
    return int(next(each["id"] for each in found if each["name"] == name))


def of_team(client: TestClient) -> str:
    project_id = client.get(f"{API}/projects/team", auth=ADMIN).json()["project_id"]
    return f"Level=project,ProjectID={project_id}"


def test_a_rule_names_its_robot(client: TestClient, ci: Login) -> None:
    robot_id = id_of(client, CI, of_team(client))
    rule = make_repository_rule(client, "team", "app/**", DEVELOPER, robot=ci)
    (shown,) = client.get(rules(client), auth=ADMIN).json()
    assert shown["subject"] == {"type": "robot", "id": robot_id, "name": CI}
    body = about("", GUEST) | {"subject": {"type": "robot", "id": robot_id}}
    assert client.put(rules(client, rule), json=body, auth=ADMIN).status_code == 200
    assert listed(client) == [(CI, "app/**", "guest")]
    assert client.delete(rules(client, rule), auth=ADMIN).status_code == 200
    assert audit(client)[:3] == [
        ("delete", "repository-rule", f"{CI}: guest in app/**", True),
        ("update", "repository-rule", f"{CI}: guest in app/**", True),
        ("create", "repository-rule", f"{CI}: developer in app/**", True),
    ]


def test_robots_stand_after_everybody_else(client: TestClient, ci: Login) -> None:
    make_repository_rule(client, "team", "a", 0, robot=ci)
    make_repository_rule(client, "team", "b", 0)
    make_repository_rule(client, "team", "c", 0, robot=ci)
    assert [pattern for _, pattern, _ in listed(client)] == ["b", "a", "c"]


def test_only_robots_that_may_do_something_in_the_project(client: TestClient, ci: Login) -> None:
    make_project(client, "other")
    make_robot(client, "foreign", {"other": PULL})
    make_robot(client, "wide", {"*": PULL}, level="system")
    make_robot(client, "named", {"other": PULL, "team": PULL}, level="system")
    make_robot(client, "elsewhere", {"other": PULL}, level="system")
    make_robot(client, "keeper", {"/": ["robot:list"]}, level="system")
    barred = robot_of("barred", {"*": PULL, "team": PULL}, level="system")
    barred["permissions"][1]["access"][0]["effect"] = "deny"
    assert client.post(ROBOTS, json=barred, auth=ADMIN).status_code == 201
    statuses = {
        name: write(client, f"robot${name}")
        for name in (
            *("team+ci", "wide", "named", "elsewhere", "keeper", "barred"),
            *("other+foreign", "team+foreign", "ci", "other+ci", "+ci", "team+", "\0"),
        )
    }
    good = {"team+ci", "wide", "named"}
    assert {name for name, status in statuses.items() if status == 201} == good
    assert {status for name, status in statuses.items() if name not in good} <= {400, 422}
    elsewhere = about("") | {"subject": {"type": "robot", "id": id_of(client, "robot$elsewhere")}}
    assert client.post(rules(client), json=elsewhere, auth=ADMIN).status_code == 400


def test_names_without_the_prefix_do_as_well(client: TestClient, ci: Login) -> None:
    assert write(client, "team+ci") == 201
    assert listed(client) == [(CI, "app/**", "developer")]


def test_a_deleted_robot_leaves_no_rules(client: TestClient, ci: Login, rows: Any) -> None:
    make_repository_rule(client, "team", "app/**", DEVELOPER, robot=ci)
    every = make_repository_rule(client, "team", "x", GUEST)
    robot_id = id_of(client, CI, of_team(client))
    assert client.delete(f"{ROBOTS}/{robot_id}", auth=ADMIN).status_code == 200
    assert rows("SELECT id FROM repository_rule") == [(every,)]
    again = make_robot(client, "ci", {"team": PULL})
    assert client.post("/v2/team/app/web/blobs/uploads/", auth=again).status_code == 401


def test_nor_does_one_that_a_page_deletes(client: TestClient, ci: Login, rows: Any) -> None:
    make_repository_rule(client, "team", "app/**", DEVELOPER, robot=ci)
    where = of_team(client)
    page = f"/harbor/projects/{where.rpartition('=')[2]}/robot-account/delete"
    form = {"id": id_of(client, CI, where)}
    assert client.post(page, data=form, auth=ADMIN).status_code in (200, 204, 303)
    assert rows("SELECT id FROM repository_rule") == []


def test_a_robot_that_loses_the_project_loses_its_rules_there(
    client: TestClient, ci: Login
) -> None:
    make_project(client, "other")
    wide = make_robot(client, "wide", {"team": PULL, "other": PULL}, level="system")
    for project in ("team", "other"):
        make_repository_rule(client, project, "app/**", DEVELOPER, robot=wide)
    make_repository_rule(client, "team", "x", GUEST, robot=ci)
    less = robot_of(wide[0], {"other": PULL}, level="system")
    path = f"{ROBOTS}/{id_of(client, wide[0])}"
    assert client.put(path, json=less, auth=ADMIN).status_code == 200
    assert listed(client) == [(CI, "x", "guest")]
    assert listed(client, "other") == [("robot$wide", "app/**", "developer")]
    # What it is given again, it is given without them.
    more = robot_of(wide[0], {"other": PULL, "team": PULL}, level="system")
    assert client.put(path, json=more, auth=ADMIN).status_code == 200
    assert client.post("/v2/team/app/web/blobs/uploads/", auth=wide).status_code == 401


def test_a_deleted_project_takes_rules_and_robots_along(
    client: TestClient, ci: Login, rows: Any
) -> None:
    wide = make_robot(client, "wide", {"*": PULL}, level="system")
    for robot in (ci, wide):
        make_repository_rule(client, "team", "app/**", DEVELOPER, robot=robot)
    name = f"{API}/projects/team/repositories/app%252Fweb"
    assert client.delete(name, auth=ADMIN).status_code == 200
    assert client.delete(f"{API}/projects/team", auth=ADMIN).status_code == 200
    assert rows("SELECT id FROM repository_rule") == []


def test_rules_follow_a_renamed_project_and_a_moved_repository(
    client: TestClient, ci: Login
) -> None:
    make_repository_rule(client, "team", "app/**", DEVELOPER, robot=ci)
    upload = "/v2/{}/blobs/uploads/"
    assert client.post(upload.format("team/app/web"), auth=ci).status_code == 202
    moved = client.post(
        f"{API}/projects/team/repositories/app%252Fweb/move",
        json={"name": "lib/web"},
        auth=ADMIN,
    )
    assert moved.status_code == 200, moved.text
    assert client.post(upload.format("team/lib/web"), auth=ci).status_code == 401
    named = client.post(f"{API}/projects/team/rename", json={"name": "crew"}, auth=ADMIN)
    assert named.status_code == 200, named.text
    assert listed(client, "crew") == [("robot$crew+ci", "app/**", "developer")]
    assert client.post(upload.format("crew/app/new"), auth=ci).status_code == 202


@pytest.mark.parametrize(
    ("robot", "repository", "expected"),
    [
        (CI, "app/web", ("developer", "rule", ["pull", "push"])),
        (CI, "secret", ("none", "rule", [])),
        (CI, "other", ("none", "permissions", ["pull"])),
        ("team+ci", "app/web", ("developer", "rule", ["pull", "push"])),
        ("robot$wide", "app/web", ("none", "permissions", ["pull", "push"])),
        ("robot$off", "app/web", ("none", "inactive", [])),
        ("robot$old", "app/web", ("none", "inactive", [])),
    ],
)
def test_why_a_robot_may_do_something(
    settings: Settings,
    client: TestClient,
    ci: Login,
    robot: str,
    repository: str,
    expected: tuple[Any, ...],
) -> None:
    make_robot(client, "old", {"*": PULL}, level="system")
    expired = update(Robot).where(Robot.name == "old").values(expires_at=1)
    change(settings.database, expired)
    make_robot(client, "wide", {"*": [*PULL, "repository:push"]}, level="system")
    off = make_robot(client, "off", {"team": PULL}, level="system")
    own = make_repository_rule(client, "team", "app/**", DEVELOPER, robot=ci)
    none = make_repository_rule(client, "team", "secret", 0, robot=ci)
    make_repository_rule(client, "team", "app/**", MAINTAINER, robot=off)
    make_repository_rule(client, "team", "**", 0)  # about every member: no robot is one
    body = robot_of(off[0], {"team": PULL}, level="system") | {"disable": True}
    path = f"{ROBOTS}/{id_of(client, off[0])}"
    assert client.put(path, json=body, auth=ADMIN).status_code == 200
    asked = {"robot": robot, "repository": repository}
    found = client.get(rules(client, "effective"), params=asked, auth=ADMIN).json()
    assert (found["role_name"], found["decided_by"], found["actions"]) == expected
    assert (found["user"], found["robot"].removeprefix("robot$")) == (
        "",
        robot.removeprefix("robot$"),
    )
    decided = found["rule"] and found["rule"]["id"]
    ruled = found["decided_by"] == "rule"
    assert decided == ({"app/web": own, "secret": none}[repository] if ruled else None)


def test_of_what_is_not_there_nothing_is_told(client: TestClient, ci: Login) -> None:
    make_robot(client, "keeper", {"/": ["robot:list"]}, level="system")
    for asked, status in (
        ({"robot": "robot$nobody"}, 404),
        ({"robot": "robot$keeper"}, 404),
        ({"robot": "robot$\0"}, 422),
        ({"robot": CI, "user": "admin"}, 400),
        ({}, 400),
    ):
        query = asked | {"repository": "app"}
        answer = client.get(rules(client, "effective"), params=query, auth=ADMIN)
        assert answer.status_code == status


def test_who_writes_them(client: TestClient, ci: Login) -> None:
    boss, dev = make_user(client, "boss"), make_user(client, "dev")
    add_member(client, "team", boss, 1)
    add_member(client, "team", dev, MAINTAINER)
    assert write(client, CI, by=dev) == 403
    assert write(client, CI, by=boss) == 201


def test_no_robot_writes_rules_about_robots(client: TestClient, ci: Login) -> None:
    rights = [f"member:{each}" for each in ("create", "read", "update", "list", "delete")]
    lead = make_robot(client, "lead", {"team": [*rights, *PULL]})
    own = make_repository_rule(client, "team", "secret/**", 0, robot=lead)
    every = make_repository_rule(client, "team", "app/**", GUEST)
    for answer in (
        client.post(rules(client), json=about(lead[0], MAINTAINER), auth=lead),
        client.post(rules(client), json=about(CI, MAINTAINER), auth=lead),
        client.put(rules(client, own), json=about(lead[0], MAINTAINER), auth=lead),
        client.put(rules(client, every), json=about(lead[0], MAINTAINER), auth=lead),
        client.put(
            rules(client, own),
            json={"subject": {"type": "members"}, "pattern": "x", "role_id": 0},
            auth=lead,
        ),
        client.delete(rules(client, own), auth=lead),
    ):
        assert error_of(answer) == (403, "FORBIDDEN")
    assert listed(client) == [("*", "app/**", "guest"), (lead[0], "secret/**", "none")]
    assert client.delete(rules(client, every), auth=lead).status_code == 200  # as before


def test_no_rule_makes_a_robot_do_anything_but_what_is_in_repositories(
    client: TestClient, ci: Login
) -> None:
    make_repository_rule(client, "team", "**", MAINTAINER, robot=ci)
    body = robot_of("more", {"team": PULL})
    for method, path, more in (
        ("POST", ROBOTS, {"json": body}),
        ("GET", f"{API}/projects/team/members", {}),
        ("GET", f"{API}/projects/team/immutabletagrules", {}),
        ("POST", f"{API}/labels", {"json": {"name": "x", "scope": "p", "project_id": 1}}),
        ("GET", f"{API}/users", {}),
        ("GET", f"{API}/configurations", {}),
        ("POST", f"{API}/projects", {"json": {"project_name": "mine"}}),
    ):
        assert client.request(method, path, auth=ci, **more).status_code == 403, path
    assert client.get("/v2/_catalog", auth=ci).status_code == 401


def test_a_robot_that_rules_concern_makes_none_that_they_do_not(
    client: TestClient, ci: Login
) -> None:
    maker = make_robot(client, "maker", {"team": [*PULL, "robot:create"]})
    body = robot_of("child", {"team": PULL})
    rule = make_repository_rule(client, "team", "secret/**", 0, robot=maker)
    refused = client.post(ROBOTS, json=body, auth=maker)
    assert error_of(refused) == (403, "DENIED")
    assert client.delete(rules(client, rule), auth=ADMIN).status_code == 200
    assert client.post(ROBOTS, json=body, auth=maker).status_code == 201


def test_nor_does_a_robot_of_the_system(client: TestClient, ci: Login) -> None:
    make_project(client, "other")
    rights = {"/": ["robot:create"], "*": PULL}
    maker = make_robot(client, "maker", rights, level="system")
    make_repository_rule(client, "team", "secret/**", 0, robot=maker)
    made = {
        name: client.post(ROBOTS, json=robot_of(name, places, level="system"), auth=maker)
        for name, places in (
            ("all", {"*": PULL}),
            ("both", {"other": PULL, "team": PULL}),
            ("one", {"other": PULL}),
        )
    }
    assert {name: answer.status_code for name, answer in made.items()} == {
        "all": 403,
        "both": 403,
        "one": 201,
    }
