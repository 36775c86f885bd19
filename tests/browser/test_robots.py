"""Robot accounts, as their users see them."""

from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot


def test_a_robot_is_made_for_the_system(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto("/harbor/robot-accounts")
    page.get_by_role("button", name="New robot account").or_(
        page.get_by_role("link", name="New robot account")
    ).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=False).first.fill("nightly")
    dialog.get_by_label("Projects", exact=True).fill("*")
    dialog.get_by_text("In these projects").click()
    dialog.get_by_role("button", name="Select all").last.click()
    dialog.get_by_role("button", name="Other permissions in more projects").click()
    dialog.get_by_label("More projects").fill("library")
    dialog.get_by_text("In these projects").last.click()
    dialog.get_by_label("push").last.check()
    accessible(page)
    shot(page, "robot-new")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("heading")).to_have_text("The robot was created")
    expect(dialog).to_contain_text("robot$nightly")
    shot(page, "robot-secret")
    with page.expect_download() as saved:
        dialog.get_by_role("link", name="Save as a file").click()
    assert saved.value.suggested_filename.endswith(".json")
    dialog.get_by_role("link", name="Done").click()
    row = page.get_by_role("row", name="nightly")
    expect(row).to_contain_text("Enabled")
    expect(row).to_contain_text("71 permissions")
    row.get_by_role("button", name="Details of robot$nightly").click()
    expect(page.locator(".given")).to_contain_text("All projects")
    accessible(page)
    shot(page, "robots")
    row.get_by_label("Actions for robot$nightly").click()
    row.get_by_role("link", name="New secret").click()
    expect(dialog.get_by_role("heading")).to_have_text("New secret for robot$nightly")
    accessible(page)
    shot(page, "robot-refresh")
    dialog.get_by_role("button", name="Replace the secret").click()
    expect(dialog.get_by_role("heading")).to_have_text("A new secret")
    page.goto("/harbor/configs/setting")
    issuers = "https://token.actions.githubusercontent.com\nhttps://gitlab.example.com"
    page.get_by_label("Issuers of tokens for robots").fill(issuers)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("saved")).to_be_visible()
    for number, (claim, value) in enumerate((("repository", "example/app"), ("ref", "refs/*/*"))):
        page.goto("/harbor/robot-accounts")
        row.get_by_label("Actions for robot$nightly").click()
        row.get_by_role("link", name="Tokens it signs in with").click()
        dialog.get_by_label("Audience").fill("https://registry.example.com")
        dialog.get_by_label("Rules").fill(f"{claim} = {value}\nsub = repo:example/app:**")
        if not number:
            dialog.get_by_text("Examples").click()
            accessible(page)
            shot(page, "robot-trust-new")
        dialog.get_by_role("button", name="Add").click()
        expect(dialog).not_to_be_visible()
    row.get_by_role("button", name="Details of robot$nightly").click()
    expect(page.locator(".given")).to_contain_text("Signs in with tokens of")
    shot(page, "robots-with-trusts")
    row.get_by_label("Actions for robot$nightly").click()
    row.get_by_role("link", name="Tokens it signs in with").click()
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    accessible(page)
    shot(page, "robot-trusts")
    page.goto("/harbor/projects/1/robot-account")
    expect(page.get_by_text("No robot accounts yet")).to_be_visible()
    accessible(page)
    shot(page, "robots-of-project")
