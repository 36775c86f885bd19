"""A project at a glance, and what stands above all of its pages."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.doors import operations
from harbor.projects.service.header import TABS
from tests.make import ADMIN, make_project, push_image
from tests.projects.pages import harmless, make_hostile, project_id, words

TITLES = {
    "admin": [
        "Summary",
        "Repositories",
        "Members",
        "Labels",
        "Tag immutability",
        "Logs",
        "Configuration",
    ],
    "pam": [
        "Summary",
        "Repositories",
        "Members",
        "Labels",
        "Tag immutability",
        "Logs",
        "Configuration",
    ],
    "mia": ["Summary", "Repositories", "Members", "Labels", "Tag immutability", "Configuration"],
    "dev": ["Summary", "Repositories", "Members", "Configuration"],
    "guest": ["Summary", "Repositories", "Members", "Configuration"],
    "limited": ["Summary", "Repositories", "Configuration"],
}


@pytest.fixture
def here(client: TestClient, people: dict[str, Any]) -> str:
    return f"/harbor/projects/{project_id(client, 'team')}"


def test_a_project_begins_with_its_repositories(client: TestClient, here: str) -> None:
    for path in (here, "/harbor/projects/team"):
        answer = client.get(path, auth=ADMIN)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{here}/repositories")


@pytest.mark.parametrize("name", TITLES)
def test_everybody_is_offered_the_tabs_that_they_may_open(
    client: TestClient, here: str, people: dict[str, Any], name: str
) -> None:
    page = client.get(f"{here}/summary", auth=people[name])
    shown = [tab for tab in TABS if f'href="{here}/{tab.path}"' in page.text.partition("tabs")[2]]
    assert [tab.title for tab in shown if tab.title in TITLES["admin"]] == TITLES[name]
    for tab in shown:
        assert client.get(f"{here}/{tab.path}", auth=people[name]).status_code == 200


def test_every_tab_has_its_page() -> None:
    pages = {op.path for op in operations() if op.page and op.method == "GET"}
    assert {f"/harbor/projects/{{project_name_or_id}}/{tab.path}" for tab in TABS} <= pages


def test_a_stranger_sees_a_public_project_and_no_more(client: TestClient) -> None:
    made = make_project(client, "open", public=True)
    page = client.get(f"/harbor/projects/{made}/summary")
    assert page.status_code == 200
    text = words(page)
    assert "docker pull testserver/open/REPOSITORY:TAG" in text
    assert "docker push" not in text
    assert "Members" not in text
    assert client.get(f"/harbor/projects/{made}/configs").status_code == 303


@pytest.mark.parametrize(
    ("name", "pushes"),
    [("pam", True), ("mia", True), ("dev", True), ("guest", False), ("limited", False)],
)
def test_who_may_push_is_told_how(
    client: TestClient, here: str, people: dict[str, Any], name: str, pushes: bool
) -> None:
    page = client.get(
        f"{here}/summary", auth=people[name], headers={"Host": "registry.example.com"}
    )
    text = words(page)
    for command in (
        "docker push registry.example.com/team/REPOSITORY:TAG",
        "podman push IMAGE:TAG registry.example.com/team/REPOSITORY:TAG",
        "helm push CHART.tgz oci://registry.example.com/team",
        "oras push registry.example.com/team/REPOSITORY:TAG FILE",
    ):
        assert (command in text) == pushes


def test_the_pull_command_names_the_readers_program(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    client.cookies.set("harbor-pull", "nerdctl")
    text = words(client.get(f"{here}/summary", auth=people["guest"]))
    assert "nerdctl pull testserver/team/REPOSITORY:TAG" in text


def test_a_hostile_host_is_shown_as_text(client: TestClient, here: str) -> None:
    page = client.get(f"{here}/summary", auth=ADMIN, headers={"Host": 'x"><script>alert(1)'})
    assert "<script>alert" not in page.text


def test_members_are_counted_by_role(client: TestClient, here: str, people: dict[str, Any]) -> None:
    text = words(client.get(f"{here}/summary", auth=ADMIN))
    assert "Project admin 2 Maintainer 1 Developer 1 Guest 1 Limited guest 1" in text
    assert "Maintainer 1" not in words(client.get(f"{here}/summary", auth=people["limited"]))


def test_what_it_holds_is_shown(client: TestClient, here: str) -> None:
    text = words(client.get(f"{here}/summary", auth=ADMIN))
    assert "Repositories 0 Nothing was pushed yet" in text
    assert "0 B, no limit" in text
    push_image(client, "team/app")
    text = words(client.get(f"{here}/summary", auth=ADMIN))
    assert "Repositories 1 Storage" in text


def test_without_quotas_there_is_no_meter(client: TestClient, here: str, configure: Any) -> None:
    configure(quota_per_project_enable=False)
    assert "no limit" not in words(client.get(f"{here}/summary", auth=ADMIN))


def test_the_header_names_project_access_and_role(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    text = words(client.get(f"{here}/members", auth=people["dev"]))
    assert "Projects team Members team Private Developer" in text


def test_an_owner_with_a_hostile_name_is_shown_as_text(client: TestClient) -> None:
    made = make_project(client, "hers", owner=make_hostile(client))
    assert harmless(client.get(f"/harbor/projects/{made}/summary", auth=ADMIN))


@pytest.mark.parametrize("tab", ["", "/summary", "/members", "/configs"])
def test_a_project_that_is_not_there_is_said_so(
    client: TestClient, people: dict[str, Any], tab: str
) -> None:
    for reference in ("4711", "nowhere", "9" * 30):
        path = f"/harbor/projects/{reference}{tab}"
        assert client.get(path, auth=ADMIN).status_code == 404
        assert client.get(path, auth=people["dev"]).status_code == 403
        assert client.get(path).status_code == 303
