from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive, fill_in
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, PASSWORD, make_user

NEW = "Another-Passw0rd"


@pytest.fixture
def is_open(site: Site) -> Iterator[None]:
    """People may make accounts for themselves."""

    def configure(*, flag: bool) -> None:
        body = {"self_registration": flag}
        answer = site.api.put(f"{API}/configurations", json=body, auth=ADMIN)
        assert answer.status_code == 200, answer.text

    configure(flag=True)
    yield
    configure(flag=False)


def test_a_profile_is_changed_in_the_menu_of_the_account(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as()
    fill_in(page, make_user(site.api, "paula"))
    arrive(page, "/devcenter-api-2.0")
    page.goto("/harbor/projects")
    page.get_by_label("Account of paula").click()
    shot(page, "account-menu")
    page.get_by_role("link", name="Profile").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("E-mail address")).to_have_value("paula@example.com")
    accessible(page)
    shot(page, "account-profile")
    dialog.get_by_label("Full name").fill("Paula Example")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your profile was saved.")).to_be_visible()
    page.get_by_label("Account of paula").click()
    page.get_by_role("link", name="Profile").click()
    expect(dialog.get_by_label("Full name")).to_have_value("Paula Example")


def test_the_first_administrator_is_offered_another_name(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto("/harbor/projects")
    page.get_by_label("Account of admin").click()
    page.get_by_role("link", name="Profile").click()
    shot(page, "account-profile-admin")
    page.get_by_role("link", name="Change user name").click()
    expect(page.get_by_text("Your user name becomes admin@harbor.local")).to_be_visible()
    accessible(page)
    shot(page, "account-rename")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_password_is_changed(
    site: Site, page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect("status of 403")
    guard.expect("Status Error Code 403")
    page = page_as()
    fill_in(page, make_user(site.api, "petra"))
    arrive(page, "/devcenter-api-2.0")
    page.goto("/harbor/projects")
    page.get_by_label("Account of petra").click()
    page.get_by_role("link", name="Change password").click()
    dialog = page.get_by_role("dialog")
    current = dialog.get_by_label("Current password")
    expect(current).to_be_focused()
    current.fill("wrong")
    dialog.get_by_label("New password").fill(NEW)
    dialog.get_by_label("Repeat it").fill(NEW)
    expect(dialog.locator(".rules .is-kept")).to_have_count(5)
    dialog.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("That is not your current password.")).to_be_visible()
    accessible(page)
    shot(page, "account-password")
    current.fill(PASSWORD)
    dialog.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password was changed.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Account of petra")).to_be_visible()


@pytest.mark.usefixtures("is_open")
def test_somebody_signs_up_and_in(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect("status of 400")
    guard.expect("Status Error Code 400")
    page = page_as()
    page.goto("/account/sign-in")
    shot(page, "sign-in-open")
    page.get_by_role("link", name="Sign up").click()
    arrive(page, "/account/sign-up")
    accessible(page)
    shot(page, "sign-up")
    page.get_by_label("User name").press_sequentially("admin")
    expect(page.get_by_text("There is an account of that name already.")).to_be_visible()
    page.get_by_label("User name").fill("self-made")
    # It goes when the server has answered, and what is below it moves up then.
    expect(page.get_by_text("There is an account of that name already.")).to_be_hidden()
    page.get_by_label("E-mail address").fill("self@example.com")
    page.get_by_label("Full name").fill("Self Made")
    page.get_by_label("Password", exact=True).fill("weakpassword")
    page.get_by_label("Repeat it").fill("weakpassword")
    page.get_by_role("button", name="Create my account").click()
    expect(page.locator("#f-password-wrong")).to_contain_text("8 to 128 characters")
    shot(page, "sign-up-refused")
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_label("Repeat it").fill(NEW)
    page.get_by_role("button", name="Create my account").click()
    arrive(page, "/account/sign-in")
    expect(page.get_by_text("Your account is ready.")).to_be_visible()
    fill_in(page, ("self-made", NEW))
    arrive(page, "/devcenter-api-2.0")
    expect(page.get_by_label("Account of self-made")).to_be_visible()


def test_where_it_is_off_nobody_is_invited(page_as: PageAs, guard: Guard, shot: Shot) -> None:
    guard.expect("status of 403")
    page = page_as()
    page.goto("/account/sign-in")
    expect(page.get_by_role("link", name="Sign up")).to_have_count(0)
    page.goto("/account/sign-up")
    expect(page.get_by_text("Accounts are made by administrators here")).to_be_visible()
    shot(page, "sign-up-closed")
