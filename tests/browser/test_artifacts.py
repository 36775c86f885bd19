import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row, rows
from tests.browser.shop import furnish
from tests.browser.site import Site
from tests.make import make_project, push_image


@pytest.fixture(scope="module")
def front(site: Site) -> str:
    return furnish(site)


def test_the_list_shows_all_kinds(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(front)
    index = row(page, "4 images")
    expect(index).to_contain_text("+2")
    expect(index).to_contain_text("linux/amd64")
    expect(index).to_contain_text("Signed")
    expect(index).to_contain_text("production")
    accessible(page)
    shot(page, "artifacts")
    index.get_by_label(re.compile("^Copy the pull command")).click()
    expect(page.locator("#toasts")).to_contain_text("docker pull 127.0.0.1")


def test_accessories_open_without_a_mouse(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{front}?text=2.4.1")
    page.get_by_label(re.compile("^Details of")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Accessories")).to_contain_text("Cosign signature")
    accessible(page)
    shot(page, "artifacts-accessories")


def test_filter_and_page_are_found_again_through_the_breadcrumbs(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(front)
    page.get_by_label("Label", exact=True).select_option(label="production")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="4 images").click()
    page.wait_for_url("**/depth/**")
    expect(rows(page)).to_have_count(4)
    accessible(page)
    shot(page, "artifact-children")
    page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name="web/front").click()
    page.wait_for_url(re.compile(r"artifacts-tab\?label="))
    expect(rows(page)).to_have_count(1)
    page.goto(f"{front}?kind=CHART")
    expect(row(page, "2.4.1-chart")).to_have_count(1)
    page.goto(f"{front}?page=2&page_size=15&sort=push_time")
    expect(page.get_by_text(re.compile("^16 . "))).to_be_visible()


def test_the_command_that_was_copied_is_said(front: str, page_as: PageAs) -> None:
    page = page_as("guest")
    page.goto(f"{front}?text=0.15")
    page.get_by_label("Copy the pull command of 0.15").click()
    said = page.locator("#toasts")
    expect(said).to_contain_text(re.compile(r"Copied: docker pull \S+/store/web/front:0\.15"))


def test_labels_are_added_to_several(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto(f"{front}?text=0.1")
    page.get_by_label("Select 0.1", exact=True).check()
    expect(page.get_by_role("button", name="Copy digests")).to_be_visible()
    expect(page.get_by_role("button", name="Add labels")).to_have_count(0)
    page = page_as("admin")
    page.goto(f"{front}?text=0.1&sort=push_time")
    page.get_by_label("Select 0.1", exact=True).check()
    page.get_by_label("Select 0.10").check()
    page.get_by_role("button", name="Add labels").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("candidate").check()
    accessible(page)
    shot(page, "artifacts-labels")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_text("The labels were added.")).to_be_visible()
    expect(rows(page).filter(has_text="candidate")).to_have_count(2)


def test_several_are_deleted_and_digests_copied(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    made = make_project(site.api, "old-store")
    for n in range(4):
        push_image(site.api, "old-store/app", f"gone-{n}")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/repositories/app/artifacts-tab")
    page.get_by_label("Select gone-0").check()
    page.get_by_label("Select gone-1").check()
    page.get_by_role("button", name="Copy digests").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".names li")).to_have_count(2)
    accessible(page)
    shot(page, "artifacts-digests")
    dialog.get_by_role("button", name="Copy all").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.locator(".names li")).to_have_count(2)
    accessible(page)
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("2 artifacts were deleted.")).to_be_visible()
    expect(rows(page)).to_have_count(2)


def test_the_description_is_shown_and_written(
    site: Site, front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(front)
    page.get_by_role("link", name="Info", exact=True).click()
    arrive(page, front.replace("artifacts-tab", "info-tab"))
    expect(page.get_by_role("cell", name="where the cart is")).to_be_visible()
    accessible(page)
    shot(page, "repository-info")
    page.goto(f"/harbor/projects/{site.ids['team']}/repositories/app/info-tab")
    accessible(page)
    shot(page, "repository-info-empty")
    page.locator(".empty").get_by_role("link", name="Write a description").click()
    page.get_by_role("textbox", name="Description").fill("It *works*.")
    accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".prose em")).to_have_text("works")
