"""Signing in at an OpenID provider, in a browser."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx2
import pytest
from playwright.sync_api import Page, expect
from starlette.testclient import TestClient

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.guard import Guard
from tests.browser.identity import CLIENT, running
from tests.browser.site import Site
from tests.crash.conftest import servers
from tests.crash.server import free_port
from tests.make import ADMIN, push_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oidc")


@pytest.fixture(scope="module")
def provider() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def site(provider: str, folder: Path) -> Iterator[Site]:
    """A registry whose people come from the provider."""
    told = {
        "auth_mode": "oidc_auth",
        "oidc_name": "Example ID",
        "oidc_endpoint": provider,
        "oidc_client_id": CLIENT[0],
        "oidc_client_secret": CLIENT[1],
        "oidc_scope": "openid,profile,email,groups,offline_access",
        "oidc_extra_redirect_parms": '{"prompt": "consent"}',  # or it gives no refresh token
        "oidc_groups_claim": "groups",
        "oidc_admin_group": "registry-admins",
        "oidc_logout": True,
    }
    with servers(folder) as make:
        server = make(
            folder / "data",
            failed_login_delay_s=0.0,
            database_url="",
            config_overwrite_json=json.dumps(told),
        )
        url = f"http://127.0.0.1:{server.port}"
        with running(int(provider.rpartition(":")[2]), url):
            server.start()
            with httpx2.Client(base_url=url, timeout=60) as http:
                yield Site(url, cast(TestClient, http), {"admin": ADMIN})
            assert server.stop() == 0
            assert "Traceback" not in server.output(), server.output()


def put_into_groups(provider: str, *groups: str) -> None:
    assert httpx2.put(f"{provider}/groups", json=groups).is_success


def go_there(page: Page, name: str) -> None:
    """From the sign-in page to the provider's, and back."""
    page.get_by_role("link", name="Sign in with Example ID").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Sign in").click()


def test_somebody_signs_in_there_chooses_a_name_and_signs_out(
    provider: str,
    site: Site,
    page_as: PageAs,
    guard: Guard,
    shot: Shot,
    accessible: Accessible,
) -> None:
    guard.expect(re.escape(f"request to another host: {provider}/"))
    put_into_groups(provider, "developers", "registry-admins")
    page = page_as()
    page.goto("/account/sign-in")
    shot(page, "oidc-sign-in")
    accessible(page)
    go_there(page, "Ann")
    arrive(page, "/oidc-onboard")
    expect(page.get_by_label("User name")).to_have_value("Ann_Lee")
    shot(page, "oidc-choose-name")
    accessible(page)
    page.get_by_label("User name").fill("admin")
    guard.expect_refusal(409)
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_text("There is an account of that name already.")).to_be_visible()
    page.get_by_label("User name").fill("annlee")
    page.get_by_role("button", name="Create my account").click()
    arrive(page, "/harbor/projects")
    page.goto("/harbor/users")  # the group makes her an administrator
    expect(page.get_by_role("heading", name="Users")).to_be_visible()

    page.get_by_label("Account of annlee").click()
    page.get_by_role("link", name="Profile").click()
    page.get_by_role("link", name="Secret for docker and helm").click()
    expect(page.get_by_label("New secret")).to_be_visible()
    shot(page, "oidc-secret")
    accessible(page)
    page.get_by_label("New secret").fill("Of-Anns-Pipeline-1")
    page.get_by_role("button", name="Change the secret").click()
    expect(page.get_by_text("Clients sign in with the new secret from now on.")).to_be_visible()
    login = ("annlee", "Of-Anns-Pipeline-1")
    push_image(site.api, "library/before", login=login)

    page.get_by_label("Account of annlee").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Sign out").click()  # now at the provider
    arrive(page, "/account/sign-in")
    page.goto("/harbor/users")
    arrive(page, "/account/sign-in")
    push_image(site.api, "library/after", login=login)  # although her refresh token is revoked


def test_rights_follow_the_provider_by_refresh_tokens_that_are_good_once(
    provider: str, site: Site, page_as: PageAs, guard: Guard, folder: Path
) -> None:
    guard.expect(re.escape(f"request to another host: {provider}/"))
    guard.expect("status of 403")  # what is not his is asked for
    put_into_groups(provider)
    page = page_as()
    page.goto("/account/sign-in")
    go_there(page, "Bob")
    arrive(page, "/oidc-onboard")
    page.get_by_role("button", name="Create my account").click()
    arrive(page, "/harbor/projects")
    for groups, status in ((["registry-admins"], 200), (["developers"], 403)):
        put_into_groups(provider, *groups)
        an_hour_goes_by(folder / "data" / "harbor.db")
        # The first request makes the registry ask; until it is told, rights are what they were.
        page.wait_for_function(
            "async (status) => (await fetch('/api/v2.0/users')).status === status", arg=status
        )


def an_hour_goes_by(database: Path) -> None:
    """For whoever is to be asked about at the provider."""
    with sqlite3.connect(database, timeout=20) as connection:
        connection.execute("UPDATE oidc_user SET tried_time = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_an_administrator_signs_in_here_all_the_same(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto("/harbor/users")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
