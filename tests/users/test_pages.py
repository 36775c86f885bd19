"""The people of the registry, as pages show and change them."""

from typing import Any

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from harbor.configuration.models import Setting
from tests.auth.browsers import configure, signed_in, who, with_sid
from tests.make import ADMIN, API, PASSWORD, Login, make_user
from tests.projects.pages import HOSTILE, HTMX, audit, harmless, make_hostile, told, words, wrong_at
from tests.registry.servers import change
from tests.users.people import account, make, set_admin

HERE = "/harbor/users"
ANN = 3  # the id of the first account that is made
NEW = "Another-Passw0rd"
FORM = {
    "username": "new",
    "email": "new@example.com",
    "realname": "New One",
    "password": NEW,
    "confirm": NEW,
    "comment": "",
}


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


def shown(client: TestClient, query: str = "", login: Login = ADMIN) -> str:
    return words(client.get(f"{HERE}{query}", auth=login))


def send(client: TestClient, path: str, login: Any = ADMIN, **form: Any) -> Any:
    return client.post(f"{HERE}/{path}", data=form, auth=login, headers=HTMX)


def test_where_there_is_nobody_the_page_says_what_to_do(client: TestClient) -> None:
    text = shown(client)
    assert "No users yet" in text
    assert "Make the first account" in text


def test_people_are_listed_with_what_is_known_of_them(client: TestClient, ann: Login) -> None:
    make(client, "bob")
    set_admin(client, ANN)
    text = shown(client)
    assert "ann ann Yes ann@example.com" in text
    assert "bob bob No bob@example.com" in text
    assert "of 2" in text


def test_they_are_found_sorted_and_paged(client: TestClient, ann: Login) -> None:
    for name in ("bob", "cleo"):
        make(client, name)
    assert "cleo@" not in shown(client, "?by=username_or_email&text=bob")
    assert "bob@" in shown(client, "?text=BOB%40")
    assert "bob@" not in shown(client, "?by=realname&text=cleo")
    text = shown(client, "?sort=-username")
    assert text.index("cleo@") < text.index("bob@") < text.index("ann@")
    assert "bob@" not in shown(client, "?page_size=1&page=3")


def test_a_filter_tells_nothing_of_secrets(client: TestClient, ann: Login) -> None:
    assert "ann@" in shown(client, "?q=password%3D~zzz")
    assert "ann@" in shown(client, "?by=password&text=ann")  # which looks at names
    assert "ann@" not in shown(client, "?by=password&text=argon2id")


def test_an_account_is_made(client: TestClient) -> None:
    assert 'autocomplete="new-password"' in client.get(f"{HERE}/new", auth=ADMIN).text
    answer = send(client, "new", **FORM)
    assert told(answer) == {"to": HERE, "said": "The account new was created."}
    assert who(client, auth=("new", NEW)) == "new"
    assert audit(client)[0] == ("create", "user", "new", True)


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"username": ""}, "username", "Enter a name."),
        ({"username": "a,b"}, "username", "These cannot be part of a name"),
        ({"username": "a\nb"}, "username", "These cannot be part of a name"),
        ({"username": "ann"}, "username", "There is an account of that name already."),
        ({"username": "ann@example.com"}, "username", "There is an account of that name already."),
        ({"username": "anonymous"}, "username", "There is an account of that name already."),
        ({"email": ""}, "email", "Enter an e-mail address."),
        ({"email": "nobody"}, "email", "Enter an e-mail address."),
        ({"email": "ann@example.com"}, "email", "There is an account with that address already."),
        ({"realname": ""}, "realname", "Enter a name."),
        ({"realname": "a#b"}, "realname", "These cannot be part of a name"),
        ({"password": "short", "confirm": "short"}, "password", "8 to 128 characters"),
        ({"confirm": PASSWORD}, "confirm", "The two passwords differ."),
        ({"comment": "c" * 31}, "comment", "At most 30 characters."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient, ann: Login, changed: dict[str, str], field: str, message: str
) -> None:
    answer = send(client, "new", **(FORM | changed))
    assert 400 <= answer.status_code < 500
    assert wrong_at(answer) == field
    assert message in words(answer)
    assert NEW not in answer.text
    assert shown(client).count("@example.com") == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("username=ann", "There is an account of that name already."),
        ("username=a%23", "These cannot be part of a name"),
        ("username=bob", ""),
        ("email=ann@example.com", "There is an account with that address already."),
        ("email=ann@exam", ""),  # it is still being typed
        ("", ""),
    ],
)
def test_names_are_looked_at_while_they_are_typed(
    client: TestClient, ann: Login, query: str, message: str
) -> None:
    text = words(client.get(f"{HERE}/new/check?{query}", auth=ADMIN))
    assert text.startswith(message)
    assert bool(text) == bool(message)


def test_rights_are_given_and_taken(client: TestClient, ann: Login) -> None:
    bob = make(client, "bob")
    asked = client.get(f"{HERE}/sysadmin/give?id={ANN}&id={bob}", auth=ADMIN)
    assert "ann bob" in words(asked)
    answer = send(client, "sysadmin/give", id=[ANN, bob])
    assert told(answer)["said"] == "2 administrators more."
    assert [account(client, each)["sysadmin_flag"] for each in (ANN, bob)] == [True, True]
    assert {line[:3] for line in audit(client)[:2]} == {
        ("update", "user", "ann"),
        ("update", "user", "bob"),
    }
    assert told(send(client, "sysadmin/revoke", id=bob))["said"] == "1 administrator less."
    assert account(client, bob)["sysadmin_flag"] is False


