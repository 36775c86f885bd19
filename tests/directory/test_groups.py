"""Local groups, and what a role of a group lets its members do."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, Login, bearer, make_project, make_user, push_image
from tests.projects.pages import HTMX, told, words
from tests.users.people import delete, id_of

PLACE = f"{API}/usergroups"
DEVELOPER, GUEST = 2, 3


def make_group(client: TestClient, name: str, *people: str) -> int:
    made = client.post(PLACE, json={"group_name": name}, auth=ADMIN)
    assert made.status_code == 201, made.text
    group_id = int(made.headers["Location"].rpartition("/")[2])
    for person in people:
        joined = client.post(f"{PLACE}/{group_id}/members", json={"username": person}, auth=ADMIN)
        assert joined.status_code == 200, joined.text
    return group_id


def give(client: TestClient, project: str, role_id: int = GUEST, **group: Any) -> Any:
    body = {"role_id": role_id, "member_group": group}
    return client.post(f"{API}/projects/{project}/members", json=body, auth=ADMIN)


@pytest.fixture
def ann(client: TestClient) -> Login:
    make_project(client, "team")
    return make_user(client, "ann")


def reads(client: TestClient, login: Login) -> int:
    return client.get(f"{API}/projects/team", auth=login).status_code


def test_a_group_is_made_found_renamed_and_deleted(client: TestClient) -> None:
    group_id = make_group(client, "builders")
    group = {"id": group_id, "group_name": "builders", "group_type": 4, "ldap_group_dn": ""}
    assert client.get(f"{PLACE}/{group_id}", auth=ADMIN).json() == group
    listed = client.get(f"{PLACE}?group_name=UILD", auth=ADMIN)
    assert (listed.json(), listed.headers["X-Total-Count"]) == ([group], "1")
    found = client.get(f"{PLACE}/search?groupname=build", auth=make_user(client, "ann"))
    assert found.json() == [{"id": group_id, "group_name": "builders", "group_type": 4}]
    renamed = client.put(f"{PLACE}/{group_id}", json={"group_name": "makers"}, auth=ADMIN)
    assert renamed.status_code == 200
    assert client.get(f"{PLACE}?group_name=build", auth=ADMIN).json() == []
    assert client.delete(f"{PLACE}/{group_id}", auth=ADMIN).status_code == 200
    assert client.get(f"{PLACE}/{group_id}", auth=ADMIN).status_code == 404
    assert client.delete(f"{PLACE}/{group_id}", auth=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"group_name": " "}, 400),
        ({"group_name": "a\nb"}, 400),
        ({"group_name": "a", "group_type": 9}, 400),
        ({"group_name": "a", "group_type": 1, "ldap_group_dn": "none"}, 400),
        ({"group_name": "builders"}, 409),
        ({"group_name": "builders", "group_type": 2}, 201),
        ({"group_name": "x" * 256}, 422),
    ],
)
def test_what_cannot_be_a_group_is_refused(
    client: TestClient, body: dict[str, object], status: int
) -> None:
    make_group(client, "builders")
    assert client.post(PLACE, json=body, auth=ADMIN).status_code == status


def test_members_of_a_group_have_its_role_and_lose_it_at_once(
    client: TestClient, ann: Login
) -> None:
    group_id = make_group(client, "builders", "ann")
    assert reads(client, ann) == 403
    made = give(client, "team", DEVELOPER, id=group_id)
    assert made.status_code == 201
    member = client.get(made.headers["Location"], auth=ADMIN).json()
    assert (member["entity_type"], member["entity_name"]) == ("g", "builders")
    project = client.get(f"{API}/projects/team", auth=ann).json()
    assert project["current_user_role_ids"] == [DEVELOPER]
    assert [p["name"] for p in client.get(f"{API}/projects", auth=ann).json()] == [
        "library",
        "team",
    ]
    push_image(client, "team/app", login=ann)
    assert client.get(f"{API}/search?q=team", auth=ann).json()["project"]
    where = f"{PLACE}/{group_id}/members"
    assert client.delete(f"{where}/{id_of(client, 'ann')}", auth=ADMIN).status_code == 200
    assert reads(client, ann) == 403
    assert client.get("/v2/team/app/tags/list", auth=ann).status_code == 401
    assert client.delete(f"{where}/{id_of(client, 'ann')}", auth=ADMIN).status_code == 404


@pytest.mark.parametrize("end", ["group", "membership", "account"])
def test_a_role_ends_with_what_it_came_from(client: TestClient, ann: Login, end: str) -> None:
    group_id = make_group(client, "builders", "ann")
    member = give(client, "team", id=group_id).headers["Location"]
    assert reads(client, ann) == 200
    if end == "group":
        client.delete(f"{PLACE}/{group_id}", auth=ADMIN)
        assert client.get(member, auth=ADMIN).status_code == 404
        assert len(client.get(f"{API}/projects/team/members", auth=ADMIN).json()) == 1
    elif end == "membership":
        assert client.delete(member, auth=ADMIN).status_code == 200
    else:
        delete(client, id_of(client, "ann"))
        ann = make_user(client, "ann")
        assert client.get(f"{PLACE}/{group_id}/members", auth=ADMIN).json() == []
    assert reads(client, ann) == 403


def test_roles_of_a_person_and_of_their_groups_add_up(client: TestClient, ann: Login) -> None:
    for name, role in (("readers", GUEST), ("writers", DEVELOPER)):
        give(client, "team", role, id=make_group(client, name, "ann"))
    body = {"role_id": 5, "member_user": {"username": "ann"}}
    client.post(f"{API}/projects/team/members", json=body, auth=ADMIN)
    project = client.get(f"{API}/projects/team", auth=ann).json()
    assert project["current_user_role_ids"] == [2, 3, 5]
    assert bearer(client, ann, "repository:team/app:push")
    push_image(client, "team/app", login=ann)


def test_rules_for_every_member_hold_for_members_by_a_group(client: TestClient, ann: Login) -> None:
    push_image(client, "team/secret")
    push_image(client, "team/open")
    give(client, "team", GUEST, id=make_group(client, "readers", "ann"))
    rule = {"subject": {"type": "members"}, "pattern": "secret", "role_id": 0}
    made = client.post(f"{API}/projects/team/repositoryrules", json=rule, auth=ADMIN)
    assert made.status_code == 201, made.text
    listed = client.get(f"{API}/projects/team/repositories", auth=ann).json()
    assert [repository["name"] for repository in listed] == ["team/open"]
    assert client.get("/v2/team/secret/tags/list", auth=ann).status_code == 401
    assert client.get("/v2/team/open/tags/list", auth=ann).status_code == 200
    # Whoever leads the project by another group is not ruled.
    give(client, "team", 1, id=make_group(client, "leaders", "ann"))
    listed = client.get(f"{API}/projects/team/repositories", auth=ann).json()
    assert len(listed) == 2


@pytest.mark.parametrize(
    ("group", "status"),
    [
        ({"id": 99}, 400),
        ({"group_name": "nobody"}, 400),
        ({"group_name": "builders"}, 201),
        ({"group_name": "new", "group_type": 3}, 201),
        ({"group_name": "new", "group_type": 2}, 400),  # the auth proxy is to name it first
        ({"ldap_group_dn": "cn=a,dc=b"}, 400),  # no server is configured
        ({}, 400),
    ],
)
def test_a_group_is_named_in_several_ways(
    client: TestClient, ann: Login, group: dict[str, Any], status: int
) -> None:
    make_group(client, "builders")
    assert give(client, "team", **group).status_code == status


def test_groups_are_listed_before_people_and_paged_with_them(
    client: TestClient, ann: Login
) -> None:
    for name in ("zebra", "apes"):
        give(client, "team", id=make_group(client, name))
    where = f"{API}/projects/team/members"
    pages = [client.get(f"{where}?page_size=2&page={n}", auth=ADMIN) for n in (1, 2, 3)]
    shown = [[each["entity_name"] for each in page.json()] for page in pages]
    assert shown == [["apes", "zebra"], ["admin"], []]
    assert {page.headers["X-Total-Count"] for page in pages} == {"3"}
    found = client.get(f"{where}?entityname=eb", auth=ADMIN)
    assert [each["entity_name"] for each in found.json()] == ["zebra"]
    assert found.headers["X-Total-Count"] == "1"
    assert give(client, "team", group_name="apes").status_code == 409
    page = words(client.get("/harbor/projects/team/members", auth=ADMIN, follow_redirects=True))
    assert "zebra Group Guest" in page


def test_who_belongs_to_a_group_from_elsewhere_is_not_decided_here(client: TestClient) -> None:
    made = client.post(PLACE, json={"group_name": "far", "group_type": 3}, auth=ADMIN)
    where = made.headers["Location"] + "/members"
    answer = client.post(where, json={"username": "admin"}, auth=ADMIN)
    assert answer.status_code == 400
    assert client.delete(f"{where}/1", auth=ADMIN).status_code == 400


def test_the_pages_of_groups(client: TestClient, ann: Login) -> None:
    here = "/harbor/groups"
    assert "No groups yet" in words(client.get(here, auth=ADMIN))
    made = client.post(f"{here}/new", data={"group_name": "<b>x"}, auth=ADMIN, headers=HTMX)
    assert told(made) == {"to": here, "said": "The group was created."}
    listed = client.get(here, auth=ADMIN)
    assert "<b>x" not in listed.text
    (group,) = client.get(PLACE, auth=ADMIN).json()
    one = f"{here}/{group['id']}"
    added = client.post(f"{one}/add", data={"username": "ann"}, auth=ADMIN, headers=HTMX)
    assert told(added)["said"] == "ann was added."
    assert "ann" in words(client.get(one, auth=ADMIN))
    dialog = words(client.get("/harbor/projects/team/members/new-group", auth=ADMIN))
    assert "<b>x" in dialog
    form = {"group_id": group["id"], "role_id": 3}
    client.post("/harbor/projects/team/members/new-group", data=form, auth=ADMIN, headers=HTMX)
    assert reads(client, ann) == 200
    left = client.post(f"{one}/leave", data={"id": id_of(client, "ann")}, auth=ADMIN, headers=HTMX)
    assert told(left)["said"] == "ann was removed."
    assert reads(client, ann) == 403
