"""Where people come from, and groups, as an administrator sets them up."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.directory.slapd import BASE, PASSWORD, SEARCHER, Slapd, running_slapd
from tests.make import ADMIN, API, make_user

HERE, GROUPS = "/harbor/configs/auth", "/harbor/groups"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with running_slapd(tmp_path_factory.mktemp("slapd")) as server:
        yield server


def test_an_ldap_server_is_tried_and_saved_and_its_people_sign_in(
    slapd: Slapd, page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal(401)
    page = page_as("admin")
    page.goto("/harbor/projects")
    page.get_by_role("link", name="Groups", exact=True).click()
    arrive(page, GROUPS)
    shot(page, "groups-empty")
    page.goto("/harbor/configs/setting")
    page.get_by_role("link", name="Authentication", exact=True).click()
    arrive(page, HERE)
    accessible(page)
    shot(page, "authentication-local")
    for name in ("UAA", "HTTP auth proxy", "LDAP"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute(
            "aria-current", "page"
        )
        shot(page, f"authentication-{name.split()[0].lower()}")
    people = page.locator(".card", has=page.get_by_role("heading", name="People"))
    page.get_by_label("URL").fill(slapd.url)
    page.get_by_label("Search account", exact=True).fill(SEARCHER)
    page.get_by_label("Password of the search account").fill("wrong")
    people.get_by_label("Base DN").fill(BASE)
    people.get_by_label("Attribute of the username").fill("uid")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#tried")).to_contain_text("invalid credential")
    page.get_by_label("Password of the search account").fill(PASSWORD)
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#tried")).to_contain_text("accepted the search account")
    accessible(page)
    shot(page, "authentication-tried")
    groups = page.locator(".card", has=page.get_by_role("heading", name="Groups"))
    groups.get_by_label("Filter").fill("objectClass=groupOfNames")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings were saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("URL")).to_have_value(slapd.url)
    expect(page.get_by_label("Password of the search account")).to_have_value("")
    assert PASSWORD not in page.content()

    ann = page_as()
    ann.goto("/account/sign-in")
    for password in ("wrong", "ann-Passw0rd"):
        ann.get_by_label("User name").fill("ann")
        ann.get_by_label("Password", exact=True).fill(password)
        ann.get_by_role("button", name="Sign in").click()
        if password == "wrong":
            expect(ann.get_by_text("Invalid user name or password.")).to_be_visible()
    arrive(ann, "/harbor/projects")


def test_groups_are_made_imported_and_given_a_role(
    site: Site, slapd: Slapd, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    local = site.api.put(f"{API}/configurations", json={"auth_mode": "db_auth"}, auth=ADMIN)
    assert local.status_code == 200
    builder = make_user(site.api, "builder")
    settings = site.api.put(f"{API}/configurations", json=slapd.settings, auth=ADMIN)
    assert settings.status_code == 200
    page = page_as("admin")
    page.goto(GROUPS)
    page.get_by_role("link", name="New group").first.click()
    page.get_by_label("Name", exact=True).fill("release team")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The group was created.")).to_be_visible()
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Group", exact=True).fill("e")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("dialog").get_by_text("leaders", exact=True).click()
    accessible(page)
    shot(page, "groups-import")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(row(page, "leaders")).to_contain_text("LDAP")
    accessible(page)
    shot(page, "groups")
    page.get_by_role("link", name="release team").click()
    shot(page, "group-empty")
    page.get_by_role("link", name="Add user").first.click()
    page.get_by_label("Username").fill("builder")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("builder was added.")).to_be_visible()
    accessible(page)
    shot(page, "group")

    page.goto(site.path("team", "members"))
    page.get_by_role("link", name="Add group").click()
    page.get_by_label("Group", exact=True).select_option("release team")
    accessible(page)
    shot(page, "group-member-new")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(row(page, "release team")).to_contain_text("Group")
    accessible(page)
    shot(page, "group-member")
    made = site.api.get(site.path("team", "summary"), auth=builder)
    assert made.status_code == 200
