import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.system.service import search as service
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    error_of,
    make_project,
    make_user,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    token_for,
)


def found(client: TestClient, part: str, login: Login | None = ADMIN) -> dict[str, Any]:
    answer = client.get(f"{API}/search", params={"q": part}, auth=login)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.keys() == {"project", "repository"}
    return dict(told)


def names(client: TestClient, part: str, login: Login | None = ADMIN) -> tuple[list[str], ...]:
    told = found(client, part, login)
    projects = [each["name"] for each in told["project"]]
    return projects, [each["repository_name"] for each in told["repository"]]


@pytest.fixture
def team(client: TestClient) -> TestClient:
    """A private and a public project with some repositories."""
    make_project(client, "team")
    make_project(client, "steam", public=True)
    for name in ("team/app", "team/db", "steam/kettle", "library/teapot"):
        push_image(client, name)
    return client


def test_a_part_of_a_name_finds_projects_and_repositories(team: TestClient) -> None:
    assert names(team, "tea") == (
        ["steam", "team"],
        ["library/teapot", "steam/kettle", "team/app", "team/db"],
    )
    assert names(team, "team/a") == ([], ["team/app"])
    assert names(team, "nothing") == ([], [])


def test_nothing_at_all_finds_everything(team: TestClient) -> None:
    projects, repositories = names(team, "")
    assert projects == ["library", "steam", "team"]
    assert len(repositories) == 4


def test_capitals_are_in_no_project_and_in_every_repository(team: TestClient) -> None:
    assert names(team, "KETTLE") == ([], ["steam/kettle"])
    assert names(team, "TEAM") == ([], ["steam/kettle", "team/app", "team/db"])


@pytest.mark.parametrize("part", ["%", "_", "te_m", "~team", "\\", "'", "é"])
def test_signs_mean_themselves(team: TestClient, part: str) -> None:
    assert names(team, part) == ([], [])


def test_strangers_find_what_is_public(team: TestClient) -> None:
    public = (["steam"], ["library/teapot", "steam/kettle"])
    assert names(team, "tea", None) == public
    assert names(team, "tea", make_user(team, "ann")) == public


def test_members_find_their_projects(team: TestClient) -> None:
    ann = make_user(team, "ann")
    add_member(team, "team", ann, 5)
    assert names(team, "team", ann) == (
        ["steam", "team"],
        ["steam/kettle", "team/app", "team/db"],
    )
    [project] = [each for each in found(team, "team", ann)["project"] if each["name"] == "team"]
    assert project["current_user_role_id"] == 5
    assert project["current_user_role_ids"] == [5]


def test_a_project_is_shown_as_in_lists(team: TestClient) -> None:
    [project] = [each for each in found(team, "team")["project"] if each["name"] == "team"]
    time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert time.fullmatch(project.pop("creation_time"))
    assert time.fullmatch(project.pop("update_time"))
    assert project.pop("project_id") > 1
    assert project == {
        "name": "team",
        "owner_id": 1,
        "owner_name": "admin",
        "repo_count": 2,
        "current_user_role_id": 1,
        "current_user_role_ids": [1],
        "metadata": {"public": "false"},
    }


def test_a_repository_is_shown_with_its_numbers(team: TestClient) -> None:
    [found_one] = found(team, "kettle")["repository"]
    project_id = found_one.pop("project_id")
    assert project_id == next(
        each["project_id"] for each in found(team, "steam")["project"] if each["name"] == "steam"
    )
    assert found_one == {
        "project_name": "steam",
        "project_public": True,
        "repository_name": "steam/kettle",
        "pull_count": 0,
        "artifact_count": 1,
    }
    [private] = found(team, "team/app")["repository"]
    assert private["project_public"] is False


def test_artifacts_are_counted_as_lists_show_them(client: TestClient) -> None:
    child = push_image(client, "library/app", "child")
    untagged = push_image(client, "library/app", "2.0")
    push_index(client, "library/app", "all", child, untagged)
    for tag in ("child", "2.0"):
        headers = {"Authorization": f"Bearer {token_for(client, ADMIN, SCOPE)}"}
        gone = client.delete(f"/v2/library/app/manifests/{tag}", headers=headers)
        assert gone.status_code == 202
    again = put_manifest(client, "library/app", "again", child.raw)
    assert again.status_code == 201
    signed = push_image(client, "library/app", "signed")
    push_referrer(client, "library/app", signed, "application/vnd.example.signature")
    # The index, its child that has a tag, and the signed image; neither its other child nor
    # what is said about an image.
    [app] = found(client, "library/app")["repository"]
    assert app["artifact_count"] == 3


SCOPE = "repository:library/app:pull,push,delete"


def test_many_are_found_in_pieces_and_not_without_end(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        make_project(client, f"p{number}")
        push_image(client, f"p{number}/app")
    everything = (
        ["library", *(f"p{number}" for number in range(5))],
        [f"p{number}/app" for number in range(5)],
    )
    monkeypatch.setattr(service, "CHUNK", 2)
    assert names(client, "") == everything
    monkeypatch.setattr(service, "MOST", 4)
    assert names(client, "") == (everything[0][:4], everything[1][:4])


def test_what_to_look_for_must_be_said(client: TestClient) -> None:
    answer = client.get(f"{API}/search")
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")
    answer = client.get(f"{API}/search", params={"q": "x" * 256})
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_deleted_projects_are_not_found(team: TestClient) -> None:
    gone = make_project(team, "teal")
    assert "teal" in names(team, "teal")[0]
    assert team.delete(f"{API}/projects/{gone}", auth=ADMIN).status_code == 200
    assert names(team, "teal") == ([], [])
