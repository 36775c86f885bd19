"""``q`` and ``sort`` of the list of projects; what may be seen is in test_service and test_routes."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, Login, add_member, make_project, make_user
from tests.projects.conftest import error

PROJECTS = f"{API}/projects"


@pytest.fixture
def ann(client: TestClient) -> Login:
    """Owner of the private ``anns``, guest in ``shared``; ``closed`` and ``open`` are not hers."""
    ann = make_user(client, "ann")
    make_project(client, "closed")
    make_project(client, "open", public=True)
    make_project(client, "shared")
    make_project(client, "anns", owner=ann)
    add_member(client, "shared", ann, 3)
    return ann


def names(client: TestClient, auth: Any = ADMIN, **query: Any) -> list[str]:
    answer = client.get(PROJECTS, params=query, auth=auth)
    assert answer.status_code == 200, answer.text
    found = [each["name"] for each in answer.json()]
    assert answer.headers["X-Total-Count"] == str(len(found))
    return found


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("name=open", ["open"]),
        ("name=OPEN", []),
        ("name=~OPE", ["open"]),
        ("name=~n", ["anns", "open"]),
        ("name=~%", []),
        ("name={'open' 'closed' 'nothing'}", ["closed", "open"]),
        ('name={"open" "closed"}', ["closed", "open"]),
        ("name={}", []),
        ("names={open closed}", ["closed", "open"]),
        ("names=open", ["open"]),
        ("project_id=3", ["open"]),
        ("ProjectID=3", ["open"]),
        ("project_id=[2~3]", ["closed", "open"]),
        ("project_id={1 4}", ["library", "shared"]),
        ("project_id=99999999999999999999", []),
        ("owner=ann", ["anns"]),
        ("owner=an", []),
        ("owner=~AN", ["anns"]),
        ("owner={ann admin}", ["anns", "closed", "library", "open", "shared"]),
        ("owner_id=3", ["anns"]),
        ("public=true", ["library", "open"]),
        ("public=1", ["library", "open"]),
        ("public=false", ["anns", "closed", "shared"]),
        ("public=true,name=~o", ["open"]),
        ("creation_time=[~2020-01-01T00:00:00]", []),
        ("creation_time=[2020-01-01T00:00:00~],name=open", ["open"]),
        ("update_time=[2020-01-01T00:00:00~],name=open", ["open"]),
        ("unheard_of=1,name=open", ["open"]),
        ("", ["anns", "closed", "library", "open", "shared"]),
    ],
)
def test_q_says_which_projects(client: TestClient, ann: Login, q: str, found: list[str]) -> None:
    assert names(client, q=q) == found


@pytest.mark.parametrize(
    ("q", "everybody", "anns"),
    [
        ("name=closed", [], []),
        ("project_id=2", [], []),
        ("owner=admin", ["library", "open"], ["library", "open", "shared"]),
        ("public=false", [], ["anns", "shared"]),
        ("public=true", ["library", "open"], ["library", "open"]),
        ("name={closed open anns}", ["open"], ["anns", "open"]),
    ],
)
def test_q_shows_nothing_that_may_not_be_seen(
    client: TestClient, ann: Login, q: str, everybody: list[str], anns: list[str]
) -> None:
    assert names(client, auth=None, q=q) == everybody
    assert names(client, auth=ann, q=q) == anns


def test_q_and_the_parameters_must_both_hold(client: TestClient, ann: Login) -> None:
    assert names(client, q="name=~o", name="p") == ["open"]
    assert names(client, q="public=false", public="true") == []
    assert names(client, q="owner=ann", owner="admin") == []
    assert names(client, owner="ann") == ["anns"]
    assert names(client, owner="~ann") == []


@pytest.mark.parametrize(
    "q",
    [
        "name",
        "=open",
        "name=",
        "project_id=x",
        "public=perhaps",
        "public=~t",
        "public={true}",
        "creation_time=yesterday",
        "creation_time=~2026",
        "name=[~]",
        "x" * 8193,
        "a%00=b",
    ],
)
def test_a_q_that_is_none_is_refused(client: TestClient, q: str) -> None:
    assert error(client.get(PROJECTS, params={"q": q}, auth=ADMIN)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("", ["anns", "closed", "library", "open", "shared"]),
        ("name", ["anns", "closed", "library", "open", "shared"]),
        ("-name", ["shared", "open", "library", "closed", "anns"]),
        ("-project_id", ["anns", "shared", "open", "closed", "library"]),
        ("owner_id,-name", ["shared", "open", "library", "closed", "anns"]),
        ("-owner_id", ["anns", "closed", "library", "open", "shared"]),
        ("-creation_time", ["anns", "shared", "open", "closed", "library"]),
        ("unheard_of,-,public,owner", ["anns", "closed", "library", "open", "shared"]),
    ],
)
def test_sort_says_in_which_order(
    client: TestClient, ann: Login, sort: str, found: list[str]
) -> None:
    assert names(client, sort=sort) == found


def test_pages_follow_each_other_without_a_gap(client: TestClient, ann: Login) -> None:
    pages = [
        client.get(PROJECTS, params={"page": page, "page_size": 2, "sort": "owner_id"}, auth=ADMIN)
        for page in (1, 2, 3, 4)
    ]
    found = [[each["name"] for each in page.json()] for page in pages]
    assert found == [["closed", "library"], ["open", "shared"], ["anns"], []]
    assert {page.headers["X-Total-Count"] for page in pages} == {"5"}


def test_each_project_comes_with_its_own_details(client: TestClient, ann: Login) -> None:
    client.put(
        f"{PROJECTS}/anns",
        json={
            "metadata": {"severity": "low"},
            "cve_allowlist": {"items": [{"cve_id": "CVE-1"}]},
        },
        auth=ann,
    )
    listed = {each["name"]: each for each in client.get(PROJECTS, auth=ann).json()}
    for name, each in listed.items():
        assert each == client.get(f"{PROJECTS}/{name}", auth=ann).json()
    assert listed["anns"]["owner_name"] == "ann"
    assert listed["anns"]["metadata"] == {"public": "false", "severity": "low"}
    assert listed["anns"]["cve_allowlist"]["items"] == [{"cve_id": "CVE-1"}]
    assert listed["anns"]["current_user_role_ids"] == [1]
    assert listed["shared"]["current_user_role_ids"] == [3]
    assert listed["shared"]["cve_allowlist"]["items"] == []
    assert "current_user_role_ids" not in listed["open"]
