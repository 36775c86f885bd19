from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, add_member, make_project, make_user, push_image

Path = Callable[[str, str], str]


@pytest.fixture
def path(site: Site) -> Path:
    """The address of a page of a project."""
    return lambda project, tab: f"/harbor/projects/{site.ids[project]}/{tab}"


def test_a_stranger_looks_around(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as()
    page.goto("/harbor/projects")
    expect(page.get_by_role("link", name="open", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="team", exact=True)).to_have_count(0)
    accessible(page)
    shot(page, "projects-stranger")
    page.get_by_role("link", name="open", exact=True).click()
    page.wait_for_url("**/summary")
    expect(page.get_by_text("pull 127.0.0.1")).to_be_visible()
    accessible(page)


def test_the_list_shows_numbers_and_is_filtered_while_typing(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto("/harbor/projects")
    expect(page.locator("#statistics .figure").first).to_contain_text("Projects")
    accessible(page)
    shot(page, "projects")
    page.get_by_placeholder("Filter projects…").fill("tea")
    expect(page.get_by_role("link", name="library", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="team", exact=True)).to_be_visible()
    page.wait_for_url("**text=tea*")
    page.get_by_role("link", name="team", exact=True).click()
    page.wait_for_url("**/summary")
    page.go_back()
    expect(page.get_by_placeholder("Filter projects…")).to_have_value("tea")


def test_a_project_is_made_in_the_dialog(
    site: Site, page_as: PageAs, guard: Guard, accessible: Accessible
) -> None:
    guard.expect("status of 400")
    guard.expect("Status Error Code 400")
    page = page_as("admin")
    page.goto("/harbor/projects")
    page.get_by_role("link", name="New project").click()
    name = page.get_by_label("Name", exact=True)
    name.press_sequentially("team")
    expect(page.get_by_text("There is a project of that name already.")).to_be_visible()
    accessible(page)
    name.fill("by-hand")
    expect(page.get_by_text("There is a project of that name already.")).to_have_count(0)
    page.get_by_label("Storage limit", exact=True).fill("2000000")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("More than 1024 TiB cannot be set.")).to_be_visible()
    expect(page.get_by_label("Storage limit", exact=True)).to_be_focused()
    expect(name).to_have_value("by-hand")
    page.get_by_label("Storage limit", exact=True).fill("3")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/summary")
    expect(page.get_by_role("heading", level=1)).to_contain_text("by-hand")
    expect(page.get_by_text("The project was created.")).to_be_visible()
    expect(page.get_by_text("of 3 GiB").first).to_be_visible()


def test_projects_are_deleted_and_those_that_stay_are_named(
    site: Site, page_as: PageAs, accessible: Accessible
) -> None:
    for name in ("old-empty", "old-full"):
        make_project(site.api, name)
    push_image(site.api, "old-full/app")
    page = page_as("admin")
    page.goto("/harbor/projects?text=old-")
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("It has 1 repository.")).to_be_visible()
    accessible(page)
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 project was deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="old-empty", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="old-full", exact=True)).to_be_visible()
    assert "text=old-" in page.url


def test_what_could_not_be_deleted_is_reported(site: Site, page_as: PageAs) -> None:
    for name in ("late-empty", "late-full"):
        make_project(site.api, name)
    page = page_as("admin")
    page.goto("/harbor/projects?text=late-")
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("late-full")).to_be_visible()
    push_image(site.api, "late-full/app")  # while the dialog is open
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_text("It has repositories; delete them first.")).to_be_visible()
    dialog.get_by_role("link", name="Close").click()
    expect(page.get_by_role("link", name="late-empty", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="late-full", exact=True)).to_be_visible()


def test_the_summary_says_how_to_push(
    path: Path, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("developer")
    page.goto(path("team", "summary"))
    expect(page.get_by_text("helm push")).to_be_visible()
    accessible(page)
    shot(page, "project-summary")
    page.get_by_role("button", name="Copy the command").first.click()
    expect(page.get_by_text("Copied")).to_be_visible()


def test_members_are_added_changed_and_removed(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    make_project(site.api, "crew")
    for name in ("newcomer", "old-hand"):
        make_user(site.api, name)
    add_member(site.api, "crew", ("old-hand", ""), 2)
    page = page_as("admin")
    page.goto("/harbor/projects/crew")
    page.get_by_role("link", name="Members", exact=True).click()
    accessible(page)
    shot(page, "project-members")
    page.get_by_role("link", name="Add user").click()
    page.get_by_label("Username").press_sequentially("newc")
    expect(page.locator('#candidates option[value="newcomer"]')).to_have_count(1)
    accessible(page)
    page.get_by_label("Username").fill("newcomer")
    page.get_by_text("Maintainer").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("newcomer is a member now.")).to_be_visible()
    expect(page.locator("tbody tr", has_text="newcomer")).to_contain_text("Maintainer")
    expect(page.locator("tbody tr", has_text="You").locator(".pick")).to_have_count(0)

    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Change role").click()
    page.get_by_role("dialog").get_by_text("Guest", exact=True).click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody tr", has_text="old-hand")).to_contain_text("Guest")

    page.get_by_label("Actions for old-hand").click()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("1 member was removed.")).to_be_visible()
    expect(page.locator("tbody tr", has_text="old-hand")).to_have_count(0)


def test_a_name_that_nobody_has_is_said_at_its_field(
    path: Path, page_as: PageAs, guard: Guard
) -> None:
    guard.expect("status of 400")
    guard.expect("Status Error Code 400")
    page = page_as("projectAdmin")
    page.goto(path("team", "members"))
    page.get_by_role("link", name="Add user").click()
    page.get_by_label("Username").fill("nobody-at-all")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#f-username-wrong")).to_contain_text("User nobody-at-all not found")
    expect(page.get_by_label("Username")).to_have_value("nobody-at-all")


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
    path: Path, page_as: PageAs, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto(path("team", "configs"))
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    expect(page.get_by_label("Public")).to_be_disabled()
    accessible(page)


def test_tabs_are_those_that_one_may_open(path: Path, page_as: PageAs) -> None:
    page = page_as("limitedGuest")
    page.goto(path("team", "summary"))
    tabs = page.get_by_role("navigation", name="Pages of the project").get_by_role("link")
    expect(tabs).to_have_text(["Summary", "Configuration"])
