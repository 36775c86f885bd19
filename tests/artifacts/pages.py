"""The pages of repositories and artifacts as a test reads them."""

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact
from tests.make import ADMIN, Login, descriptor, manifest_of, push_blob, put_manifest
from tests.projects.pages import project_id

NOTATION = "application/vnd.cncf.notary.signature"
CHART = "application/vnd.cncf.helm.config.v1+json"
COSIGN = "application/vnd.dev.cosign.artifact.sig.v1+json"


@pytest.fixture
def app(client: TestClient, people: dict[str, Any]) -> str:
    """The path of the artifacts of ``team/app``, in which everybody has a role."""
    return f"/harbor/projects/{project_id(client, 'team')}/repositories/app/artifacts-tab"


def show(client: TestClient, path: str, login: Login | None = ADMIN, **params: Any) -> Any:
    """The page at *path*, which must be there."""
    page = client.get(path, params=params or None, auth=login)
    assert page.status_code == 200, page.text
    return page


def listed(client: TestClient, path: str, **params: Any) -> list[str]:
    """The digests that a list shows, in its order."""
    page = show(client, path, **params).text
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].split('class="artifact"')[1:]
    return [found[0] for row in rows if (found := re.findall(r'title="(sha256:\w+)"', row))]


def push(client: TestClient, repo: str, tag: str, media_type: str, config: Any, **more: Any) -> str:
    """Something with that config and a small layer; return its digest."""
    raw, layer = json.dumps(config).encode(), f"content of {tag}".encode()
    for data in (raw, layer):
        push_blob(client, repo, data)
    document = manifest_of(raw, layer) | {"config": descriptor(raw, media_type)} | more
    answer = put_manifest(client, repo, tag, document)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Docker-Content-Digest"])


def id_of(client: TestClient, repo: str, reference: str) -> int:
    return int(client.get(artifact(repo, reference), auth=ADMIN).json()["id"])
