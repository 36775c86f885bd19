"""Where one is signed in, and how to end that."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import Wait, browser, meant, sid_of, sign_in, signed_in, who, with_sid
from tests.make import ADMIN, API, Login, make_user
from tests.users.people import id_of

OWN = f"{API}/users/current/sessions"
PHONE, DESK = "Phone/1.0 <script>", "Desk/2.0"


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


def listed(client: TestClient, path: str = OWN, **more: Any) -> list[dict[str, Any]]:
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def seated(client: TestClient, login: Login, agent: str) -> TestClient:
    made = browser(client, headers={"User-Agent": agent})
    assert sign_in(made, login).status_code == 200
    return made


def test_one_sees_where_one_is_signed_in(client: TestClient, ann: Login, wait: Wait) -> None:
    phone = seated(client, ann, PHONE)
    wait(2)
    desk = seated(client, ann, DESK)
    signed_in(client)
    found = listed(desk)
    assert [each["user_agent"] for each in found] == [DESK, PHONE]
    assert [each["current"] for each in found] == [True, False]
    assert all(each["address"] == "testclient" for each in found)
    told = client.get(OWN, auth=ann).text
    assert sid_of(phone) not in told
    assert who(with_sid(client, found[0]["id"])) == ""  # what is shown opens nothing


def test_one_ends_a_session_or_all_others(client: TestClient, ann: Login) -> None:
    phone, desk, third = (seated(client, ann, agent) for agent in (PHONE, DESK, "third"))
    (theirs,) = [each for each in listed(desk) if each["user_agent"] == PHONE]
    path = f"{OWN}/{theirs['id']}"
    assert desk.delete(path).status_code == 403  # no page of ours asks for it
    assert desk.delete(path, headers=meant(desk)).status_code == 200
    assert [who(each) for each in (phone, desk, third)] == ["", "ann", "ann"]
    assert desk.delete(path, headers=meant(desk)).status_code == 404
    assert desk.delete(OWN, headers=meant(desk)).status_code == 200
    assert [who(each) for each in (desk, third)] == ["ann", ""]


def test_nobody_ends_the_sessions_of_others_but_an_administrator(
    client: TestClient, ann: Login
) -> None:
    bob = make_user(client, "bob")
    here, there = seated(client, ann, DESK), seated(client, ann, PHONE)
    ids = [each["id"] for each in listed(here)]
    assert client.delete(f"{OWN}/{ids[0]}", auth=bob).status_code == 404
    theirs = f"{API}/users/{id_of(client, 'ann')}/sessions"
    assert client.get(theirs, auth=bob).status_code == 403
    assert client.delete(theirs, auth=bob).status_code == 403
    wrong = f"{API}/users/{id_of(client, 'bob')}/sessions/{ids[0]}"
    assert client.delete(wrong, auth=ADMIN).status_code == 404
    assert len(listed(client, theirs, auth=ADMIN)) == 2
    assert client.delete(f"{theirs}/{ids[0]}", auth=ADMIN).status_code == 200
    assert sorted([who(here), who(there)]) == ["", "ann"]
    assert client.delete(theirs, auth=ADMIN).status_code == 200
    assert [who(here), who(there)] == ["", ""]


def test_what_is_over_is_not_listed(client: TestClient, ann: Login, wait: Wait) -> None:
    seated(client, ann, DESK)
    wait(24 * 60 * 366)
    assert listed(client, auth=ann) == []
