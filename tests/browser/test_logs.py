from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row, rows, walk_through
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, make_project, make_user, push_image

HERE = "/harbor/logs"


def test_everything_is_there_for_administrators(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(HERE)
    expect(rows(page)).to_have_count(15)
    accessible(page)
    shot(page, "logs")


def test_lines_are_sorted_paged_and_found_again(site: Site, page_as: PageAs) -> None:
    for n in range(9):  # made and deleted
        made = make_project(site.api, f"short-lived-{n}")
        assert site.api.delete(f"{API}/projects/{made}", auth=ADMIN).status_code == 200
    page = page_as("admin")
    page.goto(f"{HERE}?text=short-lived")
    walk_through(page, "When", "op_time", 18)


def test_lines_are_filtered_by_what_is_chosen(site: Site, page_as: PageAs) -> None:
    make_user(site.api, "watched")
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_label("Filter by").select_option(label="Operation")
    page.get_by_placeholder("Filter lines…").fill("create")
    page.get_by_role("combobox", name="Result").select_option(label="Succeeded")
    page.wait_for_url("**by=operation*")
    expect(rows(page).filter(has_not_text="Create")).to_have_count(0)
    page.get_by_label("Filter by").select_option(label="Resource")
    page.get_by_placeholder("Filter lines…").fill("watched")
    expect(rows(page)).to_have_count(1)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    page.get_by_label("From").fill(tomorrow)
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    assert f"since={tomorrow}" in page.url
    page.reload()
    expect(page.get_by_label("From")).to_have_value(tomorrow)


def test_what_failed_is_marked(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    for password in ("wrong", "wrong again"):
        form = {"principal": "admin", "password": password}
        assert site.api.post("/c/login", data=form).status_code == 401
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_role("combobox", name="Result").select_option(label="Failed")
    expect(rows(page).filter(has_text="Done")).to_have_count(0)
    expect(row(page, "Failed").first).to_contain_text("Sign in")
    accessible(page)
    shot(page, "logs-failed")


def test_a_column_is_shown_and_stays(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(HERE)
    description = page.get_by_role("columnheader", name="Description")
    expect(description).to_have_count(0)
    page.get_by_label("Columns").click()
    page.get_by_role("checkbox", name="Description").check()
    expect(description).to_be_visible()
    page.reload()
    expect(description).to_be_visible()


def test_a_new_line_appears_by_itself(site: Site, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{HERE}?text=open/by-itself")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    push_image(site.api, "open/by-itself")
    expect(row(page, "open/by-itself").first).to_be_visible()


def test_who_leads_nothing_sees_nothing(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("stranger")
    page.goto(HERE)
    expect(page.get_by_role("heading", name="Nothing has happened yet")).to_be_visible()
    accessible(page)
    shot(page, "logs-empty")
    nobody = page_as()
    nobody.goto(HERE)
    arrive(nobody, "/account/sign-in")


def test_a_project_admin_sees_what_was_done_there(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("projectAdmin")
    page.goto(site.path("team", "summary"))
    page.get_by_role("link", name="Logs", exact=True).last.click()
    arrive(page, site.path("team", "logs"))
    expect(row(page, "team/app").first).to_be_visible()
    accessible(page)
    shot(page, "project-logs")
    page.goto(HERE)
    expect(row(page, "team/app").first).to_be_visible()


@pytest.mark.parametrize("role", ["maintainer", "guest"])
def test_others_have_no_tab(site: Site, page_as: PageAs, guard: Guard, role: str) -> None:
    guard.expect("status of 403")
    page = page_as(role)
    page.goto(site.path("team", "summary"))
    tabs = page.get_by_role("navigation", name="Pages of the project")
    expect(tabs.get_by_role("link", name="Logs")).to_have_count(0)
    page.goto(site.path("team", "logs"))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
