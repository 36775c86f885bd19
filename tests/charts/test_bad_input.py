"""What is no chart is refused, and nothing of it is kept."""

import gzip
import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.schemas import Place
from harbor.charts import forms
from harbor.charts.service import archives, documents, uploads
from harbor.charts.service.versions import is_version, key, parts_of
from harbor.core.errors import BadRequest, Conflict
from tests.charts.packing import (
    CONFIG,
    api,
    chart,
    chart_yaml,
    listed,
    packed,
    signed,
    upload,
    uploaded,
)
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    OCI_MANIFEST,
    descriptor,
    error_of,
    make_project,
    message_of,
    push_blob,
    put_manifest,
    sha256,
)
from tests.registry.servers import Rows, ask, basic, in_server, project_of
from tests.tars import tar_of

GOOD = chart_yaml("app", "1.0.0")


def with_member(kind: bytes, name: str = "app/link", **more: Any) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        info = tarfile.TarInfo("app/Chart.yaml")
        info.size = len(GOOD)
        archive.addfile(info, io.BytesIO(GOOD))
        special = tarfile.TarInfo(name)
        special.type = kind
        for field, value in more.items():
            setattr(special, field, value)
        archive.addfile(special)
    return made.getvalue()


def with_chart_yaml(text: bytes) -> bytes:
    return packed({"app/Chart.yaml": text})


def many(count: int) -> bytes:
    return packed({"app/Chart.yaml": GOOD} | {f"app/{i}": b"" for i in range(count)})


def long_name() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("app/" + "x" * 3_000_000))
    return made.getvalue()


def long_attribute() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("app/a")
        info.pax_headers = {"comment": "x" * 3_000_000}
        archive.addfile(info)
    return made.getvalue()


def headers_upon_headers(count: int) -> bytes:
    """Each says that the next file has a long name; Python's library follows them by recursion."""
    one = tarfile.TarInfo("././@LongLink")
    one.type, one.size = tarfile.GNUTYPE_LONGNAME, 1
    return gzip.compress((one.tobuf() + b"a".ljust(512, b"\0")) * count)


