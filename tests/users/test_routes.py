import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, PASSWORD, make_user

Rows = Callable[[str], list[Any]]
AUDIT = """SELECT operation, resource_type, resource, username, operation_result
           FROM audit_log_ext WHERE resource_type = 'user' ORDER BY id"""


def body(**changed: Any) -> dict[str, Any]:
    good = {
        "username": "ann",
        "email": "ann@example.com",
        "realname": "Ann Example",
        "comment": "hello",
        "password": PASSWORD,
    }
    return good | changed


def create(client: TestClient, **changed: Any) -> Any:
    return client.post(f"{API}/users", json=body(**changed), auth=ADMIN)


def test_an_admin_creates_somebody_who_can_then_sign_in(client: TestClient) -> None:
    made = create(client)
    assert made.status_code == 201
    assert made.headers["Location"] == f"{API}/users/3"
    assert made.content == b""
    me = client.get(f"{API}/users/current", auth=("ann", PASSWORD))
    assert me.status_code == 200


def test_one_may_sign_in_with_the_email_address(client: TestClient) -> None:
    create(client)
    me = client.get(f"{API}/users/current", auth=("ann@example.com", PASSWORD))
    assert me.json()["username"] == "ann"


def test_an_account_shows_exactly_harbors_fields(client: TestClient) -> None:
    create(client)
    me = client.get(f"{API}/users/current", auth=("ann", PASSWORD)).json()
    times = [me.pop("creation_time"), me.pop("update_time")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)
    assert me == {
        "user_id": 3,
        "username": "ann",
        "email": "ann@example.com",
        "realname": "Ann Example",
        "comment": "hello",
        "sysadmin_flag": False,
        "admin_role_in_auth": False,
    }


def test_what_is_empty_is_left_out_of_an_account(client: TestClient) -> None:
    me = client.get(f"{API}/users/current", auth=ADMIN).json()
    assert me["sysadmin_flag"] is True
    assert me["admin_role_in_auth"] is False
    assert not {"email", "comment", "password"} & me.keys()


@pytest.mark.parametrize(
    ("auth", "status"), [(None, 401), (("admin", "wrong"), 401), (("ann", PASSWORD), 403)]
)
def test_only_an_admin_creates_people(client: TestClient, auth: Any, status: int) -> None:
    make_user(client, "ann")
    answer = client.post(f"{API}/users", json=body(username="bob", email="b@b.org"), auth=auth)
    assert answer.status_code == status


def test_a_stranger_has_no_account_to_see(client: TestClient) -> None:
    answer = client.get(f"{API}/users/current")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize("twin", [{"username": "ann"}, {"email": "ann@example.com"}])
def test_a_name_or_address_is_taken_once(client: TestClient, twin: dict[str, str]) -> None:
    create(client)
    answer = create(client, **({"username": "bob", "email": "bob@example.com"} | twin))
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "CONFLICT"


def test_nobody_takes_the_address_of_another_as_a_name(client: TestClient) -> None:
    """Names count before addresses: whose address it is could not sign in with it any more."""
    create(client)
    answer = create(client, username="ann@example.com", email="eve@example.com")
    assert answer.status_code == 409
    me = client.get(f"{API}/users/current", auth=("ann@example.com", PASSWORD))
    assert me.json()["username"] == "ann"
    own = "bob@example.com"
    assert create(client, username=own, email=own).status_code == 201


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"password": "short"}, 400),
        ({"email": "no address"}, 400),
        ({"realname": ""}, 400),
        ({"comment": "c" * 31}, 400),
        ({"username": "a,b"}, 400),
        ({"username": "a" * 256}, 422),
        ({"email": "a" * 250 + "@b.org"}, 422),
        ({"username": 5}, 422),
        ({"realname": "a\0b"}, 422),
    ],
)
def test_what_is_not_allowed_is_refused(
    client: TestClient, changed: dict[str, Any], status: int
) -> None:
    answer = create(client, **changed)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


def test_unknown_fields_are_ignored(client: TestClient) -> None:
    assert create(client, sysadmin_flag=True, user_id=1).status_code == 201
    me = client.get(f"{API}/users/current", auth=("ann", PASSWORD)).json()
    assert (me["user_id"], me["sysadmin_flag"]) == (3, False)


def test_creating_somebody_is_audited_once(client: TestClient, rows: Rows) -> None:
    create(client)
    assert [tuple(row) for row in rows(AUDIT)] == [("create", "user", "ann", "admin", True)]


def test_creating_somebody_in_vain_is_audited_too(client: TestClient, rows: Rows) -> None:
    create(client)
    create(client, email="other@example.com")
    create(client, username="bob", password="short")
    assert [(row[2], bool(row[4])) for row in rows(AUDIT)] == [
        ("ann", True),
        ("ann", False),
        ("bob", False),
    ]


def test_a_password_is_kept_as_an_argon2id_hash_only(client: TestClient, rows: Rows) -> None:
    create(client)
    (kept,) = rows("SELECT password FROM harbor_user WHERE username = 'ann'")
    assert kept[0].startswith("$argon2id$v=19$")
    assert not any(PASSWORD in str(row) for row in rows("SELECT * FROM audit_log_ext"))
