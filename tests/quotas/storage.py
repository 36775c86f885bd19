"""How much a project may store and does, as the API says, and as its contents say."""

import itertools
import uuid
from collections.abc import Iterable
from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, API, error_of, message_of, push_blob, put_manifest, sha256

numbers = itertools.count(1)
NONE = -1


def make_limited(client: TestClient, nbytes: int = NONE) -> str:
    """The name of a new project that may store so much."""
    name = f"q{next(numbers)}-{uuid.uuid4().hex[:8]}"
    body = {"project_name": name, "storage_limit": nbytes}
    made = client.post(f"{API}/projects", json=body, auth=ADMIN)
    assert made.status_code == 201, made.text
    return name


def quota_of(client: TestClient, project: str) -> dict[str, Any]:
    project_id = client.get(f"{API}/projects/{project}", auth=ADMIN).json()["project_id"]
    asked = {"reference": "project", "reference_id": str(project_id)}
    (found,) = client.get(f"{API}/quotas", params=asked, auth=ADMIN).json()
    assert found["ref"]["name"] == project
    return dict(found)


def used(client: TestClient, project: str) -> int:
    return int(quota_of(client, project)["used"]["storage"])


def limit(client: TestClient, project: str, nbytes: int) -> None:
    path = f"{API}/quotas/{quota_of(client, project)['id']}"
    answer = client.put(path, json={"hard": {"storage": nbytes}}, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def held(client: TestClient, repo: str, kind: str, contents: Iterable[bytes]) -> dict[str, int]:
    """What of *contents* can be read as ``blobs`` or ``manifests``: bytes by digest."""
    found = {}
    for digest in map(sha256, contents):
        answer = client.head(f"/v2/{repo}/{kind}/{digest}", auth=ADMIN)
        assert answer.status_code in (200, 404), answer.text
        if answer.status_code == 200:
            found[digest] = int(answer.headers["Content-Length"])
    return found


def post(client: TestClient, repo: str, data: bytes) -> Any:
    """Push a blob in one request."""
    path, asked = f"/v2/{repo}/blobs/uploads/", {"digest": sha256(data)}
    return client.post(path, params=asked, content=data, auth=ADMIN)


def mount(client: TestClient, repo: str, digest: str, source: str = "") -> Any:
    asked = {"mount": digest} | ({"from": source} if source else {})
    return client.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)


def begin(client: TestClient, repo: str) -> str:
    started = client.post(f"/v2/{repo}/blobs/uploads/", auth=ADMIN)
    assert started.status_code == 202, started.text
    return str(started.headers["Location"])


def put(client: TestClient, location: str, digest: str, body: Any = b"") -> Any:
    return client.put(location, params={"digest": digest}, content=body, auth=ADMIN)


def delete(client: TestClient, repo: str, kind: str, reference: str) -> int:
    return int(client.delete(f"/v2/{repo}/{kind}/{reference}", auth=ADMIN).status_code)


def denied(answer: Any) -> str:
    """The message of a refusal, which this must be."""
    assert error_of(answer) == (403, "DENIED"), answer.text
    return message_of(answer)


def push(client: TestClient, repo: str, tag: str, document: bytes, *blobs: bytes) -> str:
    """An image: its blobs and its manifest; its digest."""
    for data in blobs:
        push_blob(client, repo, data)
    answer = put_manifest(client, repo, tag, document)
    assert answer.status_code == 201, answer.text
    return sha256(document)
