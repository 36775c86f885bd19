"""What else is in an artifact."""

import gzip
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from starlette.testclient import TestClient

from tests.artifacts.layers import (
    CHART,
    HELM,
    MODEL,
    PATH,
    PROVENANCE,
    SBOM,
    addition,
    model_layer,
    push,
    push_chart,
    read,
)
from tests.artifacts.rest import artifact, get, repository
from tests.make import (
    ADMIN,
    CONFIG,
    error_of,
    push_image,
    push_index,
    push_referrer,
)
from tests.tars import tar_of

pytestmark = pytest.mark.once


def test_the_history_of_an_image(shared: TestClient, repo: str) -> None:
    steps = [
        {"created": "2024-05-01T10:00:00Z", "created_by": "/bin/sh -c #(nop) ADD file in /"},
        {"created_by": "CMD", "empty_layer": True, "comment": "c", "author": "a"},
    ]
    path = push(shared, repo, {"os": "linux", "history": steps}, CONFIG)
    kind, content = read(shared, path, "build_history")
    assert kind == "application/json; charset=utf-8"
    assert json.loads(content) == steps
    assert read(shared, path, "BUILD_HISTORY") == (kind, content)


@pytest.mark.parametrize("config", [{}, {"history": None}, {"history": []}])
def test_an_image_may_have_no_history(shared: TestClient, repo: str, config: Any) -> None:
    path = push(shared, repo, config, CONFIG)
    assert read(shared, path, "build_history")[1] == b"[]"


@pytest.mark.parametrize("config", [{"history": "long"}, {"history": [{"created_by": 1}]}])
def test_a_history_that_is_none_is_refused(shared: TestClient, repo: str, config: Any) -> None:
    path = push(shared, repo, config, CONFIG)
    assert error_of(addition(shared, path, "build_history")) == (400, "BAD_REQUEST")


def test_what_is_pushed_is_never_a_page_of_ours(shared: TestClient, repo: str) -> None:
    path = push(shared, repo, {"history": []}, CONFIG)
    headers = addition(shared, path, "build_history").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, zstandard.ZstdCompressor().compress],
    ids=["plain", "gzip", "zstd"],
)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_the_documents_of_a_chart(
    shared: TestClient, repo: str, pack: Callable[[bytes], bytes], form: int
) -> None:
    entries = {
        "web/Chart.yaml": b"name: web",
        "web/charts/db/values.yaml": b"wrong: true",
        "web/charts/db/README.md": b"wrong",
        "web/templates/" + "long" * 20 + "/values.yaml": b"wrong",
        "web/values.yaml": "replicas: 1 # ä".encode(),
        "web/README.md": b"# Web",
    }
    needed = [{"name": "db", "version": "~1.0", "repository": "oci://example.com/charts"}]
    layer = pack(tar_of(entries, form))
    path = push_chart(shared, repo, layer, dependencies=[needed[0] | {"condition": "db.enabled"}])
    assert read(shared, path, "values.yaml") == (
        "text/plain; charset=utf-8",
        entries["web/values.yaml"],
    )
    assert read(shared, path, "README.md") == ("text/markdown; charset=utf-8", b"# Web")
    kind, content = read(shared, path, "dependencies")
    assert (kind, json.loads(content)) == ("application/json; charset=utf-8", needed)


def test_a_signed_chart_has_its_provenance_beside_it(shared: TestClient, repo: str) -> None:
    layer = gzip.compress(tar_of({"web/values.yaml": b"a: 1"}))
    parts = [(b"signed", {"mediaType": PROVENANCE}), (layer, {"mediaType": CHART})]
    path = push(shared, repo, {"name": "web"}, HELM, *parts)
    assert read(shared, path, "values.yaml")[1] == b"a: 1"


def test_a_chart_may_lack_documents(shared: TestClient, repo: str) -> None:
    path = push_chart(shared, repo, gzip.compress(tar_of({"web/Chart.yaml": b""})))
    for name in ("values.yaml", "readme.md"):
        assert error_of(addition(shared, path, name)) == (404, "NOT_FOUND")
    assert read(shared, path, "dependencies")[1] == b"[]"


def test_the_documents_of_a_model(shared: TestClient, repo: str) -> None:
    layers = [
        model_layer(b"other", "docs/README.md", "raw"),
        model_layer(tar_of({"README.md": b"# Model"}), "README.md", "tar"),
        model_layer(b"MIT", "LICENSE", "raw"),
        (b"weights", {"mediaType": "application/vnd.cncf.model.weight.v1.raw"}),
    ]
    path = push(shared, repo, {"descriptor": {}}, MODEL, *layers, artifactType=MODEL)
    assert read(shared, path, "readme.md") == ("text/markdown; charset=utf-8", b"# Model")
    assert read(shared, path, "license") == ("text/plain; charset=utf-8", b"MIT")


