import re

import pytest
from playwright.sync_api import expect

from tests.artifacts.rest import artifact, repository
from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.grids import row, rows
from tests.browser.site import Site
from tests.make import ADMIN, make_project, push_image, push_index, put_manifest

REPO = "shop/web/front"


@pytest.fixture(scope="module")
def shop(site: Site) -> str:
    """The path of a project with something in its trash, and a tag that has moved."""
    project_id = make_project(site.api, "shop")
    images = [push_image(site.api, REPO, f"1.{at}") for at in range(4)]
    for image in images:
        assert put_manifest(site.api, REPO, "stable", image.raw).status_code == 201
    index = push_index(site.api, REPO, "multi", *images[:2])
    push_image(site.api, "shop/old", "1.0")
    assert site.api.delete(repository("shop/old"), auth=ADMIN).status_code == 200
    assert site.api.delete(artifact(REPO, index.digest), auth=ADMIN).status_code == 200
    return f"/harbor/projects/{project_id}"


def test_what_was_deleted_is_restored_from_the_toast_on(
    shop: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{shop}/repositories/web%2Ffront/artifacts-tab?text=1.2")
    page.get_by_label("Select 1.2").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.locator("#toasts").get_by_role("link", name="Open the trash").click()
    expect(rows(page)).to_have_count(3)
    expect(row(page, "multi")).to_contain_text("web/front")
    accessible(page)
    shot(page, "trash")
    row(page, "1.2").get_by_label(re.compile("^Restore ")).click()
    dialog = page.get_by_role("dialog")
    accessible(page)
    dialog.get_by_role("button", name="Restore").click()
    expect(page.locator("#toasts")).to_contain_text("Restored")
    expect(rows(page)).to_have_count(2)


def test_a_tag_is_rolled_back(
    shop: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{shop}/repositories/web%2Ffront/artifacts-tab/artifacts/stable")
    page.get_by_role("link", name="History of stable").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".timeline li")).to_have_count(4)
    accessible(page)
    shot(page, "tag-history")
    dialog.get_by_role("button", name=re.compile("^Roll back")).first.click()
    expect(page.locator("#toasts")).to_contain_text("stable means")


def test_a_tag_gets_a_time(shop: str, page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as("admin")
    page.goto(f"{shop}/repositories/web%2Ffront/artifacts-tab/artifacts/1.1")
    page.get_by_role("link", name="Expiry of 1.1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Remove the tag").select_option("7")
    accessible(page)
    shot(page, "tag-expiry")
    dialog.get_by_role("button", name="Save").click()
    expect(row(page, "1.1")).to_contain_text("expires in")
    accessible(page)
    shot(page, "tag-expires")


def test_an_empty_trash_says_what_comes_there(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    project_id = make_project(site.api, "bare")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{project_id}/trash")
    expect(page.get_by_text("can be restored here for 7 days")).to_be_visible()
    accessible(page)
    shot(page, "trash-empty")
