"""The event log: what was done in this tab."""

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive, fill_in
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, make_project, push_image


def opened(page: Page) -> Locator:
    """The panel, opened with its key."""
    page.keyboard.press("e")
    panel = page.get_by_role("complementary", name="Event log")
    expect(panel).to_be_focused()
    return panel


def delete_selected(page: Page) -> None:
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()


def test_an_empty_log_says_what_will_be_there(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto("/harbor/projects")
    page.get_by_role("button", name="Event log").click()
    panel = page.get_by_role("complementary", name="Event log")
    expect(panel.get_by_role("heading", name="Nothing to see")).to_be_visible()
    accessible(page)
    shot(page, "events-empty")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_what_was_done_and_what_failed_is_told(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    made = {name: make_project(site.api, name) for name in ("log-one", "log-two", "log-full")}
    page = page_as("admin")
    page.goto("/harbor/projects?text=log-one")
    delete_selected(page)
    expect(page.get_by_text("1 project was deleted.")).to_be_visible()
    page.goto("/harbor/projects?text=log-")
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("log-full")).to_be_visible()
    push_image(site.api, "log-full/app")  # while the dialog is open
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_text("It has repositories; delete them first.")).to_be_visible()
    dialog.get_by_role("link", name="Close").click()
    page.goto(f"/harbor/projects/{made['log-full']}/configs")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    panel = opened(page)
    events = panel.get_by_role("listitem")
    expect(events).to_have_count(3)
    expect(events.nth(0)).to_contain_text("Configuration of log-full")
    expect(events.nth(1)).to_contain_text("Not all were deleted")
    expect(events.nth(1).get_by_role("img", name="Failed")).to_be_visible()
    expect(events.nth(2)).to_contain_text("Delete projects")
    expect(events.nth(2)).to_contain_text("log-one")
    expect(events.nth(2).get_by_role("img", name="Done")).to_be_visible()
    accessible(page)
    shot(page, "events")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(panel.get_by_role("button", name="Failed")).to_be_focused()
    page.keyboard.press("Enter")
    expect(events).to_have_count(1)
    panel.get_by_role("button", name="Running").click()
    expect(panel.get_by_role("heading", name="Nothing to see")).to_be_visible()
    panel.get_by_role("button", name="All").click()
    panel.get_by_role("button", name="Clear the log").click()
    expect(events).to_have_count(0)


def test_what_is_under_way_runs_until_it_is_answered(site: Site, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto("/harbor/labels")
    page.get_by_role("link", name="New label").click()
    page.get_by_label("Name", exact=True).fill("on its way")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/harbor/labels/new", hold)
    page.get_by_role("button", name="Create").click()
    mark = page.locator("[popovertarget=events] .dot")
    expect(mark).to_have_attribute("data-state", "running")
    held[0].continue_()
    expect(page.get_by_text("The label was created.")).to_be_visible()
    expect(mark).to_have_attribute("data-state", "")
    event = opened(page).get_by_role("listitem")
    expect(event.get_by_role("img", name="Done")).to_be_visible()
    expect(event).to_contain_text("New label")


def test_what_was_left_unanswered_is_not_said_to_have_ended(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto("/harbor/labels")
    page.get_by_role("link", name="New label").click()
    page.get_by_label("Name", exact=True).fill("never sent")
    page.route("**/harbor/labels/new", lambda route: None)
    page.get_by_role("button", name="Create").click()
    mark = page.locator("[popovertarget=events] .dot")
    expect(mark).to_have_attribute("data-state", "running")
    page.goto("/harbor/logs")
    left = opened(page).get_by_role("img", name="The page was left before it ended")
    expect(left).to_be_visible()


def test_a_wrong_field_is_no_event(page_as: PageAs, guard: Guard) -> None:
    guard.expect_refusal(409)
    page = page_as("admin")
    page.goto("/harbor/labels")
    page.get_by_role("link", name="New label").click()
    page.get_by_label("Name", exact=True).fill("stable")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#f-name-wrong")).to_contain_text("There is a label of that name already.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opened(page).get_by_role("heading", name="Nothing to see")).to_be_visible()


def test_nobody_reads_what_another_did(site: Site, page_as: PageAs) -> None:
    page = page_as()
    fill_in(page, ADMIN, "/harbor/labels")
    arrive(page, "/harbor/labels")
    page.get_by_role("link", name="New label").click()
    page.get_by_label("Name", exact=True).fill("mine alone")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The label was created.")).to_be_visible()
    expect(opened(page).get_by_role("listitem")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_label("Account of admin").click()
    page.get_by_role("button", name="Log out").click()
    arrive(page, "/account/sign-in")
    assert page.evaluate("sessionStorage.getItem('harbor-events')") is None
    fill_in(page, site.people["guest"], "/account/sign-in")
    arrive(page, "/harbor/projects")
    expect(opened(page).get_by_role("heading", name="Nothing to see")).to_be_visible()
    assert site.api.get(f"{API}/labels?scope=g&name=mine", auth=ADMIN).json()
