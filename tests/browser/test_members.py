import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row, rows
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import add_member, make_project, make_user


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
    site: Site, page_as: PageAs, guard: Guard
) -> None:
    guard.expect_refusal()
    page = page_as("projectAdmin")
    page.goto(site.path("team", "members"))
    page.get_by_role("link", name="Add user").click()
    page.get_by_label("Username").fill("nobody-at-all")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#f-username-wrong")).to_contain_text("User nobody-at-all not found")
    expect(page.get_by_label("Username")).to_have_value("nobody-at-all")


def test_the_filter_is_found_again(site: Site, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(site.path("team", "members"))
    expect(rows(page)).to_have_count(6)
    page.get_by_placeholder("Filter members…").fill("guest")
    expect(rows(page)).to_have_count(2)
    page.wait_for_url("**text=guest*")
    page.get_by_role("link", name="Summary", exact=True).click()
    page.go_back()
    expect(page.get_by_placeholder("Filter members…")).to_have_value("guest")
    expect(rows(page)).to_have_count(2)


@pytest.mark.parametrize("role", ["maintainer", "developer", "guest"])
def test_others_only_read(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible, role: str
) -> None:
    page = page_as(role)
    page.goto(site.path("team", "members"))
    expect(row(page, "You")).to_contain_text(role)
    expect(page.get_by_role("link", name="Add user")).to_have_count(0)
    expect(page.locator(".pick")).to_have_count(0)
    accessible(page)
    shot(page, f"project-members-{role}")


def test_who_may_not_know_the_members_has_no_tab(site: Site, page_as: PageAs, guard: Guard) -> None:
    guard.expect("status of 403")
    page = page_as("limitedGuest")
    page.goto(site.path("team", "summary"))
    expect(page.get_by_role("link", name="Members", exact=True)).to_have_count(0)
    page.goto(site.path("team", "members"))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    stranger = page_as()
    stranger.goto(site.path("team", "members"))
    arrive(stranger, "/account/sign-in")


def test_a_role_is_chosen_with_the_keyboard(site: Site, page_as: PageAs, shot: Shot) -> None:
    made = make_project(site.api, "keys")
    add_member(site.api, "keys", make_user(site.api, "typist"), 3)
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/members")
    page.get_by_label("Actions for typist").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Guest Pull, and see who")).to_be_focused()
    shot(page, "member-role")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(row(page, "typist")).to_contain_text("Developer")
