import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row, rows, show_more, walk_through
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, make_project

HERE = "/harbor/labels"


def make_label(site: Site, name: str, project: str = "", color: str = "#0065AB") -> None:
    body: dict[str, object] = {"name": name, "color": color, "description": f"what is {name}"}
    body |= {"scope": "p", "project_id": site.ids[project]} if project else {"scope": "g"}
    made = site.api.post(f"{API}/labels", json=body, auth=ADMIN)
    assert made.status_code == 201, made.text


@pytest.fixture(scope="module")
def many(site: Site) -> int:
    """So many labels whose names begin with "lot"."""
    colors = ("#1D5100", "#F57600", "#9B0D54", "#DDDDDD")
    for n in range(1, 18):
        make_label(site, f"lot-{n:02}", color=colors[n % 4])
    return 17


def test_the_list_is_sorted_paged_and_found_again(many: int, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{HERE}?text=lot-")
    walk_through(page, "Created", "creation_time", many)
    show_more(page, many)


def test_the_list_is_filtered_while_typing(
    many: int, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(HERE)
    accessible(page)
    shot(page, "labels")
    page.keyboard.press("/")
    page.keyboard.type("lot-0")
    expect(rows(page)).to_have_count(9)
    page.wait_for_url("**text=lot-0*")
    page.get_by_placeholder("Filter labels…").fill("no such label")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Clear the filter").click()
    expect(row(page, "lot-01")).to_have_count(1)


def test_a_label_is_made_changed_and_deleted_without_a_mouse(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal(409)
    page = page_as("admin")
    page.goto(HERE)
    page.keyboard.press("n")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    page.keyboard.type("stable")
    page.keyboard.press("Enter")
    expect(page.locator("#f-name-wrong")).to_contain_text("There is a label of that name already.")
    expect(name).to_be_focused()
    accessible(page)
    shot(page, "label-new")
    name.fill("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("made with keys alone")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The label was created.")).to_be_visible()
    made = row(page, "by keyboard")
    expect(made).to_contain_text("made with keys alone")
    menu = page.get_by_label("Actions for by keyboard")
    menu.focus()
    page.keyboard.press("ArrowDown")
    expect(made.get_by_role("link", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(name).to_have_value("by keyboard")
    name.fill("by hand")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The label was saved.")).to_be_visible()
    page.get_by_label("Actions for by hand").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog").get_by_text("by hand")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, "by hand")).to_have_count(1)


def test_several_are_deleted_at_once(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    for n in range(4):
        make_label(site, f"gone-{n}")
    page = page_as("admin")
    page.goto(f"{HERE}?text=gone-")
    page.get_by_label("Select gone-0").check()
    page.get_by_label("Select gone-2").click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    accessible(page)
    shot(page, "labels-selected")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".names li")).to_have_text(["gone-0", "gone-1", "gone-2"])
    accessible(page)
    shot(page, "labels-delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("3 labels were deleted.")).to_be_visible()
    expect(rows(page)).to_have_count(1)
    assert "text=gone-" in page.url


def test_a_project_without_labels_says_what_they_are_for(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    made = make_project(site.api, "unlabelled")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/labels")
    expect(page.get_by_role("heading", name="No labels yet")).to_be_visible()
    accessible(page)
    shot(page, "project-labels-empty")
    page.locator(".empty").get_by_role("link", name="New label").click()
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Create").click()
    expect(row(page, "mine")).to_have_count(1)


@pytest.mark.parametrize("role", ["projectAdmin", "maintainer"])
def test_who_may_make_labels_has_the_tab(site: Site, page_as: PageAs, role: str) -> None:
    page = page_as(role)
    page.goto(site.path("team", "summary"))
    page.get_by_role("link", name="Labels", exact=True).click()
    arrive(page, site.path("team", "labels"))
    expect(page.get_by_role("link", name="New label").first).to_be_visible()


@pytest.mark.parametrize("role", ["developer", "guest"])
def test_who_may_not_only_reads(
    site: Site, page_as: PageAs, accessible: Accessible, role: str
) -> None:
    make_label(site, f"for {role}", "team")
    page = page_as(role)
    page.goto(site.path("team", "labels"))
    expect(row(page, f"for {role}")).to_have_count(1)
    expect(page.get_by_role("link", name="New label")).to_have_count(0)
    expect(page.locator(".pick")).to_have_count(0)
    expect(page.get_by_label(f"Actions for for {role}")).to_have_count(0)
    accessible(page)


def test_labels_of_the_registry_are_for_administrators(page_as: PageAs, guard: Guard) -> None:
    guard.expect("status of 403")
    page = page_as("projectAdmin")
    page.goto(HERE)
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    stranger = page_as()
    stranger.goto(HERE)
    arrive(stranger, "/account/sign-in")
