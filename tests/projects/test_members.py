from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.projects.service import members
from tests.make import ADMIN, API, Login, add_member, make_project, make_user

Rows = Callable[[str], list[Any]]
MEMBERS = f"{API}/projects/team/members"
ROLES = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer", 5: "limitedGuest"}


@pytest.fixture
def ann(client: TestClient) -> Login:
    """Somebody without a role, beside a private project of the admin."""
    make_project(client, "team")
    return make_user(client, "ann")


def add(client: TestClient, auth: Any = ADMIN, **body: Any) -> Any:
    return client.post(MEMBERS, json=body, auth=auth)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("role_id", ROLES)
def test_somebody_gets_a_role(client: TestClient, ann: Login, role_id: int) -> None:
    made = add(client, role_id=role_id, member_user={"username": "ann"})
    assert made.status_code == 201
    assert made.content == b""
    assert made.headers["Location"].startswith(f"{MEMBERS}/")
    member = client.get(made.headers["Location"], auth=ADMIN).json()
    assert member == {
        "id": int(made.headers["Location"].rpartition("/")[2]),
        "project_id": 2,
        "entity_name": "ann",
        "role_name": ROLES[role_id],
        "role_id": role_id,
        "entity_id": 3,
        "entity_type": "u",
    }


def test_somebody_may_be_named_by_id(client: TestClient, ann: Login) -> None:
    made = add(client, role_id=2, member_user={"user_id": 3, "username": "somebody else"})
    assert client.get(made.headers["Location"], auth=ADMIN).json()["entity_name"] == "ann"


def test_the_location_names_the_project_as_the_caller_did(client: TestClient, ann: Login) -> None:
    made = client.post(
        f"{API}/projects/2/members",
        json={"role_id": 2, "member_user": {"user_id": 3}},
        auth=ADMIN,
    )
    assert made.headers["Location"].startswith(f"{API}/projects/2/members/")


def test_nulls_say_nothing(client: TestClient, ann: Login) -> None:
    group = {"id": None, "group_name": None, "group_type": None, "ldap_group_dn": None}
    made = add(
        client,
        role_id=2,
        member_user={"user_id": None, "username": "ann"},
        member_group=group,
    )
    assert made.status_code == 201
    place = made.headers["Location"]
    assert client.put(place, json={"role_id": None}, auth=ADMIN).status_code == 400
    assert client.get(place, auth=ADMIN).json()["role_id"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"role_id": "2", "member_user": {"username": "ann"}},
        {"role_id": 2.5, "member_user": {"username": "ann"}},
        {"role_id": 2, "member_user": "ann"},
        {"role_id": 2, "member_user": {"username": "x" * 256}},
        {"role_id": 2, "member_user": {"username": 3}},
        {"role_id": 2, "member_group": {"group_name": "x" * 256}},
        {"role_id": 2, "member_group": {"ldap_group_dn": "x" * 513}},
        {"role_id": 2, "member_group": {"id": -1}},
        [],
    ],
)
def test_a_body_of_another_shape_is_refused(client: TestClient, ann: Login, body: Any) -> None:
    assert client.post(MEMBERS, json=body, auth=ADMIN).status_code == 422


def test_somebody_who_was_deleted_is_no_member(
    client: TestClient, ann: Login, execute: Callable[[str], None]
) -> None:
    place = add_member(client, "team", ann, 3)
    execute("UPDATE harbor_user SET deleted = true WHERE username = 'ann'")
    assert client.get(place, auth=ADMIN).status_code == 404
    listed = client.get(MEMBERS, auth=ADMIN)
    assert [each["entity_name"] for each in listed.json()] == ["admin"]
    assert listed.headers["X-Total-Count"] == "1"
    summary = client.get(f"{API}/projects/team/summary", auth=ADMIN).json()
    assert "guest_count" not in summary


