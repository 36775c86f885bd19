"""Copying while others push, delete and copy the other way: what is there is whole, and charged."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, repository
from tests.artifacts.test_copying import copy
from tests.conftest import Start
from tests.make import ADMIN, make_project, push_image, push_index, push_referrer
from tests.quotas.storage import held, used

Work = Callable[[], Any]
SBOM = "application/spdx+json"
PROJECTS = ("one", "two")


@pytest.mark.parametrize("servers", [1, 2])
def test_what_is_copied_is_whole_whatever_else_is_done(start: Start, servers: int) -> None:
    clients = [start() for _ in range(servers)]
    first = clients[0]
    for project in PROJECTS:
        make_project(first, project)
    repos = [f"{project}/{name}" for project in PROJECTS for name in ("app", "web")]
    raws: list[bytes] = []
    contents: list[bytes] = []
    for repo in repos[::2]:
        child = push_image(first, repo, "child")
        index = push_index(first, repo, "v1", child)
        sbom = push_referrer(first, repo, index, SBOM)
        raws += [child.raw, index.raw, sbom.raw]
        contents += [*child.blobs, b"{}"]
    failed: list[str] = []

    def run(seed: int) -> None:
        dice, client = random.Random(seed), clients[seed % servers]
        for _ in range(12):
            source, target = dice.choice(repos), dice.choice(repos)
            works: list[Work] = [
                partial(copy, client, f"{source}:v1", target),
                partial(copy, client, f"{source}:child", target),
                partial(client.delete, artifact(target, "v1"), auth=ADMIN),
                partial(client.delete, f"{artifact(target, 'v1')}/tags/v1", auth=ADMIN),
                partial(client.delete, repository(target), auth=ADMIN),
            ]
            answer = dice.choices(works, [6, 6, 1, 1, 1])[0]()
            if answer.status_code >= 500:
                failed.append(f"{answer.request.method} {answer.request.url}: {answer.text}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    assert failed == []
    for project in PROJECTS:
        found: dict[str, int] = {}
        for repo in [each for each in repos if each.startswith(project)]:
            found |= held(first, repo, "manifests", raws)
            found |= held(first, repo, "blobs", contents)
            check_whole(first, repo, raws)
        assert used(first, project) == sum(found.values())


def check_whole(client: TestClient, repo: str, raws: list[bytes]) -> None:
    """Every manifest that is served has all that it names."""
    for raw_digest in held(client, repo, "manifests", raws):
        document = client.get(f"/v2/{repo}/manifests/{raw_digest}", auth=ADMIN).json()
        for child in document.get("manifests", ()):
            path = f"/v2/{repo}/manifests/{child['digest']}"
            assert client.head(path, auth=ADMIN).status_code == 200
        for each in [document["config"], *document["layers"]] if "config" in document else []:
            path = f"/v2/{repo}/blobs/{each['digest']}"
            assert client.head(path, auth=ADMIN).status_code == 200
