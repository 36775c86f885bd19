"""The rules about repositories, as pages show and change them."""

from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.users.models import User
from tests.directory.test_groups import make_group
from tests.make import (
    ADMIN,
    API,
    add_member,
    make_project,
    make_repository_rule,
    make_robot,
    make_user,
    push_image,
)
from tests.projects.pages import HOSTILE, HTMX, harmless, make_hostile, told, words, wrong_at
from tests.registry.servers import change


@pytest.fixture
def here(client: TestClient) -> str:
    """The path of the rules of ``team``."""
    project_id = make_project(client, "team")
    add_member(client, "team", make_user(client, "dev"), 3)
    return f"/harbor/projects/{project_id}/members/rules"


def rules(client: TestClient, here: str) -> list[tuple[str, str, int]]:
    found = client.get(f"{API}/projects/{here.split('/')[3]}/repositoryrules", auth=ADMIN).json()
    return [(each["subject"].get("name", "*"), each["pattern"], each["role_id"]) for each in found]


def post(client: TestClient, path: str, **data: Any) -> Any:
    return client.post(path, data=data, auth=ADMIN, headers=HTMX)


def test_a_project_without_rules_says_what_they_are_for(client: TestClient, here: str) -> None:
    assert "Every role holds in the whole project A rule gives somebody" in words(
        client.get(here, auth=ADMIN)
    )


def test_rules_are_made_changed_moved_and_deleted(client: TestClient, here: str) -> None:
    made = post(client, f"{here}/new", username="dev", pattern="app/**, lib", role_id="2")
    assert "The rule was created." in told(made).values()
    post(client, f"{here}/new", who="members", pattern="secret/**", role_id="0")
    second = make_repository_rule(client, "team", "x", 3, user=("dev", ""))
    text = words(client.get(here, auth=ADMIN))
    assert "1 dev app/** lib Developer" in text
    assert "3 Every member secret/** No access" in text
    post(client, f"{here}/{second}/move", by="-1")
    assert rules(client, here)[0] == ("dev", "x", 3)
    post(client, f"{here}/{second}/edit", username="dev", pattern="y", role_id="4")
    assert rules(client, here)[0] == ("dev", "y", 4)
    assert "dev: Maintainer, y" in words(client.get(f"{here}/{second}/delete", auth=ADMIN))
    post(client, f"{here}/{second}/delete")
    assert [pattern for _, pattern, _ in rules(client, here)] == ["{app/**,lib}", "secret/**"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"pattern": " "}, "pattern"),
        ({"pattern": "[a"}, "pattern"),
        ({"pattern": "app", "who": "user", "username": "nobody"}, "username"),
        ({"pattern": "app", "who": "user"}, "username"),
        ({"pattern": "app", "who": "group"}, "group_id"),
        ({"pattern": "app", "who": "group", "group_id": "99"}, "group_id"),
        ({"pattern": "app", "who": "robot"}, "robot_id"),
        ({"pattern": "app", "who": "robot", "robot_id": "99"}, "robot_id"),
        ({"pattern": "taken"}, "pattern"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient, here: str, form: dict[str, str], field: str
) -> None:
    make_repository_rule(client, "team", "taken", 0)
    answer = post(client, f"{here}/new", **{"who": "members"} | form)
    assert answer.status_code in (400, 409)
    assert wrong_at(answer) == field


def test_a_rule_about_a_group_is_made_and_changed(client: TestClient, here: str) -> None:
    assert "A group" not in words(client.get(f"{here}/new", auth=ADMIN))
    outside, inside = make_group(client, "auditors", "dev"), make_group(client, "builders")
    member = {"role_id": 3, "member_group": {"id": inside}}
    assert client.post(f"{API}/projects/team/members", json=member, auth=ADMIN).status_code == 201
    form = words(client.get(f"{here}/new", auth=ADMIN))
    assert "builders auditors, no member of the project" in form
    post(client, f"{here}/new", who="group", group_id=str(outside), pattern="app", role_id="2")
    asked = {"user": "dev", "repository": "app"}
    page = words(client.get(here, params=asked, auth=ADMIN))
    assert "1 auditors Group app Developer" in page
    assert "Rule 1 decides, by way of the group auditors" in page
    rule_id = client.get(f"{API}/projects/team/repositoryrules", auth=ADMIN).json()[0]["id"]
    assert f'value="{outside}" selected' in client.get(f"{here}/{rule_id}/edit", auth=ADMIN).text
    post(client, f"{here}/{rule_id}/edit", who="members", pattern="app", role_id="0")
    assert rules(client, here) == [("*", "app", 0)]


