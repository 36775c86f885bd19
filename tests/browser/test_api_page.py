import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import Login

Open = Callable[[Page, str, str], None]


def open_operation(page: Page, tag: str, operation: str) -> None:
    """Unfold one operation, ready to be sent."""
    page.goto("/devcenter-api-2.0")
    page.locator(f"#operations-tag-{tag}").click()
    block = page.locator(f"#operations-{tag}-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()


def execute(page: Page) -> tuple[int, str]:
    """Send the unfolded operation; the status and the body that are shown."""
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response")
    answer.wait_for()
    status = answer.locator(".response-col_status").inner_text().split()[0]
    body = answer.locator(".response-col_description pre").first
    return int(status), body.inner_text()


def test_the_api_is_described(page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    page = page_as()
    answer = page.goto("/devcenter-api-2.0")
    assert answer is not None
    assert answer.status == 200
    page.locator("#operations-tag-project").wait_for()
    for tag in ("label", "project", "registry", "system", "user"):
        assert page.locator(f"#operations-tag-{tag}").is_visible()
    shot(page, "api")
    accessible(page)


def test_an_operation_is_tried_out_by_a_stranger(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as()
    open_operation(page, "project", "listProjects")
    status, body = execute(page)
    assert status == 200
    assert sorted(project["name"] for project in json.loads(body)) == ["library", "open"]
    shot(page, "api-tried-out")
    accessible(page)


def test_the_session_may_read_what_its_owner_may(page_as: PageAs) -> None:
    page = page_as("guest")
    open_operation(page, "user", "getCurrentUserInfo")
    status, body = execute(page)
    assert (status, json.loads(body)["username"]) == (200, "guest")


def test_the_session_may_change_things(site: Site, page_as: PageAs) -> None:
    page = page_as("maintainer")
    open_operation(page, "label", "CreateLabel")
    label = {"name": "made by hand", "scope": "p", "project_id": site.ids["team"]}
    page.locator("textarea.body-param__text").fill(json.dumps(label))
    assert execute(page)[0] == 201
    query = f"scope=p&project_id={site.ids['team']}"
    listed = site.api.get(f"/api/v2.0/labels?{query}", auth=site.people["guest"]).json()
    assert [each["name"] for each in listed] == ["made by hand"]


def authorize(page: Page, login: Login) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container").filter(has_text="basic")
    form.get_by_label("Username").fill(login[0])
    form.get_by_label("Password").fill(login[1])
    form.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").first.click()


@pytest.mark.parametrize("signed_in", ["anonymous", "guest"])
def test_a_password_goes_before_the_session(site: Site, page_as: PageAs, signed_in: str) -> None:
    page = page_as(signed_in)
    page.goto("/devcenter-api-2.0")
    authorize(page, site.people["developer"])
    page.locator("#operations-tag-user").click()
    block = page.locator("#operations-user-getCurrentUserInfo")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    status, body = execute(page)
    assert (status, json.loads(body)["username"]) == (200, "developer")


def test_what_a_stranger_may_not_do_is_said(page_as: PageAs, guard: Guard) -> None:
    guard.expect("status of 401")
    page = page_as()
    open_operation(page, "user", "getCurrentUserInfo")
    status, body = execute(page)
    assert (status, json.loads(body)["errors"][0]["code"]) == (401, "UNAUTHORIZED")
