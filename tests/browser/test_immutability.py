import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import make_project, make_rule, rule_of

TAB = "tag-strategy/immutable-tag"


def test_a_rule_is_made_switched_changed_and_deleted(
    site: Site, page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal(400)
    made = make_project(site.api, "released")
    page = page_as("admin")
    page.goto(f"/harbor/projects/{made}/{TAB}")
    expect(page.get_by_role("heading", name="No rules yet")).to_be_visible()
    accessible(page)
    shot(page, "immutability-empty")
    page.get_by_role("link", name="New rule").click()
    tags = page.get_by_label("Names of tags")
    expect(tags).to_have_value("**")
    tags.fill("[v")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#f-tags-wrong")).to_contain_text("invalid pattern")
    accessible(page)
    shot(page, "immutability-new")
    tags.fill("v*, release-?.?")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The rule was created.")).to_be_visible()
    expect(page.locator(".card .tag")).to_have_text(["v*", "release-?.?"])
    page.get_by_label("Actions for Rule 1").click()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("The rule was switched off.")).to_be_visible()
    expect(page.locator(".card").get_by_text("Off", exact=True)).to_be_visible()
    page.get_by_label("Actions for Rule 1").click()
    page.get_by_role("link", name="Edit").click()
    expect(tags).to_have_value("v*, release-?.?")
    page.get_by_label("For the repositories").select_option("that do not match")
    page.get_by_label("Names of repositories").fill("scratch/**")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("All but")).to_be_visible()
    page.get_by_label("Actions for Rule 1").click()
    page.get_by_role("link", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("scratch/** : v*, release-?.?")).to_be_visible()
    shot(page, "immutability-delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No rules yet")).to_be_visible()


def test_the_rules_of_a_project_are_shown(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    excluding = [{"decoration": "excludes", "pattern": "{dev,test,nightly-*}"}]
    long = "a-repository-with-a-name-that-is-long/and-goes-on/" + "for-quite-a-while" * 3
    for rule in (
        rule_of(tags="v*"),
        rule_of("{web,api/**}", tag_selectors=excluding),
        rule_of(long, "latest", disabled=True),
    ):
        make_rule(site.api, "team", rule)
    page = page_as("admin")
    page.goto(site.path("team", TAB))
    expect(page.locator(".card")).to_have_count(3)
    accessible(page)
    shot(page, "immutability")


@pytest.mark.parametrize("role", ["maintainer", "projectAdmin"])
def test_who_may_has_the_tab(site: Site, page_as: PageAs, role: str) -> None:
    page = page_as(role)
    page.goto(site.path("team", "summary"))
    page.get_by_role("link", name="Tag immutability").click()
    arrive(page, site.path("team", TAB))
    expect(page.get_by_role("link", name="New rule").first).to_be_visible()


def test_a_developer_has_it_not(site: Site, page_as: PageAs, guard: Guard) -> None:
    guard.expect("status of 403")
    page = page_as("developer")
    page.goto(site.path("team", "summary"))
    expect(page.get_by_role("link", name="Tag immutability")).to_have_count(0)
    page.goto(site.path("team", TAB))
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
