"""Chromium in front of a running registry.

A test asks for ``page_as`` and gets pages that are signed in as somebody; ``shot`` and
``accessible`` look at what it shows; ``guard`` watches all of it, asked for or not.

While these tests run, Playwright's event loop does too: ``asyncio.run`` cannot be used in them.
What a test needs it prepares through ``site.api``.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.browser.guard import Guard
from tests.browser.site import Site, open_site
from tests.make import Login

SCREENSHOTS = Path(__file__).parents[2] / ".tools" / "screenshots"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
GRAVE = ("serious", "critical")
expect.set_options(timeout=PATIENCE_MS)
# A page is told of another colour scheme at some frame; colours may then take their time.
SETTLED = """async (scheme) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  while (!matchMedia(`(prefers-color-scheme: ${scheme})`).matches) await frame();
  scrollTo(0, 0);
  await frame();
  await frame();
  const moving = document.getAnimations().filter((each) => each instanceof CSSTransition);
  await Promise.allSettled(moving.map((each) => each.finished));
}"""
# Fields are pale while a form is being sent. Some movements never end, and do not count.
STILL = """async (patience) => {
  const ends = performance.now() + patience;
  const lasting = (each) => each.effect.getComputedTiming().endTime < Infinity;
  const busy = () => document.querySelector(".htmx-request, .is-waiting, .htmx-swapping")
    || document.getAnimations().some((each) => each.playState === "running" && lasting(each));
  while (busy()) {
    if (performance.now() > ends) throw new Error("the page does not come to rest");
    await new Promise((done) => requestAnimationFrame(done));
  }
}"""
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("dark", "light")
# What axe is told; between the two, nothing but colours differs.
LOOKS: dict[Scheme, dict[str, Any]] = {
    "dark": {"runOnly": ["color-contrast"]},
    "light": {"resultTypes": ["violations"]},
}
Shot = Callable[[Page, str], None]
Accessible = Callable[[Page], None]


class PageAs(Protocol):
    def __call__(self, role: str = "anonymous", **more: Any) -> Page: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def first_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Site]:
    """The data folder that each file of tests gets a copy of, and what is known of it."""
    data = tmp_path_factory.mktemp("first") / "data"
    with open_site(data) as site:
        return data, site


@pytest.fixture(scope="module")
def site(first_site: tuple[Path, Site], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    original, known = first_site
    data = shutil.copytree(original, tmp_path_factory.mktemp("site") / "data")
    known = replace(known, people=dict(known.people), ids=dict(known.ids))
    with open_site(data, known) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium(site: Site) -> Iterator[Browser]:
    """Debian's, because Playwright's own cannot be installed as a package.

    The one without windows draws the same with half the processor time.
    """
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert program, "chromium is missing: run make browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sessions() -> dict[str, StorageState]:
    """The cookies of those who have signed in, so that each does it once."""
    return {}


@pytest.fixture(autouse=True)
def guard(site: Site) -> Iterator[Guard]:
    watching = Guard(urlsplit(site.url).netloc)
    yield watching
    watching.judge()


@pytest.fixture
def page_as(
    site: Site, chromium: Browser, sessions: dict[str, StorageState], guard: Guard
) -> Iterator[PageAs]:
    """Opens pages as somebody: ``page_as("maintainer")``, a name of ``site.people`` or nobody.

    More arguments are those of Playwright's ``new_context``.
    """
    contexts: list[BrowserContext] = []

    def opened(role: str = "anonymous", **more: Any) -> Page:
        if role != "anonymous":
            if role not in sessions:
                sessions[role] = sign_in(chromium, site, role)
            more.setdefault("storage_state", sessions[role])
        # With a window, a browser lets the page that somebody looks at fill the clipboard.
        usual = {"permissions": ["clipboard-read", "clipboard-write"], "viewport": DESKTOP}
        place = {"base_url": site.url, "locale": "en-US", "timezone_id": "UTC"}
        told = {**usual, **place} | more
        context = chromium.new_context(reduced_motion="reduce", **told)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        guard.watch(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def sign_in(chromium: Browser, site: Site, role: str) -> StorageState:
    """Begin a session; return what a browser keeps of it. The page for it has its own tests."""
    context = chromium.new_context(base_url=site.url)
    name, password = site.people[role]
    answer = context.request.post("/c/login", form={"principal": name, "password": password})
    assert answer.ok, answer.status
    kept = context.storage_state()
    context.close()
    return kept


def fill_in(page: Page, login: Login, path: str = "") -> None:
    """Go to the sign-in page, or to a *path* that leads there, and send it."""
    page.goto(path or "/account/sign-in?redirect_url=/devcenter-api-2.0")
    page.get_by_label("User name or e-mail address").fill(login[0])
    page.get_by_label("Password", exact=True).fill(login[1])
    page.get_by_role("button", name="Sign in").click()


def arrive(page: Page, path: str) -> None:
    """Wait until the page is the one at *path*, with whatever query."""
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def dress(page: Page, scheme: Scheme) -> None:
    """Show the page in that colour scheme."""
    page.emulate_media(color_scheme=scheme)
    page.evaluate(SETTLED, scheme)


@pytest.fixture
def shot() -> Shot:
    """Takes pictures of a page, light, dark, and on a phone, where it must not scroll sideways."""

    def take(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)

        def save(kind: str) -> None:
            page.screenshot(path=SCREENSHOTS / f"{name}-{kind}.png", full_page=True)

        for scheme in SCHEMES:
            dress(page, scheme)
            save(scheme)
        page.set_viewport_size(PHONE)
        save("phone")
        width = page.evaluate("document.documentElement.scrollWidth")
        page.set_viewport_size(DESKTOP)
        assert width <= PHONE["width"], f"{name} is {width} pixels wide on a phone"

    return take


@pytest.fixture
def accessible() -> Accessible:
    """Lets axe look at a page, light and dark; nothing serious may be wrong with it."""

    def judge(page: Page) -> None:
        for scheme, options in LOOKS.items():
            dress(page, scheme)
            page.evaluate(STILL, PATIENCE_MS)
            found = Axe().run(page, options=options).response["violations"]
            grave = [
                f"{each['id']}: {each['help']}\n  {node['html']}\n  {node['failureSummary']}"
                for each in found
                for node in each["nodes"]
                if each["impact"] in GRAVE
            ]
            assert not grave, f"{page.url}, {scheme}:\n" + "\n".join(grave)

    return judge
