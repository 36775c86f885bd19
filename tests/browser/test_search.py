from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.site import Site

HERE = "/harbor/search"


def test_anything_is_reached_by_typing(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("guest")
    page.goto("/harbor/projects")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Go to")
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("tea")
    project = palette.get_by_role("option", name="team Project", exact=True)
    expect(project).to_be_visible()
    expect(palette.get_by_role("option", name="team/app Repository", exact=True)).to_be_visible()
    accessible(page)
    shot(page, "palette")
    while project.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    arrive(page, site.path("team", "repositories"))


def test_a_page_of_the_navigation_is_reached_by_typing(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto("/harbor/projects")
    page.keyboard.press("Control+k")
    page.keyboard.type("quot")
    expect(page.get_by_role("option", name="Project quotas")).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Enter")
    arrive(page, "/harbor/project-quotas")


def test_the_list_closes_and_gives_the_focus_back(page_as: PageAs) -> None:
    page = page_as()
    page.goto("/harbor/projects")
    page.get_by_placeholder("Filter projects…").focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("nothing is called so")
    only = page.get_by_role("dialog").get_by_role("option")
    expect(only).to_have_text(["Search for “nothing is called so”"])
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_placeholder("Filter projects…")).to_be_focused()


def test_strangers_find_what_is_public(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as()
    page.goto(HERE)
    expect(page.get_by_text("Enter a part of a name in the box above.")).to_be_visible()
    box = page.get_by_label("Search projects and repositories")
    box.fill("a")
    box.press("Enter")
    page.wait_for_url("**q=a*")
    expect(page.get_by_role("heading", name="Results for “a”")).to_be_visible()
    found = page.locator(".found")
    expect(found.get_by_role("link", name="library", exact=True)).to_be_visible()
    expect(found.get_by_role("link", name="open/app")).to_be_visible()
    expect(found.get_by_role("link", name="team")).to_have_count(0)
    accessible(page)
    shot(page, "search")
    page.get_by_role("link", name="library", exact=True).click()
    page.wait_for_url("**/repositories")
    page.go_back()
    expect(box).to_have_value("a")


def test_members_find_what_they_may_see(page_as: PageAs) -> None:
    page = page_as("guest")
    page.goto(f"{HERE}?q=team")
    expect(page.get_by_role("link", name="team/app")).to_be_visible()


def test_nothing_found_says_what_to_try(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("stranger")
    page.goto(f"{HERE}?q=team")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    expect(page.get_by_text("Try a shorter part of the name.")).to_be_visible()
    accessible(page)
    shot(page, "search-nothing")
