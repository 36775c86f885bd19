"""What another site's page makes a browser send, and what our own pages send."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.auth import cookies, csrf
from harbor.core.crypto import Box
from harbor.core.settings import Settings
from harbor.doors import operations
from harbor.users.service import RENAMED_ADMIN
from tests.auth.browsers import (
    browser,
    meant,
    set_cookies,
    sid_of,
    sign_in,
    signed_in,
    who,
    with_sid,
)
from tests.conftest import Start
from tests.make import ADMIN, API, PASSWORD, error_of, make_project, make_user, message_of
from tests.permissions.test_permissions import id_of

pytestmark = pytest.mark.once

PROJECT = {"project_name": "made"}
OWN = {"Origin": "http://testserver"}
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://eviltestserver"},
    {"Origin": "http://testserver@evil.example"},
    {"Origin": "http://testserver:8443"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "testserver"},
    {"Origin": "javascript://testserver"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Sec-Fetch-Site": "Same-Origin"},
    {"Sec-Fetch-Site": "anything"},
]
COOKIE_COUNTS = [
    op
    for op in operations()
    if op.method not in csrf.SAFE and not op.path.startswith("/v2/") and op.path != csrf.LOG_IN
]


def create(client: TestClient, name: str = "made", **more: Any) -> Any:
    return client.post(f"{API}/projects", json={"project_name": name}, **more)


def token_of(client: TestClient) -> str:
    return meant(client)[csrf.HEADER]


def exists(client: TestClient, name: str = "made") -> bool:
    probe = client.head(f"{API}/projects", params={"project_name": name}, auth=ADMIN)
    return bool(probe.status_code == 200)


def test_what_was_meant_is_done(client: TestClient) -> None:
    visitor = signed_in(client)
    assert create(visitor, headers=meant(visitor)).status_code == 201
    assert exists(client)


def test_the_token_comes_with_the_sign_in(client: TestClient) -> None:
    visitor = browser(client)
    answer = sign_in(visitor)
    assert create(visitor, headers={csrf.HEADER: answer.headers[csrf.HEADER]}).status_code == 201


def test_every_answer_to_a_session_tells_the_token(client: TestClient) -> None:
    visitor = signed_in(client)
    make_user(client, "ann")
    for method, path, status in (
        ("GET", f"{API}/users/current", 200),
        ("GET", f"{API}/systeminfo", 200),
        ("GET", f"{API}/projects/nowhere", 404),
        ("GET", f"{API}/users/x", 422),
        ("POST", f"{API}/projects", 403),
        ("GET", "/service/token", 400),
    ):
        answer = visitor.request(method, path)
        assert (answer.status_code, csrf.HEADER in answer.headers) == (status, True), path


def test_without_a_session_no_answer_tells_a_token(client: TestClient) -> None:
    for path in (f"{API}/users/current", f"{API}/systeminfo", "/"):
        for answer in (client.get(path), client.get(path, auth=ADMIN)):
            assert csrf.HEADER not in answer.headers
            assert "set-cookie" not in answer.headers


@pytest.fixture(scope="module")
def steady(shared: TestClient) -> TestClient:
    """A server whose administrator keeps the name: somebody has the one to change it for."""
    person = {"username": RENAMED_ADMIN, "email": "b@example.com", "realname": "b"}
    made = shared.post(f"{API}/users", json=person | {"password": PASSWORD}, auth=ADMIN)
    assert made.status_code == 201, made.text
    return shared


@pytest.mark.parametrize("op", COOKIE_COUNTS, ids=id_of)
def test_nothing_is_changed_by_a_cookie_alone(steady: TestClient, op: Any) -> None:
    visitor = signed_in(steady)
    path = op.path.replace("{", "").replace("}", "")
    headers = meant(visitor)
    refused = visitor.request(op.method, path)
    assert refused.status_code == 403
    assert "CSRF token not found" in refused.text
    assert "CSRF token" not in visitor.request(op.method, path, headers=headers).text


def test_terraform_learns_from_the_refusal_and_tries_again(client: TestClient) -> None:
    sid = sid_of(signed_in(client))
    refused = create(browser(client), headers={"Cookie": f"sid={sid}"})
    assert error_of(refused) == (403, "FORBIDDEN")
    beside = set_cookies(refused)["_gorilla_csrf"]
    assert beside[1:] == ["Path=/", "HttpOnly", "SameSite=Strict"]
    again = {
        "Cookie": f"sid={sid}; _gorilla_csrf={beside[0]}",
        "X-Harbor-Csrf-Token": refused.headers["X-Harbor-Csrf-Token"],
    }
    assert create(browser(client), headers=again).status_code == 201


@pytest.mark.parametrize("wrong", ["", "x", "A" * 43, "{other}", "{token}x", "{cookie}", "{sid}"])
def test_a_token_that_is_not_this_sessions_is_refused(shared: TestClient, wrong: str) -> None:
    visitor, other = signed_in(shared), signed_in(shared)
    told = wrong.format(
        other=token_of(other),
        token=token_of(visitor),
        cookie=visitor.cookies[cookies.CSRF],
        sid=sid_of(visitor),
    )
    answer = create(visitor, headers={csrf.HEADER: told})
    assert (error_of(answer), message_of(answer)) == ((403, "FORBIDDEN"), "CSRF token invalid")
    assert answer.headers[csrf.HEADER] == token_of(visitor)


def test_a_token_that_is_no_text_is_refused(shared: TestClient) -> None:
    answer = create(signed_in(shared), headers={csrf.HEADER: b"\xff\x00"})
    assert message_of(answer) == "CSRF token invalid"


def test_the_token_needs_the_cookie_beside_it(shared: TestClient) -> None:
    visitor, other = signed_in(shared), signed_in(shared)
    headers = meant(visitor)
    sid = sid_of(visitor)
    for beside in (
        "",
        "_gorilla_csrf=x",
        f"_gorilla_csrf={headers[csrf.HEADER]}",
        f"_gorilla_csrf={other.cookies[cookies.CSRF]}",
    ):
        sent = headers | {"Cookie": f"sid={sid}; {beside}"}
        answer = create(browser(shared), headers=sent)
        assert message_of(answer) == "CSRF token invalid"
        assert set_cookies(answer)["_gorilla_csrf"][0] == visitor.cookies[cookies.CSRF]


def test_the_tokens_of_a_session_go_with_it(client: TestClient) -> None:
    visitor = signed_in(client)
    headers = meant(visitor)
    sign_in(visitor)
    assert message_of(create(visitor, headers=headers)) == "CSRF token invalid"
    assert not exists(client)


def test_a_token_holds_over_processes_and_restarts(client: TestClient, settings: Settings) -> None:
    visitor = signed_in(client)
    with TestClient(Building(settings)) as other:
        there = with_sid(other, sid_of(visitor))
        assert meant(there) == meant(visitor)
        assert create(there, headers=meant(there)).status_code == 201


def test_another_server_makes_other_tokens(settings: Settings) -> None:
    made = {csrf.Csrf(Box(key).key_for("csrf"), settings).token("sid") for key in ("one", "two")}
    assert len(made) == 2


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
def test_what_another_site_sends_is_refused_even_with_the_token(
    shared: TestClient, foreign: dict[str, str]
) -> None:
    visitor = signed_in(shared)
    answer = create(visitor, headers=meant(visitor) | foreign)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert not exists(shared)


def test_our_own_pages_need_the_token_for_the_api(shared: TestClient) -> None:
    visitor = signed_in(shared)
    for own in (OWN, {"Sec-Fetch-Site": "same-origin"}):
        assert message_of(create(visitor, headers=own)).startswith("CSRF token not found")


@pytest.mark.parametrize(
    "own",
    [
        {"Origin": "http://testserver"},
        {"Origin": "http://TestServer:80"},
        {"Origin": "http://registry.example.com"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.a.proxy"},
    ],
    ids=str,
)
def test_a_form_of_our_own_page_needs_no_token(start: Start, own: dict[str, str]) -> None:
    client = start(external_url="http://registry.example.com")
    visitor = signed_in(client)
    assert visitor.post("/c/log_out", headers=own).status_code == 200
    assert who(visitor) == ""


@pytest.mark.parametrize("unclear", [{}, {"Sec-Fetch-Site": "none"}], ids=str)
def test_a_form_of_which_nobody_says_where_it_is_from_needs_the_token(
    client: TestClient, unclear: dict[str, str]
) -> None:
    visitor = signed_in(client)
    answer = visitor.post("/c/log_out", headers=unclear)
    assert message_of(answer).startswith("CSRF token not found")
    assert who(visitor) == "admin"
    assert visitor.post("/c/log_out", headers=unclear | meant(visitor)).status_code == 200


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/c/login", "/c/login/", "/c//login"])
def test_no_other_site_signs_anybody_in(
    shared: TestClient, path: str, foreign: dict[str, str]
) -> None:
    visitor = browser(shared)
    form = {"principal": ADMIN[0], "password": ADMIN[1]}
    answer = visitor.post(path, data=form, headers=foreign)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("foreign", FOREIGN, ids=str)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_other_site_signs_anybody_out(
    shared: TestClient, method: str, foreign: dict[str, str]
) -> None:
    visitor = signed_in(shared)
    answer = visitor.request(method, "/c/log_out", headers=foreign)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert who(visitor) == "admin"


def test_by_https_a_page_that_came_by_http_is_another_site(start: Start) -> None:
    visitor = browser(start(external_url="https://registry.example.com"))
    assert sign_in(visitor, headers={"Origin": "http://registry.example.com"}).status_code == 403
    assert sign_in(visitor, headers={"Origin": "https://registry.example.com"}).status_code == 200


@pytest.mark.parametrize("stale", ["unknown", "x" * 300])
def test_programs_sign_in_whatever_cookie_they_come_with(shared: TestClient, stale: str) -> None:
    visitor = with_sid(shared, stale)
    assert sign_in(visitor).status_code == 200
    assert who(visitor) == "admin"


def test_whoever_sends_credentials_needs_no_token(client: TestClient) -> None:
    visitor = signed_in(client)
    assert create(visitor, auth=ADMIN).status_code == 201
    assert create(client, "another", auth=ADMIN).status_code == 201
    assert create(visitor, "third", auth=("admin", "wrong")).status_code == 401


def test_a_cookie_of_no_session_needs_the_token_and_then_is_nobody(client: TestClient) -> None:
    visitor = with_sid(client, "unknown")
    assert error_of(create(visitor)) == (403, "FORBIDDEN")
    assert error_of(create(visitor, headers=meant(visitor))) == (401, "UNAUTHORIZED")


def test_reading_needs_no_token(client: TestClient) -> None:
    make_project(client, "team")
    visitor = signed_in(client)
    for foreign in FOREIGN:
        assert visitor.get(f"{API}/projects/team", headers=foreign).status_code == 200
    assert visitor.head(f"{API}/projects", params={"project_name": "team"}).status_code == 200