BAD: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no archive": lambda: b"no archive",
    "noise": lambda: os.urandom(5000),
    "an empty archive": lambda: packed({}),
    "not packed": lambda: tar_of({"app/Chart.yaml": GOOD}),
    "cut short": lambda: chart("app", "1.0.0", {"values.yaml": os.urandom(5000)})[:3000],
    "packed, but no tar": lambda: gzip.compress(os.urandom(5000)),
    "a wrong sum": lambda: chart("app", "1.0.0")[:-8] + b"\0" * 8,
    "no Chart.yaml": lambda: packed({"app/values.yaml": b""}),
    "Chart.yaml outside": lambda: packed({"Chart.yaml": GOOD}),
    "Chart.yaml deeper": lambda: packed({"app/charts/Chart.yaml": GOOD}),
    "Chart.yaml twice": lambda: packed({"app/Chart.yaml": GOOD, "app//Chart.yaml": GOOD}),
    "two folders": lambda: packed({"app/Chart.yaml": GOOD, "b/Chart.yaml": GOOD}),
    "another folder": lambda: packed({"other/Chart.yaml": GOOD}),
    "dot-dot": lambda: packed({"app/Chart.yaml": GOOD, "app/../../etc/passwd": b""}),
    "absolute": lambda: packed({"app/Chart.yaml": GOOD, "/etc/passwd": b""}),
    "a drive": lambda: packed({"app/Chart.yaml": GOOD, "app/c:/x": b""}),
    "backslashes": lambda: packed({"app/Chart.yaml": GOOD, "app\\..\\..\\x": b""}),
    "a symlink": lambda: with_member(tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": lambda: with_member(tarfile.LNKTYPE, linkname="app/Chart.yaml"),
    "a device": lambda: with_member(tarfile.CHRTYPE),
    "a fifo": lambda: with_member(tarfile.FIFOTYPE),
    "a link as Chart.yaml": lambda: with_member(tarfile.SYMTYPE, "app/Chart.yaml", linkname="x"),
    "a large file": lambda: packed({"app/Chart.yaml": GOOD, "app/x": b"\0" * (5 * 2**20 + 1)}),
    "many files": lambda: many(10_001),
    "a long name": long_name,
    "a long attribute": long_attribute,
    "headers upon headers": lambda: headers_upon_headers(900),
    "more headers than may be": lambda: headers_upon_headers(3000),
    "a sparse file": lambda: with_member(tarfile.GNUTYPE_SPARSE),
    "no YAML": lambda: with_chart_yaml(b"{"),
    "no text": lambda: with_chart_yaml(b"\xff\xfe\xff"),
    "no mapping": lambda: with_chart_yaml(b"- a\n"),
    "empty": lambda: with_chart_yaml(b""),
    "two documents": lambda: with_chart_yaml(GOOD + b"---\n" + GOOD),
    "a huge Chart.yaml": lambda: with_chart_yaml(GOOD + b"#" * 300_000),
    "aliases": lambda: with_chart_yaml(GOOD + b"keywords: &a [x]\nsources: *a\n"),
    "nested deeply": lambda: with_chart_yaml(GOOD + b"x: " + b"[" * 100_000),
    "nested in blocks": lambda: with_chart_yaml(b"- " * 100_000),
    "a key twice": lambda: with_chart_yaml(GOOD + b"name: other\n"),
    "a key that is a list": lambda: with_chart_yaml(GOOD + b"? [a]\n: b\n"),
    "no name": lambda: with_chart_yaml(b"version: 1.0.0\n"),
    "no version": lambda: with_chart_yaml(b"name: app\n"),
    "keywords that are no list": lambda: with_chart_yaml(GOOD + b"keywords: a\n"),
    "a type that is none": lambda: with_chart_yaml(GOOD + b"type: plugin\n"),
    "an alias that is a path": lambda: with_chart_yaml(
        GOOD + b"dependencies: [{name: a, alias: ../../b}]\n"
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_no_chart_is_refused(
    shared: TestClient, repo: str, bad: Callable[[], bytes], shared_rows: Rows
) -> None:
    answer = upload(shared, repo, bad())
    assert error_of(answer) == (400, "BAD_REQUEST"), answer.text
    assert len(answer.text) < 500
    kept = f"SELECT count(*) FROM repository_blob WHERE repository LIKE '{project_of(repo)}/%'"
    assert shared_rows(kept) == [(0,)]
    uploads = f"SELECT count(*) FROM blob_upload WHERE repository LIKE '{project_of(repo)}/%'"
    assert shared_rows(uploads) == [(0,)]
    assert listed(shared, repo) == []


@pytest.mark.parametrize(
    "name", ["", "App", "a/b", "..", "a..b", "-a", "a b", "ä", "a" * 300, "a\n", "a\x00b", "%2e"]
)
def test_names_that_no_repository_has_are_refused(shared: TestClient, repo: str, name: str) -> None:
    raw = packed({"app/Chart.yaml": chart_yaml(name, "1.0.0")})
    assert upload(shared, repo, raw).status_code == 400
    assert upload(shared, repo, chart("b", "1.0.0")).status_code == 201


VERSIONS = [
    "",
    "1",
    "1.0",
    "1.0.0.0",
    "01.0.0",
    "1.0.0-",
    "1.0.0-01",
    "1.0.0+",
    "1.0.0-a_b",
    "latest",
]
VERSIONS += [
    "1.0.0 ",
    "=1.0.0",
    "V1.0.0",
    "1.0.0-" + "a" * 130,
    "9" * 20 + ".0.0",
    "1.0.0\n",
    "१.0.0",
]


@pytest.mark.parametrize("version", VERSIONS)
def test_versions_that_are_none_are_refused(shared: TestClient, repo: str, version: str) -> None:
    assert error_of(upload(shared, repo, chart("app", version))) == (400, "BAD_REQUEST")
    assert not is_version(version)


def test_versions_are_sorted_by_precedence() -> None:
    rising = ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.b"]
    rising += ["1.0.0-beta", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "v2.0.0", "10.0.0"]
    assert sorted(rising[5:] + rising[:5], key=key) == rising


def test_a_name_may_be_read_in_several_ways() -> None:
    assert parts_of("a-1.0.0-2.0.0.tgz") == ([("a", "1.0.0-2.0.0"), ("a-1.0.0", "2.0.0")], False)
    assert parts_of("-1.0.0.tgz") == ([], False)
    assert parts_of("a-1.0.0.tgz.prov") == ([("a", "1.0.0")], True)
    assert parts_of("a-1.0.0.zip") == ([], False)


def test_a_bomb_takes_no_memory() -> None:
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb") as out:
        info = tarfile.TarInfo("app/x")
        info.size = 5 * 2**20
        for _ in range(30):
            out.write(info.tobuf() + b"\0" * info.size)
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest, match="more than"):
            archives.check(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_numbers_are_texts_as_helm_reads_them() -> None:
    raw = b"apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: 1.10\nicon: ~\nhome:\ntags: on\ndeprecated: yes\n"
    found = documents.described(raw, None)
    assert (found.app_version, found.icon, found.home) == ("1.1", "", "")
    assert (found.tags, found.deprecated) == ("true", True)
    assert documents.described(raw.replace(b"1.10", b"'1.10'"), None).app_version == "1.10"


PROVS = {
    "nothing": b"",
    "no message": b"abc",
    "no sums": signed("app", "1.0.0", "x").replace(b"\n...\n", b"\n"),
    "no YAML": signed("app", "1.0.0", "x").replace(b"files:", b"{"),
    "no files": signed("app", "1.0.0", "x").replace(b"files:", b"folders:"),
    "another name": signed("a/b", "1.0.0", "x"),
    "no end": signed("app", "1.0.0", "x").partition(b"-----END")[0],
    "not text": signed("app", "1.0.0", "x").replace(b"files", b"\xff\xfe"),
}


@pytest.mark.parametrize("prov", PROVS.values(), ids=PROVS)
def test_signatures_that_are_none_are_refused(shared: TestClient, repo: str, prov: bytes) -> None:
    answer = upload(shared, repo, chart("app", "1.0.0"), prov=prov)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert listed(shared, repo) == []


FORMS = {
    "no boundary": ("multipart/form-data", b"x"),
    "another boundary": ("multipart/form-data; boundary=a", b"--b\r\n\r\n"),
    "no end": ("multipart/form-data; boundary=a", b"--a\r\n"),
    "a long header": ("multipart/form-data; boundary=a", b"--a\r\n" + b"x" * 70_000),
    "many parts": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 40 + b"--a--\r\n",
    ),
    "bytes that are no text": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="\xff\xfe"\r\n\r\nx\r\n--a--\r\n',
    ),
    "an odd boundary": ('multipart/form-data; boundary="\\', b"x"),
    "the field twice": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="chart"; filename="a"\r\n\r\nx\r\n' * 2
        + b"--a--\r\n",
    ),
    "no chart": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--a--\r\n',
    ),
}


