from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import rows
from tests.browser.guard import Guard

HERE = "/harbor/gallery"


def test_every_component_is_shown(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as("admin")
    page.goto(HERE)
    accessible(page)
    shot(page, "gallery")


def test_every_field_is_shown(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_role("link", name="New thing").click()
    expect(page.get_by_role("heading", name="Every kind of field")).to_be_visible()
    accessible(page)
    shot(page, "gallery-dialog")


def test_a_dialog_is_a_page_too(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as("admin")
    page.goto(f"{HERE}/dialog")
    expect(page.get_by_role("heading", level=1)).to_have_text("Every kind of field")
    accessible(page)
    shot(page, "gallery-dialog-page")


def test_a_detail_unfolds_and_a_name_must_be_typed(page_as: PageAs, shot: Shot) -> None:
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_label("Details of library").press("Enter")
    detail = page.locator("tr.detail").first
    expect(detail).to_be_visible()
    page.get_by_label("Select library").check()
    page.locator(".batch").get_by_role("button", name="Delete").click()
    typed = page.get_by_label("Type library to confirm")
    typed.fill("something else")
    assert typed.evaluate("(field) => !field.checkValidity()")
    typed.fill("library")
    assert typed.evaluate("(field) => field.checkValidity()")
    shot(page, "gallery-typed")


def test_the_way_of_a_list_is_kept(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_role("combobox", name="Access").select_option("public")
    page.wait_for_url("**access=public*")
    shown = rows(page).count()
    page.reload()
    assert rows(page).count() == shown


def test_it_is_for_administrators(page_as: PageAs, guard: Guard) -> None:
    guard.expect("status of 403")
    page = page_as("guest")
    page.goto(HERE)
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    stranger = page_as()
    stranger.goto(HERE)
    arrive(stranger, "/account/sign-in")


def test_a_dialog_opens_in_a_tab_of_its_own_where_that_is_asked(page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(HERE)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="New thing").click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Every kind of field")
    expect(page.get_by_role("dialog")).to_have_count(0)
