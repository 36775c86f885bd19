"""Signing in and out with a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, make_user

OWN = {"Sec-Fetch-Site": "same-origin"}
HTMX = OWN | {"HX-Request": "true"}
Rows = Callable[[str], list[Any]]


def enter(client: TestClient, password: str = ADMIN[1], **more: Any) -> Any:
    form = {"principal": ADMIN[0], "password": password} | more
    return client.post("/account/sign-in", data=form, headers=OWN)


def test_the_page_asks_for_name_and_password(client: TestClient) -> None:
    text = client.get("/account/sign-in?redirect_url=/harbor/logs").text
    assert 'autocomplete="current-password"' in text
    assert 'name="redirect_url" value="/harbor/logs"' in text
    assert "The page you asked for needs an account." in text


def test_signing_in_leads_to_the_page_that_was_asked_for(client: TestClient) -> None:
    answer = enter(client, redirect_url="/harbor/logs?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/harbor/logs?page=2")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "Account of admin" in client.get("/harbor/search").text


def test_signing_in_leads_nowhere_else(client: TestClient) -> None:
    answer = enter(client, redirect_url="https://evil.example/")
    assert answer.headers["Location"] == "/harbor/projects"


def test_scripts_are_told_where_to_go(client: TestClient) -> None:
    answer = client.post(
        "/account/sign-in", data={"principal": ADMIN[0], "password": ADMIN[1]}, headers=HTMX
    )
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/harbor/projects")


@pytest.mark.parametrize("headers", [OWN, HTMX])
def test_a_wrong_password_is_said_and_recorded(
    client: TestClient, headers: dict[str, str], rows: Rows
) -> None:
    form = {"principal": "admin", "password": "wrong"}
    answer = client.post("/account/sign-in", data=form, headers=headers)
    assert answer.status_code == 401
    assert "Invalid user name or password." in answer.text
    assert "sid=" not in answer.headers.get("set-cookie", "")
    found = rows("SELECT username, operation_result FROM audit_log_ext WHERE operation = 'login'")
    assert [(name, bool(result)) for name, result in found] == [("admin", False)]


def test_who_has_signed_in_is_not_asked_again(client: TestClient) -> None:
    enter(client)
    answer = client.get("/account/sign-in?redirect_url=/harbor/logs")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/harbor/logs")


def test_the_name_is_remembered_if_wanted(client: TestClient) -> None:
    enter(client, remember="true")
    client.post("/account/sign-out", headers=OWN)
    assert 'value="admin"' in client.get("/account/sign-in").text
    enter(client)
    client.post("/account/sign-out", headers=OWN)
    assert 'value="admin"' not in client.get("/account/sign-in").text


def test_any_name_can_be_remembered(client: TestClient) -> None:
    name, password = make_user(client, "\u5f20\u4f1f")
    enter(client, password, principal=name, remember="true")
    client.post("/account/sign-out", headers=OWN)
    assert f'value="{name}"' in client.get("/account/sign-in").text


def test_signing_out_ends_the_session(client: TestClient, rows: Rows) -> None:
    enter(client)
    sid = client.cookies["sid"]
    answer = client.post("/account/sign-out", headers=OWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sign-in")
    assert client.get("/harbor/gallery", headers={"Cookie": f"sid={sid}"}).status_code == 303
    assert rows("SELECT username FROM audit_log_ext WHERE operation = 'logout'") == [("admin",)]


def test_another_site_signs_nobody_in_or_out(client: TestClient) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    form = {"principal": ADMIN[0], "password": ADMIN[1]}
    assert client.post("/account/sign-in", data=form, headers=foreign).status_code == 403
    enter(client)
    assert client.post("/account/sign-out", headers=foreign).status_code == 403
    assert "Account of admin" in client.get("/harbor/search").text
