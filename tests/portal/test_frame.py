"""What stands around a page, and what depends on the reader."""

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor import __version__
from harbor.core import clock, html
from harbor.portal import frame
from tests.make import ADMIN, make_user

BROWSER = {"Accept": "text/html"}


def configured(client: TestClient, **values: Any) -> None:
    answer = client.put("/api/v2.0/configurations", json=values, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def test_a_page_may_run_only_what_this_server_serves(client: TestClient) -> None:
    answer = client.get("/account/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_file_that_a_page_names_is_served_and_kept(client: TestClient) -> None:
    text = client.get("/").text
    named = {
        part.partition('"')[0].partition("#")[0]
        for part in text.split(f'"/static/{html.build()}/')[1:]
    }
    assert {"portal.js", "tokens.css", "htmx.min.js", "icons.svg"} <= named
    for name in named:
        answer = client.get(f"/static/{html.build()}/{name}")
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["Cache-Control"]


def test_an_older_build_gets_the_files_of_today_without_keeping_them(client: TestClient) -> None:
    answer = client.get("/static/0123456789ab/portal.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_files_are_packed_for_those_who_can_unpack_them(client: TestClient) -> None:
    packed = client.get("/static/htmx.min.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/static/htmx.min.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content


@pytest.mark.parametrize("name", ["nothing.css", "%2e%2e", "htmx.LICENSE", "tokens.css/x"])
def test_nothing_else_is_served_as_a_file(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_the_navigation_has_what_the_caller_may_open(client: TestClient) -> None:
    maria = make_user(client, "maria")
    seen = {
        who: client.get("/harbor/search", auth=login).text
        for who, login in (("nobody", None), ("maria", maria), ("admin", ADMIN))
    }
    for path, who in {
        "/harbor/projects": {"nobody", "maria", "admin"},
        "/harbor/logs": {"maria", "admin"},
        "/harbor/labels": {"admin"},
        "/harbor/configs": {"admin"},
    }.items():
        assert {each for each, text in seen.items() if f'<li><a href="{path}"' in text} == who


def test_who_has_signed_in_is_named(client: TestClient) -> None:
    text = client.get("/harbor/search", auth=make_user(client, "maria")).text
    assert "Account of maria" in text
    assert "Sign in</a>" not in text


def test_the_page_at_hand_is_marked_in_the_navigation(client: TestClient) -> None:
    text = client.get("/harbor/projects", auth=ADMIN).text
    assert text.count('aria-current="page"') >= 1
    assert 'title="Projects" aria-current="page"' in text


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, True),
        ({"fromDate": "2000-01-01", "toDate": "2000-12-31"}, False),
        ({"fromDate": "01/01/2000", "toDate": ""}, True),
        ({"fromDate": (clock.now() + timedelta(days=2)).isoformat()}, False),
        ({"toDate": clock.now().date().isoformat()}, True),
        ({"toDate": "some day"}, True),
        ({"message": ""}, False),
    ],
)
def test_an_announcement_is_shown_while_it_counts(
    client: TestClient, more: dict[str, str], shown: bool
) -> None:
    told = {"message": "Down at <noon>", "type": "warning", "closable": True} | more
    configured(client, banner_message=json.dumps(told))
    text = client.get("/").text
    assert ("Down at &lt;noon&gt;" in text) == shown
    assert ("notice warning" in text) == shown


def test_a_closed_announcement_stays_closed_until_there_is_another(client: TestClient) -> None:
    configured(client, banner_message=json.dumps({"message": "one", "closable": True}))
    key = client.get("/").text.partition('data-close-banner="')[2][:16]
    client.cookies.set("harbor-banner", key)
    assert "data-close-banner" not in client.get("/").text
    configured(client, banner_message=json.dumps({"message": "two", "closable": True}))
    assert "two" in client.get("/").text


@pytest.mark.parametrize(
    "kept", ["", "no JSON", "[]", '{"message": 1}', '{"message": "x", "type": "loud"}', "{}", '"x"']
)
def test_an_announcement_that_is_none_is_not_shown(kept: str) -> None:
    assert frame.banner(kept, closed="") is None


def test_read_only_mode_is_said_on_every_page(client: TestClient) -> None:
    configured(client, read_only=True)
    assert "The registry is read-only" in client.get("/").text


def test_what_was_done_is_said_once_on_the_next_page(client: TestClient) -> None:
    client.cookies.set("harbor-said", "The%20%3Cb%3Elabel%20was%20created.")
    answer = client.get("/")
    assert "The &lt;b&gt;label was created." in answer.text
    assert 'harbor-said=""' in answer.headers["set-cookie"]


def test_no_stranger_learns_the_version(client: TestClient) -> None:
    for path in ("/", "/harbor/search", "/account/sign-in", "/nothing"):
        assert __version__ not in client.get(path, headers=BROWSER).text
    assert f"Harbor {__version__}" in client.get("/harbor/search", auth=ADMIN).text


def test_the_start_page_says_how_to_push_here(client: TestClient) -> None:
    text = client.get("/", headers={"Host": "registry.example.com:8443"}).text
    assert "docker push registry.example.com:8443/library/hello:1.0" in text
    assert "This connection is not encrypted" in text


def test_who_has_signed_in_starts_at_the_projects(client: TestClient) -> None:
    answer = client.get("/", auth=ADMIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/harbor/projects")


def test_a_host_name_is_no_way_into_the_page(client: TestClient) -> None:
    assert "<script>alert" not in client.get("/", headers={"Host": "<script>alert(1)"}).text


def test_a_dialog_is_a_part_within_a_page_and_a_page_without(client: TestClient) -> None:
    headers = {"HX-Request": "true", "HX-Target": "dialog"}
    part = client.get("/account/about", headers=headers, auth=ADMIN).text
    whole = client.get("/account/about", auth=ADMIN).text
    assert "<html" not in part
    assert "data-close" in part
    assert "<html" in whole
    assert "<h1" in whole
