from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import make_user

HERE = "/harbor/users"


def test_people_are_listed_found_and_sorted(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(HERE)
    expect(page.get_by_role("heading", name="Users", level=1)).to_be_visible()
    expect(page.get_by_text("developer@example.com")).to_be_visible()
    accessible(page)
    shot(page, "users")
    page.get_by_placeholder("Filter users…").fill("maint")
    expect(page.get_by_text("developer@example.com")).to_have_count(0)
    expect(page.get_by_text("maintainer@example.com")).to_be_visible()
    page.get_by_placeholder("Filter users…").fill("nobody-at-all")
    expect(page.get_by_text("maintainer@example.com")).to_have_count(0)
    shot(page, "users-none-found")
    page.goto(f"{HERE}?sort=-username")
    expect(page.locator("tbody tr").first).to_contain_text("stranger")


def test_an_account_is_made_in_the_dialog(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect("status of 400")
    guard.expect("Status Error Code 400")
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_role("link", name="New user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name").press_sequentially("guest")
    expect(dialog.get_by_text("There is an account of that name already.")).to_be_visible()
    dialog.get_by_label("User name").fill("made-by-hand")
    expect(dialog.get_by_text("There is an account of that name already.")).to_have_count(0)
    dialog.get_by_label("E-mail address").fill("made@example.com")
    dialog.get_by_label("Full name").fill("Made by Hand")
    first, again = dialog.get_by_label("Password", exact=True), dialog.get_by_label("Repeat it")
    kept = dialog.locator(".rules .is-kept")
    expect(kept).to_have_count(0)
    first.press_sequentially("abc")
    expect(kept).to_have_text(["A small letterkept"])
    first.fill("Secret-123")
    expect(kept).to_have_count(4)
    again.fill("Secret-12")
    expect(kept).to_have_count(4)
    accessible(page)
    shot(page, "users-new")
    dialog.get_by_role("button", name="Create").click()
    expect(page.locator("#f-confirm-wrong")).to_have_text("The two passwords differ.")
    again.fill("Secret-123")
    expect(kept).to_have_count(5)
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The account made-by-hand was created.")).to_be_visible()
    expect(page.get_by_text("made@example.com")).to_be_visible()


def test_rights_are_given_and_taken_and_a_password_reset(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    make_user(site.api, "rita")
    page = page_as("admin")
    page.goto(f"{HERE}?text=rita")
    page.get_by_label("Actions for rita").click()
    shot(page, "users-menu")
    page.get_by_role("link", name="Make administrator").click()
    accessible(page)
    shot(page, "users-give")
    page.get_by_role("button", name="Make administrators").click()
    expect(page.get_by_text("1 administrator more.")).to_be_visible()
    row = page.locator("tbody tr", has_text="rita@example.com")
    expect(row).to_contain_text("Yes")
    page.get_by_label("Actions for rita").click()
    page.get_by_role("link", name="Reset password").click()
    dialog = page.get_by_role("dialog")
    accessible(page)
    dialog.get_by_label("New password").fill("Secret-123")
    dialog.get_by_label("Repeat it").fill("Secret-123")
    shot(page, "users-reset")
    dialog.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("The password of rita was set.")).to_be_visible()
    page.get_by_label("Select rita").check()
    page.get_by_role("button", name="Revoke administrator").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("1 administrator less.")).to_be_visible()
    expect(row).to_contain_text("No")


def test_several_accounts_are_deleted_at_once(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    for name in ("gone-one", "gone-two"):
        make_user(site.api, name)
    page = page_as("admin")
    page.goto(f"{HERE}?text=gone-")
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("gone-two")).to_be_visible()
    accessible(page)
    shot(page, "users-delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("2 accounts were deleted.")).to_be_visible()
    expect(page.get_by_text("gone-one")).to_have_count(0)
