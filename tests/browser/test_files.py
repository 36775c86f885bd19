import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Accessible, PageAs, Shot
from tests.browser.grids import row, rows
from tests.browser.site import Site
from tests.explorer.layers import push
from tests.make import make_project
from tests.tars import hard_link, tar, zipped, zstd

REPO = "tools/report"
BASE = tar(
    ("bin", "usr/bin"),
    ("lib", "usr/lib"),
    ("etc", None),
    ("etc/os-release", b'NAME="Debian GNU/Linux"\n'),
    ("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"),
    ("etc/ssl/certs/ca-certificates.crt", b"-----BEGIN CERTIFICATE-----\n" * 8_000),
    ("usr/bin/sh", b"\x7fELF" * 30_000),
    hard_link("usr/bin/dash", "usr/bin/sh"),
    ("usr/lib/x86_64-linux-gnu/libc.so.6", b"\x7fELF" * 480_000),
    ("usr/share/doc/base/copyright", b"Copyright\n" * 900),
    ("var/cache/apt/pkgcache.bin", b"\0" * 400_000),
)
UPPER = tar(
    ("srv/report/report.py", b"print('report')\n" * 700),
    ("srv/report/fonts/serif.ttf", b"\0\1\0\0" * 90_000),
    ("srv/report/templates/monthly.html", b"<html>\n" * 500),
    ("var/cache/.wh.apt", b""),
    ("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nreport:x:1000:1000\n"),
)


@pytest.fixture(scope="module")
def files(site: Site) -> str:
    """The path of the files of an image."""
    project_id = make_project(site.api, "tools", public=True)
    push(site.api, REPO, zipped(BASE), zstd(UPPER))
    push(site.api, f"{REPO}/broken", zipped(BASE)[: len(zipped(BASE)) // 2])
    place = f"/harbor/projects/{project_id}/repositories"
    return f"{place}/report/artifacts-tab/artifacts/1.0/files"


def test_one_walks_through_the_directories(
    files: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(files.removesuffix("/files"))
    page.get_by_role("link", name="Files", exact=True).click()
    expect(rows(page)).to_have_count(6)
    accessible(page)
    shot(page, "files")
    page.get_by_role("link", name="usr", exact=True).click()
    page.get_by_role("link", name="bin", exact=True).click()
    expect(row(page, "dash")).to_contain_text("usr/bin/sh")
    page.locator(".files-here").get_by_role("link", name="usr", exact=True).click()
    expect(row(page, "lib")).to_contain_text("MiB")
    page.go_back()
    expect(row(page, "dash")).to_be_visible()


def test_a_file_is_downloaded(files: str, page_as: PageAs) -> None:
    page = page_as("admin")
    page.goto(f"{files}?path=/etc")
    with page.expect_download() as download:
        page.get_by_label("Download passwd").click()
    assert download.value.suggested_filename == "passwd"
    assert "report:x:1000" in download.value.path().read_text()


def test_one_layer_shows_what_it_removes(
    files: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(f"{files}?path=/var/cache")
    expect(page.get_by_text("No files here")).to_be_visible()
    page.get_by_title("Layer").click()
    page.get_by_role("link", name="Layer 2").click()
    expect(row(page, "apt")).to_contain_text("removed by this layer")
    accessible(page)
    shot(page, "files-layer")


def test_search_finds_whole_paths(
    files: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(files)
    expect(page.locator(".files-here .stacked-bar")).to_be_visible()
    page.get_by_placeholder("Search in all paths below").fill("lib")
    expect(row(page, "/usr/lib/x86_64-linux-gnu/libc.so.6")).to_be_visible()
    expect(page.locator(".files-here .stacked-bar")).to_be_hidden()
    accessible(page)
    shot(page, "files-search")


def test_a_broken_layer_is_told(
    files: str, page_as: PageAs, shot: Shot, accessible: Accessible
) -> None:
    page = page_as("admin")
    page.goto(files.replace("/report/artifacts-tab", "/report%2Fbroken/artifacts-tab"))
    expect(page.get_by_text("Layer 1 could not be read to its end")).to_be_visible()
    expect(row(page, "etc")).to_be_visible()
    accessible(page)
    shot(page, "files-broken")
