from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, make_project


def test_settings_are_changed_and_a_list_is_kept(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    listed = {"items": [{"cve_id": "CVE-2020-7"}]}
    assert site.api.put(f"{API}/system/CVEAllowlist", json=listed, auth=ADMIN).status_code == 200
    made = make_project(site.api, "guarded")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/configs")
    expect(page.get_by_text("CVE-2020-7")).to_be_visible()
    expect(page.get_by_label("Severity", exact=True)).to_be_hidden()
    page.get_by_label("No vulnerable images").check()
    page.get_by_label("Severity", exact=True).select_option("high")
    page.get_by_text("Of this project alone").click()
    page.get_by_label("Add", exact=True).fill("CVE-2024-3094, CVE-2021-44228")
    page.get_by_role("button", name="Copy from the registry").click()
    expect(page.locator("#cves .cve")).to_have_count(1)
    page.get_by_label("Last day").fill("2040-01-02")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("#cves .cve")).to_have_count(3)
    accessible(page)
    shot(page, "project-configuration")
    page.locator("#cves .cve", has_text="CVE-2020-7").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cves .cve")).to_have_count(2)
    expect(page.get_by_label("Severity", exact=True)).to_have_value("high")


def test_a_guest_only_reads_the_settings(
    site: Site, page_as: PageAs, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto(site.path("team", "configs"))
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    expect(page.get_by_label("Public")).to_be_disabled()
    accessible(page)


@pytest.mark.parametrize("role", ["maintainer", "developer", "limitedGuest"])
def test_others_only_read_the_settings(site: Site, page_as: PageAs, shot: Shot, role: str) -> None:
    page = page_as(role)
    page.goto(site.path("team", "summary"))
    page.get_by_role("link", name="Configuration", exact=True).click()
    expect(page.get_by_text("Project admins may change what you see here.")).to_be_visible()
    expect(page.locator("main form :is(input, select, textarea):enabled")).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    if role == "maintainer":
        shot(page, "project-configuration-read")


def test_what_was_chosen_can_be_taken_back(site: Site, page_as: PageAs) -> None:
    page = page_as("projectAdmin")
    page.goto(site.path("team", "configs"))
    page.get_by_label("Scan for vulnerabilities").check()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Scan for vulnerabilities")).not_to_be_checked()


def test_a_switch_is_turned_with_the_keyboard(site: Site, page_as: PageAs) -> None:
    made = make_project(site.api, "switched")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/configs")
    page.get_by_label("Public").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator(".page-header").get_by_text("Public")).to_be_visible()


def test_a_wrong_day_or_id_is_said_at_its_field(
    site: Site, page_as: PageAs, guard: Guard, accessible: Accessible
) -> None:
    guard.expect_refusal()
    made = make_project(site.api, "wrong-list")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/configs")
    page.get_by_text("Of this project alone").click()
    page.get_by_label("Add", exact=True).fill("C" * 200)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#f-more-wrong")).to_contain_text("is too long")
    expect(page.get_by_label("Add", exact=True)).to_be_focused()
    page.get_by_label("Add", exact=True).fill("CVE-2024-1")
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    page.get_by_label("Last day").fill(yesterday)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#f-expires-wrong")).to_contain_text("Choose a day that is not over.")
    accessible(page)
