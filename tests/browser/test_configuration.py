from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.auth.provider import running
from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API

SETTINGS, SECURITY = "/harbor/configs/setting", "/harbor/configs/security"


@pytest.fixture
def afterwards_as_before(site: Site) -> Iterator[None]:
    """Settings count for every page: none stays changed."""
    yield
    usual = {"banner_message": "", "read_only": False, "session_timeout": 60}
    assert site.api.put(f"{API}/configurations", json=usual, auth=ADMIN).status_code == 200
    empty: dict[str, object] = {"items": []}
    assert site.api.put(f"{API}/system/CVEAllowlist", json=empty, auth=ADMIN).status_code == 200


@pytest.mark.usefixtures("afterwards_as_before")
def test_settings_are_saved_and_wrong_ones_said_at_their_field(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal()
    page = page_as("admin")
    page.goto("/harbor/projects")
    page.get_by_role("link", name="Configuration", exact=True).click()
    arrive(page, SETTINGS)
    accessible(page)
    shot(page, "settings")
    minutes = page.get_by_label("Session timeout, minutes")
    minutes.fill("soon")
    minutes.press("Enter")
    expect(page.locator("#f-session_timeout-wrong")).to_contain_text("Enter a whole number")
    expect(minutes).to_be_focused()
    accessible(page)
    minutes.fill("45")
    minutes.press("Enter")
    expect(page.get_by_text("The settings were saved.")).to_be_visible()
    page.reload()
    expect(minutes).to_have_value("45")
    minutes.fill("46")
    page.get_by_role("link", name="Cancel").click()
    expect(minutes).to_have_value("45")


@pytest.mark.usefixtures("afterwards_as_before")
def test_an_announcement_is_made_and_closed_by_a_reader(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(SETTINGS)
    page.get_by_label("Message").fill("Down for an hour at noon")
    page.get_by_label("Kind").select_option("warning")
    page.get_by_label("Readers may close it").check()
    page.get_by_label("Read-only").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings were saved.")).to_be_visible()
    reader = page_as("guest")
    reader.goto("/harbor/projects")
    announcement = reader.get_by_role("region", name="Announcement")
    expect(announcement).to_contain_text("Down for an hour at noon")
    expect(reader.get_by_text("The registry is read-only")).to_be_visible()
    accessible(reader)
    shot(reader, "announcement")
    reader.get_by_label("Close the announcement").click()
    expect(announcement).to_have_count(0)
    reader.reload()
    expect(announcement).to_have_count(0)


@pytest.mark.usefixtures("afterwards_as_before")
def test_a_list_for_the_whole_registry_is_kept(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal()
    page = page_as("admin")
    page.goto(SETTINGS)
    page.get_by_role("link", name="Security", exact=True).click()
    arrive(page, SECURITY)
    expect(page.get_by_text("The list is empty.")).to_be_visible()
    accessible(page)
    shot(page, "security-empty")
    page.get_by_label("Add", exact=True).fill("CVE-2024-3094, CVE-2021-44228\nCVE-2014-0160")
    page.get_by_label("Last day").fill("2020-01-01")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#f-expires-wrong")).to_contain_text("Choose a day that is not over.")
    page.get_by_label("Last day").fill("2040-01-02")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The list was saved.")).to_be_visible()
    expect(page.locator("#cves .cve")).to_have_count(3)
    expect(page.get_by_label("Last day")).to_have_value("2040-01-02")
    page.get_by_role("checkbox", name="CVE-2014-0160").press("Space")
    accessible(page)
    shot(page, "security")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("#cves .cve")).to_have_count(3)
    page.get_by_role("checkbox", name="CVE-2014-0160").press("Space")
    page.get_by_label("Last day").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cves .cve")).to_have_count(2)
    expect(page.get_by_text("2 vulnerabilities")).to_be_visible()


@pytest.mark.parametrize("path", [SETTINGS, SECURITY])
def test_the_configuration_is_for_administrators(page_as: PageAs, guard: Guard, path: str) -> None:
    guard.expect("status of 403")
    page = page_as("projectAdmin")
    page.goto("/harbor/projects")
    expect(page.get_by_role("link", name="Configuration")).to_have_count(0)
    page.goto(path)
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    stranger = page_as()
    stranger.goto(path)
    arrive(stranger, "/account/sign-in")


def test_an_openid_provider_is_entered_and_tried(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal()
    with running() as provider:
        page = page_as("admin")
        page.goto("/harbor/configs/auth?mode=oidc_auth")
        page.get_by_label("Name", exact=True).fill("Example ID")
        page.get_by_label("Issuer URL").fill(f"{provider.url}/else")
        page.get_by_label("Client ID").fill("harbor")
        page.get_by_label("Client secret").fill("the-secret")
        page.get_by_label("Scopes").fill("openid,profile,offline_access")
        page.get_by_label("Further parameters").fill("[]")
        page.get_by_role("button", name="Test").click()
        expect(page.get_by_text("The provider cannot be used")).to_be_visible()
        page.get_by_label("Issuer URL").fill(provider.url)
        page.get_by_role("button", name="Test").click()
        expect(page.get_by_text("The provider answers, and its keys can be read.")).to_be_visible()
        shot(page, "oidc-configuration")
        accessible(page)
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#f-oidc_extra_redirect_parms-wrong")).to_be_visible()
        page.get_by_label("Further parameters").fill('{"prompt": "consent"}')
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("The settings were saved.")).to_be_visible()
        visitor = page_as()
        visitor.goto("/account/sign-in")
        expect(visitor.get_by_role("link", name="Sign in with Example ID")).to_be_visible()
