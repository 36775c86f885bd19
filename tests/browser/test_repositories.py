import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row, rows, show_more, walk_through
from tests.browser.site import Site
from tests.make import ADMIN, API, make_project, push_image

ABOUT = {"description": "The **web shop**: a front, a cart and a checkout."}


@pytest.fixture(scope="module")
def shop(site: Site) -> str:
    """The path of the repositories of a project that has seventeen."""
    made = make_project(site.api, "shop", public=True)
    for n in range(17):
        push_image(site.api, f"shop/part-{n:02}" if n else "shop/web/front")
    path = f"{API}/projects/shop/repositories/web%252Ffront"
    assert site.api.put(path, json=ABOUT, auth=ADMIN).status_code == 200
    return f"/harbor/projects/{made}/repositories"


def test_the_list_is_sorted_paged_and_found_again(shop: str, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(shop)
    walk_through(page, "Last modified", "update_time", 17)
    show_more(page, 17)


def test_the_list_is_filtered_while_typing(
    shop: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{shop}?sort=-name")
    expect(row(page, "web/front")).to_have_count(1)
    accessible(page)
    shot(page, "repositories")
    page.keyboard.press("/")
    page.keyboard.type("web/")
    expect(rows(page)).to_have_count(1)


def test_cards_are_remembered(
    shop: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(shop)
    page.get_by_role("link", name="As cards").click()
    cards = page.get_by_role("list", name="Repositories").get_by_role("listitem")
    expect(page.locator(".repository-card")).to_have_count(15)
    page.goto(f"{shop}?sort=-name")
    expect(page.locator(".repository-card").first).to_contain_text("web shop")
    expect(cards.first).to_be_visible()
    accessible(page)
    shot(page, "repositories-cards")
    page.get_by_placeholder("Filter repositories…").fill("part-01")
    expect(page.locator(".repository-card")).to_have_count(1)
    page.get_by_role("link", name="As a list").click()
    expect(rows(page)).to_have_count(1)


def test_push_commands_are_copied_without_a_mouse(
    shop: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(shop)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("shop/REPOSITORY:TAG")
    accessible(page)
    shot(page, "repositories-push")
    dialog.get_by_label("Copy the command").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Copied")


def test_what_cannot_be_copied_is_said_in_the_language_of_the_page(
    shop: str, page_as: PageAs
) -> None:
    page = page_as("admin", locale="zh-CN")
    page.add_init_script(
        "navigator.clipboard.writeText = () => Promise.reject(new Error('Write permission denied.'));"
        "document.execCommand = () => window.copies;"
    )
    page.goto(shop)
    page.keyboard.press("n")
    button = page.get_by_role("dialog").locator("[data-copy]").first
    button.click()
    expect(page.locator("#toasts")).to_contain_text("浏览器不允许此页面复制")
    # The way that works without the right to fill the clipboard.
    page.evaluate("window.copies = true")
    button.click()
    expect(page.locator("#toasts")).to_contain_text("已复制")


def test_repositories_are_deleted_alone_and_together(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    made = make_project(site.api, "old-shop")
    for n in range(4):
        push_image(site.api, f"old-shop/gone-{n}")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/repositories")
    page.get_by_label("Select gone-0").check()
    page.get_by_label("Select gone-1").check()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".names li")).to_have_text(["old-shop/gone-0", "old-shop/gone-1"])
    accessible(page)
    shot(page, "repositories-delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("2 repositories were deleted.")).to_be_visible()
    expect(rows(page)).to_have_count(2)
    page.get_by_label("Actions for gone-3").click()
    row(page, "gone-3").get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(1)


def test_an_empty_project_says_what_to_do(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    made = make_project(site.api, "empty-shop")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}")
    arrive(page, f"/harbor/projects/{made}/repositories")
    expect(page.get_by_role("heading", name="No repositories yet")).to_be_visible()
    accessible(page)
    shot(page, "repositories-empty")
    page.locator(".empty").get_by_role("link", name="Push commands").click()
    expect(page.get_by_role("dialog")).to_contain_text("empty-shop/REPOSITORY")


@pytest.mark.parametrize("width", [390, 1280])
def test_long_names_stay_on_the_page(site: Site, page_as: PageAs, shot: Shot, width: int) -> None:
    own, tag = "/".join(["a-long-segment-of-a-name"] * 5), "release-of-a-long-name-" + "x" * 100
    project = make_project(site.api, f"long{width}")
    image = push_image(site.api, f"long{width}/{own}", tag)
    tags = f"{API}/projects/long{width}/repositories/{own.replace('/', '%252F')}/artifacts"
    more = site.api.post(f"{tags}/{image.digest}/tags", json={"name": "short"}, auth=ADMIN)
    assert more.status_code == 201
    page = page_as("admin", viewport={"width": width, "height": 844})
    listed = f"/harbor/projects/{project}/repositories"
    here = f"{listed}/{own.replace('/', '%2F')}/artifacts-tab"
    for path in (listed, f"{listed}?view=cards", here, f"{here}/artifacts/{image.digest}"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(beyond) <= 0, path
    # The name is told whole, and is not below what can be done with it.
    name = page.locator("#tags .tag").filter(has_text=tag)
    assert name.evaluate("element => element.scrollWidth <= element.clientWidth")
    box, actions = name.bounding_box(), row(page, tag).locator(".row-actions").bounding_box()
    assert box
    assert actions
    beside = box["x"] + box["width"] <= actions["x"]
    assert beside or box["y"] >= actions["y"] + actions["height"]
    shot(page, f"long-names-{width}")
