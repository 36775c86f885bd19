from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site


def test_the_start_page_says_how_to_push(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as()
    answer = page.goto("/")
    assert answer is not None
    assert answer.status == 200
    host = site.url.removeprefix("http://")
    assert f"docker push {host}/library/hello:1.0" in page.locator("main").inner_text()
    shot(page, "home")
    accessible(page)


def test_a_page_that_does_not_exist_says_so(
    page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect("status of 404")
    page = page_as()
    answer = page.goto("/harbor/nowhere", wait_until="load")
    assert answer is not None
    assert answer.status == 404
    assert page.get_by_role("heading", name="Nothing here").is_visible()
    shot(page, "not-found")
    accessible(page)


def test_the_first_key_skips_to_the_content(page_as: PageAs) -> None:
    page = page_as()
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to content"
    assert skip.bounding_box() is not None
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
