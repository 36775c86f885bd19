"""``POST /api/internal/renameadmin``: the first administrator gets another name, once."""

import asyncio
from typing import Any

from starlette.testclient import TestClient

from harbor import maintenance
from harbor.auth import cookies
from harbor.core.settings import Settings
from tests.auth.browsers import meant, set_cookies, signed_in, who
from tests.make import ADMIN, API, PASSWORD, error_of, make_user
from tests.users.people import Rows, account, set_admin

PATH = "/api/internal/renameadmin"
NEW = ("admin@harbor.local", ADMIN[1])


def rename(client: TestClient, **more: Any) -> Any:
    return client.post(PATH, **more)


def test_the_first_administrator_gets_the_name_and_is_signed_out(client: TestClient) -> None:
    here, there = signed_in(client), signed_in(client)
    answer = rename(here, headers=meant(here))
    assert (answer.status_code, answer.content) == (200, b"")
    assert set_cookies(answer)[cookies.SID][0] == ""
    assert account(client, 1) is None  # "admin" is nobody now
    assert [who(here), who(there)] == ["", NEW[0]]
    assert client.get(f"{API}/users/1", auth=NEW).json()["username"] == NEW[0]


def test_doing_it_again_changes_nothing(client: TestClient) -> None:
    assert rename(client, auth=ADMIN).status_code == 200
    assert rename(client, auth=NEW).status_code == 200
    assert who(client, auth=NEW) == NEW[0]


def test_nobody_else_may(client: TestClient) -> None:
    ann = make_user(client, "ann")
    assert error_of(rename(client)) == (401, "UNAUTHORIZED")
    assert error_of(rename(client, auth=ann)) == (403, "FORBIDDEN")
    set_admin(client, 3)
    assert error_of(rename(client, auth=ann)) == (403, "FORBIDDEN")
    here = signed_in(client)
    assert error_of(rename(here)) == (403, "FORBIDDEN")  # a cookie alone
    assert who(client, auth=ADMIN) == "admin"


def test_a_name_that_somebody_has_stays_theirs(client: TestClient) -> None:
    person = {"username": NEW[0], "email": "b@example.com", "realname": "b", "password": PASSWORD}
    assert client.post(f"{API}/users", json=person, auth=ADMIN).status_code == 201
    here = signed_in(client)
    assert error_of(rename(here, headers=meant(here))) == (409, "CONFLICT")
    assert who(here) == "admin"


def test_the_command_line_resets_the_password_under_any_name(
    client: TestClient, settings: Settings
) -> None:
    rename(client, auth=ADMIN)
    asyncio.run(maintenance.reset_password(settings, "", "Another-Passw0rd"))
    assert who(client, auth=(NEW[0], "Another-Passw0rd")) == NEW[0]


def test_it_is_in_the_audit_log(client: TestClient, rows: Rows) -> None:
    rename(client, auth=ADMIN)
    assert rows("SELECT resource, username FROM audit_log_ext WHERE operation = 'update'") == [
        ("admin", "admin")
    ]
