"""What artifacts are, and what is shown of their configs."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from harbor.artifacts import jobs
from tests.artifacts.rest import artifact, get
from tests.make import (
    ADMIN,
    CONFIG,
    LAYER,
    OCI_MANIFEST,
    descriptor,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    put_manifest,
)
from tests.registry.servers import Change, in_server

HELM = "application/vnd.cncf.helm.config.v1+json"
WASM = "application/vnd.wasm.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
IMAGE_ICON = "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06"


def push(
    client: TestClient,
    repo: str,
    config: bytes | dict[str, Any],
    media_type: str = CONFIG,
    **more: Any,
) -> dict[str, Any]:
    """Push a manifest with that config; return how it is shown."""
    raw = config if isinstance(config, bytes) else json.dumps(config).encode()
    push_blob(client, repo, raw)
    push_blob(client, repo, b"layer")
    about = descriptor(raw, media_type, **more.pop("about", {}))
    document = manifest_of(raw, b"layer") | {"config": about} | more
    assert put_manifest(client, repo, "1.0", document).status_code == 201
    shown: dict[str, Any] = get(client, artifact(repo, "1.0"))
    return shown


@pytest.mark.parametrize(
    ("media_type", "artifact_type", "expected"),
    [
        (CONFIG, None, "IMAGE"),
        ("application/vnd.docker.container.image.v1+json", None, "IMAGE"),
        (HELM, None, "CHART"),
        (WASM, None, "WASM"),
        (EMPTY, "application/vnd.cncf.model.manifest.v1+json", "CNAI"),
        (EMPTY, "application/vnd.cnai.model.manifest.v1+json", "CNAI"),
        (EMPTY, "application/vnd.goharbor.harbor.sbom.v1", "SBOM"),
        ("application/vnd.acme.rocket.config.v1+json", None, "ROCKET"),
        (EMPTY, "application/vnd.acme.rocket.config.v1+json", "ROCKET"),
        (EMPTY, None, "UNKNOWN"),
        (EMPTY, "application/spdx+json", "UNKNOWN"),
        ("application/vnd.acme..config.v1+json", None, "UNKNOWN"),
    ],
)
def test_media_types_tell_the_type(
    shared: TestClient, repo: str, media_type: str, artifact_type: str | None, expected: str
) -> None:
    more = {"artifactType": artifact_type} if artifact_type else {}
    shown = push(shared, repo, {"name": "it"}, media_type, **more)
    assert (shown["type"], shown["artifact_type"]) == (expected, artifact_type or media_type)


@pytest.mark.parametrize(
    "annotations", [{"module.wasm.image/variant": "compat"}, {"run.oci.handler": "wasm"}], ids=str
)
def test_an_image_may_hold_webassembly(
    shared: TestClient, repo: str, annotations: dict[str, str]
) -> None:
    shown = push(shared, repo, {"os": "wasip1"}, annotations=annotations)
    assert shown["type"] == "WASM"
    attributes = shown["extra_attrs"]
    assert (attributes["manifest.config.mediaType"], attributes["os"]) == (CONFIG, "wasip1")


def test_webassembly_of_its_own_kind_shows_its_layer(shared: TestClient, repo: str) -> None:
    title = {"org.opencontainers.image.title": "it.wasm"}
    layers = [descriptor(b"layer", "application/wasm", annotations=title)]
    shown = push(shared, repo, {}, WASM, layers=layers)
    assert shown["extra_attrs"] == {"manifest.layers.mediaType": "application/wasm"} | title


def test_an_image_shows_what_runs(shared: TestClient, repo: str) -> None:
    told = {
        "created": "2026-01-01T00:00:00Z",
        "architecture": "amd64",
        "os": "linux",
        "author": "ann",
        "config": {"Cmd": ["app"], "Labels": {"maintainer": "bob"}},
    }
    config = told | {"history": [{"created_by": "make"}], "rootfs": {"type": "layers"}}
    assert push(shared, repo, config)["extra_attrs"] == told


@pytest.mark.parametrize("label", ["maintainer", "org.opencontainers.image.authors"])
def test_labels_name_the_author(shared: TestClient, repo: str, label: str) -> None:
    config = {"author": "", "config": {"Labels": {label: "bob"}}}
    assert push(shared, repo, config)["extra_attrs"]["author"] == "bob"


@pytest.mark.parametrize("config", [{"config": {"Labels": [1]}}, {"config": 1}, {"author": None}])
def test_odd_labels_name_nobody(shared: TestClient, repo: str, config: dict[str, Any]) -> None:
    assert push(shared, repo, config)["extra_attrs"]["author"] == ""


def test_a_chart_shows_all_of_its_description(shared: TestClient, repo: str) -> None:
    chart = {"name": "it", "version": "1.0.0", "icon": "https://example.com/i.png"}
    assert push(shared, repo, chart, HELM)["extra_attrs"] == chart


def test_what_is_to_be_skipped_is(shared: TestClient, repo: str) -> None:
    skip = {"annotations": {"io.goharbor.artifact.v1alpha1.skip-list": "b, c"}}
    kind = "application/vnd.acme.rocket.config.v1+json"
    shown = push(shared, repo, {"a": 1, "b": 2, "c": 3}, kind, about=skip)
    assert shown["extra_attrs"] == {"a": 1}


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"no JSON",
        b"[1]",
        b"1",
        b'{"a": 1',
        b'{"a": "\xff"}',
        b'{"config": {"x": "\x00"}}',
        b"[" * 100_000,
        b'{"config":' + b"[" * 100_000,
        b'{"a": NaN}',
    ],
    ids=range(10),
)
@pytest.mark.parametrize("media_type", [CONFIG, HELM])
def test_a_config_that_is_no_json_object_is_unknown(
    shared: TestClient, repo: str, config: bytes, media_type: str
) -> None:
    shown = push(shared, repo, config, media_type)
    assert (shown["type"], shown["extra_attrs"]) == ("UNKNOWN", {})


@pytest.mark.parametrize("value", ["\u0000", "\u00fc\U0001f600", 10**30, 1e300, -0.0])
def test_whatever_json_says_is_shown(shared: TestClient, repo: str, value: object) -> None:
    assert push(shared, repo, {"a": value}, HELM)["extra_attrs"] == {"a": value}


@pytest.mark.parametrize("nbytes", [70_000, 2 << 20])
def test_what_is_too_large_is_not_shown(shared: TestClient, repo: str, nbytes: int) -> None:
    shown = push(shared, repo, {"a": "x" * nbytes}, HELM)
    assert (shown["type"], shown["extra_attrs"]) == ("CHART", {})


def test_an_application_bundle_speaks_through_its_config(shared: TestClient, repo: str) -> None:
    child = push(shared, repo, {"name": "bundle"}, "application/vnd.cnab.config.v1+json")
    raw = shared.get(f"/v2/{repo}/manifests/1.0", auth=ADMIN).content
    listed = descriptor(raw, OCI_MANIFEST, annotations={"io.cnab.manifest.type": "config"})
    kind = {"org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1"}
    push_index(shared, repo, "bundle", manifests=[listed], annotations=kind)
    shown = get(shared, artifact(repo, "bundle"))
    assert (shown["type"], shown["extra_attrs"]) == ("CNAB", {"name": "bundle"})
    assert child["type"] == "UNKNOWN"


@pytest.mark.parametrize("media_type", ["image/png", "image/gif", "image/jpeg"])
def test_a_layer_may_be_the_icon(shared: TestClient, repo: str, media_type: str) -> None:
    mark = {"io.goharbor.artifact.v1alpha1.icon": ""}
    icon = descriptor(b"layer", media_type, annotations=mark)
    shown = push(shared, repo, {}, layers=[icon])
    assert shown["icon"] == icon["digest"]


def test_what_is_no_picture_is_no_icon(shared: TestClient, repo: str) -> None:
    mark = {"io.goharbor.artifact.v1alpha1.icon": ""}
    shown = push(shared, repo, {}, layers=[descriptor(b"layer", LAYER, annotations=mark)])
    assert shown["icon"] == IMAGE_ICON


def test_artifacts_of_an_older_version_are_looked_at(
    shared: TestClient, repo: str, shared_change: Change
) -> None:
    chart = {"name": "it", "version": "1.0.0"}
    shown = push(shared, repo, chart, HELM)
    index = push_index(shared, repo, "multi", push_image(shared, repo, "2.0"))
    mine = f"SELECT id FROM artifact WHERE project_id = {shown['project_id']}"
    shared_change(
        text(f"DELETE FROM artifact_details WHERE artifact_id IN ({mine})"),
        text(f"UPDATE artifact SET type = 'UNKNOWN' WHERE id IN ({mine})"),
    )
    assert get(shared, artifact(repo, "1.0"))["extra_attrs"] is None
    building: Any = shared.app
    assert in_server(shared, jobs.describe, building.db, building.store) == 3
    again = get(shared, artifact(repo, "1.0"))
    assert (again["type"], again["extra_attrs"]) == ("CHART", chart)
    assert get(shared, artifact(repo, index.digest))["extra_attrs"] is None
    assert in_server(shared, jobs.describe, building.db, building.store) == 0