def test_accounts_are_deleted(client: TestClient, ann: Login) -> None:
    bob, here = make(client, "bob"), signed_in(client, ann)
    asked = words(client.get(f"{HERE}/delete?id={ANN}&id={bob}&id=99", auth=ADMIN))
    assert "ann bob" in asked
    assert "signed out" in asked
    assert told(send(client, "delete", id=[ANN, bob, 99]))["said"] == "2 accounts were deleted."
    assert "No users yet" in shown(client)
    assert who(here) == ""
    assert set(audit(client)[:2]) == {
        ("delete", "user", "ann", True),
        ("delete", "user", "bob", True),
    }


@pytest.mark.parametrize("path", ["delete", "sysadmin/give", "sysadmin/revoke"])
def test_nobody_does_it_to_themselves_or_the_first(
    client: TestClient, ann: Login, path: str
) -> None:
    set_admin(client, ANN)
    bob = make(client, "bob")
    assert f'value="{ANN}"' not in client.get(HERE, auth=ann).text  # it cannot be selected
    for login, ids, status in (
        (ann, [ANN], 400),
        (ann, [bob, ANN], 400),
        (ann, [1], 404),
        (ADMIN, [1], 400),
        (ADMIN, [2], 404),
        (ADMIN, [99], 404),
        (ADMIN, [], 404),
        (ADMIN, ["x"], 422),
    ):
        assert send(client, path, login, id=ids).status_code == status
        assert client.get(f"{HERE}/{path}", params={"id": ids}, auth=login).status_code == status
    kept = [account(client, each) for each in (1, ANN, bob)]
    assert [each["sysadmin_flag"] for each in kept] == [True, True, False]


def test_rights_have_two_ways_only(client: TestClient, ann: Login) -> None:
    assert send(client, "sysadmin/other", id=ANN).status_code == 422


def test_a_password_is_reset_and_sessions_end(client: TestClient, ann: Login) -> None:
    here = signed_in(client, ann)
    assert "Reset the password of ann" in words(client.get(f"{HERE}/{ANN}/password", auth=ADMIN))
    answer = send(client, f"{ANN}/password", new_password=NEW, confirm=NEW)
    assert told(answer) == {"to": HERE, "said": "The password of ann was set."}
    assert who(here) == ""
    assert who(client, auth=("ann", NEW)) == "ann"
    assert audit(client)[0] == ("update", "user", "ann", True)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"new_password": NEW, "confirm": "x"}, "confirm"),
        ({"new_password": "x", "confirm": "x"}, "new_password"),
        ({"new_password": PASSWORD, "confirm": PASSWORD}, "new_password"),  # as it is
        ({}, "new_password"),
    ],
)
def test_a_password_that_is_not_allowed_is_said(
    client: TestClient, ann: Login, form: dict[str, str], field: str
) -> None:
    answer = send(client, f"{ANN}/password", **form)
    assert (answer.status_code, wrong_at(answer)) == (400, field)
    assert who(client, auth=ann) == "ann"


def test_ones_own_password_is_not_reset(client: TestClient) -> None:
    answer = send(client, "1/password", new_password=NEW, confirm=NEW)
    assert answer.status_code == 400
    assert who(client, auth=ADMIN) == "admin"


@pytest.mark.parametrize("user_id", [2, 99])
def test_who_is_not_there_has_no_password(client: TestClient, user_id: int) -> None:
    assert client.get(f"{HERE}/{user_id}/password", auth=ADMIN).status_code == 404
    form = {"new_password": NEW, "confirm": NEW}
    assert send(client, f"{user_id}/password", **form).status_code == 404


def test_where_people_come_from_elsewhere_none_are_made_here(
    client: TestClient, ann: Login, database_url: str
) -> None:
    change(database_url, insert(Setting).values(name="auth_mode", value='"ldap_auth"'))
    page = client.get(HERE, auth=ADMIN)
    assert "from another directory" in words(page)
    assert "Unknown" in words(page)
    assert f"{HERE}/new" not in page.text
    assert f"{HERE}/{ANN}/password" not in page.text
    for path in ("new", f"{ANN}/password"):
        assert client.get(f"{HERE}/{path}", auth=ADMIN).status_code == 403
    assert send(client, "new", **FORM).status_code == 403
    assert send(client, f"{ANN}/password", new_password=NEW, confirm=NEW).status_code == 403


def test_self_registration_opens_no_page_of_administrators(client: TestClient, ann: Login) -> None:
    configure(client, self_registration=True)
    visitor, other = with_sid(client, "x"), signed_in(client, ann)
    own = {"Sec-Fetch-Site": "same-origin"} | HTMX
    assert visitor.get(f"{HERE}/new").status_code == 303
    assert visitor.post(f"{HERE}/new", data=FORM, headers=own).status_code == 401
    assert other.get(f"{HERE}/new").status_code == 403
    assert other.get(f"{HERE}/new/check?username=admin").status_code == 403
    assert other.post(f"{HERE}/new", data=FORM, headers=own).status_code == 403


def test_names_are_shown_as_text(client: TestClient) -> None:
    make_hostile(client)
    assert harmless(client.get(HERE, auth=ADMIN))
    for path in ("delete", "sysadmin/give"):
        assert harmless(client.get(f"{HERE}/{path}?id={ANN}", auth=ADMIN))
    assert harmless(client.get(f"{HERE}/{ANN}/password", auth=ADMIN))
    assert harmless(client.get("/account/profile", auth=(HOSTILE, PASSWORD)))


def test_the_navigation_leads_there_only_for_administrators(client: TestClient, ann: Login) -> None:
    assert f'href="{HERE}"' in client.get("/harbor/projects", auth=ADMIN).text
    assert f'href="{HERE}"' not in client.get("/harbor/projects", auth=ann).text
    assert client.get(f"{API}/users", auth=ann).status_code == 403
