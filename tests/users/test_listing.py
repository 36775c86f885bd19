"""``GET /users``."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, error_of, make_user
from tests.users.people import delete, set_admin


@pytest.fixture
def people(client: TestClient) -> TestClient:
    """A server with four people, of whom one is an administrator."""
    for name in ("cleo", "ann", "bob", "annika"):
        make_user(client, name)
    assert set_admin(client, 3).status_code == 200
    return client


def get(client: TestClient, login: Any = ADMIN, **params: Any) -> Any:
    return client.get(f"{API}/users", params=params, auth=login)


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["username"] for each in answer.json()]


def test_people_are_listed_by_name_without_the_first_administrator(people: TestClient) -> None:
    answer = get(people)
    assert names(answer) == ["ann", "annika", "bob", "cleo"]
    assert answer.headers["X-Total-Count"] == "4"


def test_each_is_shown_as_alone(people: TestClient) -> None:
    (cleo,) = get(people, username="cleo").json()
    assert cleo == people.get(f"{API}/users/3", auth=ADMIN).json()
    assert cleo["sysadmin_flag"] is True
    assert "password" not in cleo


def test_where_there_is_nobody_the_list_is_empty(client: TestClient) -> None:
    answer = get(client)
    assert (answer.json(), answer.headers["X-Total-Count"]) == ([], "0")


def test_they_come_in_pages(people: TestClient) -> None:
    answer = get(people, page=2, page_size=3)
    assert names(answer) == ["cleo"]
    assert answer.headers["X-Total-Count"] == "4"
    assert 'rel="prev"' in answer.headers["Link"]
    beyond = get(people, page=9, page_size=3)
    assert (names(beyond), beyond.headers["X-Total-Count"]) == ([], "4")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-username", ["cleo", "bob", "annika", "ann"]),
        ("creation_time", ["cleo", "ann", "bob", "annika"]),
        ("-user_id", ["annika", "bob", "ann", "cleo"]),
        ("-sysadmin_flag,username", ["cleo", "ann", "annika", "bob"]),
        ("email", ["ann", "annika", "bob", "cleo"]),
        ("nothing", ["ann", "annika", "bob", "cleo"]),
        ("password", ["ann", "annika", "bob", "cleo"]),
        ("-password", ["ann", "annika", "bob", "cleo"]),
    ],
)
def test_they_are_sorted_by_what_may_be_known(
    people: TestClient, sort: str, expected: list[str]
) -> None:
    assert names(get(people, sort=sort)) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"username": "NN"}, ["ann", "annika"]),
        ({"email": "bob@"}, ["bob"]),
        ({"username": "ann", "email": "nika"}, ["annika"]),
        ({"q": "username=ann"}, ["ann"]),
        ({"q": "username=~nn"}, ["ann", "annika"]),
        ({"q": "email=bob@example.com"}, ["bob"]),
        ({"q": "username_or_email=bob"}, ["bob"]),
        ({"q": "username_or_email=~bob@"}, ["bob"]),
        ({"q": "sysadmin_flag=true"}, ["cleo"]),
        ({"q": "SysAdminFlag=true"}, ["cleo"]),
        ({"q": "user_id={3 5}"}, ["bob", "cleo"]),
        ({"q": "user_id=[4~5]"}, ["ann", "bob"]),
        ({"q": "realname=~ik,username=~ann"}, ["annika"]),
        ({"q": "username=ann", "username": "bob"}, []),
        ({"username": "%"}, []),
        ({"q": "username=~_"}, []),
    ],
)
def test_they_are_found(people: TestClient, params: dict[str, str], expected: list[str]) -> None:
    answer = get(people, **params)
    assert names(answer) == expected
    assert answer.headers["X-Total-Count"] == str(len(expected))


@pytest.mark.parametrize(
    "q",
    [
        "password=~a",
        "password=~$argon2id",
        "Password=x",
        "password__icontains=argon",
        "password__gte=$",
        "password=[a~b]",
        "password={a b}",
        "salt=x",
        "deleted=true",
        "User.password=~a",
        "harbor_user.password=~a",
    ],
)
def test_nothing_is_learned_of_what_is_secret(people: TestClient, q: str) -> None:
    """A filter that counts would give a hash away letter by letter: these count for nothing."""
    assert names(get(people, q=q)) == ["ann", "annika", "bob", "cleo"]


def test_neither_who_was_deleted_nor_the_placeholder_is_found(people: TestClient) -> None:
    assert delete(people, 5).status_code == 200
    for params in ({}, {"q": "user_id=[1~99]"}, {"username": ""}):
        assert names(get(people, **params)) == ["ann", "annika", "cleo"]
    for name in ("admin", "anonymous", "bob#5"):
        assert names(get(people, q=f"username=~{name}")) == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"q": "username"}, 400),
        ({"q": "user_id=x"}, 400),
        ({"q": "username=[a"}, 400),
        ({"page_size": 101}, 422),
        ({"page": 0}, 422),
        ({"username": "a" * 256}, 422),
    ],
)
def test_what_is_no_question_is_refused(
    people: TestClient, params: dict[str, Any], status: int
) -> None:
    assert get(people, **params).status_code == status


def test_only_administrators_list_people(people: TestClient) -> None:
    assert error_of(get(people, None)) == (401, "UNAUTHORIZED")
    assert error_of(get(people, make_user(people, "eve"))) == (403, "FORBIDDEN")
