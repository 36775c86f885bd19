import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.grids import row
from tests.browser.guard import Guard
from tests.browser.shop import furnish
from tests.browser.site import Site


@pytest.fixture(scope="module")
def front(site: Site) -> str:
    return furnish(site)


def test_an_index_shows_tags_images_and_accessories(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{front}/artifacts/2.4.1")
    expect(page.get_by_role("table", name="Images")).to_contain_text("linux/arm64/v8")
    expect(page.get_by_role("table", name="Accessories")).to_contain_text("Notation signature")
    accessible(page)
    shot(page, "artifact-index")


def test_an_image_shows_its_config(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{front}/artifacts/2.5.0-rc1")
    expect(page.get_by_text("Working directory")).to_be_visible()
    accessible(page)
    shot(page, "artifact-image")


def test_layers_are_shown_in_proportion(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{front}/artifacts/2.5.0-rc1")
    page.get_by_role("link", name="Layers", exact=True).click()
    expect(page.get_by_text("3 layers")).to_be_visible()
    expect(page.locator(".layers li")).to_have_count(7)
    accessible(page)
    shot(page, "artifact-layers")


def test_the_manifest_is_coloured_and_copied(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{front}/artifacts/2.5.0-rc1/manifest")
    expect(page.locator(".code-name").first).to_have_text('"schemaVersion"')
    accessible(page)
    shot(page, "artifact-manifest")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Copied")


def test_a_chart_shows_how_it_is_installed(
    front: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto(f"{front}/artifacts/2.4.1-chart")
    expect(page.get_by_text("helm install front oci://")).to_be_visible()
    expect(page.get_by_role("table", name="Dependencies")).to_contain_text("cart")
    expect(page.get_by_role("link", name="Add tag")).to_have_count(0)
    accessible(page)
    shot(page, "artifact-chart")


def test_tags_are_added_and_removed_without_a_mouse(
    front: str, page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal(409)
    page = page_as("admin")
    page.goto(f"{front}/artifacts/0.0")
    page.keyboard.press("n")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    page.keyboard.type("0.1")
    page.keyboard.press("Enter")
    expect(page.locator("#f-name-wrong")).to_contain_text("There is a tag of that name already.")
    accessible(page)
    shot(page, "artifact-tag-new")
    name.fill("first")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The tag first was added.")).to_be_visible()
    expect(row(page, "first")).to_have_count(1)
    page.get_by_label("Remove the tag first").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".names li")).to_have_text(["first"])
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("1 tag was removed.")).to_be_visible()
    expect(row(page, "first")).to_have_count(0)


def test_breadcrumbs_lead_through_the_index_to_the_list(front: str, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{front}?text=2.4.1&sort=size")
    page.get_by_role("link", name="4 images").click()
    page.locator(".artifact a.mono").first.click()
    page.wait_for_url("**parent=**")
    crumbs = page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link")
    expect(crumbs).to_have_count(4)
    crumbs.last.click()
    page.wait_for_url("**/depth/**")
    crumbs.nth(2).click()
    page.wait_for_url(re.compile(r"text=2\.4\.1&sort=size"))
