"""The repositories of a project, as pages show and delete them."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.pages import show
from tests.artifacts.rest import repository
from tests.make import ADMIN, API, make_project, push_image
from tests.projects.pages import HTMX, audit, project_id, told, words


@pytest.fixture
def here(client: TestClient, people: dict[str, Any]) -> str:
    return f"/harbor/projects/{project_id(client, 'team')}"


def names(client: TestClient, path: str, **params: Any) -> list[str]:
    """The repositories that the page lists, in its order."""
    page = client.get(path, params=params, auth=ADMIN)
    assert page.status_code == 200, page.text
    rows = page.text.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:]
    return [row.partition('class="strong"')[2].partition(">")[2].partition("<")[0] for row in rows]


def id_of(client: TestClient, repo: str) -> int:
    return int(client.get(repository(repo), auth=ADMIN).json()["id"])


def test_a_project_without_repositories_says_how_to_get_one(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    page = client.get(f"{here}/repositories", auth=people["dev"])
    assert "No repositories yet" in words(page)
    assert f'href="{here}/push-commands"' in page.text
    page = client.get(f"{here}/repositories", auth=people["guest"])
    assert "What is pushed to this project appears here." in words(page)
    assert "push-commands" not in page.text


def test_repositories_are_listed_without_the_name_of_the_project(
    client: TestClient, here: str
) -> None:
    push_image(client, "team/app")
    push_image(client, "team/tools/lint")
    assert names(client, f"{here}/repositories") == ["tools/lint", "app"]
    page = client.get(f"{here}/repositories", auth=ADMIN)
    assert f'href="{here}/repositories/tools%2Flint/artifacts-tab"' in page.text


def test_the_filter_looks_at_the_name_within_the_project(client: TestClient, here: str) -> None:
    for name in ("team/app", "team/teamwork", "team/tools/App"):
        push_image(client, name.lower())
    found = f"{here}/repositories"
    assert names(client, found, text="team") == ["teamwork"]
    assert names(client, found, text="APP", sort="name") == ["app", "tools/app"]
    assert names(client, found, text="%") == []
    assert "Nothing matches" in words(client.get(found, params={"text": "none"}, auth=ADMIN))


def test_they_are_sorted_and_paged(client: TestClient, here: str) -> None:
    for name in ("b", "a", "c"):
        push_image(client, f"team/{name}")
    found = f"{here}/repositories"
    assert names(client, found, sort="name") == ["a", "b", "c"]
    assert names(client, found, sort="-name") == ["c", "b", "a"]
    assert names(client, found, sort="name", page=2, page_size=2) == ["c"]
    page = client.get(found, params={"sort": "name", "page_size": 2}, auth=ADMIN)
    assert "of 3 1 of 2" in words(page)


def test_they_are_shown_as_cards_when_asked_for_or_remembered(
    client: TestClient, here: str
) -> None:
    push_image(client, "team/app")
    client.put(repository("team/app"), json={"description": "What it <b> does & why"}, auth=ADMIN)
    page = client.get(f"{here}/repositories", params={"view": "cards"}, auth=ADMIN)
    assert "testserver/team/app" in words(page)
    assert "What it <b> does & why" in words(page)
    assert "<b> does" not in page.text
    assert "<table" not in page.text
    client.cookies.set("harbor-grid-repositories", "size=25&view=cards")
    assert "<table" not in client.get(f"{here}/repositories", auth=ADMIN).text
    assert "<table" in client.get(f"{here}/repositories?view=list", auth=ADMIN).text


def test_push_commands_are_filled_in(client: TestClient, here: str, people: dict[str, Any]) -> None:
    page = client.get(
        f"{here}/push-commands",
        params={"repository": "tools/lint"},
        auth=people["dev"],
        headers=HTMX | {"Host": "registry.example.com"},
    )
    text = words(page)
    for command in (
        "docker login registry.example.com",
        "docker push registry.example.com/team/tools/lint:TAG",
        "podman push IMAGE:TAG registry.example.com/team/tools/lint:TAG",
        "helm push CHART.tgz oci://registry.example.com/team/tools",
        "oras push registry.example.com/team/tools/lint:TAG FILE",
    ):
        assert command in text
    hostile = client.get(
        f"{here}/push-commands", params={"repository": "<img src=x>"}, auth=people["dev"]
    )
    assert "<img src=x>" not in hostile.text


def test_one_is_deleted_with_all_that_is_in_it(client: TestClient, here: str) -> None:
    push_image(client, "team/app", "one")
    push_image(client, "team/app", "two")
    push_image(client, "team/stays")
    chosen = {"id": id_of(client, "team/app")}
    asked = words(client.get(f"{here}/delete-repositories", params=chosen, auth=ADMIN))
    assert "2 artifacts are deleted too." in asked
    assert "team/app" in asked
    gone = client.post(f"{here}/delete-repositories", data=chosen, auth=ADMIN, headers=HTMX)
    assert told(gone)["to"] == f"{here}/repositories"
    assert told(gone)["said"].startswith("1 repository was deleted. The trash keeps")
    assert names(client, f"{here}/repositories") == ["stays"]
    assert ("delete", "repository", "team/app", True) in audit(client)


def test_several_are_deleted_and_each_is_in_the_log(client: TestClient, here: str) -> None:
    for name in ("a", "b", "c"):
        push_image(client, f"team/{name}")
    chosen = {"id": [id_of(client, "team/a"), id_of(client, "team/b"), 4711]}
    gone = client.post(f"{here}/delete-repositories", data=chosen, auth=ADMIN, headers=HTMX)
    assert told(gone)["said"].startswith("2 repositories were deleted.")
    assert names(client, f"{here}/repositories") == ["c"]
    deleted = [line for line in audit(client) if line[:2] == ("delete", "repository")]
    assert deleted == [
        ("delete", "repository", "team/b", True),
        ("delete", "repository", "team/a", True),
    ]


def test_those_of_another_project_are_out_of_reach(client: TestClient, here: str) -> None:
    make_project(client, "other")
    push_image(client, "other/app")
    chosen = {"id": id_of(client, "other/app")}
    assert client.post(f"{here}/delete-repositories", data=chosen, auth=ADMIN).status_code == 404
    assert client.get(repository("other/app"), auth=ADMIN).status_code == 200


def test_who_may_not_delete_is_not_offered_it(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    push_image(client, "team/app")
    for name, offered in (("mia", True), ("dev", False), ("limited", False)):
        page = client.get(f"{here}/repositories", auth=people[name])
        assert ("delete-repositories" in page.text) == offered
        assert ('class="pick"' in page.text) == offered


def test_a_stranger_sees_those_of_a_public_project(client: TestClient) -> None:
    made = make_project(client, "open", public=True)
    push_image(client, "open/app")
    page = client.get(f"/harbor/projects/{made}/repositories")
    assert page.status_code == 200
    assert "open" in words(page)
    assert "push-commands" not in page.text


def test_searching_leads_to_the_repository(client: TestClient, here: str) -> None:
    push_image(client, "team/tools/lint")
    link = f'href="{here}/repositories/tools%2Flint/artifacts-tab"'
    assert link in client.get("/harbor/search?q=lint", auth=ADMIN).text
    listed = client.get("/harbor/search?q=lint", auth=ADMIN, headers={"HX-Target": "palette-list"})
    assert link in listed.text


def test_a_page_takes_the_same_statements_however_many_there_are(
    client: TestClient, here: str, statements: Callable[[Callable[[], object]], int]
) -> None:
    def counted() -> int:
        return statements(lambda: show(client, f"{here}/repositories"))

    push_image(client, "team/first")
    few = counted()
    for n in range(10):
        push_image(client, f"team/repo{n}")
    assert counted() == few > 0
    assert client.get(f"{API}/projects/team", auth=ADMIN).json()["repo_count"] == 11
