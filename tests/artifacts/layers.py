"""Artifacts with layers to look into."""

import json
from typing import Any

from starlette.testclient import TestClient

from tests.artifacts.rest import artifact
from tests.make import (
    ADMIN,
    OCI_MANIFEST,
    descriptor,
    push_blob,
    put_manifest,
)

HELM = "application/vnd.cncf.helm.config.v1+json"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MODEL = "application/vnd.cncf.model.manifest.v1+json"
DOCUMENT = "application/vnd.cncf.model.doc.v1"
PATH = "org.cncf.model.filepath"
SBOM = "application/vnd.goharbor.harbor.sbom.v1"
MIB = 1 << 20


def push(
    client: TestClient,
    repo: str,
    config: Any,
    config_type: str,
    *layers: tuple[bytes, dict[str, Any]],
    **more: Any,
) -> str:
    """An artifact of these parts; its path."""
    raw_config = config if isinstance(config, bytes) else json.dumps(config).encode()
    for data in (raw_config, *(data for data, _ in layers)):
        push_blob(client, repo, data)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(raw_config, config_type),
        "layers": [descriptor(data, str(facts["mediaType"])) | facts for data, facts in layers],
        **more,
    }
    answer = put_manifest(client, repo, "v1", document)
    assert answer.status_code == 201, answer.text
    return artifact(repo, "v1")


def push_chart(client: TestClient, repo: str, layer: bytes, **config: Any) -> str:
    chart = {"name": "web", "version": "1.0.0"} | config
    return push(client, repo, chart, HELM, (layer, {"mediaType": CHART}))


def model_layer(data: bytes, path: str, form: str) -> tuple[bytes, dict[str, Any]]:
    return data, {"mediaType": f"{DOCUMENT}.{form}", "annotations": {PATH: path}}


def addition(client: TestClient, path: str, name: str) -> Any:
    return client.get(f"{path}/additions/{name}", auth=ADMIN)


def read(client: TestClient, path: str, name: str) -> tuple[str, bytes]:
    """Content type and content of what must be there."""
    answer = addition(client, path, name)
    assert answer.status_code == 200, answer.text
    return answer.headers["Content-Type"], answer.content
