"""Two artifacts, told apart."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.explorer.schemas import Package
from harbor.explorer.service import packages
from tests.explorer.layers import image, push
from tests.make import ADMIN, error_of, sha256
from tests.tars import tar, zipped

DPKG = (
    b"Package: bash\nStatus: install ok installed\nVersion: 5.2\nDescription: shell\n Version: 0\n\n"
    b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
)
APK = b"C:Q1abc=\nP:musl\nV:1.2.4-r0\n\nP:busybox\nV:1.36\n"
METADATA = b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 3.1.6\n\nVersion: 9\n"
BASE = tar(
    ("etc/same", b"same"),
    ("etc/other", b"1"),
    ("etc/gone", b"12345"),
    ("link", "etc/same"),
    ("var/lib/dpkg/status", DPKG),
)
NEXT = tar(
    ("etc/same", b"same"),
    ("etc/other", b"2"),
    ("etc/new", b"123"),
    ("link", "etc/other"),
    ("var/lib/dpkg/status", DPKG.replace(b"5.2", b"5.3")),
    ("usr/lib/python3/dist-packages/jinja2-3.1.6.dist-info/METADATA", METADATA),
)
COMMON = tar(("common", b""))


def compared(client: TestClient, path: str, base: str, **query: Any) -> Any:
    answer = client.get(f"{path}/compare", params={"base": base, **query}, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["ready"], found
    return found


@pytest.fixture
def pair(shared: TestClient, repo: str) -> str:
    """The newer of two images, the older of which is tagged 1."""
    old = {"Env": ["PATH=/bin", "LANG=C"], "Cmd": ["sh"], "User": ""}
    new = {"Env": ["PATH=/usr/bin", "LANG=C"], "Cmd": ["sh"], "Labels": {"a.b": "c"}}
    image(shared, repo, "1", old, COMMON, zipped(BASE))
    return image(shared, repo, "2", new, COMMON, zipped(NEXT))


def test_files_are_compared_by_what_they_are(shared: TestClient, pair: str) -> None:
    found = compared(shared, pair, "1")
    assert [(each["path"], each["change"]) for each in found["files"]] == [
        ("/etc/gone", "removed"),
        ("/etc/new", "added"),
        ("/etc/other", "changed"),
        ("/link", "changed"),
        ("/usr/lib/python3/dist-packages/jinja2-3.1.6.dist-info/METADATA", "added"),
        ("/var/lib/dpkg/status", "changed"),
    ]
    assert (found["added"], found["removed"], found["changed"], found["total"]) == (2, 1, 3, 6)
    assert found["files"][0] == {
        "path": "/etc/gone", "change": "removed", "before": 5, "after": None,
    }  # fmt: skip


def test_files_of_one_kind_of_change_come_in_pages(shared: TestClient, pair: str) -> None:
    found = compared(shared, pair, "1", change="changed", page_size=2, page=2)
    assert [each["path"] for each in found["files"]] == ["/var/lib/dpkg/status"]
    assert (found["total"], found["added"]) == (3, 2)


def test_packages_are_compared_by_version(shared: TestClient, pair: str) -> None:
    assert compared(shared, pair, "1")["packages"] == [
        {"kind": "deb", "name": "bash", "before": "5.2", "after": "5.3"},
        {"kind": "python", "name": "Jinja2", "before": None, "after": "3.1.6"},
    ]


def test_packages_that_an_upper_layer_takes_away_are_gone(shared: TestClient, repo: str) -> None:
    image(shared, repo, "1", {}, BASE)
    path = image(shared, repo, "2", {}, BASE, tar(("var/lib/.wh.dpkg", b"")))
    assert compared(shared, path, "1")["packages"] == [
        {"kind": "deb", "name": "bash", "before": "5.2", "after": None}
    ]


def test_settings_are_compared_one_by_one(shared: TestClient, pair: str) -> None:
    assert compared(shared, pair, "1")["config"] == [
        {"name": "config.Env.PATH", "before": "/bin", "after": "/usr/bin"},
        {"name": "config.Labels.a.b", "before": None, "after": "c"},
    ]


def test_layers_are_shared_or_not(shared: TestClient, pair: str) -> None:
    found = compared(shared, pair, "1")
    assert [(each["digest"], each["change"]) for each in found["layers"]] == [
        (sha256(COMMON), None),
        (sha256(zipped(NEXT)), "added"),
        (sha256(zipped(BASE)), "removed"),
    ]
    assert found["before"]["size"] == len(COMMON) + len(zipped(BASE))
    assert found["before"]["nbytes"] == 4 + 1 + 5 + len(DPKG)


def test_one_and_the_same_has_no_differences(shared: TestClient, pair: str) -> None:
    found = compared(shared, pair, "2")
    for part in ("config", "packages", "files"):
        assert found[part] == []
    assert found["before"] == found["after"]


def test_the_same_files_in_other_layers_are_no_difference(shared: TestClient, repo: str) -> None:
    image(shared, repo, "1", {}, tar(("a", b"1"), ("b", b"2")))
    path = image(shared, repo, "2", {}, zipped(tar(("b", b"2"))), tar(("a", b"1")))
    assert compared(shared, path, "1")["files"] == []


def test_another_repository_of_the_project(shared: TestClient, repo: str, pair: str) -> None:
    other = repo + "/other"
    push(shared, other, tar(("only", b"1")))
    found = compared(shared, pair, "1.0", repository=other.partition("/")[2], change="removed")
    assert [each["path"] for each in found["files"]] == ["/only"]


@pytest.mark.parametrize("query", [{"base": "none"}, {"base": "1", "repository": "none"}])
def test_what_is_not_there(shared: TestClient, pair: str, query: dict[str, str]) -> None:
    answer = shared.get(f"{pair}/compare", params=query, auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")


@pytest.mark.parametrize("query", [{}, {"base": ""}, {"base": "1", "change": "moved"}])
def test_what_is_wrong_is_said(shared: TestClient, pair: str, query: dict[str, str]) -> None:
    assert shared.get(f"{pair}/compare", params=query, auth=ADMIN).status_code == 422


@pytest.mark.parametrize(
    ("path", "raw", "found"),
    [
        ("/var/lib/dpkg/status", DPKG, [("deb", "bash", "5.2")]),
        ("/var/lib/dpkg/status.d/base", b"Package: a\nVersion: 1\n", [("deb", "a", "1")]),
        ("/lib/apk/db/installed", APK, [("apk", "musl", "1.2.4-r0"), ("apk", "busybox", "1.36")]),
        ("/x/Jinja2.dist-info/METADATA", METADATA, [("python", "Jinja2", "3.1.6")]),
        ("/x/a.egg-info/PKG-INFO", b"Name: a\r\nVersion: 1\r\n\r\n", [("python", "a", "1")]),
        ("/a/node_modules/b/package.json", b'{"name":"b","version":"2"}', [("npm", "b", "2")]),
        (
            "/node_modules/@c/d/package.json",
            b'{"name":"@c/d","version":"3"}',
            [("npm", "@c/d", "3")],
        ),
        ("/a/node_modules/b/package.json", b'{"name":1}', []),
        ("/a/node_modules/b/package.json", b"\xff" * 9, []),
        ("/var/lib/dpkg/status", b"\n\n\n\0\xff: \n", []),
        ("/x/a.dist-info/METADATA", b"\xff\xfe: 1\nName: \xff\n", []),
    ],
)
def test_packages_are_read_from(path: str, raw: bytes, found: list[tuple[str, str, str]]) -> None:
    parse = packages.parser_of(path)
    assert parse is not None
    assert parse(raw) == [Package(*each) for each in found]


@pytest.mark.parametrize(
    "path",
    [
        "/package.json",
        "/node_modules/package.json",
        "/node_modules/a/b/package.json",
        "/lib/dpkg/status",
        "/var/lib/dpkg/status.d/base.md5sums",
    ],
)
def test_other_files_are_none_of_packages(path: str) -> None:
    assert packages.parser_of(path) is None
