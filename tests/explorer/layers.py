"""Images made of layers, and what is seen of their files."""

import json
from typing import Any

from starlette.testclient import TestClient

from tests.artifacts.rest import artifact
from tests.make import ADMIN, manifest_of, push_blob, put_manifest


def push(client: TestClient, repo: str, *layers: bytes, **more: Any) -> str:
    """Push an image of these layers; return its path in the REST API."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "of": repo}).encode()
    for data in (config, *layers):
        push_blob(client, repo, data)
    answer = put_manifest(client, repo, "1.0", manifest_of(config, *layers, **more))
    assert answer.status_code == 201, answer.text
    return artifact(repo, "1.0")


def image(client: TestClient, repo: str, tag: str, settings: Any, *layers: bytes) -> str:
    """Push an image with these settings and layers; return its path in the REST API."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": settings}).encode()
    for data in (config, *layers):
        push_blob(client, repo, data)
    assert put_manifest(client, repo, tag, manifest_of(config, *layers)).status_code == 201
    return artifact(repo, tag)


def listed(client: TestClient, image: str, /, **query: Any) -> Any:
    """The list of files, which must come."""
    answer = client.get(f"{image}/files", params=query, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["ready"], found
    return found


def names(client: TestClient, image: str, where: str = "/", **query: Any) -> list[str]:
    return [each["name"] for each in listed(client, image, path=where, **query)["files"]]


def content(client: TestClient, path: str, file: str, **query: Any) -> Any:
    return client.get(f"{path}/files/content", params={"path": file, **query}, auth=ADMIN)


def problem(client: TestClient, path: str) -> str:
    """What is wrong with the only layer."""
    (layer,) = listed(client, path)["layers"]
    return str(layer.get("problem", ""))
