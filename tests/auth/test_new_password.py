"""``PUT /users/{user_id}/password``."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from harbor.configuration.models import Setting
from harbor.users.models import User
from tests.auth.browsers import browser, meant, sign_in, signed_in, who
from tests.auth.test_passwords import hash_of
from tests.conftest import Start
from tests.make import ADMIN, API, PASSWORD, Login, error_of, make_user, message_of
from tests.registry.servers import Rows, change

NEW = "Another-Passw0rd"
ANN = 3  # the id of the first account that is made


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


def put(client: TestClient, user_id: object, old: str | None, new: str | None, **more: Any) -> Any:
    body = {"old_password": old, "new_password": new}
    told = {name: value for name, value in body.items() if value is not None}
    return client.put(f"{API}/users/{user_id}/password", json=told, **more)


def works(client: TestClient, password: str, name: str = "ann") -> bool:
    return who(client, auth=(name, password)) == name


def test_people_change_their_own(client: TestClient, ann: Login) -> None:
    answer = put(client, ANN, PASSWORD, NEW, auth=ann)
    assert (answer.status_code, answer.content) == (200, b"")
    assert works(client, NEW)
    assert not works(client, PASSWORD)


@pytest.mark.parametrize("old", ["wrong", "", None, PASSWORD + " ", "x" * 100_000])
def test_they_must_know_the_old_one(client: TestClient, ann: Login, old: str | None) -> None:
    answer = put(client, ANN, old, NEW, auth=ann)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert message_of(answer) == "Current password is incorrect"
    assert works(client, PASSWORD)


def test_an_administrator_must_know_it_too_if_it_is_his_own(client: TestClient) -> None:
    assert put(client, 1, "", NEW, auth=ADMIN).status_code == 403
    assert put(client, 1, ADMIN[1], NEW, auth=ADMIN).status_code == 200
    assert works(client, NEW, "admin")


@pytest.mark.parametrize("old", ["", "wrong", None])
def test_but_not_that_of_others(client: TestClient, ann: Login, old: str | None) -> None:
    assert put(client, ANN, old, NEW, auth=ADMIN).status_code == 200
    assert works(client, NEW)


def test_nobody_else_changes_it(client: TestClient, ann: Login) -> None:
    bob = make_user(client, "bob")
    for user_id in (ANN, 1, 99, "nobody", f"0{ANN + 1}"):
        assert error_of(put(client, user_id, PASSWORD, NEW, auth=bob)) == (403, "FORBIDDEN")
    assert error_of(put(client, ANN, PASSWORD, NEW)) == (401, "UNAUTHORIZED")
    assert works(client, PASSWORD)


def test_of_those_who_are_not_there_only_administrators_learn(
    client: TestClient, database_url: str, ann: Login
) -> None:
    change(database_url, update(User).where(User.user_id == ANN).values(deleted=True))
    for user_id in (ANN, 2, 99, 0):
        assert error_of(put(client, user_id, "", NEW, auth=ADMIN)) == (404, "NOT_FOUND")
    for odd in ("nobody", "-1", 2**31, "1.5"):
        assert put(client, odd, "", NEW, auth=ADMIN).status_code == 422


@pytest.mark.parametrize(
    "new", ["Sh0rt-x", "no-capital-1", "NO-SMALL-1", "No-digits", "Aa1" * 43, "", None]
)
def test_the_rule_for_passwords_counts(client: TestClient, ann: Login, new: str | None) -> None:
    answer = put(client, ANN, PASSWORD, new, auth=ann)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert message_of(answer).startswith("the password or secret must be 8-128")
    assert works(client, PASSWORD)


@pytest.mark.parametrize("login", [("ann", PASSWORD), ADMIN])
def test_it_must_be_another_one(client: TestClient, ann: Login, login: Login) -> None:
    answer = put(client, ANN, PASSWORD, PASSWORD, auth=login)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert message_of(answer) == "New password is identical to old password"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"new_password": 5}', b'"x"', b"\xff"])
def test_what_is_no_password_is_refused(client: TestClient, ann: Login, body: bytes) -> None:
    answer = client.put(f"{API}/users/{ANN}/password", content=body, auth=ann)
    assert answer.status_code in (400, 422)


def test_it_is_kept_as_an_argon2id_hash(client: TestClient, ann: Login, rows: Rows) -> None:
    put(client, ANN, PASSWORD, NEW, auth=ann)
    assert hash_of(rows, "ann").startswith("$argon2id$v=19$")


def test_every_other_session_is_over(client: TestClient, ann: Login, rows: Rows) -> None:
    here, there, other = signed_in(client, ann), signed_in(client, ann), signed_in(client)
    assert put(here, ANN, PASSWORD, NEW, headers=meant(here)).status_code == 200
    assert [who(each) for each in (here, there, other)] == ["ann", "", "admin"]
    assert rows("SELECT COUNT(*) FROM session WHERE user_id = 3") == [(1,)]


def test_all_sessions_are_over_when_it_was_changed_without_one(
    client: TestClient, ann: Login, rows: Rows
) -> None:
    here, boss = signed_in(client, ann), signed_in(client)
    assert put(here, ANN, PASSWORD, NEW, auth=ann).status_code == 200
    assert who(here) == ""
    here = signed_in(client, ("ann", NEW))
    assert put(boss, ANN, "", PASSWORD, headers=meant(boss)).status_code == 200
    assert [who(each) for each in (here, boss)] == ["", "admin"]
    assert rows("SELECT user_id FROM session") == [(1,)]


def test_a_session_alone_does_not_change_it(client: TestClient, ann: Login) -> None:
    here = signed_in(client, ann)
    assert put(here, ANN, PASSWORD, NEW).status_code == 403
    assert put(here, ANN, "wrong", NEW, headers=meant(here)).status_code == 403
    assert works(client, PASSWORD)
    assert who(here) == "ann"


def test_guessing_the_old_one_locks_the_name(start: Start) -> None:
    client = start(failed_login_delay_s=0.001)
    login = make_user(client, "ann")
    here = signed_in(client, login)
    headers = meant(here)
    accounts = client.app.known.accounts  # type: ignore[attr-defined]
    accounts.lockout.here.delay_s = 60.0
    assert put(here, ANN, "wrong", NEW, headers=headers).status_code == 403
    assert accounts.lockout.here.is_locked("ann", "testclient")


def test_what_was_changed_meanwhile_is_not_changed_back(
    client: TestClient, ann: Login, rows: Rows
) -> None:
    """Many who know the old one at once: one of them changes it."""
    with ThreadPoolExecutor(4) as pool:
        tried = [
            pool.submit(put, client, ANN, PASSWORD, f"{NEW}{number}", auth=ann)
            for number in range(4)
        ]
    statuses = sorted(each.result().status_code for each in tried)
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 403}


def set_mode(url: str, mode: str) -> None:
    change(url, insert(Setting).values(name="auth_mode", value=f'"{mode}"'))


@pytest.mark.parametrize("mode", ["ldap_auth", "oidc_auth"])
def test_where_people_come_from_elsewhere_only_the_first_administrator_has_one(
    client: TestClient, database_url: str, ann: Login, mode: str
) -> None:
    set_mode(database_url, mode)
    for login in (ann, ADMIN):
        assert error_of(put(client, ANN, PASSWORD, NEW, auth=login)) == (403, "FORBIDDEN")
    assert put(client, 1, ADMIN[1], NEW, auth=ADMIN).status_code == 200


def test_a_change_is_in_the_audit_log_without_the_password(
    client: TestClient, ann: Login, rows: Rows
) -> None:
    put(client, ANN, "wrong", NEW, auth=ann)
    put(client, ANN, PASSWORD, NEW, auth=ann)
    put(client, ANN, "", PASSWORD, auth=ADMIN)
    found = rows(
        "SELECT resource, username, operation_result FROM audit_log_ext "
        "WHERE operation = 'update' AND resource_type = 'user' ORDER BY id"
    )
    assert [(resource, name, bool(done)) for resource, name, done in found] == [
        ("ann", "ann", False),
        ("ann", "ann", True),
        ("ann", "admin", True),
    ]
    told = str(rows("SELECT * FROM audit_log_ext"))
    assert not any(secret in told for secret in (NEW, PASSWORD, "wrong"))


def test_the_new_password_signs_in(client: TestClient, ann: Login) -> None:
    put(client, ANN, PASSWORD, NEW, auth=ann)
    assert sign_in(browser(client), ann).status_code == 401
    assert who(signed_in(client, ("ann", NEW))) == "ann"
