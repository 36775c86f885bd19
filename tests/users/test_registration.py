"""Accounts that people make for themselves, where the administrator lets them."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from harbor.configuration.models import Setting
from tests.auth.browsers import browser, configure, meant, signed_in, with_sid
from tests.make import ADMIN, API, PASSWORD, error_of, make_user, message_of
from tests.registry.servers import change

Rows = Callable[[str], list[Any]]
BODY = {"username": "new", "email": "new@example.com", "realname": "n", "password": PASSWORD}


def register(client: TestClient, **more: Any) -> Any:
    return client.post(f"{API}/users", json=BODY, **more)


@pytest.fixture
def is_open(client: TestClient) -> None:
    configure(client, self_registration=True)


@pytest.mark.usefixtures("is_open")
def test_somebody_before_a_browser_registers(client: TestClient, rows: Rows) -> None:
    visitor = with_sid(client, "of nobody yet")
    assert error_of(register(visitor)) == (403, "FORBIDDEN")  # without the token
    assert register(visitor, headers=meant(visitor)).status_code == 201
    assert client.get(f"{API}/users/current", auth=("new", PASSWORD)).status_code == 200
    found = rows("SELECT resource, username FROM audit_log_ext WHERE operation = 'create'")
    assert found == [("new", "anonymous")]


@pytest.mark.usefixtures("is_open")
def test_whoever_has_signed_in_registers_somebody_else(client: TestClient) -> None:
    visitor = signed_in(client, make_user(client, "ann"))
    assert register(visitor, headers=meant(visitor)).status_code == 201


@pytest.mark.usefixtures("is_open")
def test_programs_do_not(client: TestClient) -> None:
    ann = make_user(client, "ann")
    text = "self-registration cannot be triggered via API"
    for answer in (
        register(browser(client)),
        register(client, auth=ann),
        register(client, auth=("ann", "wrong")),
        register(with_sid(client, "x"), auth=ann),
    ):
        assert (error_of(answer), message_of(answer)) == ((403, "FORBIDDEN"), text)


@pytest.mark.usefixtures("is_open")
def test_administrators_make_accounts_as_before(client: TestClient) -> None:
    assert register(client, auth=ADMIN).status_code == 201


@pytest.mark.usefixtures("is_open")
def test_whoever_registers_gets_no_rights(client: TestClient) -> None:
    visitor = with_sid(client, "x")
    body = BODY | {"sysadmin_flag": True, "user_id": 1, "admin_role_in_auth": True}
    made = visitor.post(f"{API}/users", json=body, headers=meant(visitor))
    assert made.status_code == 201
    me = client.get(f"{API}/users/current", auth=("new", PASSWORD)).json()
    assert (me["user_id"], me["sysadmin_flag"]) == (3, False)


def test_where_it_is_off_nobody_registers(client: TestClient) -> None:
    visitor, ann = with_sid(client, "x"), signed_in(client, make_user(client, "ann"))
    assert error_of(register(visitor, headers=meant(visitor))) == (401, "UNAUTHORIZED")
    assert error_of(register(ann, headers=meant(ann))) == (403, "FORBIDDEN")
    assert error_of(register(client)) == (401, "UNAUTHORIZED")


def test_where_people_come_from_elsewhere_no_account_is_made(
    client: TestClient, database_url: str
) -> None:
    change(database_url, insert(Setting).values(name="auth_mode", value='"ldap_auth"'))
    answer = register(client, auth=ADMIN)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert message_of(answer) == "creating local user is not allowed under auth mode: ldap_auth"


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb", "a\tb", "a\x7fb", "\x1b[31mred", "a\x85b"])
@pytest.mark.parametrize("field", ["username", "realname"])
def test_no_name_begins_a_new_line(client: TestClient, field: str, name: str) -> None:
    answer = client.post(f"{API}/users", json=BODY | {field: name}, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert message_of(answer) == f"{field} contains illegal characters"
