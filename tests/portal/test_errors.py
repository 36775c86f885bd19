"""What goes wrong, as pages: what to do next, and never somebody else's site."""

from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from harbor.core import ui
from harbor.portal import gallery
from tests.make import ADMIN, error_of, make_user

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    "path", ["/nothing", "/harbor/nothing", "/account", "/harbor/projects/x/y/z"]
)
def test_browsers_get_a_page_where_there_is_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert "Nothing here" in answer.text
    assert 'href="/harbor/projects"' in answer.text
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize(
    "path", ["/api/v2.0/nothing", "/service/nothing", "/v2/x/nothing", "/c/nothing"]
)
def test_programs_get_an_error_whatever_they_accept(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=BROWSER)
    assert answer.headers["content-type"].startswith("application/json")


def test_who_accepts_no_page_gets_an_error(client: TestClient) -> None:
    assert error_of(client.get("/nothing", headers={"Accept": "*/*"})) == (404, "NOT_FOUND")
    assert error_of(client.post("/nothing", headers=BROWSER)) == (404, "NOT_FOUND")


def test_strangers_are_asked_to_sign_in_and_come_back(client: TestClient) -> None:
    answer = client.get("/harbor/gallery?page=2&text=a%26b")
    place = urlsplit(answer.headers["Location"])
    assert (answer.status_code, place.path) == (303, "/account/sign-in")
    assert parse_qs(place.query) == {"redirect_url": ["/harbor/gallery?page=2&text=a%26b"]}


def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(client: TestClient) -> None:
    headers = HTMX | {"HX-Current-URL": "http://testserver/harbor/gallery?page=3"}
    answer = client.get("/harbor/gallery", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == (
        "/account/sign-in?redirect_url=%2Fharbor%2Fgallery%3Fpage%3D3"
    )


def test_a_form_of_a_stranger_is_refused_with_a_page(client: TestClient) -> None:
    # a GET is sent elsewhere; what was entered in a form cannot be
    answer = client.get("/harbor/gallery/delete", headers=HTMX | {"HX-Current-URL": "x"})
    assert answer.headers["HX-Redirect"].startswith("/account/sign-in?")


def test_who_may_not_is_told_so(client: TestClient) -> None:
    answer = client.get("/harbor/gallery", auth=make_user(client, "maria"), headers=BROWSER)
    assert answer.status_code == 403
    assert "You may not do this" in answer.text


def test_a_part_gets_what_went_wrong_as_a_part(client: TestClient) -> None:
    answer = client.get("/harbor/gallery", auth=make_user(client, "maria"), headers=HTMX)
    assert answer.status_code == 403
    assert "<html" not in answer.text
    assert 'class="alert bad"' in answer.text


def test_wrong_parameters_of_a_page_are_explained(client: TestClient) -> None:
    answer = client.get("/harbor/gallery?page=0", auth=ADMIN, headers=BROWSER)
    assert answer.status_code == 422
    assert "That cannot be done so" in answer.text


def test_a_failure_of_ours_is_a_page_too(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "sample", lambda *given: 1 / 0)
    answer = client.get("/harbor/gallery", auth=ADMIN, headers=BROWSER)
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "Content-Security-Policy" in answer.headers
    assert error_of(client.get("/harbor/gallery", auth=ADMIN)) == (500, "UNKNOWN")


def test_a_page_that_only_takes_forms_is_no_page(client: TestClient) -> None:
    answer = client.get("/account/sign-out", headers=BROWSER)
    assert answer.status_code == 405
    assert "Nothing here" in answer.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example/x",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/harbor\r\nSet-Cookie: a=b",
        "/\t/evil.example",
        "///evil.example",
        " /harbor",
        "",
    ],
)
def test_nobody_is_sent_to_another_site(elsewhere: str) -> None:
    assert ui.own_path(elsewhere) == "/harbor/projects"


@pytest.mark.parametrize(
    "path", ["/", "/harbor/projects/7?page=2", "/harbor/a%2Fb", "/harbor?to=//x"]
)
def test_own_paths_stay_as_they_are(path: str) -> None:
    assert ui.own_path(path) == path
