"""The list of projects, and deleting from it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import meant, signed_in
from tests.make import ADMIN, API, add_member, make_project, make_user, push_image
from tests.projects.pages import (
    HOSTILE,
    HTMX,
    audit,
    harmless,
    make_hostile,
    project_id,
    told,
    words,
)

LIST = "/harbor/projects"
DELETE = f"{LIST}/delete"


@pytest.fixture
def some(client: TestClient) -> dict[str, int]:
    """Ids of projects by name: two private ones, and beside library a public one."""
    made = {name: make_project(client, name) for name in ("alpha", "beta")}
    return made | {"gamma": make_project(client, "gamma", public=True)}


def listed(client: TestClient, query: str = "", login: Any = ADMIN) -> list[str]:
    """The names in the order of the list."""
    answer = client.get(f"{LIST}?{query}", auth=login)
    assert answer.status_code == 200, answer.text
    text = words(answer)
    known = ("alpha", "beta", "gamma", "library")
    return sorted(
        (name for name in known if f" {name} P" in text), key=lambda n: text.index(f" {n} P")
    )


def test_everybody_sees_what_they_may_see(client: TestClient, some: dict[str, int]) -> None:
    ann = make_user(client, "ann")
    add_member(client, "beta", ann, 2)
    assert listed(client) == ["alpha", "beta", "gamma", "library"]
    assert listed(client, login=ann) == ["beta", "gamma", "library"]
    assert listed(client, login=None) == ["gamma", "library"]
    assert "beta Private Developer Project admin 0" in words(client.get(LIST, auth=ann))


def test_a_stranger_is_told_to_sign_in(client: TestClient) -> None:
    page = client.get(LIST)
    assert 'href="/account/sign-in?redirect_url=%2Fharbor%2Fprojects"' in page.text
    assert "/harbor/statistics" not in page.text
    assert "/harbor/projects/new" not in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("by=name&text=et", ["beta"]),
        ("text=ALPH", ["alpha"]),
        ("by=owner&text=adm", ["alpha", "beta", "gamma", "library"]),
        ("by=owner&text=nobody", []),
        ("access=private", ["alpha", "beta"]),
        ("access=public", ["gamma", "library"]),
        ("access=public&text=gam", ["gamma"]),
        ("sort=-name", ["library", "gamma", "beta", "alpha"]),
        ("sort=-creation_time", ["gamma", "beta", "alpha", "library"]),
        ("page_size=3&page=2", ["library"]),
        ("text=%25", []),
    ],
)
def test_the_list_can_be_narrowed_and_sorted(
    client: TestClient, some: dict[str, int], query: str, names: list[str]
) -> None:
    assert listed(client, query) == names


def test_what_was_looked_for_is_shown_as_text(client: TestClient) -> None:
    page = client.get(LIST, params={"text": f'"{HOSTILE}'}, auth=ADMIN)
    assert page.status_code == 200
    assert HOSTILE not in page.text
    assert "Nothing matches" in words(page)


@pytest.mark.parametrize("query", ["access=some", "page=0", "page_size=1000", "q=x"])
def test_an_address_that_means_nothing_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"{LIST}?{query}", auth=ADMIN).status_code in (400, 422)


def test_an_owner_with_a_hostile_name_is_shown_as_text(client: TestClient) -> None:
    eve = make_hostile(client)
    made = client.post(f"{API}/projects", json={"project_name": "hers"}, auth=eve)
    assert made.status_code == 201
    assert harmless(client.get(LIST, auth=ADMIN))


def test_nobody_is_offered_what_they_may_not_do(client: TestClient, configure: Any) -> None:
    ann = make_user(client, "ann")
    assert "/harbor/projects/new" in client.get(LIST, auth=ann).text
    configure(project_creation_restriction="adminonly")
    assert "/harbor/projects/new" not in client.get(LIST, auth=ann).text
    assert "/harbor/projects/new" in client.get(LIST, auth=ADMIN).text


def test_only_ones_own_projects_can_be_selected(client: TestClient, some: dict[str, int]) -> None:
    ann = make_user(client, "ann")
    assert 'name="id"' not in client.get(LIST, auth=ann).text
    add_member(client, "beta", ann, 1)
    add_member(client, "alpha", ann, 4)
    page = client.get(LIST, auth=ann).text
    assert f'name="id" value="{some["beta"]}"' in page
    assert page.count('name="id"') == 1


def test_before_deletion_it_says_which_stay_and_why(
    client: TestClient, some: dict[str, int]
) -> None:
    push_image(client, "alpha/app")
    asked = {"id": [some["alpha"], some["beta"]]}
    page = client.get(DELETE, params=asked, headers=HTMX, auth=ADMIN)
    assert page.text.startswith("<article")
    assert f'name="id" value="{some["beta"]}"' in page.text
    assert f'value="{some["alpha"]}"' not in page.text
    assert "alpha It has 1 repository." in words(page)


def test_projects_of_others_are_not_even_named(client: TestClient, some: dict[str, int]) -> None:
    ann = make_user(client, "ann")
    page = client.get(DELETE, params={"id": [some["alpha"], some["gamma"]]}, auth=ann)
    assert "alpha" not in words(page)
    assert "gamma You may not delete it." in words(page)


def test_several_are_deleted_at_once(client: TestClient, some: dict[str, int]) -> None:
    form = {"id": [some["alpha"], some["beta"]]}
    answer = client.post(DELETE, data=form, headers=HTMX, auth=ADMIN)
    assert told(answer) == {"to": LIST, "said": "2 projects were deleted."}
    assert listed(client) == ["gamma", "library"]
    assert audit(client)[:2] == [
        ("delete", "project", "beta", True),
        ("delete", "project", "alpha", True),
    ]
    assert make_project(client, "alpha") > some["gamma"]


def test_without_scripts_the_answer_is_the_list(client: TestClient, some: dict[str, int]) -> None:
    answer = client.post(DELETE, data={"id": some["alpha"]}, auth=ADMIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, LIST)


def test_what_cannot_be_deleted_is_reported(client: TestClient, some: dict[str, int]) -> None:
    push_image(client, "alpha/app")
    form = {"id": [some["alpha"], some["beta"]]}
    answer = client.post(DELETE, data=form, headers=HTMX, auth=ADMIN)
    assert answer.status_code == 200
    assert "alpha It has repositories; delete them first. beta Deleted" in words(answer)
    assert listed(client) == ["alpha", "gamma", "library"]
    assert audit(client)[:2] == [
        ("delete", "project", "beta", True),
        ("delete", "project", "alpha", False),
    ]


def test_one_that_is_not_ones_own_spoils_all(client: TestClient, some: dict[str, int]) -> None:
    ann = make_user(client, "ann")
    add_member(client, "alpha", ann, 1)
    answer = client.post(DELETE, data={"id": [some["alpha"], some["beta"]]}, auth=ann)
    assert answer.status_code == 403
    assert listed(client) == ["alpha", "beta", "gamma", "library"]
    assert audit(client)[0] == ("delete", "project", "alpha", False)


def test_a_project_that_is_gone_cannot_be_deleted(client: TestClient) -> None:
    assert client.post(DELETE, data={"id": 4711}, auth=ADMIN).status_code == 403


def test_deleting_nothing_does_nothing(client: TestClient) -> None:
    assert "No project was selected." in words(client.get(DELETE, auth=ADMIN))
    assert client.post(DELETE, auth=ADMIN).status_code == 400


def test_a_page_of_another_site_deletes_nothing(client: TestClient, some: dict[str, int]) -> None:
    visitor = signed_in(client)
    form = {"id": some["alpha"]}
    assert visitor.post(DELETE, data=form).status_code == 403
    foreign = {"Origin": "https://elsewhere.example"} | meant(visitor)
    assert visitor.post(DELETE, data=form, headers=foreign).status_code == 403
    assert project_id(client, "alpha") == some["alpha"]
    assert visitor.post(DELETE, data=form, headers=meant(visitor)).status_code == 303


def test_an_empty_list_says_how_to_go_on(client: TestClient) -> None:
    gone = client.delete(f"{API}/projects/library", auth=ADMIN)
    assert gone.status_code == 200
    assert "Make one, then push an image to it." in words(client.get(LIST, auth=ADMIN))
    assert "Projects that are public" in words(client.get(LIST))
