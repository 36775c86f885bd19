from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import make_project, push_image


def test_a_repository_is_moved_and_a_project_renamed(
    site: Site, page_as: PageAs, shot: Shot, accessible: Accessible, guard: Guard
) -> None:
    source, target = make_project(site.api, "workshop"), make_project(site.api, "market")
    push_image(site.api, "workshop/tools/saw")
    guard.expect_refusal(403)
    page = page_as("admin")
    page.goto(f"/harbor/projects/{source}/repositories/tools%2Fsaw/artifacts-tab")
    page.get_by_role("link", name="Rename or move").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Repository")).to_have_value("tools/saw")
    accessible(page)
    shot(page, "repository-move")
    # All by the keyboard: the project is chosen already, so what is typed replaces it.
    project = dialog.get_by_role("combobox", name="Project")
    expect(project).to_be_focused()
    page.keyboard.type("nowhere")
    expect(project).to_have_value("nowhere")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("There is no such project that you may push to.")).to_be_visible()
    expect(project).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("mark")
    # A browser without windows draws no list to choose from; what it would offer is there.
    expect(dialog.locator("datalist option")).to_have_count(1)
    expect(dialog.locator("datalist option")).to_have_attribute("value", "market")
    page.keyboard.type("et")
    page.keyboard.press("Tab")
    page.keyboard.type("saws")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The repository is called market/saws now.")).to_be_visible()
    # An old address leads on.
    page.goto(f"/harbor/projects/{source}/repositories/tools%2Fsaw/info-tab")
    page.wait_for_url(f"**/projects/{target}/repositories/saws/info-tab")
    expect(page.get_by_text("workshop/tools/saw")).to_be_visible()
    accessible(page)
    shot(page, "repository-former-names")
    page.get_by_role("link", name="End workshop/tools/saw").click()
    page.get_by_role("dialog").get_by_role("button", name="End").click()
    expect(page.get_by_text("leads here no longer")).to_be_visible()
    expect(page.get_by_text("Former names")).to_have_count(0)
    page.goto(f"/harbor/projects/{target}/configs")
    page.get_by_role("link", name="Rename").click()
    shot(page, "project-rename")
    page.get_by_role("dialog").get_by_label("New name").fill("bazaar")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_text("The project was renamed.")).to_be_visible()
    expect(page.get_by_role("heading", name="bazaar")).to_be_visible()
    accessible(page)
    shot(page, "project-former-names")
