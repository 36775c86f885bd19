"""What a project holds, how that grew, and what deleting frees."""

from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.site import Site
from tests.make import make_project, push_image


def test_storage_is_shown_before_anything_is_deleted(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    made = make_project(site.api, "stored")
    for name in ("large", "small"):
        for number in range(1 + 9 * (name == "large")):
            push_image(site.api, f"stored/{name}", f"v{number}")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/summary")
    expect(page.get_by_role("img", name="today")).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.get_by_role("table", name="Storage over time").get_by_role("row")).to_have_count(2)
    accessible(page)
    shot(page, "project-storage")
    page.get_by_role("link", name="large", exact=True).click()
    expect(page.get_by_text("Deleting it would free")).to_be_visible()
    accessible(page)
    shot(page, "repository-storage")
    page.get_by_role("link", name="Delete the repository").click()
    expect(page.get_by_role("dialog").get_by_text("This frees")).to_be_visible()
    shot(page, "delete-frees")
