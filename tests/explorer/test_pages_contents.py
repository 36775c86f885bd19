"""The pages of packages and of comparisons."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.explorer.service import listing
from tests.artifacts.pages import id_of
from tests.explorer.layers import image, push
from tests.explorer.test_pages import page_of, seen
from tests.make import ADMIN, OCI_MANIFEST, descriptor, push_image, push_index
from tests.projects.pages import HOSTILE, harmless, words
from tests.tars import tar

DPKG = b"Package: %s\nVersion: %s\nStatus: install ok installed\n\n"
OLD = tar(("var/lib/dpkg/status", DPKG % (b"bash", b"5.2")), ("etc/gone", b"1" * 2048))
NEW = tar(
    ("var/lib/dpkg/status", DPKG % (b"bash", b"5.3") + DPKG % (HOSTILE.encode(), b"1")),
    ("etc/" + HOSTILE.replace("/", "-"), b"1"),
)
SHARED = tar(("same", b"1"))


@pytest.fixture
def here(shared: TestClient, repo: str) -> str:
    """The path of the pages of the newer of two images."""
    image(shared, repo, "1", {"User": "root"}, SHARED, OLD)
    image(shared, repo, "2", {"User": HOSTILE}, SHARED, NEW)
    return page_of(shared, repo, "2").removesuffix("/files")


def test_packages_are_shown(shared: TestClient, here: str) -> None:
    page = seen(shared, f"{here}/packages")
    assert "2 packages" in words(page)
    assert "bash 5.3 Debian (dpkg) /var/lib/dpkg/status 2" in words(page)
    assert harmless(page)
    assert "Nothing matches" in words(seen(shared, f"{here}/packages", text="none"))


def test_an_image_without_packages_says_what_was_looked_for(shared: TestClient, repo: str) -> None:
    push(shared, repo, SHARED)
    there = page_of(shared, repo, "1.0").removesuffix("/files")
    assert "No packages found" in words(seen(shared, f"{there}/packages"))


def test_a_comparison_shows_what_differs(shared: TestClient, here: str) -> None:
    page = seen(shared, f"{here}/compare", base="1")
    text = words(page)
    for part in (
        "1 layer is shared.",
        "bash deb changed 5.2 5.3",
        "config.User root",
        "/etc/gone removed 2 KiB",
        "1 added 1 removed 1 changed",
    ):
        assert part in text
    assert harmless(page)
    only = words(seen(shared, f"{here}/compare", base="1", change="removed")).partition(
        "All changes"
    )[2]
    assert "/etc/gone" in only
    assert "/var/lib/dpkg/status" not in only
    found = words(seen(shared, f"{here}/compare", base="1", text="DPKG")).partition("All changes")[
        2
    ]
    assert "/var/lib/dpkg/status" in found
    assert "/etc/gone" not in found


def test_both_may_be_the_same(shared: TestClient, here: str) -> None:
    assert "The files are the same" in words(seen(shared, f"{here}/compare", base="2"))


def test_layers_that_cannot_be_read_are_told(shared: TestClient, repo: str, here: str) -> None:
    image(shared, repo, "broken", {}, b"no archive")
    assert "Layer 1 could not be read" in words(seen(shared, f"{here}/compare", base="broken"))


def test_without_another_one_some_are_offered(shared: TestClient, repo: str, here: str) -> None:
    push(shared, f"{repo}/other", SHARED)
    page = seen(shared, f"{here}/compare")
    assert len(re.findall(r"/compare\?base=sha256", page.text)) == 1  # and not itself
    other = f"{repo}/other".partition("/")[2]
    page = seen(shared, f"{here}/compare", repository=other)
    (link,) = re.findall(r'href="([^"]*/compare\?base=sha256[^"]*)"', page.text)
    text = words(shared.get(link.replace("&amp;", "&"), auth=ADMIN))
    assert f"{other} ·" in text
    assert "1 layer is shared." in text


@pytest.mark.parametrize("query", [{"base": "none"}, {"base": "1", "repository": "none"}])
def test_what_is_not_there_is_told(shared: TestClient, here: str, query: dict[str, str]) -> None:
    assert shared.get(f"{here}/compare", params=query, auth=ADMIN).status_code == 404


def test_while_layers_are_read_it_shows_what_is_known(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tag in ("1", "2"):
        image(shared, repo, tag, {"User": tag}, tar((repo + tag, b"")))
    monkeypatch.setattr(listing, "GLANCE_S", 0)
    there = page_of(shared, repo, "2").removesuffix("/files")
    page = seen(shared, f"{there}/compare", base="1")
    assert "Reading the layers" in words(page)
    assert "config.User 1 2" in words(page)


def chosen(client: TestClient, repo: str, here: str, *tags: str) -> Any:
    path = here.partition("/artifacts/")[0]
    ids = [id_of(client, repo, tag) for tag in tags]
    return client.get(f"{path}/compare", params={"id": ids}, auth=ADMIN, follow_redirects=False)


def test_of_two_chosen_ones_the_older_was_before(shared: TestClient, repo: str, here: str) -> None:
    answer = chosen(shared, repo, here, "2", "1")
    assert answer.status_code == 303
    text = words(shared.get(answer.headers["location"], auth=ADMIN))
    assert "bash deb changed 5.2 5.3" in text
    assert chosen(shared, repo, here, "1").status_code == 400


def test_of_indexes_the_images_for_one_platform_are_compared(
    shared: TestClient, repo: str, here: str
) -> None:
    def index(tag: str, *architectures: str) -> None:
        entries = []
        for name in architectures:
            child = push_image(shared, repo, f"{tag}-{name}")
            platform = {"os": "linux", "architecture": name}
            entries.append(descriptor(child.raw, OCI_MANIFEST) | {"platform": platform})
        push_index(shared, repo, tag, manifests=entries)

    index("old", "arm", "amd64")
    index("new", "amd64", "s390x")
    index("odd", "mips")
    answer = chosen(shared, repo, here, "new", "old")
    assert answer.status_code == 303
    text = words(shared.get(answer.headers["location"], auth=ADMIN))
    assert "Before old-amd64" in text
    assert "After new-amd64" in text
    assert chosen(shared, repo, here, "odd", "old").status_code == 400
