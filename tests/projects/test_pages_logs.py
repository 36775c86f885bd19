"""The audit log, as pages show it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, make_project, make_user
from tests.projects.pages import HOSTILE, harmless, make_hostile, project_id, words

HERE = "/harbor/logs"


def test_everything_is_shown_to_an_administrator(client: TestClient) -> None:
    make_project(client, "team")
    text = words(client.get(HERE, auth=ADMIN))
    assert "admin Create project team" in text
    assert "Done" in text


def test_others_see_what_was_done_in_the_projects_that_they_lead(client: TestClient) -> None:
    leader = make_user(client, "leader")
    make_project(client, "own", owner=leader)
    make_project(client, "other")
    text = words(client.get(HERE, auth=leader))
    assert "Create project own" in text
    assert "other" not in text
    assert "Nothing has happened yet" in words(client.get(HERE, auth=make_user(client, "newcomer")))


def test_the_log_of_a_project_tells_of_that_alone(
    client: TestClient, people: dict[str, Any]
) -> None:
    make_project(client, "other")
    here = f"/harbor/projects/{project_id(client, 'team')}/logs"
    text = words(client.get(here, auth=people["pam"]))
    assert "Create project team" in text
    assert "other" not in text
    assert client.get(here, auth=people["mia"]).status_code == 403


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("by=resource&text=tea", True),
        ("by=resource&text=nothing", False),
        ("by=username&text=admin", True),
        ("by=operation&text=delete", False),
        ("since=2020-01-01", True),
        ("since=2020-01-01&until=2020-01-02", False),
        ("result=true", True),
        ("result=false", False),
    ],
)
def test_lines_can_be_narrowed(client: TestClient, query: str, shown: bool) -> None:
    make_project(client, "team")
    text = words(client.get(f"{HERE}?{query}", auth=ADMIN))
    assert ("Create project team" in text) == shown


@pytest.mark.parametrize("query", ["since=yesterday", "result=maybe", "since=2020-02-31", "page=0"])
def test_what_is_no_filter_is_refused(client: TestClient, query: str) -> None:
    assert 400 <= client.get(f"{HERE}?{query}", auth=ADMIN).status_code < 500


def test_hostile_names_are_words_only(client: TestClient) -> None:
    make_project(client, "team", owner=make_hostile(client))
    page = client.get(HERE, auth=ADMIN)
    assert HOSTILE in words(page)
    assert harmless(page)
