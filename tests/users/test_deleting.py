"""``DELETE /users/{user_id}``: what goes with an account, and what stays."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import signed_in, who
from tests.make import (
    ADMIN,
    API,
    PASSWORD,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    message_of,
    push_image,
)
from tests.users.people import Rows, account, delete, set_admin

ANN = 3  # the id of the first account that is made


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


def test_an_account_is_deleted(client: TestClient, ann: Login) -> None:
    answer = delete(client, ANN)
    assert (answer.status_code, answer.content) == (200, b"")
    assert account(client, ANN) is None
    assert error_of(delete(client, ANN)) == (404, "NOT_FOUND")


def test_its_row_stays_under_a_mangled_name_and_without_the_password(
    client: TestClient, ann: Login, rows: Rows
) -> None:
    set_admin(client, ANN)
    delete(client, ANN)
    found = rows("SELECT username, email, password, sysadmin_flag, deleted FROM harbor_user")
    kept = next(row for row in found if "#" in row[0])
    assert kept[:3] == ("ann#3", "ann@example.com#3", None)
    assert [bool(flag) for flag in kept[3:]] == [False, True]


def test_the_longest_name_is_mangled_too(client: TestClient, rows: Rows) -> None:
    name, address = "n" * 255, "a" * 243 + "@example.com"
    person = {"username": name, "email": address, "realname": "n", "password": PASSWORD}
    assert client.post(f"{API}/users", json=person, auth=ADMIN).status_code == 201
    assert delete(client, ANN).status_code == 200
    ((kept, mail),) = rows("SELECT username, email FROM harbor_user WHERE user_id = 3")
    assert (kept, mail) == ("n" * 253 + "#3", address[:253] + "#3")


def test_name_and_address_are_free_again_for_somebody_else(client: TestClient, ann: Login) -> None:
    make_project(client, "team")
    add_member(client, "team", ann, 1)
    delete(client, ANN)
    make_user(client, "ann")
    assert client.get(f"{API}/users/current", auth=ann).json()["user_id"] == ANN + 1
    assert client.get(f"{API}/projects/team", auth=ann).status_code == 403
    assert error_of(client.get(f"{API}/users/{ANN}", auth=ann)) == (403, "FORBIDDEN")


def test_nobody_can_have_the_mangled_name(client: TestClient, ann: Login) -> None:
    delete(client, ANN)
    for changed in ({"username": "ann#3"}, {"email": "ann@example.com#3"}):
        person = {"username": "x", "email": "x@example.com", "realname": "x", "password": PASSWORD}
        answer = client.post(f"{API}/users", json=person | changed, auth=ADMIN)
        assert error_of(answer) == (400, "BAD_REQUEST")
    for name in ("ann", "ann#3", "ann@example.com", "ann@example.com#3"):
        assert who(client, auth=(name, PASSWORD)) == ""


def test_its_sessions_end_at_once(client: TestClient, ann: Login, rows: Rows) -> None:
    here, other = signed_in(client, ann), signed_in(client)
    assert who(here) == "ann"
    delete(client, ANN)
    assert [who(each) for each in (here, other)] == ["", "admin"]
    assert rows("SELECT user_id FROM session") == [(1,)]


def test_its_memberships_end_at_once(client: TestClient, ann: Login, rows: Rows) -> None:
    make_project(client, "team")
    for name in ("team", "library"):
        add_member(client, name, ann, 2)
    add_member(client, "team", make_user(client, "bob"), 2)
    delete(client, ANN)
    assert rows("SELECT entity_id FROM project_member ORDER BY entity_id") == [(1,), (1,), (4,)]
    listed = client.get(f"{API}/projects/team/members", auth=ADMIN).json()
    assert [each["entity_name"] for each in listed] == ["admin", "bob"]


def test_a_password_that_was_remembered_lets_nobody_in(client: TestClient, ann: Login) -> None:
    make_project(client, "team")
    add_member(client, "team", ann, 2)
    push_image(client, "team/app", login=ann)
    pull = "/v2/team/app/manifests/1.0"
    for _ in range(3):  # the first is checked, the others are remembered
        assert client.get(pull, auth=ann).status_code == 200
    delete(client, ANN)
    assert client.get(pull, auth=ann).status_code == 401
    assert client.get(f"{API}/projects/team", auth=ann).status_code == 401
    asked = {"service": "harbor-registry", "account": "ann"}
    assert client.get("/service/token", params=asked, auth=ann).status_code == 401
    login = client.post("/c/login", data={"principal": "ann", "password": PASSWORD})
    assert login.status_code == 401


@pytest.mark.parametrize("path", ["manifests/1.0", "tags/list"])
def test_a_token_that_it_was_given_ends_at_once(client: TestClient, ann: Login, path: str) -> None:
    make_project(client, "team")
    add_member(client, "team", ann, 2)
    push_image(client, "team/app")
    headers = bearer(client, ann, "repository:team/app:pull,push")
    for _ in range(3):  # the first is looked up, the others are remembered
        assert client.get(f"/v2/team/app/{path}", headers=headers).status_code == 200
    delete(client, ANN)
    assert client.get(f"/v2/team/app/{path}", headers=headers).status_code == 401
    assert client.post("/v2/team/app/blobs/uploads/", headers=headers).status_code == 401
    make_user(client, "ann")
    assert client.get(f"/v2/team/app/{path}", headers=headers).status_code == 401


def test_it_gets_no_token_with_rights_any_more(client: TestClient, ann: Login) -> None:
    make_project(client, "team")
    add_member(client, "team", ann, 2)
    push_image(client, "team/app")
    delete(client, ANN)
    headers = bearer(client, ann, "repository:team/app:pull")
    assert client.get("/v2/team/app/manifests/1.0", headers=headers).status_code == 401


def test_its_projects_and_what_it_pushed_stay(client: TestClient, ann: Login) -> None:
    make_project(client, "team", owner=ann)
    push_image(client, "team/app", login=ann)
    delete(client, ANN)
    assert client.get("/v2/team/app/manifests/1.0", auth=ADMIN).status_code == 200
    assert client.get(f"{API}/projects/team", auth=ADMIN).json()["owner_id"] == ANN


def test_the_first_administrator_and_oneself_cannot_be_deleted(
    client: TestClient, ann: Login
) -> None:
    set_admin(client, ANN)
    for login, user_id in ((ADMIN, 1), (ann, 1), (ann, ANN)):
        answer = delete(client, user_id, login)
        assert error_of(answer) == (403, "FORBIDDEN")
        assert message_of(answer) == f"User with ID {user_id} can't be deleted"
    assert account(client, ANN)["username"] == "ann"


def test_an_administrator_deletes_another_one(client: TestClient, ann: Login) -> None:
    make_user(client, "bob")
    for user_id in (ANN, ANN + 1):
        set_admin(client, user_id)
    assert delete(client, ANN + 1, ann).status_code == 200


@pytest.mark.parametrize(
    ("user_id", "status"), [(2, 404), (99, 404), (0, 404), ("x", 422), (-1, 422), (2**31, 422)]
)
def test_who_is_not_there_is_not_found(client: TestClient, user_id: object, status: int) -> None:
    assert delete(client, user_id).status_code == status


def test_nobody_else_deletes_accounts(client: TestClient, ann: Login) -> None:
    make_user(client, "bob")
    for user_id in (1, ANN, ANN + 1, 99):
        assert error_of(delete(client, user_id, ann)) == (403, "FORBIDDEN")
        assert error_of(delete(client, user_id, None)) == (401, "UNAUTHORIZED")
    assert account(client, ANN) is not None


def test_a_deletion_that_is_refused_changes_nothing(client: TestClient, rows: Rows) -> None:
    here = signed_in(client)
    assert delete(client, 1).status_code == 403
    assert who(here) == "admin"
    assert rows("SELECT entity_id FROM project_member") == [(1,)]


def test_it_is_in_the_audit_log_under_its_name(client: TestClient, ann: Login, rows: Rows) -> None:
    delete(client, ANN)
    delete(client, 1)
    found = rows(
        "SELECT resource, username, operation_result FROM audit_log_ext "
        "WHERE operation = 'delete' AND resource_type = 'user' ORDER BY id"
    )
    assert [(*line, bool(done)) for *line, done in found] == [
        ("ann", "admin", True),
        ("1", "admin", False),
    ]


def search(client: TestClient, text: str) -> list[Any]:
    found: list[Any] = client.get(
        f"{API}/users/search", params={"username": text}, auth=ADMIN
    ).json()
    return found


def test_nobody_finds_it_any_more(client: TestClient, ann: Login) -> None:
    delete(client, ANN)
    assert search(client, "ann") == []
    make_project(client, "team")
    member = {"role_id": 2, "member_user": {"user_id": ANN}}
    answer = client.post(f"{API}/projects/team/members", json=member, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")
