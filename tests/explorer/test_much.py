"""Folders of many files: whoever looks reads a few blocks, and nothing is made twice."""

from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from harbor.explorer.service import blocks, layers
from harbor.explorer.service.blocks import LINES, NODES
from tests.explorer.layers import content, image, listed, names
from tests.explorer.test_comparing import compared
from tests.make import ADMIN, error_of
from tests.registry.servers import Rows, change
from tests.tars import tar, zipped

COUNT = 5_000
NAMES = [f"srv/many/{number:05}" for number in range(COUNT)]
MANY = zipped(tar(("etc/hosts", b"1"), ("many", "srv/many"), *((name, b"") for name in NAMES)))
OTHERS = zipped(tar(*((name, b"" if name < NAMES[-20] else b"new") for name in NAMES)))


class Taken:
    """What is read of the lists of files."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, int]] = []
        self.made = 0

    def count(self, part: int) -> int:
        return sum(each[0] == part for each in self.blocks)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    seen = Taken()
    take, keep = blocks.Kept.take, blocks.keep

    async def noted(self: blocks.Kept, part: int, numbers: Any) -> dict[int, bytes]:
        found = await take(self, part, numbers)
        seen.blocks += [(part, number) for number in found]
        return found

    async def counted(*args: Any) -> None:
        seen.made += 1
        await keep(*args)

    monkeypatch.setattr(blocks.Kept, "take", noted)
    monkeypatch.setattr(blocks, "keep", counted)
    return seen


@pytest.fixture
def many(shared: TestClient, repo: str) -> str:
    path = image(shared, repo, "1", {}, MANY)
    assert listed(shared, path)["total"] == 3
    return path


def test_a_page_of_a_large_folder_reads_a_few_blocks(
    shared: TestClient, many: str, taken: Taken
) -> None:
    for page in (1, 50):
        taken.blocks.clear()
        found = listed(shared, many, path="/srv/many", page=page, page_size=100)
        assert found["total"] == COUNT
        assert found["files"][0]["name"] == f"{(page - 1) * 100:05}"
        assert taken.count(LINES) == 1
        assert taken.count(NODES) <= 3
    assert taken.made == 0


def test_a_search_reads_the_paths_and_the_files_of_its_page(
    shared: TestClient, many: str, taken: Taken
) -> None:
    found = listed(shared, many, search="4999")
    assert [each["path"] for each in found["files"]] == ["/srv/many/04999"]
    assert taken.count(NODES) <= 2
    taken.blocks.clear()
    assert listed(shared, many, path="/etc", search="4999")["total"] == 0
    assert taken.count(LINES) <= 2  # that may have something of this folder


def test_below_a_link_one_stays_below_it(shared: TestClient, many: str) -> None:
    found = listed(shared, many, path="/many", search="00007")
    assert [each["path"] for each in found["files"]] == ["/many/00007"]
    assert content(shared, many, "/many/00007").status_code == 200


def test_a_comparison_is_made_once(shared: TestClient, repo: str, many: str, taken: Taken) -> None:
    path = image(shared, repo, "2", {}, OTHERS)
    found = compared(shared, path, "1")
    assert (found["changed"], found["removed"], found["total"]) == (20, 2, 22)
    assert taken.made == 2  # the files of the second image, and the comparison
    taken.blocks.clear()
    found = compared(shared, path, "1", change="changed", page_size=5, page=4)
    assert [each["path"][-5:] for each in found["files"]] == [name[-5:] for name in NAMES[-5:]]
    assert taken.count(LINES) == 1
    assert taken.made == 2
    assert compared(shared, path, "1", search="many")["total"] == 21


def test_what_differs_everywhere_comes_in_pages(shared: TestClient, repo: str, many: str) -> None:
    path = image(shared, repo, "2", {}, tar(("only", b"")))
    seen = [
        each["path"]
        for page in range(1, 53)
        for each in compared(shared, path, "1", page=page, page_size=100)["files"]
    ]
    assert seen == ["/etc/hosts", "/many", "/only", *(f"/{name}" for name in NAMES)]
    found = compared(shared, path, "1", change="added")
    assert [each["path"] for each in found["files"]] == ["/only"]


def test_lists_go_with_their_image(client: TestClient, rows: Rows) -> None:
    path = image(client, "library/app", "1", {}, tar(("a", b"1")))
    assert names(client, path) == ["a"]
    (layer,) = listed(client, path)["layers"]
    assert listed(client, path, layer=layer["digest"])["total"] == 1
    assert rows("SELECT count(*) FROM file_view") == [(2,)]
    assert rows("SELECT count(*) > 6 FROM file_view_block") == [(1,)]


def test_the_oldest_lists_make_room(
    client: TestClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MOST_VIEWS", 1)
    first = image(client, "library/app", "1", {}, tar(("a", b"1")))
    second = image(client, "library/app", "2", {}, tar(("b", b"1")))
    assert (names(client, first), names(client, second)) == (["a"], ["b"])
    assert rows("SELECT count(*) FROM file_view") == [(1,)]
    assert names(client, first) == ["a"]
    assert rows("SELECT count(DISTINCT view_id) FROM file_view_block") == [(1,)]


def test_a_list_that_goes_meanwhile_is_asked_for_again(
    client: TestClient, database_url: str
) -> None:
    path = image(client, "library/app", "1", {}, tar(("a", b"1")))
    assert names(client, path) == ["a"]
    change(database_url, text("DELETE FROM file_view_block WHERE part = 1"))
    answer = client.get(f"{path}/files", auth=ADMIN)
    assert error_of(answer) == (503, "SERVICE_UNAVAILABLE")


def test_too_many_lists_at_once_are_asked_to_come_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MOST_MAKING", 0)
    path = image(client, "library/app", "1", {}, tar(("a", b"1")))
    assert client.get(f"{path}/files", auth=ADMIN).status_code == 503


def test_folders_are_searched_part_by_part(shared: TestClient, repo: str) -> None:
    """Names with letters that sort between a folder and what is in it."""
    layer = tar(("a/b", b""), ("a-b", b""), ("a.b/c", b""), ("a", None), ("ä/ö", b""))
    path = image(shared, repo, "1", {}, layer)
    assert names(shared, path, search="b") == ["b", "a-b", "a.b", "c"]
    assert names(shared, path, "/a", search="b") == ["b"]
    assert names(shared, path, "/ä") == ["ö"]
