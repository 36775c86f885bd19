"""The files of an artifact: its layers merged, and each alone."""

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact
from tests.explorer.layers import content, listed, names, push
from tests.make import (
    ADMIN,
    error_of,
    index_of,
    make_project,
    make_user,
    message_of,
    push_image,
    put_manifest,
    sha256,
)
from tests.tars import hard_link, tar, zipped, zstd

pytestmark = pytest.mark.once

BASE = tar(
    ("etc", None),
    ("etc/passwd", b"root:x:0:0"),
    ("etc/hosts", b"127.0.0.1 localhost"),
    ("usr/bin/env", b"#!env"),
    ("usr/share/doc/readme", b"read me, please"),
    ("bin", "usr/bin"),
)
UPPER = tar(
    ("etc/.wh.passwd", b""),
    ("etc/motd", b"welcome"),
    ("usr/share/new", b"!"),
    ("usr/share/.wh..wh..opq", b""),
    ("bin/tool", b"tool"),
)


@pytest.fixture
def image(shared: TestClient, repo: str) -> str:
    return push(shared, repo, zipped(BASE), zstd(UPPER))


class TestMerged:
    def test_lists_directories_first_then_by_name(self, shared: TestClient, image: str) -> None:
        assert names(shared, image) == ["etc", "usr", "bin"]

    def test_what_an_upper_layer_takes_away_is_gone(self, shared: TestClient, image: str) -> None:
        assert names(shared, image, "/etc") == ["hosts", "motd"]

    def test_an_opaque_directory_has_only_what_its_own_layer_has(
        self, shared: TestClient, image: str
    ) -> None:
        """Although the mark comes after it in the archive."""
        assert names(shared, image, "/usr/share") == ["new"]

    def test_what_is_written_below_a_link_lands_where_it_leads(
        self, shared: TestClient, image: str
    ) -> None:
        assert names(shared, image, "/usr/bin") == ["env", "tool"]

    def test_a_link_to_a_directory_can_be_listed(self, shared: TestClient, image: str) -> None:
        assert names(shared, image, "/bin") == ["env", "tool"]
        assert content(shared, image, "/bin/tool").content == b"tool"

    def test_files_are_described(self, shared: TestClient, image: str) -> None:
        motd = listed(shared, image, path="/etc")["files"][1]
        assert motd == {
            "name": "motd", "path": "/etc/motd", "kind": "file", "size": 7, "mode": 0o640,
            "uid": 0, "gid": 0, "mtime": 1_700_000_000, "layer": 1,
        }  # fmt: skip

    def test_a_link_tells_where_it_leads(self, shared: TestClient, image: str) -> None:
        found = listed(shared, image)["files"][2]
        assert (found["kind"], found["target"]) == ("symlink", "usr/bin")
        assert found["listable"]

    def test_a_directory_is_as_large_as_all_that_is_in_it(
        self, shared: TestClient, image: str
    ) -> None:
        sizes = {each["name"]: each["size"] for each in listed(shared, image)["files"]}
        assert sizes == {"etc": len(b"127.0.0.1 localhostwelcome"), "usr": 5 + 4 + 1, "bin": 0}

    def test_a_file_may_take_the_place_of_a_directory_and_the_other_way_round(
        self, shared: TestClient, repo: str
    ) -> None:
        lower, upper = tar(("a/b/c", b"1"), ("f", b"2")), tar(("a", b"3"), ("f/g", b"4"))
        image = push(shared, repo, lower, upper)
        assert names(shared, image) == ["f", "a"]
        assert names(shared, image, "/f") == ["g"]
        assert content(shared, image, "/a").content == b"3"

    def test_a_directory_that_comes_again_keeps_what_is_in_it(
        self, shared: TestClient, repo: str
    ) -> None:
        image = push(shared, repo, tar(("d/a", b"1")), tar(("d", None), ("d/b", b"2")))
        assert names(shared, image, "/d") == ["a", "b"]

    def test_layers_are_described(self, shared: TestClient, image: str) -> None:
        first, second = listed(shared, image)["layers"]
        assert first["digest"] == sha256(zipped(BASE))
        assert (first["size"], first["files"], first["ready"]) == (len(zipped(BASE)), 6, True)
        assert (second["files"], second["nbytes"]) == (5, len(b"welcome!tool"))


class TestOneLayer:
    def test_has_its_own_files_only(self, shared: TestClient, image: str) -> None:
        assert names(shared, image, "/etc", layer=sha256(zipped(BASE))) == ["hosts", "passwd"]

    def test_shows_what_it_takes_away(self, shared: TestClient, image: str) -> None:
        upper = sha256(zstd(UPPER))
        kinds = {
            each["name"]: each["kind"]
            for where in ("/etc", "/usr/share")
            for each in listed(shared, image, path=where, layer=upper)["files"]
        }
        assert kinds == {
            "motd": "file", "passwd": "whiteout", "new": "file", ".wh..wh..opq": "opaque",
        }  # fmt: skip

    def test_gives_files_that_are_gone_in_the_whole(self, shared: TestClient, image: str) -> None:
        assert error_of(content(shared, image, "/etc/passwd")) == (404, "NOT_FOUND")
        found = content(shared, image, "/etc/passwd", layer=sha256(zipped(BASE)))
        assert found.content == b"root:x:0:0"

    def test_must_be_one_of_the_artifact(self, shared: TestClient, image: str) -> None:
        asked = {"layer": sha256(b"another")}
        answer = shared.get(f"{image}/files", params=asked, auth=ADMIN)
        assert error_of(answer) == (404, "NOT_FOUND")


