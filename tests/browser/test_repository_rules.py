from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.directory.test_groups import make_group
from tests.make import (
    add_member,
    make_project,
    make_repository_rule,
    make_robot,
    make_user,
    push_image,
)


def test_a_rule_is_made_and_explained(
    site: Site, page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal(400)
    make_project(site.api, "guild")
    made = make_user(site.api, "journeyman")
    add_member(site.api, "guild", made, 3)
    for name in ("app/web", "app/api", "lib", "secret/plans"):
        push_image(site.api, f"guild/{name}")
    page = page_as("admin")
    page.goto("/harbor/projects/guild/members")
    page.get_by_role("link", name="Repository rules").click()
    expect(
        page.get_by_role("heading", name="Every role holds in the whole project")
    ).to_be_visible()
    accessible(page)
    shot(page, "repository-rules-empty")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("User", exact=True).fill("journeyman")
    pattern = page.get_by_role("textbox", name="Repositories")
    pattern.fill("[")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#f-pattern-wrong")).to_contain_text("invalid pattern")
    pattern.fill("app/*")
    expect(page.locator("#preview .tag")).to_have_text(["app/api", "app/web"])
    accessible(page)
    shot(page, "repository-rules-new")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The rule was created.")).to_be_visible()
    expect(page.locator("tbody tr")).to_contain_text("Developer")
    make_group(site.api, "apprentices")
    page.get_by_role("link", name="New rule").click()
    page.get_by_text("A group", exact=True).click()
    expect(page.get_by_role("dialog").get_by_label("User", exact=True)).to_be_hidden()
    page.get_by_label("Group", exact=True).select_option("apprentices, no member of the project")
    pattern.fill("secret/**")
    page.get_by_text("No access").click()
    expect(page.locator("#preview .tag")).to_have_text("secret/plans")
    accessible(page)
    shot(page, "repository-rules-group")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("tbody tr").nth(1)).to_contain_text("apprentices")
    page.get_by_role("textbox", name="User").fill("journeyman")
    page.get_by_role("textbox", name="Repository").fill("app/web")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Rule 1 decides")).to_be_visible()
    accessible(page)


def test_a_robot_is_chosen(site: Site, page_as: PageAs, shot: Shot, accessible: Accessible) -> None:
    make_project(site.api, "workshop")
    for name in ("app/web", "secret/plans"):
        push_image(site.api, f"workshop/{name}")
    make_robot(site.api, "builder", {"workshop": ["repository:pull"]})
    make_robot(site.api, "mirror", {"*": ["repository:pull"]}, level="system")
    page = page_as("admin")
    page.goto("/harbor/projects/workshop/members/rules")
    page.get_by_role("link", name="New rule").click()
    page.get_by_text("A robot", exact=True).click()
    expect(page.get_by_role("dialog").get_by_label("User", exact=True)).to_be_hidden()
    chosen = page.get_by_label("Robot", exact=True)
    expect(chosen.locator("option")).to_have_text(["robot$workshop+builder", "robot$mirror"])
    chosen.select_option("robot$mirror")
    page.get_by_role("textbox", name="Repositories").fill("secret/**")
    page.get_by_text("No access").click()
    expect(page.locator("#preview .tag")).to_have_text("secret/plans")
    accessible(page)
    shot(page, "repository-rules-robot-new")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The rule was created.")).to_be_visible()
    expect(page.locator("tbody tr")).to_contain_text("robot$mirror")
    page.get_by_role("textbox", name="User or robot").fill("robot$mirror")
    page.get_by_role("textbox", name="Repository").fill("secret/plans")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("it is the first that is about the robot")).to_be_visible()
    accessible(page)
    shot(page, "repository-rules-robot")
    page.get_by_label("Actions for Rule 1").click()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Robot", exact=True).locator("option:checked")).to_have_text(
        "robot$mirror"
    )


def test_rules_change_places(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    make_project(site.api, "league")
    made = make_user(site.api, "captain")
    make_repository_rule(site.api, "league", "secret/**", 0)
    make_repository_rule(site.api, "league", "{app/**,lib/*,tools/{a,b}}", 2, user=made)
    make_repository_rule(
        site.api, "league", "a-repository-with-a-long-name/" + "on" * 20, 3, user=made
    )
    page = page_as("admin")
    page.goto("/harbor/projects/league/members/rules?user=captain&repository=lib/x")
    page.get_by_label("Actions for Rule 2").click()
    page.get_by_role("button", name="Move up").click()
    expect(page.get_by_text("The rule was moved.")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("a-repository")
    accessible(page)
    shot(page, "repository-rules")
