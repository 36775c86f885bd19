"""Manifests that are refused: what is no manifest, what is two things, what names what is not here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    DOCKER_MANIFEST,
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    descriptor,
    error_of,
    index_of,
    manifest_of,
    push_blob,
    push_image,
    put_manifest,
    sha256,
)
from tests.registry.servers import Rows, project_of

pytestmark = pytest.mark.once

INVALID = (400, "MANIFEST_INVALID")
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
FOREIGN = (
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
)


@pytest.fixture
def image(shared: TestClient, repo: str) -> dict[str, Any]:
    for data in (b"config", b"layer"):
        push_blob(shared, repo, data)
    return manifest_of(b"config", b"layer")


def names(client: TestClient, repo: str) -> Any:
    """The tags of a repository."""
    return client.get(f"/v2/{repo}/tags/list", auth=ADMIN).json()["tags"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"1",
        b'"manifest"',
        b"{",
        b"{}",
        b'{"schemaVersion": 2',
        b"\xff\xfe{}",
        b'{"schemaVersion": 2, "config": 7, "layers": []}',
        b"[" * 100_000,
        b'{"a":' * 10_000,
        b'{"schemaVersion": 2e400}',
        b'{"schemaVersion": 2, "mediaType": null, "layers": null}',
    ],
    ids=range(15),
)
def test_what_is_no_manifest_is_refused(shared: TestClient, repo: str, raw: bytes) -> None:
    assert error_of(put_manifest(shared, repo, "1.0", raw)) == INVALID


Edit = Callable[[dict[str, Any]], dict[str, Any]]
EDITS: dict[str, Edit] = {
    "no schema version": lambda d: {k: v for k, v in d.items() if k != "schemaVersion"},
    "schema version 1": lambda d: d | {"schemaVersion": 1},
    "schema version 3": lambda d: d | {"schemaVersion": 3},
    "schema version as text": lambda d: d | {"schemaVersion": "2"},
    "no config": lambda d: {k: v for k, v in d.items() if k != "config"},
    "no layers": lambda d: {k: v for k, v in d.items() if k != "layers"},
    "layers that are no list": lambda d: d | {"layers": {}},
    "a layer without a digest": lambda d: d | {"layers": [{"size": 1, "mediaType": LAYER}]},
    "a layer without a size": lambda d: d | {"layers": [{"digest": sha256(b"layer")}]},
    "a negative size": lambda d: d | {"layers": [descriptor(b"layer", LAYER) | {"size": -1}]},
    "a size that is no number": lambda d: d | {"config": d["config"] | {"size": "5"}},
    "a huge size": lambda d: d | {"config": d["config"] | {"size": 2**64}},
    "a digest that is none": lambda d: d | {"config": d["config"] | {"digest": "sha256:abc"}},
    "a digest with a path": lambda d: d | {"config": d["config"] | {"digest": "../../etc"}},
    "a digest of an unknown kind": lambda d: d | {"config": d["config"] | {"digest": "md5:ab"}},
    "a subject that is none": lambda d: d | {"subject": {"digest": "x", "size": 1}},
    "annotations that are no text": lambda d: d | {"annotations": {"a": 1}},
    "both an image and an index": lambda d: d | {"manifests": []},
    "both, for another client": lambda d: d | {"manifests": [d["config"]], "mediaType": OCI_INDEX},
    "an index with a config": lambda d: {**index_of(), "config": d["config"]},
    "an index with layers": lambda d: {**index_of(), "layers": []},
    "an index without manifests": lambda _d: {"schemaVersion": 2, "mediaType": OCI_INDEX},
    "schema 1 fields": lambda d: d | {"fsLayers": [{"blobSum": sha256(b"layer")}]},
    "another type inside": lambda d: d | {"mediaType": DOCKER_MANIFEST},
    "an unknown type inside": lambda d: d | {"mediaType": "application/json"},
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_manifest_is_refused_that_has(
    shared: TestClient, repo: str, image: dict[str, Any], edit: str
) -> None:
    document = EDITS[edit](image)
    outer = document["mediaType"] if document.get("mediaType") == OCI_INDEX else OCI_MANIFEST
    answer = put_manifest(shared, repo, "1.0", document, media_type=outer)
    assert error_of(answer) == INVALID
    assert names(shared, repo) == []


@pytest.mark.parametrize(
    "media_type",
    [SCHEMA1, "application/vnd.docker.distribution.manifest.v1+json", "text/plain", OCI_INDEX,
     DOCKER_MANIFEST, "application/vnd.oci.artifact.manifest.v1+json", "é"],
)  # fmt: skip
def test_a_type_that_the_document_does_not_have_is_refused(
    shared: TestClient, repo: str, image: dict[str, Any], media_type: str
) -> None:
    answer = shared.put(
        f"/v2/{repo}/manifests/1.0",
        content=json.dumps(image),
        headers={b"Content-Type": media_type.encode("latin-1")},
        auth=ADMIN,
    )
    assert error_of(answer) == INVALID


def test_a_document_without_any_type_is_refused(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    del image["mediaType"]
    answer = put_manifest(shared, repo, "1.0", image, media_type="application/json")
    assert error_of(answer) == INVALID


def test_dockers_first_schema_is_refused(shared: TestClient, repo: str) -> None:
    document = {
        "schemaVersion": 1,
        "name": repo,
        "tag": "1.0",
        "fsLayers": [{"blobSum": push_blob(shared, repo, b"layer")}],
        "history": [],
        "signatures": [],
    }
    answer = put_manifest(shared, repo, "1.0", document, media_type=SCHEMA1)
    assert error_of(answer) == INVALID


@pytest.mark.parametrize("missing", ["config", "layer"])
def test_a_blob_that_is_not_here_is_named(shared: TestClient, repo: str, missing: str) -> None:
    there = "layer" if missing == "config" else "config"
    push_blob(shared, repo, there.encode())
    answer = put_manifest(shared, repo, "1.0", manifest_of(b"config", b"layer"))
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"] == {"digest": sha256(missing.encode())}


def test_what_was_refused_is_not_kept(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    document = manifest_of(b"config", b"layer")
    assert put_manifest(shared, repo, "1.0", document).status_code == 400
    digest = sha256(json.dumps(document).encode())
    assert shared.get(f"/v2/{repo}/manifests/{digest}", auth=ADMIN).status_code == 404
    assert shared_rows(f"SELECT name FROM repository WHERE name = '{repo}'") == []
    tags = shared.get(f"/v2/{repo}/tags/list", auth=ADMIN)
    assert error_of(tags) == (404, "NAME_UNKNOWN")


def test_a_blob_of_another_repository_is_not_here(shared: TestClient, repo: str) -> None:
    for data in (b"config", b"layer"):
        push_blob(shared, f"{project_of(repo)}/other", data)
    answer = put_manifest(shared, repo, "1.0", manifest_of(b"config", b"layer"))
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("media_type", FOREIGN)
def test_a_foreign_layer_need_not_be_here(
    shared: TestClient, repo: str, image: dict[str, Any], media_type: str
) -> None:
    away = descriptor(b"far away", media_type, urls=["https://example.com/layer"])
    document = image | {"layers": [*image["layers"], away]}
    assert put_manifest(shared, repo, "windows", document).status_code == 201


def test_urls_alone_make_no_layer_foreign(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    away = descriptor(b"far away", LAYER, urls=["https://example.com/layer"])
    answer = put_manifest(shared, repo, "1.0", image | {"layers": [away]})
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_a_foreign_layer_must_have_a_digest_all_the_same(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    away = descriptor(b"", FOREIGN[0]) | {"digest": "../../x"}
    assert error_of(put_manifest(shared, repo, "1.0", image | {"layers": [away]})) == INVALID


def test_a_child_that_is_not_here_is_named(shared: TestClient, repo: str) -> None:
    here = push_image(shared, repo)
    there = push_image(shared, f"{project_of(repo)}/other")
    answer = put_manifest(shared, repo, "multi", index_of(here, there))
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"] == {"digest": there.digest}
    assert names(shared, repo) == ["1.0"]


def test_a_child_may_be_a_blob(shared: TestClient, repo: str) -> None:
    """So does BuildKit export its cache by default."""
    push_blob(shared, repo, b"cached layer")
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(b"cached layer", LAYER)],
    }
    assert put_manifest(shared, repo, "cache", document).status_code == 201


def test_an_index_may_list_one_child_twice(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    assert put_manifest(shared, repo, "twice", index_of(child, child)).status_code == 201


@pytest.mark.parametrize("depth", [10, 100, 450, 900])
def test_odd_platforms_are_no_server_errors(shared: TestClient, repo: str, depth: int) -> None:
    child = push_image(shared, repo)
    nested: dict[str, Any] = {"os": "linux"}
    for _ in range(depth):
        nested = {"a": nested}
    document = index_of(child)
    document["manifests"][0]["platform"] = nested | {"n": 10**30, "f": 1e300, "z": "\0", "": None}
    answer = put_manifest(shared, repo, "odd", document)
    assert answer.status_code in (201, 400), answer.text


def test_the_same_layer_may_be_named_twice(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    document = image | {"layers": image["layers"] * 3}
    assert put_manifest(shared, repo, "thrice", document).status_code == 201


def test_many_layers_are_no_trouble(shared: TestClient, repo: str) -> None:
    push_blob(shared, repo, b"config")
    layers = [b"%d" % n for n in range(3000)]
    answer = put_manifest(shared, repo, "many", manifest_of(b"config", *layers))
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["detail"]["digest"] == sha256(b"0")
