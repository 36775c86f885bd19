"""Signing up with a browser, where the administrator lets people."""

from typing import Any

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from harbor.configuration.models import Setting
from tests.auth.browsers import browser, configure, signed_in, who
from tests.make import make_user
from tests.projects.pages import HTMX, told, words, wrong_at
from tests.registry.servers import change
from tests.users.people import Rows, account, id_of

HERE = "/account/sign-up"
PASSWORD = "Another-Passw0rd"
OWN = HTMX | {"Sec-Fetch-Site": "same-origin"}
FORM = {
    "username": "new",
    "email": "new@example.com",
    "realname": "New One",
    "password": PASSWORD,
    "confirm": PASSWORD,
    "comment": "hello",
}


@pytest.fixture
def is_open(client: TestClient) -> None:
    configure(client, self_registration=True)


def sign_up(client: TestClient, headers: Any = OWN, **changed: Any) -> Any:
    return browser(client).post(HERE, data=FORM | changed, headers=headers)


@pytest.mark.usefixtures("is_open")
def test_somebody_makes_an_account_and_signs_in(client: TestClient, rows: Rows) -> None:
    assert f'href="{HERE}"' in client.get("/account/sign-in").text
    assert "Create my account" in words(client.get(HERE))
    answer = sign_up(client)
    assert told(answer)["to"] == "/account/sign-in"
    assert who(signed_in(client, ("new", PASSWORD))) == "new"
    kept = account(client, id_of(client, "new"))
    assert (kept["comment"], kept["sysadmin_flag"]) == ("hello", False)
    found = rows("SELECT resource, username FROM audit_log_ext WHERE operation = 'create'")
    assert found == [("new", "anonymous")]


@pytest.mark.usefixtures("is_open")
def test_without_scripts_the_form_leads_to_the_sign_in(client: TestClient) -> None:
    answer = sign_up(client, {"Origin": "http://testserver"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sign-in")
    assert who(client, auth=("new", PASSWORD)) == "new"


@pytest.mark.usefixtures("is_open")
def test_programs_and_other_sites_make_none(client: TestClient) -> None:
    for headers in (
        {"User-Agent": "curl"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
    ):
        assert sign_up(client, headers).status_code == 403
    assert who(client, auth=("new", PASSWORD)) == ""


@pytest.mark.usefixtures("is_open")
def test_nobody_makes_an_administrator(client: TestClient) -> None:
    more = {"sysadmin_flag": "true", "admin_role_in_auth": "true", "user_id": "1", "deleted": "1"}
    assert sign_up(client, **more).status_code == 204
    kept = account(client, id_of(client, "new"))
    assert (kept["user_id"], kept["sysadmin_flag"], kept["admin_role_in_auth"]) == (3, False, False)


@pytest.mark.usefixtures("is_open")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"username": "admin"}, "username"),
        ({"username": "a$b"}, "username"),
        ({"email": "ann@example.com"}, "email"),
        ({"email": ""}, "email"),
        ({"realname": ""}, "realname"),
        ({"password": "x"}, "password"),
        ({"confirm": "x"}, "confirm"),
        ({"comment": "c" * 31}, "comment"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: TestClient, changed: dict[str, str], field: str
) -> None:
    make_user(client, "ann")
    answer = sign_up(client, **changed)
    assert 400 <= answer.status_code < 500
    assert wrong_at(answer) == field
    assert PASSWORD not in answer.text


@pytest.mark.usefixtures("is_open")
def test_names_are_looked_at_while_they_are_typed(client: TestClient) -> None:
    taken = words(client.get(f"{HERE}/check?username=admin"))
    assert taken == "There is an account of that name already."
    assert words(client.get(f"{HERE}/check?username=new")) == ""


@pytest.mark.usefixtures("is_open")
def test_whoever_has_an_account_needs_no_other(client: TestClient) -> None:
    answer = signed_in(client).get(HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/harbor/projects")


def test_where_it_is_off_there_is_no_such_page(client: TestClient) -> None:
    assert HERE not in client.get("/account/sign-in").text
    page = client.get(HERE)
    assert page.status_code == 403
    assert "Accounts are made by administrators here" in words(page)
    assert client.get(f"{HERE}/check?username=admin").status_code == 403
    assert sign_up(client).status_code == 403
    assert who(client, auth=("new", PASSWORD)) == ""


def test_where_people_come_from_elsewhere_there_is_none_either(
    client: TestClient, database_url: str
) -> None:
    configure(client, self_registration=True)
    change(database_url, insert(Setting).values(name="auth_mode", value='"ldap_auth"'))
    assert HERE not in client.get("/account/sign-in").text
    assert client.get(HERE).status_code == 403
    assert sign_up(client).status_code == 403