def test_a_missing_project_has_no_members(client: TestClient, ann: Login) -> None:
    place = f"{API}/projects/nothing/members"
    body = {"role_id": 2, "member_user": {"username": "ann"}}
    for method, path in (("GET", place), ("POST", place), ("PUT", f"{place}/1")):
        asked = None if method == "GET" else body
        assert client.request(method, path, json=asked, auth=ADMIN).status_code == 404
        assert client.request(method, path, json=asked, auth=ann).status_code == 403
        assert client.request(method, path, json=asked).status_code == 401


def test_a_role_takes_effect_at_once_and_ends_at_once(client: TestClient, ann: Login) -> None:
    project = f"{API}/projects/team"
    assert client.get(project, auth=ann).status_code == 403
    place = add_member(client, "team", ann, 3)
    assert client.get(project, auth=ann).status_code == 200
    assert client.delete(place, auth=ADMIN).status_code == 200
    assert client.get(project, auth=ann).status_code == 403


def test_nobody_is_a_member_twice(client: TestClient, ann: Login) -> None:
    add_member(client, "team", ann, 3)
    answer = add(client, role_id=2, member_user={"username": "ann"})
    assert refusal(answer) == (409, "The project member specified already exist")


@pytest.mark.parametrize("role_id", [0, 6, -1, None])
def test_a_role_that_does_not_exist_is_refused(
    client: TestClient, ann: Login, role_id: int | None
) -> None:
    named = {} if role_id is None else {"role_id": role_id}
    answer = add(client, **named, member_user={"username": "ann"})
    expected = (400, "Failed to update project member, role is not in 1,2,3")
    assert refusal(answer) == expected
    place = add_member(client, "team", ann, 3)
    assert refusal(client.put(place, json=named, auth=ADMIN)) == expected


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({}, "at least one of member_user or member_group must be provided"),
        ({"member_user": None, "member_group": None}, "at least one of"),
        ({"member_user": {"username": "nobody"}}, "User nobody not found"),
        ({"member_user": {"username": "anonymous"}}, "User anonymous not found"),
        ({"member_user": {"user_id": 99}}, "User 99 not found"),
        ({"member_user": {"user_id": 2}}, "User 2 not found"),
        ({"member_group": {"id": 1}}, "User group 1 not found"),
        ({"member_group": {"ldap_group_dn": "cn=devs"}}, "no LDAP server is configured"),
        ({"member_user": {"username": "ann"}, "member_group": {"id": 1}}, "User group 1 not"),
    ],
)
def test_whoever_does_not_exist_gets_no_role(
    client: TestClient, ann: Login, named: dict[str, Any], message: str
) -> None:
    status, told = refusal(add(client, role_id=2, **named))
    assert status == 400
    assert message in told


@pytest.mark.parametrize("user_id", [-1, 2**31, "3"])
def test_an_id_that_cannot_be_is_refused(client: TestClient, ann: Login, user_id: Any) -> None:
    assert add(client, role_id=2, member_user={"user_id": user_id}).status_code == 422


def test_a_role_is_changed(client: TestClient, ann: Login) -> None:
    place = add_member(client, "team", ann, 3)
    assert client.put(place, json={"role_id": 4}, auth=ADMIN).status_code == 200
    assert client.get(place, auth=ADMIN).json()["role_name"] == "maintainer"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("mid", ["999", "1", "0"])
def test_a_member_of_another_project_is_not_found(
    client: TestClient, ann: Login, method: str, mid: str
) -> None:
    # 1 is the admin's membership in the library, which nobody reaches through another project.
    body = {"role_id": 2} if method == "PUT" else None
    answer = client.request(method, f"{MEMBERS}/{mid}", json=body, auth=ADMIN)
    assert answer.status_code == 404
    library = client.get(f"{API}/projects/library/members/1", auth=ADMIN).json()
    assert library["role_id"] == 1


@pytest.mark.parametrize("mid", ["x", "-1", "99999999999"])
def test_what_is_no_id_is_refused(client: TestClient, ann: Login, mid: str) -> None:
    assert client.get(f"{MEMBERS}/{mid}", auth=ADMIN).status_code == 422