class TestSearch:
    def test_finds_parts_of_paths_in_any_case(self, shared: TestClient, image: str) -> None:
        found = listed(shared, image, search="E")["files"]
        assert [each["path"] for each in found] == [
            "/etc", "/etc/hosts", "/etc/motd", "/usr/bin/env", "/usr/share", "/usr/share/new",
        ]  # fmt: skip

    def test_is_for_what_is_below_the_directory(self, shared: TestClient, image: str) -> None:
        found = listed(shared, image, path="/usr", search="e")["files"]
        assert [each["path"] for each in found] == ["/usr/bin/env", "/usr/share", "/usr/share/new"]

    def test_comes_in_pages(self, shared: TestClient, image: str) -> None:
        found = listed(shared, image, search="e", page_size=2, page=2)
        assert found["total"] == 6
        assert [each["path"] for each in found["files"]] == ["/etc/motd", "/usr/bin/env"]


class TestContent:
    @pytest.mark.parametrize("pack", [bytes, zipped, zstd])
    def test_is_that_of_the_file(self, shared: TestClient, repo: str, pack: object) -> None:
        assert callable(pack)
        whole = bytes(range(256)) * 5_000  # some pieces
        image = push(shared, repo, pack(tar(("first", b"1"), ("big", whole), ("last", b"2"))))
        assert content(shared, image, "/big").content == whole
        assert content(shared, image, "/last").content == b"2"

    def test_is_a_download_and_no_page(self, shared: TestClient, repo: str) -> None:
        image = push(shared, repo, tar(("x/<b>ü.html", b"<script>")))
        answer = content(shared, image, "/x/<b>ü.html")
        assert answer.content == b"<script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        disposition = answer.headers["Content-Disposition"]
        assert disposition == "attachment; filename*=UTF-8''%3Cb%3E%C3%BC.html"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    def test_of_a_hard_link_is_that_of_the_file_it_names(
        self, shared: TestClient, repo: str
    ) -> None:
        image = push(shared, repo, tar(("a", b"both"), hard_link("b", "a")))
        assert content(shared, image, "/b").content == b"both"

    def test_of_a_symbolic_link_is_that_of_the_file_it_leads_to(
        self, shared: TestClient, repo: str
    ) -> None:
        links = tar(("usr/lib/a", b"1"), ("lib", "usr/lib"), ("etc/link", "../lib/a"))
        image = push(shared, repo, links)
        assert content(shared, image, "/etc/link").content == b"1"

    def test_head_tells_the_size(self, shared: TestClient, image: str) -> None:
        asked = {"path": "/etc/motd"}
        answer = shared.head(f"{image}/files/content", params=asked, auth=ADMIN)
        assert (answer.status_code, answer.headers["Content-Length"]) == (200, "7")
        assert answer.content == b""

    def test_of_an_empty_file_is_empty(self, shared: TestClient, repo: str) -> None:
        image = push(shared, repo, tar(("empty", b"")))
        answer = content(shared, image, "/empty")
        assert (answer.status_code, answer.content) == (200, b"")

    @pytest.mark.parametrize(
        ("path", "code"), [("/nothing", 404), ("/etc", 400), ("/bin", 400), ("/etc/motd/x", 404)]
    )
    def test_of_what_is_no_file(self, shared: TestClient, image: str, path: str, code: int) -> None:
        assert content(shared, image, path).status_code == code


class TestWhatHasNoFiles:
    def test_an_index(self, shared: TestClient, repo: str) -> None:
        child = push_image(shared, repo)
        assert put_manifest(shared, repo, "all", index_of(child)).status_code == 201
        answer = shared.get(f"{artifact(repo, 'all')}/files", auth=ADMIN)
        assert error_of(answer) == (400, "BAD_REQUEST")
        assert message_of(answer) == "an index has no files, but the images that it lists have"

    def test_an_artifact_without_layers(self, shared: TestClient, repo: str) -> None:
        image = push(shared, repo)
        assert listed(shared, image) == {
            "path": "/", "ready": True, "layers": [], "total": 0, "files": [],
        }  # fmt: skip

    @pytest.mark.parametrize("where", ["/nothing", "/etc/nothing/more"])
    def test_a_directory_that_is_not_there(
        self, shared: TestClient, image: str, where: str
    ) -> None:
        answer = shared.get(f"{image}/files", params={"path": where}, auth=ADMIN)
        assert error_of(answer) == (404, "NOT_FOUND")

    def test_a_file(self, shared: TestClient, image: str) -> None:
        answer = shared.get(f"{image}/files", params={"path": "/etc/motd"}, auth=ADMIN)
        assert error_of(answer) == (400, "BAD_REQUEST")

    def test_an_artifact_that_is_not_there(self, shared: TestClient, repo: str) -> None:
        answer = shared.get(f"{artifact(repo, 'none')}/files", auth=ADMIN)
        assert error_of(answer) == (404, "NOT_FOUND")


def test_of_a_private_project_are_not_for_strangers(shared: TestClient, repo: str) -> None:
    make_project(shared, "hidden-files")
    image = push(shared, "hidden-files/app", BASE)
    stranger = make_user(shared, "files-stranger")
    for path in (f"{image}/files", f"{image}/files/content?path=/etc/hosts"):
        assert shared.get(path, auth=stranger).status_code == 403
        assert shared.get(path).status_code == 401
