"""One's own tokens and sessions, as their pages show and end them."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import browser, sign_in, signed_in, who
from tests.make import ADMIN, PASSWORD, Login, make_project, make_user
from tests.projects.pages import HOSTILE, HTMX, audit, told, words, wrong_at
from tests.users.people import id_of

OWN = HTMX | {"Sec-Fetch-Site": "same-origin"}
SECRET = re.compile(r"hbp_\w{44}")


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


@pytest.fixture
def here(client: TestClient, ann: Login) -> TestClient:
    """A browser in which ann has signed in."""
    return signed_in(client, ann)


def post(here: TestClient, path: str, **form: Any) -> Any:
    return here.post(f"/account/{path}", data=form, headers=OWN)


def test_the_menu_leads_to_both(here: TestClient) -> None:
    text = here.get("/harbor/projects").text
    assert 'href="/account/tokens"' in text
    assert 'href="/account/sessions"' in text


def test_a_token_is_made_shown_once_and_revoked(client: TestClient, here: TestClient) -> None:
    assert "No tokens yet" in words(here.get("/account/tokens"))
    assert "What it is for" in words(here.get("/account/tokens/new", headers=HTMX))
    made = post(here, "tokens/new", name=HOSTILE, actions=["push", "read"], duration="7")
    found = SECRET.search(made.text)
    assert found
    assert made.headers["cache-control"] == "no-store"
    assert client.get("/v2/", auth=("ann", found[0])).status_code == 200
    page = here.get("/account/tokens")
    assert found[0] not in page.text
    assert HOSTILE in words(page)
    assert HOSTILE not in page.text
    assert "All projects" in words(page)
    ids = re.findall(r"tokens/revoke\?id=(\d+)", page.text)
    asked = here.get("/account/tokens/revoke", params={"id": ids}, headers=HTMX)
    assert HOSTILE in words(asked)
    assert told(post(here, "tokens/revoke", id=ids))["said"] == "1 token was revoked."
    assert client.get("/v2/", auth=("ann", found[0])).status_code == 401
    assert audit(client)[0] == ("delete", "access-token", HOSTILE, True)


def test_a_token_may_be_for_some_projects(client: TestClient, here: TestClient) -> None:
    for name in ("one", "two"):
        make_project(client, name, public=True)
    made = post(here, "tokens/new", name="ci", actions="pull", projects="one, two", duration="-1")
    assert SECRET.search(made.text)
    assert "one, two" in words(here.get("/account/tokens"))


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"name": " "}, "name"), ({"actions": []}, "actions"), ({"projects": "gone"}, "projects")],
)
def test_what_is_wrong_is_said_at_its_field(
    here: TestClient, changed: dict[str, Any], field: str
) -> None:
    answer = post(here, "tokens/new", **({"name": "ci", "actions": ["pull"]} | changed))
    assert 400 <= answer.status_code < 500
    assert wrong_at(answer) == field


def test_sessions_are_shown_and_ended(client: TestClient, ann: Login, here: TestClient) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    there = browser(client, headers={"User-Agent": agent})
    sign_in(there, ann)
    page = here.get("/account/sessions")
    assert "Firefox on Linux" in words(page)
    assert words(page).count("This browser") == 1
    (other,) = set(re.findall(r"sessions/end\?id=(\w+)", page.text))
    assert "Firefox on Linux" in words(
        here.get("/account/sessions/end", params={"id": other}, headers=HTMX)
    )
    assert told(post(here, "sessions/end", id=other))["said"] == "1 session was ended."
    assert [who(here), who(there)] == ["ann", ""]


def test_nobody_ends_the_sessions_of_others(client: TestClient, here: TestClient) -> None:
    eve = signed_in(client, make_user(client, "eve"))
    signed_in(client, make_user(client, "bob"))
    page = here.get("/account/sessions").text
    assert "sessions/end?id=" not in page
    foreign = client.get("/api/v2.0/users/current/sessions", auth=("ann", PASSWORD))
    assert post(eve, "sessions/end", id=foreign.json()[0]["id"]).status_code == 404
    assert who(here) == "ann"


def test_an_administrator_signs_somebody_out(client: TestClient, here: TestClient) -> None:
    boss = signed_in(client, ADMIN)
    path = f"/harbor/users/{id_of(client, 'ann')}/sessions"
    assert f'href="{path}"' in boss.get("/harbor/users").text
    assert "Sign out ann everywhere" in words(boss.get(path, headers=HTMX))
    assert boss.post(path, headers=OWN).status_code == 204
    assert [who(here), who(boss)] == ["", "admin"]
