import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot, arrive
from tests.browser.grids import row, rows, walk_through
from tests.browser.guard import Guard
from tests.browser.site import Site
from tests.make import ADMIN, API, make_project, push_image

HERE = "/harbor/project-quotas"


def limit(site: Site, project_id: int, nbytes: int) -> None:
    """Set what the project may store."""
    asked = f"{API}/quotas?reference=project&reference_id={project_id}"
    (quota,) = site.api.get(asked, auth=ADMIN).json()
    body = {"hard": {"storage": nbytes}}
    changed = site.api.put(f"{API}/quotas/{quota['id']}", json=body, auth=ADMIN)
    assert changed.status_code == 200, changed.text


@pytest.fixture(scope="module")
def stores(site: Site) -> None:
    """Projects that are far from, near and at their limits."""
    for name, nbytes in (("roomy", 4_096), ("near", 530), ("full", 470)):
        made = make_project(site.api, name)
        push_image(site.api, f"{name}/app")
        limit(site, made, nbytes)


@pytest.mark.usefixtures("stores")
def test_what_projects_store_is_shown_as_bars(
    page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(HERE)
    expect(row(page, "roomy").get_by_role("img", name="Storage used")).to_be_visible()
    accessible(page)
    shot(page, "quotas")
    row(page, "roomy").get_by_role("link", name="roomy").click()
    page.wait_for_url("**/repositories")


def test_the_list_is_sorted_paged_and_found_again(site: Site, page_as: PageAs) -> None:
    for n in range(17):
        make_project(site.api, f"many-{n:02}")
    page = page_as("admin")
    page.goto(f"{HERE}?text=many-")
    walk_through(page, "Storage", "used.storage", 17)
    page.get_by_placeholder("Filter projects…").fill("many-03")
    expect(rows(page)).to_have_count(1)


def test_a_limit_is_changed_and_a_wrong_one_said_at_its_field(
    site: Site, page_as: PageAs, guard: Guard, shot: Shot, accessible: Accessible
) -> None:
    guard.expect_refusal()
    make_project(site.api, "limited")
    page = page_as("admin")
    page.goto(f"{HERE}?text=limited")
    row(page, "limited").get_by_role("link", name="Edit").click()
    storage = page.get_by_label("Storage limit", exact=True)
    expect(storage).to_be_focused()
    page.get_by_label("Unit of Storage limit").select_option("TiB")
    storage.fill("2000000")
    storage.press("Enter")
    expect(page.locator("#f-storage-wrong")).to_contain_text("More than 1024 TiB")
    expect(storage).to_have_value("2000000")
    accessible(page)
    shot(page, "quota-edit")
    storage.fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The limit was saved.")).to_be_visible()
    expect(row(page, "limited")).to_contain_text("7 TiB")
    assert "text=limited" in page.url


def test_the_limit_of_new_projects_is_changed(site: Site, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(HERE)
    page.get_by_role("link", name="New projects").click()
    page.get_by_label("Unit of Storage limit").select_option("GiB")
    page.get_by_label("Storage limit", exact=True).fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("New projects get this limit from now on.")).to_be_visible()
    expect(page.get_by_role("link", name="New projects: 12 GiB")).to_be_visible()
    usual = {"storage_per_project": -1}
    assert site.api.put(f"{API}/configurations", json=usual, auth=ADMIN).status_code == 200


def test_quotas_are_for_administrators(page_as: PageAs, guard: Guard) -> None:
    guard.expect("status of 403")
    page = page_as("projectAdmin")
    page.goto("/harbor/projects")
    expect(page.get_by_role("link", name="Project quotas")).to_have_count(0)
    page.goto(HERE)
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    stranger = page_as()
    stranger.goto(HERE)
    arrive(stranger, "/account/sign-in")
