"""Nobody is called as robots are: audit lines and sign-in would not tell them apart."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.auth.browsers import browser, configure
from tests.configuration.test_pages import FORM
from tests.configuration.test_pages import HERE as SETTINGS
from tests.make import ADMIN, API, PASSWORD, make_user, message_of
from tests.projects.pages import HTMX, words, wrong_at

PREFIX = "bot."


def new(client: TestClient, name: str) -> Any:
    body = {
        "username": name,
        "email": "new@example.com",
        "realname": "New",
        "password": PASSWORD,
    }
    return client.post(f"{API}/users", json=body, auth=ADMIN)


def renamed(client: TestClient, prefix: str) -> Any:
    return client.put(f"{API}/configurations", json={"robot_name_prefix": prefix}, auth=ADMIN)


@pytest.mark.parametrize("name", ["bot.ci", "BOT.ci", "bot.", "bot.team+ci"])
def test_administrators_make_no_such_account(client: TestClient, name: str) -> None:
    assert renamed(client, PREFIX).status_code == 200
    refused = new(client, name)
    assert (refused.status_code, PREFIX in message_of(refused)) == (400, True)
    assert new(client, "bottle").status_code == 201


def test_the_sign_of_robots_is_in_no_name(client: TestClient) -> None:
    assert new(client, "robot$ci").status_code == 400


def test_people_who_sign_up_are_told(client: TestClient) -> None:
    configure(client, self_registration=True, robot_name_prefix=PREFIX)
    visitor = browser(client)
    said = words(visitor.get("/account/sign-up/check", params={"username": "bot.ci"}))
    assert "Names of robots begin with bot." in said
    form = {
        "username": "bot.ci",
        "email": "new@example.com",
        "realname": "New",
        "password": PASSWORD,
        "confirm": PASSWORD,
    }
    own = HTMX | {"Sec-Fetch-Site": "same-origin"}
    refused = visitor.post("/account/sign-up", data=form, headers=own)
    assert (refused.status_code, wrong_at(refused)) == (400, "username")


def test_robots_are_not_renamed_to_be_called_as_people_are(client: TestClient) -> None:
    make_user(client, "bot.ann")
    refused = renamed(client, "BOT.")
    assert (refused.status_code, "bot.ann" in message_of(refused)) == (400, True)
    assert renamed(client, "b_t.").status_code == 200  # no pattern
    form = FORM | {"robot_name_prefix": "bot"}
    page = client.post(SETTINGS, data=form, auth=ADMIN, headers=HTMX)
    assert (page.status_code, wrong_at(page)) == (400, "robot_name_prefix")
    assert "bot.ann" in words(page)