def test_a_model_may_lack_documents(shared: TestClient, repo: str) -> None:
    empty = model_layer(tar_of({}), "LICENSE.txt", "tar")
    path = push(shared, repo, {}, MODEL, empty, artifactType=MODEL)
    for name in ("readme.md", "license"):
        assert error_of(addition(shared, path, name)) == (404, "NOT_FOUND")
    assert json.loads(read(shared, path, "files")[1])[0]["name"] == "LICENSE.txt"


def test_the_files_of_a_model(shared: TestClient, repo: str) -> None:
    def file(path: str, **facts: Any) -> tuple[bytes, dict[str, Any]]:
        told = {"org.cncf.model.file.metadata+json": json.dumps(facts)} if facts else {}
        data = path.encode()
        return data, {
            "mediaType": "application/vnd.cncf.model.weight.v1.raw",
            "annotations": {PATH: path} | told,
        }

    layers = [
        file("b.bin", size=77),
        file("a.json"),
        file("sub/z"),
        file("sub/deep/./x", size="no"),
        file("a.json/inside"),
        file("../outside"),
        file("/" * 70 + "/abs"),
        file("/".join("d" * 70)),
        file("."),
        (b"unnamed", {"mediaType": "application/octet-stream"}),
    ]
    path = push(shared, repo, {}, MODEL, *layers, artifactType=MODEL)
    kind, content = read(shared, path, "files")
    assert kind == "application/json; charset=utf-8"
    deep = {"name": "deep", "type": "directory"}
    assert json.loads(content) == [
        {
            "name": "sub",
            "type": "directory",
            "children": [
                deep | {"children": [{"name": "x", "type": "file", "size": 12}]},
                {"name": "z", "type": "file", "size": 5},
            ],
        },
        {"name": "a.json", "type": "file", "size": 6},
        {"name": "abs", "type": "file", "size": 74},
        {"name": "b.bin", "type": "file", "size": 77},
    ]


def test_the_content_of_an_sbom(shared: TestClient, repo: str) -> None:
    path = push(shared, repo, {}, SBOM, (b'{"spdx": 1}', {"mediaType": SBOM}))
    assert read(shared, path, "sbom") == (SBOM, b'{"spdx": 1}')


def test_an_sbom_without_content(shared: TestClient, repo: str) -> None:
    path = push(shared, repo, {}, SBOM)
    assert error_of(addition(shared, path, "sbom")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", ["values.yaml", "files", "nonsense", "sboms"])
def test_other_additions_are_not_supported(shared: TestClient, repo: str, name: str) -> None:
    push_image(shared, repo, "v1")
    assert error_of(addition(shared, artifact(repo, "v1"), name)) == (400, "BAD_REQUEST")


def test_an_index_has_no_additions(shared: TestClient, repo: str) -> None:
    push_index(shared, repo, "multi", push_image(shared, repo, "v1"))
    path = artifact(repo, "multi")
    assert error_of(addition(shared, path, "build_history")) == (400, "BAD_REQUEST")
    assert get(shared, path)["addition_links"] is None


def test_without_a_scanner_there_are_no_vulnerabilities(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "v1")
    kind, content = read(shared, artifact(repo, "v1"), "vulnerabilities")
    assert (kind, content) == ("application/json; charset=utf-8", b"{}")


def test_what_is_not_there_has_no_additions(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "v1")
    for name in ("build_history", "vulnerabilities"):
        missing = addition(shared, artifact(repo, "v2"), name)
        assert error_of(missing) == (404, "NOT_FOUND")


def test_links_lead_to_the_additions(shared: TestClient, repo: str) -> None:
    deep = f"{repo}/deep"
    layer = gzip.compress(tar_of({"web/values.yaml": b"a: 1", "web/README.md": b"b"}))
    path = push_chart(shared, deep, layer)
    found = get(shared, path)["addition_links"]
    assert set(found) == {"values.yaml", "readme.md", "dependencies"}
    for link in found.values():
        assert link["absolute"] is False
        assert shared.get(link["href"], auth=ADMIN).status_code == 200
    (listed,) = get(shared, f"{repository(deep)}/artifacts")
    assert listed["addition_links"] == found
    referrer = push_referrer(shared, repo, push_image(shared, repo), "application/spdx+json")
    assert get(shared, artifact(repo, referrer.digest))["addition_links"] is None
