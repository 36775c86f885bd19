"""Deep folders, very long names, and comparisons with much and with nothing."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.site import Site
from tests.explorer.layers import image
from tests.make import make_project
from tests.tars import tar, zipped

DEEP = "/".join(f"folder-{number:02}-of-many" for number in range(14))
LONG = "a-name-that-goes-on-" * 11 + ".tar.gz"
OLD = zipped(
    tar((f"{DEEP}/{LONG}", b"1" * 5000), (f"{DEEP}/short", b"2"), ("link", f"{DEEP}/{LONG}"))
)
NEW = zipped(
    tar(
        (f"{DEEP}/{LONG}", b"1" * 9000),
        ("link", f"{DEEP}/{LONG}"),
        *((f"usr/lib/many/{number:04}.so", b"x" * number) for number in range(300)),
    )
)
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def deep(site: Site) -> str:
    """The path of an image with deep folders; there are the same, and an older one."""
    project_id = make_project(site.api, "deep", public=True)
    old = {"Env": ["PATH=/bin"], "Cmd": ["sh"]}
    image(site.api, "deep/files", "old", old, OLD)
    image(site.api, "deep/files", "new", {"Env": ["PATH=" + "/usr/local/bin:" * 20]}, NEW)
    return f"/harbor/projects/{project_id}/repositories/files/artifacts-tab/artifacts"


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_deep_folders_and_long_names_fit(
    deep: str, page_as: PageAs, shot: Shot, accessible: Accessible, locale: str
) -> None:
    page = page_as("admin", locale=locale)
    for path, name in (
        (f"new/files?path=/{DEEP}", "deep-folder"),
        ("new/files?text=folder-13", "deep-search"),
        ("new/compare?base=old", "compare-much"),
        ("new/compare?base=new", "compare-nothing"),
    ):
        page.goto(f"{deep}/{path}")
        expect(page.locator("#reading")).to_have_count(0, timeout=20_000)
        accessible(page)
        shot(page, f"{name}-{locale}")


def test_a_long_name_stands_beside_its_icon(deep: str, page_as: PageAs) -> None:
    page = page_as("admin", viewport=PHONE)
    page.goto(f"{deep}/new/files?path=/{DEEP}")
    name = page.locator(".file-name").first
    icon, text = name.locator("svg").bounding_box(), name.locator("span").last.bounding_box()
    assert icon
    assert text
    assert text["y"] < icon["y"] + icon["height"]


def test_the_mode_of_a_file_is_one_word(deep: str, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{deep}/new/files?path=/{DEEP}")
    mode = page.get_by_role("cell", name="rw-r").locator("code")
    box = mode.bounding_box()
    assert box
    assert box["height"] < 2 * 16


def test_a_long_value_leaves_room_for_the_name_of_its_setting(deep: str, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{deep}/new/compare?base=old")
    cell = page.get_by_role("cell", name="config.Env.PATH")
    expect(cell).to_be_visible(timeout=20_000)
    box = cell.bounding_box()
    assert box
    assert box["width"] >= 11 * 16


def test_where_nothing_differs_one_is_led_on(deep: str, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{deep}/new/compare?base=new")
    page.locator(".empty").get_by_role("link", name="Compare with…").click()
    expect(page.get_by_label("Tag or digest")).to_be_visible()
