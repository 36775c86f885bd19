"""The pages of robots, of the system and of a project."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_project, make_robot, robot_of
from tests.projects.pages import HTMX, audit, told, words, wrong_at

SYSTEM = "/harbor/robot-accounts"
FORM = {"name": "ci", "allow": ["0 repository:pull"], "days": "30"}


@pytest.fixture
def team(client: TestClient) -> str:
    return f"/harbor/projects/{make_project(client, 'team')}/robot-account"


def post(client: TestClient, path: str, **data: Any) -> Any:
    return client.post(path, data=data, auth=ADMIN, headers=HTMX)


def listed(client: TestClient, path: str, **params: Any) -> str:
    answer = client.get(path, params=params, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return words(answer)


def id_of(client: TestClient, path: str) -> str:
    found = re.search(r"/([0-9]+)/edit", client.get(path, auth=ADMIN).text)
    assert found
    return found[1]


def test_an_empty_list_says_what_robots_are_for(client: TestClient, team: str) -> None:
    for path in (SYSTEM, team):
        assert "No robot accounts yet" in listed(client, path)


def test_a_new_robot_shows_its_secret_once(client: TestClient, team: str) -> None:
    answer = post(client, f"{team}/new", **FORM, description="builds")
    assert answer.status_code == 200, answer.text
    file = re.search(r'href="data:application/json,([^"]+)"', answer.text)
    assert file
    secret = re.search(r'"secret":"(\w{32})"', unquote(file[1]))
    assert secret
    assert "robot$team+ci" in words(answer)
    assert client.get("/v2/", auth=("robot$team+ci", secret[1])).status_code == 200
    page = listed(client, team)
    for text in ("robot$team+ci", "Enabled", "1 permission", "In 30 days", "builds"):
        assert text in page
    assert secret[1] not in page
    assert audit(client)[0] == ("create", "robot", "robot$team+ci", True)


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"name": "Upper"}, "name"),
        ({"days": "0"}, "days"),
        ({"days": "soon"}, "days"),
        ({"allow": []}, ""),
        ({"allow": ["0 repository:fly"]}, ""),
    ],
)
def test_what_no_robot_can_be(
    client: TestClient, team: str, wrong: dict[str, Any], at: str
) -> None:
    answer = post(client, f"{team}/new", **(FORM | wrong))
    assert answer.status_code == 400
    assert wrong_at(answer) == at


def test_a_name_is_given_once(client: TestClient, team: str) -> None:
    assert post(client, f"{team}/new", **FORM).status_code == 200
    answer = post(client, f"{team}/new", **FORM)
    assert (answer.status_code, wrong_at(answer)) == (409, "name")


def test_a_robot_of_the_system(client: TestClient, team: str) -> None:
    form = FORM | {"system": ["catalog:read"], "projects": ["team, library"], "days": ""}
    assert post(client, f"{SYSTEM}/new", **form).status_code == 200
    page = listed(client, SYSTEM)
    for text in ("robot$ci", "3 permissions", "catalog read", "library", "Never"):
        assert text in page
    for field, value in (("projects", ["nowhere"]), ("projects", [""]), ("allow", [])):
        answer = post(client, f"{SYSTEM}/new", **(form | {"name": "x", field: value}))
        assert (answer.status_code, wrong_at(answer)) == (400, "projects_0")
    path = f"{SYSTEM}/{id_of(client, SYSTEM)}/edit"
    shown = client.get(path, auth=ADMIN).text
    assert len(re.findall(r" checked", shown)) == 2
    assert 'value="library, team"' in shown
    changed = post(client, path, allow=["0 repository:push"], projects=["*"], days="5")
    assert told(changed)["to"] == SYSTEM
    page = listed(client, SYSTEM)
    assert "All projects repository push" in page
    assert "catalog read" not in page


def test_projects_in_which_it_may_do_something_else(client: TestClient, team: str) -> None:
    more = client.get(f"{SYSTEM}/new/group", params={"projects": ["a", "b"]}, auth=ADMIN).text
    assert 'value="2 repository:pull"' in more
    form = {
        "name": "ci",
        "projects": ["team", "library"],
        "allow": ["0 repository:pull", "1 repository:push"],
    }
    assert post(client, f"{SYSTEM}/new", **form).status_code == 200
    path = f"{SYSTEM}/{id_of(client, SYSTEM)}/edit"
    shown = client.get(path, auth=ADMIN).text
    ticked = re.findall(r'value="([^"]*)" checked', shown)
    named = re.findall(r'name="projects" value="([^"]*)"', shown)
    assert sorted(zip(named, (each[2:] for each in sorted(ticked)), strict=True)) == [
        ("library", "repository:push"),
        ("team", "repository:pull"),
    ]
    wrong = post(client, path, **(form | {"projects": ["team", ""]}))
    assert (wrong.status_code, wrong_at(wrong)) == (400, "projects_1")


def test_what_the_form_cannot_say_stays(client: TestClient, team: str) -> None:
    body = robot_of("ci", {"team": ["repository:pull", "repository:push"]}, level="system")
    body["permissions"][0]["access"][1]["effect"] = "deny"
    assert client.post(f"{API}/robots", json=body, auth=ADMIN).status_code == 201
    path = f"{SYSTEM}/{id_of(client, SYSTEM)}/edit"
    assert "It stays as it is" in words(client.get(path, auth=ADMIN))
    assert told(post(client, path, description="new"))["to"] == SYSTEM
    page = listed(client, SYSTEM)
    for text in ("new", "repository pull, not push"):
        assert text in page


def test_state_secret_and_deletion(client: TestClient, team: str) -> None:
    login = make_robot(client, "ci", {"team": ["repository:pull"]})
    one = f"{team}/{id_of(client, team)}"

    def enters() -> bool:
        return client.get("/v2/", auth=login).status_code == 200

    assert told(post(client, f"{one}/state", disabled="true"))["said"] == "The robot was disabled."
    assert not enters()
    assert "Disabled" in listed(client, team)
    assert told(post(client, f"{one}/state"))["said"] == "The robot was enabled."
    assert enters()
    assert "stops working at once" in words(client.get(f"{one}/secret", auth=ADMIN))
    assert post(client, f"{one}/secret").status_code == 200
    assert not enters()
    weak = post(client, f"{one}/secret", secret="weak")
    assert (weak.status_code, wrong_at(weak)) == (400, "secret")
    chosen = post(client, f"{one}/secret", secret="Chosen-secret-1")
    assert told(chosen)["said"] == "The secret was replaced."
    login = login[0], "Chosen-secret-1"
    assert enters()
    asked = client.get(f"{team}/delete", params={"id": id_of(client, team)}, auth=ADMIN)
    assert "robot$team+ci" in words(asked)
    gone = post(client, f"{team}/delete", id=id_of(client, team))
    assert told(gone)["said"] == "1 robot was deleted."
    assert "No robot accounts yet" in listed(client, team)
    assert audit(client)[0] == ("delete", "robot", "robot$team+ci", True)


def test_the_pages_of_a_project_reach_no_other_robots(client: TestClient, team: str) -> None:
    make_project(client, "other")
    body = robot_of("ci", {"other": ["repository:pull"]})
    other = client.post(f"{API}/robots", json=body, auth=ADMIN).json()["id"]
    wide = robot_of("ci", {"other": ["repository:pull"]}, level="system")
    system = client.post(f"{API}/robots", json=wide, auth=ADMIN).json()["id"]
    for robot_id, path in ((other, team), (system, team), (other, SYSTEM)):
        for action in ("edit", "secret"):
            asked = client.get(f"{path}/{robot_id}/{action}", auth=ADMIN)
            assert asked.status_code == 404
        for action in ("edit", "secret", "state"):
            assert post(client, f"{path}/{robot_id}/{action}").status_code == 404
        assert post(client, f"{path}/delete", id=robot_id).status_code == 404