def test_members_are_listed_by_name_in_pages(client: TestClient, ann: Login) -> None:
    add_member(client, "team", ann, 3)
    add_member(client, "team", make_user(client, "zoe"), 2)
    answer = client.get(MEMBERS, auth=ADMIN)
    assert [each["entity_name"] for each in answer.json()] == ["admin", "ann", "zoe"]
    assert answer.headers["X-Total-Count"] == "3"
    page = client.get(MEMBERS, params={"page": 2, "page_size": 2}, auth=ADMIN)
    assert [each["entity_name"] for each in page.json()] == ["zoe"]
    assert page.headers["Link"] == f'<{MEMBERS}?page=1&page_size=2>; rel="prev"'


def test_members_are_found_by_a_part_of_the_name(client: TestClient, ann: Login) -> None:
    add_member(client, "team", ann, 3)
    answer = client.get(MEMBERS, params={"entityname": "NN"}, auth=ADMIN)
    assert [each["entity_name"] for each in answer.json()] == ["ann"]
    assert answer.headers["X-Total-Count"] == "1"
    assert client.get(MEMBERS, params={"entityname": "%"}, auth=ADMIN).json() == []


@pytest.mark.parametrize(
    ("role_id", "may_look", "may_change"),
    [(1, 200, 201), (4, 200, 403), (2, 200, 403), (3, 200, 403), (5, 403, 403)],
)
def test_guests_see_members_and_project_admins_change_them(
    client: TestClient, ann: Login, role_id: int, may_look: int, may_change: int
) -> None:
    add_member(client, "team", ann, role_id)
    make_user(client, "bob")
    assert client.get(MEMBERS, auth=ann).status_code == may_look
    answer = add(client, auth=ann, role_id=3, member_user={"username": "bob"})
    assert answer.status_code == may_change


def test_strangers_do_not_see_the_members_of_a_public_project(client: TestClient) -> None:
    assert client.get(f"{API}/projects/library/members").status_code == 401
    ann = make_user(client, "ann")
    assert client.get(f"{API}/projects/library/members", auth=ann).status_code == 403


def test_every_change_is_audited_by_name(client: TestClient, ann: Login, rows: Rows) -> None:
    place = add_member(client, "team", ann, 3)
    add(client, role_id=2, member_user={"user_id": 3})
    client.put(place, json={"role_id": 2}, auth=ADMIN)
    client.delete(place, auth=ADMIN)
    client.delete(place, auth=ADMIN)
    found = rows(
        "SELECT operation, resource, operation_result, project_id FROM audit_log_ext"
        " WHERE resource_type = 'member' ORDER BY id"
    )
    mid = place.rpartition("/")[2]
    assert [(*row[:2], bool(row[2]), row[3]) for row in found] == [
        ("create", "ann", True, 2),
        ("create", "user 3", False, 2),
        ("update", "ann", True, 2),
        ("delete", "ann", True, 2),
        ("delete", mid, False, 2),
    ]


def test_a_crowd_is_listed_like_a_few(
    client: TestClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(client, "team")
    make_project(client, "other")
    for name in ("ann", "bea", "cat", "Dan"):
        add_member(client, "team", make_user(client, name), 2)
    make_user(client, "annabel")
    add_member(client, "other", ("annabel", ""), 2)

    def listed(**asked: Any) -> tuple[list[str], str]:
        answer = client.get(f"{API}/projects/team/members", params=asked, auth=ADMIN)
        assert answer.status_code == 200, answer.text
        names = [each["entity_name"] for each in answer.json()]
        return names, answer.headers["X-Total-Count"]

    pages: list[dict[str, Any]] = [{"page_size": 2, "page": page} for page in (1, 2, 3, 4)]
    asked = [*pages, {"entityname": "AN"}, {"entityname": "x"}]
    few = [listed(**each) for each in asked]
    assert [name for names, _ in few[:3] for name in names] == [name for (name,) in rows(BY_NAME)]
    monkeypatch.setattr(members, "CROWD", 0)
    assert [listed(**each) for each in asked] == few
    assert few[4][1] == "2"


BY_NAME = """SELECT username FROM harbor_user WHERE username IN ('admin', 'ann', 'bea', 'cat', 'Dan')
             ORDER BY username"""
