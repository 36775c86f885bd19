"""Accounts as people see and change them, and find each other's."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from harbor.configuration.models import Setting
from harbor.users.models import User
from tests.make import ADMIN, API, PASSWORD, Login, error_of, make_user, message_of
from tests.registry.servers import change

Rows = Callable[[str], list[Any]]
ANN = 3  # the id of the first account that is made
PROFILE = {"email": "new@example.com", "realname": "Ann New", "comment": "moved"}


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


def put(client: TestClient, user_id: object, login: Any, **changed: Any) -> Any:
    return client.put(f"{API}/users/{user_id}", json=PROFILE | changed, auth=login)


def get(client: TestClient, user_id: object, login: Any = ADMIN) -> Any:
    return client.get(f"{API}/users/{user_id}", auth=login)


def test_people_see_themselves_as_administrators_see_them(client: TestClient, ann: Login) -> None:
    answer = get(client, ANN, ann)
    assert answer.status_code == 200
    assert answer.json() == get(client, ANN).json()
    assert answer.json() == client.get(f"{API}/users/current", auth=ann).json()


def test_nobody_sees_the_accounts_of_others(client: TestClient, ann: Login) -> None:
    for user_id in (1, 2, 99, "nobody"):
        assert error_of(get(client, user_id, ann)) == (403, "FORBIDDEN")
        assert error_of(get(client, user_id, None)) == (401, "UNAUTHORIZED")


def test_only_administrators_learn_who_is_not_there(client: TestClient) -> None:
    assert get(client, 1).json()["username"] == "admin"
    for user_id in (2, 99):  # the first is the placeholder of anonymous people
        assert error_of(get(client, user_id)) == (404, "NOT_FOUND")
    for odd in ("nobody", "-1", str(2**31)):
        assert error_of(get(client, odd)) == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize("by", [("ann", PASSWORD), ADMIN])
def test_people_and_administrators_change_a_profile(
    client: TestClient, ann: Login, by: Login
) -> None:
    answer = put(client, ANN, by)
    assert (answer.status_code, answer.content) == (200, b"")
    told = get(client, ANN).json()
    assert {name: told[name] for name in PROFILE} == PROFILE
    assert told["username"] == "ann"


def test_nobody_changes_the_profiles_of_others(client: TestClient, ann: Login) -> None:
    for user_id in (1, 2, 99):
        assert error_of(put(client, user_id, ann)) == (403, "FORBIDDEN")
    assert error_of(put(client, ANN, None)) == (401, "UNAUTHORIZED")
    assert error_of(put(client, 99, ADMIN)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"email": ""}, 400),
        ({"email": "no address"}, 400),
        ({"email": "a@b.org\nBcc: x@y.org"}, 400),
        ({"email": "a" * 250 + "@b.org"}, 422),
        ({"realname": ""}, 400),
        ({"realname": "r" * 256}, 400),
        ({"realname": 'a"b'}, 400),
        ({"realname": "a\r\nSet-Cookie: sid=x"}, 400),
        ({"realname": "a\x1b[31m"}, 400),
        ({"realname": "a\0b"}, 422),
        ({"comment": "c" * 31}, 400),
        ({"comment": None}, 422),
    ],
)
def test_what_is_not_allowed_changes_nothing(
    client: TestClient, ann: Login, changed: dict[str, Any], status: int
) -> None:
    before = get(client, ANN).json()
    assert put(client, ANN, ann, **changed).status_code == status
    assert get(client, ANN).json() == before


def test_an_address_is_taken_once(client: TestClient, ann: Login) -> None:
    make_user(client, "bob")
    assert error_of(put(client, ANN, ann, email="bob@example.com")) == (409, "CONFLICT")
    assert put(client, ANN, ann, email="ann@example.com").status_code == 200


def test_who_never_had_an_address_needs_none(client: TestClient) -> None:
    assert put(client, 1, ADMIN, email="").status_code == 200
    assert "email" not in get(client, 1).json()
    assert put(client, 1, ADMIN).status_code == 200
    assert message_of(put(client, 1, ADMIN, email="")) == "email can't be empty"


def test_names_and_rights_are_not_part_of_a_profile(client: TestClient, ann: Login) -> None:
    assert put(client, ANN, ann, username="root", sysadmin_flag=True).status_code == 200
    told = get(client, ANN).json()
    assert (told["username"], told["sysadmin_flag"]) == ("ann", False)


def test_where_people_come_from_elsewhere_only_the_first_administrator_is_changed(
    client: TestClient, database_url: str, ann: Login
) -> None:
    change(database_url, insert(Setting).values(name="auth_mode", value='"ldap_auth"'))
    for login in (ann, ADMIN):
        assert error_of(put(client, ANN, login)) == (403, "FORBIDDEN")
    assert put(client, 1, ADMIN).status_code == 200


def test_a_change_is_in_the_audit_log(client: TestClient, ann: Login, rows: Rows) -> None:
    put(client, ANN, ann)
    put(client, ANN, ADMIN, email="no address")
    found = rows(
        "SELECT resource_type, resource, username, operation_result FROM audit_log_ext "
        "WHERE operation = 'update' ORDER BY id"
    )
    assert [(*line, bool(result)) for *line, result in found] == [
        ("user", "ann", "ann", True),
        ("user", str(ANN), "admin", False),
    ]


def search(client: TestClient, login: Any, **params: Any) -> Any:
    return client.get(f"{API}/users/search", params=params, auth=login)


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["username"] for each in answer.json()]


def test_everybody_finds_people_by_a_part_of_their_names(client: TestClient, ann: Login) -> None:
    for name in ("joanna", "Anna", "bob", "an"):
        make_user(client, name)
    answer = search(client, ann, username="an")
    assert names(answer) == ["an", "ann", "Anna", "joanna"]
    assert answer.headers["X-Total-Count"] == "4"
    assert answer.json()[1] == {"user_id": ANN, "username": "ann"}
    assert names(search(client, ann, username="ADM")) == ["admin"]
    assert names(search(client, ann, username="nobody")) == []


def test_people_come_in_pages(client: TestClient, ann: Login) -> None:
    for number in range(5):
        make_user(client, f"user{number}")
    answer = search(client, ann, username="user", page=2, page_size=2)
    assert names(answer) == ["user2", "user3"]
    assert answer.headers["X-Total-Count"] == "5"
    assert 'rel="next"' in answer.headers["Link"]
    beyond = search(client, ann, username="user", page=4, page_size=2)
    assert (names(beyond), beyond.headers["X-Total-Count"]) == ([], "5")


@pytest.mark.parametrize("text", ["%", "_", "a%n", "\\", "' OR 1=1 --", "*"])
def test_signs_stand_for_themselves(client: TestClient, ann: Login, text: str) -> None:
    assert names(search(client, ann, username=text)) == []


def test_who_was_deleted_is_not_found(client: TestClient, database_url: str, ann: Login) -> None:
    change(database_url, update(User).where(User.user_id == ANN).values(deleted=True))
    assert names(search(client, ADMIN, username="an")) == []  # nor the anonymous placeholder


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"username": ""}, 422),
        ({"username": "a" * 256}, 422),
        ({"username": "a\0b"}, 422),
        ({"username": "a", "page_size": 101}, 422),
        ({"username": "a", "page": 0}, 422),
    ],
)
def test_what_is_no_search_is_refused(
    client: TestClient, params: dict[str, Any], status: int
) -> None:
    assert search(client, ADMIN, **params).status_code == status


def test_strangers_find_nobody(client: TestClient) -> None:
    assert search(client, None, username="a").status_code == 401
