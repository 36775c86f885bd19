"""``PUT /users/{user_id}/sysadmin``."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import meant, signed_in
from tests.make import ADMIN, API, PASSWORD, Login, error_of, make_user, message_of
from tests.users.people import Rows, account, make, set_admin

ANN = 3  # the id of the first account that is made


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


def may_list(client: TestClient, login: Any) -> bool:
    return bool(client.get(f"{API}/users", auth=login).status_code == 200)


def test_somebody_becomes_an_administrator_and_ceases_to_be(client: TestClient, ann: Login) -> None:
    answer = set_admin(client, ANN)
    assert (answer.status_code, answer.content) == (200, b"")
    assert account(client, ANN)["sysadmin_flag"] is True
    assert may_list(client, ann)
    assert set_admin(client, ANN, flag=False).status_code == 200
    assert account(client, ANN)["sysadmin_flag"] is False
    assert not may_list(client, ann)


def test_it_counts_at_once_in_sessions_that_are_open(client: TestClient, ann: Login) -> None:
    here = signed_in(client, ann)
    path = f"{API}/users"
    assert here.get(path).status_code == 403
    set_admin(client, ANN)
    assert here.get(path).status_code == 200
    assert set_admin(here, ANN, login=None, flag=True).status_code == 403  # a cookie alone
    set_admin(client, ANN, flag=False)
    assert here.get(path).status_code == 403


def test_a_token_of_the_registry_makes_nobody_an_administrator(client: TestClient) -> None:
    headers = {"Authorization": "Bearer x"}
    answer = client.put(f"{API}/users/1/sysadmin", json={"sysadmin_flag": True}, headers=headers)
    assert error_of(answer) == (401, "UNAUTHORIZED")


def test_nobody_makes_themselves_an_administrator(client: TestClient, ann: Login) -> None:
    browser = signed_in(client, ann)
    body = {"sysadmin_flag": True}
    path = f"{API}/users/{ANN}/sysadmin"
    assert error_of(client.put(path, json=body, auth=ann)) == (403, "FORBIDDEN")
    assert error_of(browser.put(path, json=body, headers=meant(browser))) == (403, "FORBIDDEN")
    assert error_of(client.put(path, json=body)) == (401, "UNAUTHORIZED")
    rights = {
        "sysadmin_flag": True,
        "admin_role_in_auth": True,
        "sys_admin_flag": True,
        "SysAdminFlag": True,
        "user_id": 1,
        "deleted": True,
        "password": "x",
    }
    profile = {"email": "ann@example.com", "realname": "ann", "comment": ""}
    assert client.put(f"{API}/users/{ANN}", json=profile | rights, auth=ann).status_code == 200
    told = account(client, ANN)
    assert (told["sysadmin_flag"], told["admin_role_in_auth"]) == (False, False)
    assert client.get(f"{API}/users/current", auth=("ann", PASSWORD)).status_code == 200


def test_the_first_administrator_stays_one(client: TestClient) -> None:
    answer = set_admin(client, 1, flag=False)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert message_of(answer) == "the first administrator stays one"
    assert account(client, 1)["sysadmin_flag"] is True
    assert set_admin(client, 1).status_code == 200


def test_whoever_is_one_may_cease_to_be(client: TestClient, ann: Login) -> None:
    set_admin(client, ANN)
    assert set_admin(client, ANN, flag=False, login=ann).status_code == 200
    assert not may_list(client, ann)


def test_what_is_left_out_is_no(client: TestClient, ann: Login) -> None:
    set_admin(client, ANN)
    assert client.put(f"{API}/users/{ANN}/sysadmin", json={}, auth=ADMIN).status_code == 200
    assert account(client, ANN)["sysadmin_flag"] is False


@pytest.mark.parametrize(
    ("user_id", "status"), [(2, 404), (99, 404), (0, 404), ("x", 422), (-1, 422), (2**31, 422)]
)
def test_who_is_not_there_is_not_found(client: TestClient, user_id: object, status: int) -> None:
    assert set_admin(client, user_id).status_code == status


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"sysadmin_flag": "yes"}', b'{"sysadmin_flag": 1}'])
def test_what_is_neither_yes_nor_no_is_refused(client: TestClient, ann: Login, raw: bytes) -> None:
    answer = client.put(f"{API}/users/{ANN}/sysadmin", content=raw, auth=ADMIN)
    assert answer.status_code in (400, 422)
    assert account(client, ANN)["sysadmin_flag"] is False


def test_it_is_in_the_audit_log(client: TestClient, rows: Rows) -> None:
    make(client, "ann")
    set_admin(client, ANN)
    set_admin(client, 1, flag=False)
    found = rows(
        "SELECT resource, username, operation_result FROM audit_log_ext "
        "WHERE operation = 'update' AND resource_type = 'user' ORDER BY id"
    )
    assert [(*line, bool(done)) for *line, done in found] == [
        ("ann", "admin", True),
        ("1", "admin", False),
    ]
