"""Renaming and moving by the portal."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import repository
from tests.make import ADMIN, add_member, make_project, make_rule, push_image, rule_of
from tests.projects.pages import CHINESE, HTMX, audit, project_id, told, words, wrong_at


@pytest.fixture
def here(client: TestClient, people: dict[str, Any]) -> str:
    return f"/harbor/projects/{project_id(client, 'team')}"


def test_a_repository_is_moved_and_its_former_name_ended(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    push_image(client, "team/a/b")
    other = make_project(client, "other")
    info = f"{here}/repositories/a%2Fb/info-tab"
    assert f'href="{info}/move"' in client.get(info, auth=ADMIN).text
    assert "/move" not in client.get(info, auth=people["dev"]).text
    dialog = client.get(f"{info}/move", headers=HTMX, auth=ADMIN)
    assert 'value="team"' in dialog.text
    assert 'value="a/b"' in dialog.text
    push_image(client, "other/taken")
    for project, wanted, field, said in (
        ("team", "A", "repository", "A name has lowercase letters"),
        ("team", "a/b", "repository", "The repository is called that already."),
        ("", " a/b ", "repository", "The repository is called that already."),
        ("other", "taken", "repository", "There is a repository of that name already."),
        ("none", "b", "project", "There is no such project that you may push to."),
    ):
        tried = {"project": project, "repository": wanted}
        answer = client.post(f"{info}/move", data=tried, headers=HTMX, auth=ADMIN)
        assert wrong_at(answer) == field
        assert said in words(answer)
    form = {"project": "other", "repository": "c"}
    done = client.post(f"{info}/move", data=form, headers=HTMX, auth=ADMIN)
    there = f"/harbor/projects/{other}/repositories/c"
    assert told(done)["to"] == f"{there}/artifacts-tab"
    assert audit(client)[0] == ("update", "repository", "team/a/b -> other/c", True)
    page = client.get(f"{there}/info-tab", auth=ADMIN)
    assert "Former names" in words(page)
    assert "team/a/b" in words(page)
    end = f"{there}/info-tab/former-names/end"
    add_member(client, "other", people["guest"], 3)
    guest = client.get(f"{there}/info-tab", auth=people["guest"])
    assert "team/a/b" in words(guest)
    assert end not in guest.text
    name = {"name": "team/a/b"}
    assert "team/a/b" in words(client.get(end, params=name, headers=HTMX, auth=ADMIN))
    assert client.get(end, params={"name": "x/y"}, auth=ADMIN).status_code == 404
    assert told(client.post(end, data=name, headers=HTMX, auth=ADMIN))["to"] == f"{there}/info-tab"
    assert client.post(end, data=name, headers=HTMX, auth=ADMIN).status_code == 404
    assert client.get(repository("other/c") + "/redirects", auth=ADMIN).json() == []


def test_what_forbids_a_move_is_said_in_the_language_of_the_page(
    client: TestClient, here: str
) -> None:
    push_image(client, "team/app", "1.0")
    make_project(client, "other")
    make_rule(client, "team", rule_of())
    move, form = f"{here}/repositories/app/info-tab/move", {"project": "other", "repository": "app"}
    answer = client.post(move, data=form, headers=HTMX | CHINESE, auth=ADMIN)
    assert answer.status_code == 412
    assert "因此 team/app 须留在原项目中" in words(answer)
    wanted = {"project": "other"}
    by_rest = client.post(
        f"{repository('team/app')}/move", json=wanted, headers=CHINESE, auth=ADMIN
    )
    assert by_rest.json()["errors"][0]["message"] == (
        "the tag 1.0 is immutable, so team/app stays in its project"
    )


def test_projects_are_offered_to_whoever_may_push_there(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    push_image(client, "team/app")
    for name, role_id in (("workshop", 2), ("works-of-others", 3)):
        make_project(client, name)
        add_member(client, name, people["mia"], role_id)
    make_project(client, "worksite")
    move = f"{here}/repositories/app/info-tab/move"

    def offered(**typed: str) -> list[str]:
        dialog = client.get(move, params=typed, headers=HTMX, auth=people["mia"])
        return re.findall(r'<option value="([^"]*)">', dialog.text)

    assert offered() == ["team", "workshop"]
    assert offered(project=" works", repository="app") == ["workshop"]
    assert offered(project="none") == []
    for name in ("works-of-others", "worksite", "none"):
        form = {"project": name, "repository": "app"}
        answer = client.post(move, data=form, headers=HTMX, auth=people["mia"])
        assert (answer.status_code, wrong_at(answer)) == (403, "project")
        assert "There is no such project that you may push to." in words(answer)
    form = {"project": "workshop", "repository": "app"}
    assert told(client.post(move, data=form, headers=HTMX, auth=people["mia"]))


def test_a_project_is_renamed_and_its_former_name_ended(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    make_project(client, "taken")
    settings = f"{here}/configs"
    assert f'href="{here}/rename"' in client.get(settings, auth=ADMIN).text
    assert f'href="{here}/rename"' not in client.get(settings, auth=people["dev"]).text
    assert 'value="team"' in client.get(f"{here}/rename", headers=HTMX, auth=ADMIN).text
    for name in ("Crew", "taken", "team"):
        answer = client.post(f"{here}/rename", data={"name": name}, headers=HTMX, auth=ADMIN)
        assert wrong_at(answer) == "name"
    done = client.post(f"{here}/rename", data={"name": "crew"}, headers=HTMX, auth=ADMIN)
    assert told(done)["to"] == settings
    assert audit(client)[0] == ("update", "project", "team -> crew", True)
    assert "former names" in words(client.get(settings, auth=people["dev"]))
    end, name_of = f"{here}/former-names/end", {"name": "team"}
    assert "team" in words(client.get(end, params=name_of, headers=HTMX, auth=ADMIN))
    assert client.get(end, params={"name": "never"}, auth=ADMIN).status_code == 404
    assert told(client.post(end, data=name_of, headers=HTMX, auth=ADMIN))["to"] == settings
    assert "former names" not in words(client.get(settings, auth=ADMIN))
