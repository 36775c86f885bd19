"""What opens an account beside its password, before a browser."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from harbor.auth import second_factor
from harbor.auth.lockout import PAIR
from harbor.core import clock
from tests.browser.conftest import Accessible, PageAs, Shot, arrive, fill_in
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, make_user


def test_a_token_is_made_shown_once_and_revoked(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as()
    fill_in(page, make_user(site.api, "tina"))
    arrive(page, "/devcenter-api-2.0")
    page.goto("/account/tokens")
    accessible(page)
    shot(page, "tokens-empty")
    page.get_by_role("link", name="New token").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("CI of the web shop")
    dialog.get_by_label("Push").check()
    accessible(page)
    shot(page, "token-new")
    dialog.get_by_role("button", name="Create").click()
    secret = dialog.get_by_text(re.compile(r"^hbp_\w{44}$"))
    expect(secret).to_be_visible()
    accessible(page)
    shot(page, "token-made")
    told = secret.text_content() or ""
    assert site.api.get("/v2/", auth=("tina", told)).status_code == 200
    dialog.get_by_role("link", name="Done").click()
    expect(page.get_by_text("CI of the web shop")).to_be_visible()
    accessible(page)
    shot(page, "tokens")
    page.get_by_role("link", name="Revoke CI of the web shop").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("1 token was revoked.")).to_be_visible()
    assert site.api.get("/v2/", auth=("tina", told)).status_code == 401
    page.goto("/account/sessions")
    expect(page.get_by_text("This browser")).to_be_visible()
    accessible(page)
    shot(page, "sessions")


def test_a_second_factor_is_switched_on_and_asked(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    tom = make_user(site.api, "tom")
    page = page_as()
    fill_in(page, tom)
    arrive(page, "/devcenter-api-2.0")
    page.goto("/account/second-factor")
    accessible(page)
    shot(page, "second-factor-off")
    page.get_by_role("link", name="Set up").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Current password").fill(tom[1])
    dialog.get_by_role("button", name="Go on").click()
    secret = dialog.get_by_text(re.compile(r"^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$"))
    expect(secret).to_be_visible()
    accessible(page)
    shot(page, "second-factor-new")
    codes = second_factor.generator((secret.text_content() or "").replace(" ", ""))
    now = int(clock.now().timestamp())
    dialog.get_by_label("Code", exact=True).fill(codes.generate(now).decode())
    dialog.get_by_role("button", name="Switch on").click()
    expect(dialog.get_by_text("Keep them where your phone is not.")).to_be_visible()
    accessible(page)
    shot(page, "recovery-codes")
    recovery = re.findall(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}", dialog.inner_text())
    dialog.get_by_role("link", name="Done").click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()
    shot(page, "second-factor-on")
    other = page_as()
    fill_in(other, tom)
    expect(other.get_by_role("heading", name="Enter the code")).to_be_visible()
    accessible(other)
    shot(other, "sign-in-code")
    # The next step's code, which is a little early and so not used yet.
    other.get_by_label("Code").fill(codes.generate(now + second_factor.STEP_S).decode())
    other.get_by_role("button", name="Sign in").click()
    arrive(other, "/devcenter-api-2.0")
    page.get_by_role("link", name="Remove the authenticator").click()
    expect(dialog.get_by_text("It is the last one")).to_be_visible()
    dialog.get_by_label("Code").fill(recovery[0])
    accessible(page)
    shot(page, "authenticator-remove")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("It is off")).to_be_visible()


def test_a_passkey_is_made_and_opens_the_account(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible, guard: Guard
) -> None:
    pam = make_user(site.api, "pam")
    # A browser has no passkeys for a bare address, but for every name of its own machine.
    guard.host = f"localhost:{urlsplit(site.url).port}"
    page = page_as(base_url=f"http://{guard.host}")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True}
    options = key | {"isUserVerified": True, "hasResidentKey": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    fill_in(page, pam)
    arrive(page, "/devcenter-api-2.0")
    page.goto("/account/second-factor")
    shot(page, "passkeys-off")
    page.get_by_role("link", name="Add a passkey").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Current password").fill(pam[1])
    dialog.get_by_role("button", name="Go on").click()
    dialog.get_by_label("Name", exact=True).fill("Laptop")
    accessible(page)
    shot(page, "passkey-new")
    dialog.get_by_role("button", name="Create the passkey").click()
    expect(dialog.get_by_text("Keep them where your phone is not.")).to_be_visible()
    dialog.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Laptop")).to_be_visible()
    accessible(page)
    shot(page, "passkeys")
    page.context.clear_cookies()
    fill_in(page, pam)
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    accessible(page)
    shot(page, "sign-in-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    arrive(page, "/devcenter-api-2.0")
    page.context.clear_cookies()
    page.goto("/account/sign-in?redirect_url=/devcenter-api-2.0")
    accessible(page)
    shot(page, "sign-in-by-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    arrive(page, "/devcenter-api-2.0")
    page.goto("/account/second-factor")
    page.get_by_role("link", name="Remove Laptop").click()
    expect(dialog.get_by_text("It is the last one")).to_be_visible()
    accessible(page)
    shot(page, "passkey-remove")
    dialog.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("It is off")).to_be_visible()


def test_email_is_set_up_and_who_has_to_wait_is_shown(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto("/harbor/configs/email")
    page.get_by_role("textbox", name="Server").fill("smtp.example.com")
    page.get_by_role("textbox", name="Sender").fill("Harbor <registry@example.com>")
    accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Send a test message")).to_be_visible()
    shot(page, "email")
    for _ in range(PAIR.free + 1):
        assert site.api.get("/v2/", auth=("somebody", "wrong")).status_code == 401
    page.goto("/harbor/users/locked")
    row = page.get_by_role("row").filter(has_text="somebody")
    expect(row).to_contain_text(str(PAIR.free + 1))
    accessible(page)
    shot(page, "locked")
    row.get_by_role("link", name="Forget").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("within 5 seconds")).to_be_visible()
    shot(page, "locked-forget")
    dialog.get_by_role("button", name="Forget them").click()
    expect(row).to_have_count(0)
    page.goto("/harbor/users")
    shot(page, "users-locked")
    site.api.put("/api/v2.0/configurations", json={"email_host": ""}, auth=ADMIN)
