from tests.browser.conftest import Accessible, PageAs, Shot, arrive, fill_in
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, bearer

SIGN_IN = "/account/sign-in"


def test_the_page_asks_for_name_and_password(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as()
    page.goto(SIGN_IN)
    assert page.get_by_role("heading", name="Sign in").is_visible()
    shot(page, "sign-in")
    accessible(page)


def test_name_and_password_can_be_sent_without_a_mouse(site: Site, page_as: PageAs) -> None:
    page = page_as()
    page.goto(f"{SIGN_IN}?redirect_url=/devcenter-api-2.0")
    name, password = site.people["guest"]
    assert page.evaluate("document.activeElement.name") == "principal"
    page.keyboard.type(name)
    while page.evaluate("document.activeElement.name") != "password":
        page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    arrive(page, "/devcenter-api-2.0")


def test_a_wrong_password_is_said_and_the_name_stays(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect("401")
    page = page_as()
    fill_in(page, ("admin", "not-the-password"))
    page.get_by_text("Invalid user name or password.").wait_for()
    assert page.get_by_label("User name or e-mail address").input_value() == "admin"
    shot(page, "sign-in-refused")
    accessible(page)


def test_whoever_asked_for_a_page_comes_back_to_it(site: Site, page_as: PageAs) -> None:
    page = page_as()
    fill_in(page, site.people["admin"], "/harbor/gallery")
    arrive(page, "/harbor/gallery")


def test_nobody_is_sent_to_another_host(page_as: PageAs) -> None:
    page = page_as()
    page.goto(f"{SIGN_IN}?redirect_url=//example.com/")
    assert page.locator("input[name=redirect_url]").input_value() == "/harbor/projects"


def test_whoever_logs_out_is_nobody(site: Site, page_as: PageAs) -> None:
    page = page_as()
    fill_in(page, site.people["guest"], f"{SIGN_IN}?redirect_url=/devcenter-api-2.0")
    arrive(page, "/devcenter-api-2.0")
    page.get_by_label("Account of guest").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Account of guest").wait_for(state="detached")
    page.goto("/harbor/gallery")
    arrive(page, SIGN_IN)


def test_strangers_are_offered_what_is_pulled_most(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    for name, times in (("open/app", 3), ("team/app", 4)):
        headers = bearer(site.api, ADMIN, f"repository:{name}:pull")
        for _ in range(times):
            assert site.api.get(f"/v2/{name}/manifests/1.0", headers=headers).status_code == 200
    page = page_as()
    page.goto(SIGN_IN)
    popular = page.get_by_role("region", name="Popular repositories")
    while not popular.is_visible():  # pulls are written a second later
        page.reload()
    assert popular.get_by_role("listitem").count() == 1
    accessible(page)
    shot(page, "sign-in-popular")
    popular.get_by_role("link", name="open/app").click()
    page.wait_for_url("**/repositories/app/artifacts-tab")
