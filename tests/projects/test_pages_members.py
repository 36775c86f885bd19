"""The members of a project, as pages show and change them."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import meant, signed_in
from tests.make import ADMIN, API, add_member, make_project, make_user
from tests.projects.pages import (
    HOSTILE,
    HTMX,
    audit,
    harmless,
    make_hostile,
    project_id,
    told,
    words,
    wrong_at,
)


@pytest.fixture
def here(client: TestClient, people: dict[str, Any]) -> str:
    """The path of the members of ``team``, in which everybody has a role."""
    return f"/harbor/projects/{project_id(client, 'team')}/members"


def roles(client: TestClient) -> dict[str, str]:
    listed = client.get(f"{API}/projects/team/members?page_size=100", auth=ADMIN).json()
    return {member["entity_name"]: member["role_name"] for member in listed}


def member_id(client: TestClient, name: str) -> int:
    listed = client.get(f"{API}/projects/team/members?page_size=100", auth=ADMIN).json()
    return next(int(member["id"]) for member in listed if member["entity_name"] == name)


def test_the_members_are_listed_with_their_roles(client: TestClient, here: str) -> None:
    text = words(client.get(here, auth=ADMIN))
    assert "admin You User Project admin" in text
    for name, role in (
        ("dev", "Developer"),
        ("guest", "Guest"),
        ("limited", "Limited guest"),
        ("mia", "Maintainer"),
        ("pam", "Project admin"),
    ):
        assert f"{name} User {role}" in text


def test_the_list_can_be_narrowed(client: TestClient, here: str) -> None:
    text = words(client.get(f"{here}?text=IM", auth=ADMIN))
    assert "limited User Limited guest" in text
    assert "dev User" not in text
    page = client.get(f"{here}?page_size=5&page=2", auth=ADMIN)
    assert page.text.count('<td class="c-1"') == 1


@pytest.mark.parametrize("name", ["guest", "dev", "mia"])
def test_who_may_only_read_is_offered_nothing(
    client: TestClient, here: str, people: dict[str, Any], name: str
) -> None:
    page = client.get(here, auth=people[name]).text
    assert f"{here}/new" not in page
    assert f"{here}/role" not in page
    assert 'name="id"' not in page


def test_ones_own_row_cannot_be_selected(
    client: TestClient, here: str, people: dict[str, Any]
) -> None:
    page = client.get(here, auth=people["pam"]).text
    assert f'name="id" value="{member_id(client, "pam")}"' not in page
    assert page.count('name="id"') == 5
    for what, form in (("role", {"role_id": "3"}), ("remove", {})):
        asked = {"id": str(member_id(client, "pam"))} | form
        answer = client.post(f"{here}/{what}", data=asked, headers=HTMX, auth=people["pam"])
        assert answer.status_code == 400
        assert "You cannot change or take your own role." in words(answer)
    assert roles(client)["pam"] == "projectAdmin"


def test_somebody_is_added(client: TestClient, here: str, people: dict[str, Any]) -> None:
    form = {"username": " stranger ", "role_id": "2"}
    answer = client.post(f"{here}/new", data=form, headers=HTMX, auth=people["pam"])
    assert told(answer) == {"to": here, "said": "stranger is a member now."}
    assert roles(client)["stranger"] == "developer"
    assert audit(client)[0] == ("create", "member", " stranger ", True)


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("", 400, "Enter the name of a user."),
        ("nobody", 400, "User nobody not found"),
        (HOSTILE, 400, f"User {HOSTILE} not found"),
        ("guest", 409, "guest is a member already."),
    ],
)
def test_what_is_wrong_with_a_name_is_said_at_its_field(
    client: TestClient, here: str, name: str, status: int, message: str
) -> None:
    form = {"username": name, "role_id": "2"}
    answer = client.post(f"{here}/new", data=form, headers=HTMX, auth=ADMIN)
    assert (answer.status_code, wrong_at(answer)) == (status, "username")
    assert message in words(answer)
    assert HOSTILE not in answer.text


@pytest.mark.parametrize("role_id", ["0", "6", "99"])
def test_a_role_that_does_not_exist_is_refused(client: TestClient, here: str, role_id: str) -> None:
    form = {"username": "stranger", "role_id": role_id}
    assert client.post(f"{here}/new", data=form, auth=ADMIN).status_code == 400
    form = {"id": str(member_id(client, "dev")), "role_id": role_id}
    assert client.post(f"{here}/role", data=form, auth=ADMIN).status_code == 400
    assert roles(client)["dev"] == "developer"


def test_people_are_found_by_a_part_of_their_name(client: TestClient, here: str) -> None:
    answer = client.get(f"{here}/candidates?username=GUE", auth=ADMIN)
    assert '<option value="guest" label="guest, a member already">' in answer.text
    answer = client.get(f"{here}/candidates?username=rang", auth=ADMIN)
    assert '<option value="stranger"></option>' in answer.text
    for text in ("", "  ", "%", "_"):
        answer = client.get(f"{here}/candidates", params={"username": text}, auth=ADMIN)
        assert "<option" not in answer.text


def test_at_most_eight_people_are_offered(client: TestClient, here: str) -> None:
    for n in range(10):
        make_user(client, f"many{n}")
    answer = client.get(f"{here}/candidates?username=many", auth=ADMIN)
    assert answer.text.count("<option") == 8


def test_several_get_another_role(client: TestClient, here: str, people: dict[str, Any]) -> None:
    ids = {"id": [member_id(client, "dev"), member_id(client, "guest")]}
    page = client.get(f"{here}/role", params=ids, headers=HTMX, auth=people["pam"])
    assert "dev guest Role" in words(page)
    answer = client.post(
        f"{here}/role", data=ids | {"role_id": "4"}, headers=HTMX, auth=people["pam"]
    )
    assert told(answer)["to"] == here
    assert (roles(client)["dev"], roles(client)["guest"]) == ("maintainer", "maintainer")
    assert audit(client)[:2] == [
        ("update", "member", "guest", True),
        ("update", "member", "dev", True),
    ]


def test_the_role_of_one_is_chosen_already(client: TestClient, here: str) -> None:
    page = client.get(f"{here}/role?id={member_id(client, 'mia')}", auth=ADMIN)
    assert 'value="4" checked' in page.text


def test_several_are_removed(client: TestClient, here: str, people: dict[str, Any]) -> None:
    ids = {"id": [member_id(client, "dev"), member_id(client, "mia")]}
    page = client.get(f"{here}/remove", params=ids, headers=HTMX, auth=people["pam"])
    assert "dev mia" in words(page)
    answer = client.post(f"{here}/remove", data=ids, headers=HTMX, auth=people["pam"])
    assert told(answer) == {"to": here, "said": "2 members were removed."}
    assert set(roles(client)) == {"admin", "pam", "guest", "limited"}
    assert audit(client)[:2] == [
        ("delete", "member", "mia", True),
        ("delete", "member", "dev", True),
    ]


@pytest.mark.parametrize("what", ["role", "remove"])
def test_members_of_other_projects_are_out_of_reach(
    client: TestClient, here: str, people: dict[str, Any], what: str
) -> None:
    make_project(client, "other")
    theirs = add_member(client, "other", people["stranger"], 2).rpartition("/")[2]
    asked = {"id": theirs, "role_id": "1"}
    assert client.get(f"{here}/{what}?id={theirs}", auth=people["pam"]).status_code == 404
    assert client.post(f"{here}/{what}", data=asked, auth=people["pam"]).status_code == 404
    kept = client.get(f"{API}/projects/other/members/{theirs}", auth=ADMIN).json()
    assert kept["role_name"] == "developer"


def test_a_hostile_name_is_shown_as_text_everywhere(client: TestClient, here: str) -> None:
    eve = make_hostile(client)
    offered = client.get(f"{here}/candidates?username=img", auth=ADMIN)
    assert "&lt;img/src=x&gt;" in offered.text
    assert HOSTILE not in offered.text
    form = {"username": eve[0], "role_id": "3"}
    added = client.post(f"{here}/new", data=form, headers=HTMX, auth=ADMIN)
    assert told(added)["said"] == f"{HOSTILE} is a member now."
    mid = member_id(client, HOSTILE)
    for path in (here, f"{here}/role?id={mid}", f"{here}/remove?id={mid}"):
        assert harmless(client.get(path, auth=ADMIN)), path


def test_a_page_of_another_site_changes_nothing(client: TestClient, here: str) -> None:
    visitor = signed_in(client)
    form = {"username": "stranger", "role_id": "1"}
    assert visitor.post(f"{here}/new", data=form).status_code == 403
    assert "stranger" not in roles(client)
    assert visitor.post(f"{here}/new", data=form, headers=meant(visitor)).status_code == 303
