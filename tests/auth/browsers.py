"""A browser before the running server, and what it sends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.auth import cookies, csrf
from harbor.core import clock
from tests.make import ADMIN, API, Login

ORIGIN = {"Origin": "http://testserver"}
Wait = Callable[[float], None]


def browser(server: TestClient, **more: Any) -> TestClient:
    """Another client of the same server, without cookies yet."""
    made = TestClient(server.app, follow_redirects=False, **more)
    made.portal = server.portal
    return made


def sign_in(client: TestClient, login: Login = ADMIN, **more: Any) -> Any:
    form = {"principal": login[0], "password": login[1]}
    return client.post("/c/login", data=form, **more)


def signed_in(client: TestClient, login: Login = ADMIN) -> TestClient:
    """A browser in which *login* has signed in."""
    made = browser(client)
    answer = sign_in(made, login)
    assert answer.status_code == 200, answer.text
    return made


def sid_of(client: TestClient) -> str:
    return str(client.cookies.get(cookies.SID, ""))


def with_sid(client: TestClient, sid: str) -> TestClient:
    """A browser that was given that cookie."""
    made = browser(client)
    made.cookies.set(cookies.SID, sid, domain="testserver.local", path="/")
    return made


def meant(client: TestClient) -> dict[str, str]:
    """The header that shows that a request was meant."""
    answer = client.get(f"{API}/systeminfo")
    return {csrf.HEADER: answer.headers[csrf.HEADER]}


def who(client: TestClient, **more: Any) -> str:
    """As whom the server knows this client; nobody if empty."""
    answer = client.get(f"{API}/users/current", **more)
    return str(answer.json()["username"]) if answer.status_code == 200 else ""


def configure(client: TestClient, **values: Any) -> None:
    answer = client.put(f"{API}/configurations", json=values, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def set_cookies(answer: Any) -> dict[str, list[str]]:
    """The attributes of each cookie that an answer sets, by its name; the value is the first."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        found[name] = [value, *attributes]
    return found


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Moves the clock of the server forward, by minutes."""
    gone = timedelta()

    def waited(minutes: float) -> None:
        nonlocal gone
        gone += timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + gone)

    return waited
