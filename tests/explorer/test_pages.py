"""The page of an artifact's files."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.explorer.service import listing
from tests.explorer.layers import push
from tests.make import ADMIN, index_of, push_image, put_manifest, sha256
from tests.projects.pages import HOSTILE, harmless, project_id, words
from tests.tars import tar, zipped

LOWER = tar(
    ("etc", None), ("etc/hosts", b"1" * 3000), ("etc/passwd", b"1"), ("usr/lib/x", b"2"),
    ("lib", "usr/lib"), ("os-release", "usr/lib/x"),
)  # fmt: skip
UPPER = tar(("etc/.wh.passwd", b""), ("../evil", b"3"))


@pytest.fixture
def page(shared: TestClient, repo: str) -> str:
    push(shared, repo, zipped(LOWER), UPPER)
    return page_of(shared, repo, "1.0")


def page_of(client: TestClient, repo: str, reference: str) -> str:
    project, _, name = repo.partition("/")
    place = f"/harbor/projects/{project_id(client, project)}/repositories/{name}"
    return f"{place}/artifacts-tab/artifacts/{reference}/files"


def seen(client: TestClient, page: str, /, **query: Any) -> Any:
    answer = client.get(page, params=query, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer


def test_directories_can_be_opened(shared: TestClient, page: str) -> None:
    answer = seen(shared, page)
    opened = re.findall(r'/files\?path=([^"&]*)"', answer.text)
    assert list(dict.fromkeys(opened)) == ["%2Fetc", "%2Fusr", "%2Flib"]


def test_files_can_be_downloaded(shared: TestClient, page: str) -> None:
    answer = seen(shared, page, path="/etc")
    assert "files/content?path=%2Fetc%2Fhosts" in answer.text
    assert "passwd" not in words(answer)
    assert "files/content?path=%2Fos-release" in seen(shared, page).text


def test_a_layer_alone_shows_what_it_removes(shared: TestClient, page: str) -> None:
    text = words(seen(shared, page, path="/etc", layer=sha256(UPPER)))
    assert "passwd" in text
    assert "removed by this layer" in text
    assert "hosts" not in text


def test_what_leads_out_is_marked(shared: TestClient, page: str) -> None:
    assert "written as ../evil" in words(seen(shared, page))


def test_search_shows_whole_paths(shared: TestClient, page: str) -> None:
    text = words(seen(shared, page, text="host"))
    assert "/etc/hosts" in text
    assert "usr" not in text


def test_broken_layers_are_told(shared: TestClient, repo: str) -> None:
    push(shared, repo, b"no archive")
    text = words(seen(shared, page_of(shared, repo, "1.0")))
    assert "Layer 1 could not be read to its end" in text
    assert "No files here" in text


def test_while_layers_are_read_it_shows_how_far(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(shared, repo, tar((repo, b"")))  # no other test has read this one
    monkeypatch.setattr(listing, "GLANCE_S", 0)
    answer = seen(shared, page_of(shared, repo, "1.0"))
    assert "Reading the layers" in words(answer)
    assert 'hx-trigger="load delay:1s"' in answer.text


def test_names_in_an_archive_are_no_html(shared: TestClient, repo: str) -> None:
    push(shared, repo, tar((HOSTILE.replace("/", "-"), b""), ("link", HOSTILE)))
    assert harmless(seen(shared, page_of(shared, repo, "1.0")))


def test_a_directory_that_is_not_there(shared: TestClient, page: str) -> None:
    answer = shared.get(page, params={"path": "/none"}, auth=ADMIN)
    assert answer.status_code == 404
    assert "there is no /none" in words(answer)


def test_an_index_has_no_such_page(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    assert put_manifest(shared, repo, "all", index_of(child)).status_code == 201
    assert shared.get(page_of(shared, repo, "all"), auth=ADMIN).status_code == 400


def test_why_a_layer_is_broken_is_told_in_the_language_of_the_page(
    shared: TestClient, repo: str
) -> None:
    image = push(shared, repo, tar(("first", b"1"), ("second", b"2" * 100_000))[:50_000])
    page = page_of(shared, repo, "1.0")
    answer = shared.get(page, headers={"Accept-Language": "zh-CN"}, auth=ADMIN)
    assert "字节结束" in words(answer)
    assert "early" not in words(answer)
    api = shared.get(f"{image}/files", headers={"Accept-Language": "zh-CN"}, auth=ADMIN)
    assert "bytes early" in api.json()["layers"][0]["problem"]