@pytest.mark.parametrize(("kind", "body"), FORMS.values(), ids=FORMS)
def test_forms_that_are_none_are_refused(
    shared: TestClient, repo: str, kind: str, body: bytes
) -> None:
    answer = shared.post(api(repo), content=body, headers={"Content-Type": kind}, auth=ADMIN)
    assert error_of(answer) == (400, "BAD_REQUEST")


def test_what_is_too_large_is_refused(start: Start) -> None:
    client = start(chart_max_bytes=2048)
    make_project(client, "team")
    raw = chart("app", "1.0.0", {"noise": os.urandom(3000)})
    assert error_of(upload(client, "team/app", raw)) == (413, "REQUEST_ENTITY_TOO_LARGE")
    whole = client.post(api("team/app"), content=raw, auth=ADMIN)
    assert error_of(whole) == (413, "REQUEST_ENTITY_TOO_LARGE")
    endless = ask(client, "POST", api("team/app"), headers=[basic()], chunks=[b"x" * 1000] * 3)
    assert endless.status_code == 413
    small = chart("app", "1.0.0")
    prov = signed("app", "1.0.0", sha256(small)) + b"x" * 2**20
    assert error_of(upload(client, "team/app", small, prov=prov))[0] == 413
    assert listed(client, "team/app") == []
    uploaded(client, "team/app", "1.0.0")


def test_who_leaves_leaves_nothing(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    raw = chart("app", "1.0.0")
    ask(shared, "POST", api(repo), headers=[basic()], chunks=[raw[:50]], leaves=True)
    assert listed(shared, repo) == []
    kept = f"SELECT count(*) FROM blob_upload WHERE repository LIKE '{project_of(repo)}/%'"
    assert shared_rows(kept) == [(0,)]


def test_a_full_disk_is_told(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_size: int, **_more: Any) -> Any:
        return Path("/dev/full").open("w+b", buffering=0)

    monkeypatch.setattr(forms, "SpooledTemporaryFile", full)
    answer = upload(shared, repo, chart("app", "1.0.0"))
    assert error_of(answer) == (507, "INSUFFICIENT_STORAGE")


def test_a_chart_without_an_archive_cannot_be_signed(shared: TestClient, repo: str) -> None:
    about = b'{"name":"app","version":"1.0.0","apiVersion":"v2"}'
    push_blob(shared, repo, about)
    document = {"schemaVersion": 2, "config": descriptor(about, CONFIG), "layers": []}
    raw = json.dumps(document).encode()
    assert put_manifest(shared, repo, "1.0.0", raw, media_type=OCI_MANIFEST).status_code == 201
    assert listed(shared, repo) == []
    prov = signed("app", "1.0.0", sha256(b""))
    there = f"/api/chartrepo/{project_of(repo)}/prov"
    assert error_of(upload(shared, repo, None, prov=prov, path=there))[0] == 404
    nothing = shared.post(there, files={"other": ("a", b"b")}, auth=ADMIN)
    assert error_of(nothing) == (400, "BAD_REQUEST")


def test_what_was_changed_meanwhile_is_not_overwritten(shared: TestClient, repo: str) -> None:
    uploaded(shared, repo, "1.0.0")
    building = shared.app
    assert isinstance(building, Building)
    project_id = shared.get(f"{API}/projects/{project_of(repo)}", auth=ADMIN).json()["project_id"]
    place = Place(project_id, repo)
    work = partial(uploads.refuse_other, place=place, version="1.0.0", instead=sha256(b"before"))
    with pytest.raises(Conflict, match="changed meanwhile"):
        in_server(shared, building.db.quick.write, work)


def test_a_refusal_says_why(shared: TestClient, repo: str) -> None:
    answer = upload(shared, repo, chart("app", "1.0"))
    assert message_of(answer) == "Chart.yaml: the version 1.0 is not of SemVer 2"
