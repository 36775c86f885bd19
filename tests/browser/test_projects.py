from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import make_project, push_image


def test_a_stranger_looks_around(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as()
    page.goto("/harbor/projects")
    expect(page.get_by_role("link", name="open", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="team", exact=True)).to_have_count(0)
    accessible(page)
    shot(page, "projects-stranger")
    page.get_by_role("link", name="open", exact=True).click()
    page.wait_for_url("**/repositories")
    page.get_by_role("link", name="Summary", exact=True).click()
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
    page.wait_for_url("**/repositories")
    page.go_back()
    expect(page.get_by_placeholder("Filter projects…")).to_have_value("tea")


def test_a_project_is_made_in_the_dialog(
    site: Site, page_as: PageAs, guard: Guard, accessible: Accessible
) -> None:
    guard.expect_refusal()
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
    page.wait_for_url("**/repositories")
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
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("developer")
    page.goto(site.path("team", "summary"))
    expect(page.get_by_text("helm push")).to_be_visible()
    accessible(page)
    shot(page, "project-summary")
    page.get_by_role("button", name="Copy the command").first.click()
    expect(page.get_by_text("Copied")).to_be_visible()


def test_tabs_are_those_that_one_may_open(site: Site, page_as: PageAs) -> None:
    page = page_as("limitedGuest")
    page.goto(site.path("team", "summary"))
    tabs = page.get_by_role("navigation", name="Pages of the project").get_by_role("link")
    expect(tabs).to_have_text(["Summary", "Repositories", "Configuration"])
