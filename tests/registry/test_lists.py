"""Lists: the tags of a repository, and the catalog of all repositories, page by page."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    error_of,
    make_project,
    manifest_of,
    push_blob,
    push_image,
    put_manifest,
)
from tests.registry.servers import project_of

# Sorted as bytes are: digits, capitals, underscore, small letters.
TAGS = ["1.0", "1.10", "1.9", "A", "Z", "_", "a", "a-b", "a.b", "a_b", "b", "v1"]
LIBRARY = ["library/a", "library/a-b", "library/a/b", "library/b"]


@pytest.fixture(scope="module")
def tagged(shared: TestClient) -> str:
    """The path of a list of a dozen tags, which were pushed in another order."""
    make_project(shared, "tagged")
    for data in (b"config", b"layer"):
        push_blob(shared, "tagged/app", data)
    for tag in reversed(TAGS):
        document = manifest_of(b"config", b"layer")
        assert put_manifest(shared, "tagged/app", tag, document).status_code == 201
    return "/v2/tagged/app/tags/list"


@pytest.fixture(scope="module")
def catalog(shared: TestClient, tagged: str) -> list[str]:
    """All repositories that hold something."""
    for name in LIBRARY:
        push_image(shared, name)
    push_blob(shared, "library/blobs-only", b"x")
    return [*LIBRARY, "tagged/app"]


def get(client: TestClient, path: str, **params: Any) -> Any:
    return client.get(path, params=params, auth=ADMIN)


def following(answer: Any) -> str:
    """Where ``Link`` says that the list goes on; empty if it says nothing."""
    link: str = answer.headers.get("Link", "")
    if link:
        assert link.startswith("<")
        assert link.endswith('>; rel="next"')
    return link.removeprefix("<").removesuffix('>; rel="next"')


def pages(client: TestClient, path: str, key: str) -> list[list[str]]:
    found = []
    while path:
        answer = client.get(path, auth=ADMIN)
        found.append(answer.json()[key])
        path = following(answer)
    return found


def test_tags_are_sorted_by_their_bytes(shared: TestClient, tagged: str) -> None:
    answer = get(shared, tagged)
    assert answer.status_code == 200
    assert answer.json() == {"name": "tagged/app", "tags": TAGS}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", [1, 2, 5, 11, 12, 13, 1000])
def test_tags_come_page_by_page(shared: TestClient, tagged: str, n: int) -> None:
    found = pages(shared, f"{tagged}?n={n}", "tags")
    assert [len(page) for page in found[:-1]] == [n] * (len(found) - 1)
    assert [tag for page in found for tag in page] == TAGS


def test_the_link_asks_for_as_many_after_the_last(shared: TestClient, tagged: str) -> None:
    link = urlsplit(following(get(shared, tagged, n=3)))
    assert (link.scheme, link.netloc, link.path) == ("", "", tagged)
    assert parse_qs(link.query) == {"n": ["3"], "last": ["1.9"]}


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("1.0", "1.10"),
        ("a", "a-b"),
        ("aa", "b"),
        ("0", "1.0"),
        ("v1", None),
        ("é", None),
        ("", "1.0"),
    ],
)
def test_last_is_excluded_and_need_not_exist(
    shared: TestClient, tagged: str, last: str, first: str | None
) -> None:
    found = get(shared, tagged, last=last).json()["tags"]
    assert (found[0] if found else None) == first


def test_no_tags_are_asked_for(shared: TestClient, tagged: str) -> None:
    answer = get(shared, tagged, n=0)
    assert answer.json() == {"name": "tagged/app", "tags": []}
    assert "Link" not in answer.headers


BAD_N = ["-1", "abc", "1.5", "1e3", " 1", "+1", "٣", "0x10", "2147483648", 30 * "9", "1,2"]


@pytest.mark.parametrize("n", BAD_N)
def test_a_page_needs_a_number(shared: TestClient, tagged: str, n: str) -> None:
    for path in (tagged, "/v2/_catalog"):
        assert error_of(get(shared, path, n=n)) == (400, "PAGINATION_NUMBER_INVALID")


def test_a_large_number_reserves_nothing(shared: TestClient, tagged: str) -> None:
    assert get(shared, tagged, n=2**31 - 2).json()["tags"] == TAGS
    assert get(shared, "/v2/_catalog", n=2**31 - 2).status_code == 200


@pytest.mark.parametrize("last", ["a\0b", 2000 * "a"])
def test_an_odd_last_is_refused(shared: TestClient, tagged: str, last: str) -> None:
    for path in (tagged, "/v2/_catalog"):
        assert get(shared, path, last=last).status_code in (400, 422)


def test_a_repository_that_never_was_is_unknown(shared: TestClient, repo: str) -> None:
    assert error_of(get(shared, f"/v2/{repo}/tags/list")) == (404, "NAME_UNKNOWN")


def test_a_repository_that_has_only_blobs_has_no_tags(shared: TestClient, repo: str) -> None:
    push_blob(shared, repo, b"x")
    assert get(shared, f"/v2/{repo}/tags/list").json() == {"name": repo, "tags": []}


def test_a_repository_whose_tags_are_gone_has_none(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    shared.delete(f"/v2/{repo}/manifests/1.0", auth=ADMIN)
    assert get(shared, f"/v2/{repo}/tags/list").json() == {"name": repo, "tags": []}


def test_tags_of_other_repositories_are_not_shown(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "mine")
    push_image(shared, f"{repo}/below", "below")
    push_image(shared, f"{project_of(repo)}/other", "other")
    assert get(shared, f"/v2/{repo}/tags/list").json()["tags"] == ["mine"]


def test_skopeo_may_follow_links_with_a_token(shared: TestClient, tagged: str) -> None:
    first = get(shared, tagged, n=7)
    second = shared.get(following(first), auth=ADMIN)
    assert first.json()["tags"] + second.json()["tags"] == TAGS
    assert following(second) == ""


def ours(found: list[str]) -> list[str]:
    """Without those of tests that ran on the same server."""
    return [name for name in found if name.partition("/")[0] in ("library", "tagged")]


def test_the_catalog_lists_what_holds_something(shared: TestClient, catalog: list[str]) -> None:
    answer = get(shared, "/v2/_catalog")
    assert answer.status_code == 200
    found = answer.json()["repositories"]
    assert found == sorted(found)
    assert ours(found) == catalog
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", [1, 2, 3, 100])
def test_the_catalog_comes_page_by_page(shared: TestClient, catalog: list[str], n: int) -> None:
    found = pages(shared, f"/v2/_catalog?n={n}", "repositories")
    assert {len(page) for page in found[:-1]} <= {n}
    assert ours([name for page in found for name in page]) == catalog


def test_the_catalogs_link_escapes_its_slash(shared: TestClient, catalog: list[str]) -> None:
    answer = get(shared, "/v2/_catalog", last="library/a", n=1)
    assert answer.json()["repositories"] == ["library/a-b"]
    assert parse_qs(urlsplit(following(answer)).query)["last"] == ["library/a-b"]


def test_the_catalogs_last_must_exist(shared: TestClient, catalog: list[str]) -> None:
    assert error_of(get(shared, "/v2/_catalog", last="library/none")) == (400, "BAD_REQUEST")


def test_no_repositories_are_asked_for(shared: TestClient, catalog: list[str]) -> None:
    assert get(shared, "/v2/_catalog", n=0).json() == {"repositories": []}


def test_a_repository_that_was_emptied_leaves_the_catalog(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    assert repo in get(shared, "/v2/_catalog").json()["repositories"]
    shared.delete(f"/v2/{repo}/manifests/{image.digest}", auth=ADMIN)
    assert repo not in get(shared, "/v2/_catalog").json()["repositories"]