def test_a_rule_about_a_robot_is_made_and_changed(client: TestClient, here: str) -> None:
    assert "A robot" not in words(client.get(f"{here}/new", auth=ADMIN))
    pull = ["repository:pull"]
    make_project(client, "other")
    make_robot(client, "foreign", {"other": pull})
    make_robot(client, "scanner", {"*": pull}, level="system")
    make_robot(client, "keeper", {"/": ["robot:list"]}, level="system")
    make_robot(client, "ci", {"team": pull})
    form = words(client.get(f"{here}/new", auth=ADMIN))
    assert "Robot robot$team+ci robot$scanner In these repositories" in form
    found = client.get(f"{API}/robots", auth=ADMIN).json()
    scanner = next(each["id"] for each in found if each["name"] == "robot$scanner")
    made = post(client, f"{here}/new", who="robot", robot_id=scanner, pattern="app", role_id="2")
    assert "The rule was created." in told(made).values()
    assert rules(client, here) == [("robot$scanner", "app", 2)]
    for repository, said in (
        ("app", "Role Developer Why Rule 1 decides: it is the first that is about the robot"),
        ("lib", "Role The permissions of the robot Why No rule fits, so what the robot was"),
    ):
        asked = {"user": "robot$scanner", "repository": repository}
        page = words(client.get(here, params=asked, auth=ADMIN))
        assert "1 robot$scanner app Developer" in page
        assert said in page
    rule_id = client.get(f"{API}/projects/team/repositoryrules", auth=ADMIN).json()[0]["id"]
    assert f'value="{scanner}" selected' in client.get(f"{here}/{rule_id}/edit", auth=ADMIN).text
    assert "robot$scanner: Developer, app" in words(
        client.get(f"{here}/{rule_id}/delete", auth=ADMIN)
    )
    post(client, f"{here}/{rule_id}/edit", who="members", pattern="app", role_id="0")
    assert rules(client, here) == [("*", "app", 0)]


def test_a_person_whose_name_begins_like_a_robot_s_is_found(
    client: TestClient, here: str, database_url: str
) -> None:
    make_repository_rule(client, "team", "app", 2, user=("dev", ""))
    # Nobody gets such a name any more, but somebody may have it from before.
    change(database_url, update(User).where(User.username == "dev").values(username="robot$dev"))
    asked = {"user": "robot$dev", "repository": "app"}
    assert "Rule 1 decides" in words(client.get(here, params=asked, auth=ADMIN))


def test_the_form_shows_what_a_pattern_fits(client: TestClient, here: str) -> None:
    for name in ("team/app/web", "team/app/api", "team/lib"):
        push_image(client, name)
    for pattern, said in (
        ("app/*", "It fits 2 repositories: app/api app/web"),
        ("nothing", "It fits no repository that is there now."),
        ("[", "a [ in the pattern has no ]"),
        ("", ""),
    ):
        shown = client.get(f"{here}/preview", params={"pattern": pattern}, auth=ADMIN)
        assert said in words(shown)


def test_the_page_tells_why_somebody_has_a_role(client: TestClient, here: str) -> None:
    make_repository_rule(client, "team", "app", 2, user=("dev", ""))
    for user, repository, said in (
        ("dev", "app", "Role Developer Why Rule 1 decides"),
        ("dev", "other", "Role Guest Why No rule fits, so the role in the project holds."),
        ("admin", "app", "Administrators of the registry may do everything."),
        ("nobody", "app", "There is no user nobody."),
        ("dev", "", "Enter a user or a robot, and a repository."),
        ("robot$nobody", "app", "There is no robot robot$nobody that may do anything in the"),
    ):
        asked = {"user": user, "repository": repository}
        assert said in words(client.get(here, params=asked, auth=ADMIN))


def test_hostile_names_are_only_text(client: TestClient, here: str) -> None:
    make_repository_rule(client, "team", HOSTILE, 2, user=make_hostile(client))
    page = client.get(here, params={"user": HOSTILE, "repository": HOSTILE}, auth=ADMIN)
    assert harmless(page)


def test_a_public_project_says_that_nothing_is_hidden(client: TestClient, here: str) -> None:
    make_project(client, "open", public=True)
    make_repository_rule(client, "open", "**", 0)
    page = client.get("/harbor/projects/open/members/rules", auth=ADMIN)
    assert "rules hide nothing" in words(page)


def test_who_may_only_look_cannot_change(client: TestClient, here: str) -> None:
    make_repository_rule(client, "team", "app", 2)
    page = client.get(here, auth=("dev", "Passw0rd-of-a-test"))
    assert page.status_code == 200
    assert "New rule" not in page.text
    assert "Actions for" not in page.text
