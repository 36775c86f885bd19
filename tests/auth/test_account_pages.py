"""One's own account, as its dialogs show and change it."""

from typing import Any

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from harbor.configuration.models import Setting
from tests.auth.browsers import signed_in, who
from tests.make import ADMIN, PASSWORD, Login, make_user
from tests.projects.pages import HTMX, audit, told, words, wrong_at
from tests.registry.servers import change
from tests.users.people import account, set_admin

OWN = HTMX | {"Sec-Fetch-Site": "same-origin"}
NEW = "Another-Passw0rd"
ANN = 3  # the id of the first account that is made
PROFILE = {"email": "new@example.com", "realname": "Ann New", "comment": "moved"}
WRONG = "old_password", "That is not your current password."


@pytest.fixture
def ann(client: TestClient) -> Login:
    return make_user(client, "ann")


@pytest.fixture
def here(client: TestClient, ann: Login) -> TestClient:
    """A browser in which ann has signed in."""
    return signed_in(client, ann)


def post(here: TestClient, path: str, **form: str) -> Any:
    return here.post(f"/account/{path}", data=form, headers=OWN)


def elsewhere(url: str) -> None:
    change(url, insert(Setting).values(name="auth_mode", value='"oidc_auth"'))


def test_the_menu_leads_to_the_account(here: TestClient, client: TestClient) -> None:
    text = here.get("/harbor/projects").text
    assert 'href="/account/profile"' in text
    assert 'href="/account/password"' in text
    assert "/account/profile" not in client.get("/harbor/projects").text


def test_a_profile_is_shown_and_changed(client: TestClient, here: TestClient) -> None:
    page = here.get("/account/profile")
    assert 'value="ann@example.com"' in page.text
    assert "Change user name" not in words(page)
    assert told(post(here, "profile", **PROFILE))["said"] == "Your profile was saved."
    kept = account(client, ANN)
    assert {name: kept[name] for name in PROFILE} == PROFILE
    assert audit(client)[0] == ("update", "user", "ann", True)


def test_rights_and_names_are_no_part_of_it(client: TestClient, here: TestClient) -> None:
    more = {"username": "root", "sysadmin_flag": "true", "user_id": "1", "is_admin": "true"}
    assert post(here, "profile", **PROFILE, **more).status_code == 204
    kept = account(client, ANN)
    assert (kept["username"], kept["sysadmin_flag"]) == ("ann", False)
    assert "email" not in account(client, 1)


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"email": ""}, "email", "An address can be changed, but not taken away."),
        ({"email": "nobody"}, "email", "Enter an e-mail address."),
        ({"email": "bob@example.com"}, "email", "There is an account with that address already."),
        ({"realname": ""}, "realname", "Enter a name."),
        ({"realname": "a\nb"}, "realname", "These cannot be part of a name"),
        ({"comment": "c" * 31}, "comment", "At most 30 characters."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient, here: TestClient, changed: dict[str, str], field: str, message: str
) -> None:
    make_user(client, "bob")
    answer = post(here, "profile", **(PROFILE | changed))
    assert 400 <= answer.status_code < 500
    assert wrong_at(answer) == field
    assert message in words(answer)
    assert account(client, ANN)["email"] == "ann@example.com"


def test_a_password_is_changed_and_this_session_goes_on(
    client: TestClient, here: TestClient, ann: Login
) -> None:
    there = signed_in(client, ann)
    assert 'autocomplete="current-password"' in here.get("/account/password").text
    answer = post(here, "password", old_password=PASSWORD, new_password=NEW, confirm=NEW)
    assert told(answer)["said"] == "Your password was changed."
    assert [who(here), who(there)] == ["ann", ""]
    assert [who(client, auth=("ann", each)) for each in (NEW, PASSWORD)] == ["ann", ""]
    assert audit(client)[0] == ("update", "user", "ann", True)


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"old_password": "wrong"}, 403, WRONG),
        ({"old_password": ""}, 403, WRONG),
        ({"confirm": "x"}, 400, ("confirm", "The two passwords differ.")),
        ({"new_password": "x", "confirm": "x"}, 400, ("new_password", "8 to 128 characters")),
        (
            {"new_password": PASSWORD, "confirm": PASSWORD},
            400,
            ("new_password", "That is the password as it is."),
        ),
    ],
)
def test_a_password_that_is_wrong_is_said_at_its_field(
    client: TestClient,
    here: TestClient,
    changed: dict[str, str],
    status: int,
    said: tuple[str, str],
) -> None:
    form = {"old_password": PASSWORD, "new_password": NEW, "confirm": NEW} | changed
    answer = post(here, "password", **form)
    assert (answer.status_code, wrong_at(answer)) == (status, said[0])
    assert said[1] in words(answer)
    assert PASSWORD not in answer.text
    assert who(client, auth=("ann", PASSWORD)) == "ann"


def test_no_other_site_changes_anything(client: TestClient, here: TestClient, ann: Login) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    form = {"old_password": PASSWORD, "new_password": NEW, "confirm": NEW}
    for path, sent in (("profile", PROFILE), ("password", form), ("rename", {})):
        answer = here.post(f"/account/{path}", data=sent, headers=foreign)
        assert answer.status_code == 403
    assert account(client, ANN)["realname"] == "ann"
    assert who(client, auth=ann) == "ann"


def test_strangers_have_no_account(client: TestClient) -> None:
    for path in ("profile", "password", "rename"):
        answer = client.get(f"/account/{path}")
        assert (answer.status_code, answer.headers["Location"][:16]) == (303, "/account/sign-in")
        assert client.post(f"/account/{path}").status_code == 401


def test_the_first_administrator_changes_the_name_once(client: TestClient) -> None:
    here = signed_in(client)
    assert "Change user name" in words(here.get("/account/profile"))
    assert "admin@harbor.local" in words(here.get("/account/rename"))
    answer = post(here, "rename")
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/account/sign-in")
    assert who(here) == ""
    again = signed_in(client, ("admin@harbor.local", ADMIN[1]))
    assert "Change user name" not in words(again.get("/account/profile"))


def test_no_other_administrator_does(client: TestClient, here: TestClient) -> None:
    set_admin(client, ANN)
    assert post(here, "rename").status_code == 403
    assert who(client, auth=ADMIN) == "admin"


def test_an_account_from_elsewhere_is_only_shown(
    client: TestClient, here: TestClient, database_url: str
) -> None:
    elsewhere(database_url)
    page = here.get("/account/profile")
    assert "is changed there" in words(page)
    assert 'type="submit"' not in page.text.partition("dialog-card")[2].partition("</article>")[0]
    assert 'href="/account/password"' not in page.text
    assert here.get("/account/password").status_code == 403
    assert post(here, "profile", **PROFILE).status_code == 403
    form = {"old_password": PASSWORD, "new_password": NEW, "confirm": NEW}
    assert post(here, "password", **form).status_code == 403
    boss = signed_in(client)
    assert 'href="/account/password"' in boss.get("/harbor/projects").text
