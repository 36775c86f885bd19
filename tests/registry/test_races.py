"""Pushing and deleting at once: whatever the order, nothing that is served lacks a part."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import Start
from tests.make import (
    ADMIN,
    OCI_INDEX,
    OCI_MANIFEST,
    descriptor,
    index_of,
    manifest_of,
    push_blob,
    push_image,
    put_manifest,
    sha256,
)

ROUNDS = 5
Work = Callable[[], Any]


def at_once(*works: Work) -> list[int]:
    """The statuses of requests that begin at the same moment."""
    shuffled = random.sample(works, len(works))
    with ThreadPoolExecutor(len(works)) as pool:
        return [int(each.result().status_code) for each in [pool.submit(w) for w in shuffled]]


def exists(client: TestClient, path: str) -> bool:
    answer = client.get(path, auth=ADMIN)
    assert answer.status_code in (200, 404), answer.text
    return answer.status_code == 200


def check(client: TestClient, repo: str, *references: str) -> None:
    """Whatever is served has all that it names, and every tag leads somewhere."""
    listed = client.get(f"/v2/{repo}/tags/list", auth=ADMIN)
    tags = listed.json()["tags"] if listed.status_code == 200 else []
    for tag in tags:
        assert exists(client, f"/v2/{repo}/manifests/{tag}")
    for reference in (*tags, *references):
        answer = client.get(f"/v2/{repo}/manifests/{reference}", auth=ADMIN)
        if answer.status_code == 404:
            continue
        document = answer.json()
        for child in document.get("manifests", ()):
            assert exists(client, f"/v2/{repo}/manifests/{child['digest']}")
        for each in [document["config"], *document["layers"]] if "config" in document else []:
            assert exists(client, f"/v2/{repo}/blobs/{each['digest']}")


def delete(client: TestClient, path: str) -> Work:
    return lambda: client.delete(path, auth=ADMIN)


def get(client: TestClient, path: str) -> Work:
    return lambda: client.get(path, auth=ADMIN)


def upload(client: TestClient, repo: str, data: bytes) -> Work:
    path, params = f"/v2/{repo}/blobs/uploads/", {"digest": sha256(data)}
    return lambda: client.post(path, params=params, content=data, auth=ADMIN)


def put(client: TestClient, repo: str, reference: str, document: Any) -> Work:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    kind = OCI_INDEX if b'"manifests"' in raw else OCI_MANIFEST
    return lambda: put_manifest(client, repo, reference, raw, media_type=kind)


def test_a_blob_is_not_taken_from_under_a_manifest(shared: TestClient, repo: str) -> None:
    document = manifest_of(b"config", b"layer")
    for number in range(ROUNDS):
        for data in (b"config", b"layer"):
            push_blob(shared, repo, data)
        found = at_once(
            put(shared, repo, "1.0", document | {"annotations": {"n": str(number)}}),
            delete(shared, f"/v2/{repo}/blobs/{sha256(b'layer')}"),
        )
        assert sorted(found) in ([201, 405], [202, 400])
        check(shared, repo)
        shared.delete(f"/v2/{repo}/manifests/1.0", auth=ADMIN)


def test_a_child_is_not_taken_from_under_an_index(shared: TestClient, repo: str) -> None:
    for _ in range(ROUNDS):
        child = push_image(shared, repo)
        index = json.dumps(index_of(child)).encode()
        found = at_once(
            put(shared, repo, "multi", index),
            delete(shared, f"/v2/{repo}/manifests/{child.digest}"),
        )
        assert sorted(found) in ([201, 412], [202, 400])
        check(shared, repo, sha256(index))
        for digest in (sha256(index), child.digest):
            shared.delete(f"/v2/{repo}/manifests/{digest}", auth=ADMIN)


def test_a_tag_never_points_at_what_is_gone(shared: TestClient, repo: str) -> None:
    for number in range(ROUNDS):
        image = push_image(shared, repo)
        found = at_once(
            put(shared, repo, f"t{number}", image.raw),
            put(shared, repo, "1.0", image.raw),
            delete(shared, f"/v2/{repo}/manifests/{image.digest}"),
            delete(shared, f"/v2/{repo}/manifests/1.0"),
        )
        assert max(found) < 500, found
        check(shared, repo, image.digest)


def test_a_subject_and_what_speaks_about_it_do_not_deadlock(shared: TestClient, repo: str) -> None:
    push_blob(shared, repo, b"{}")
    for number in range(ROUNDS):
        image = push_image(shared, repo)
        about = manifest_of(b"{}", subject=descriptor(image.raw, OCI_MANIFEST))
        raws = [json.dumps(about | {"annotations": {"n": f"{number}{x}"}}).encode() for x in "ab"]
        puts = [put(shared, repo, sha256(raw), raw) for raw in raws]
        digests = [image.digest, *map(sha256, raws)]
        deletes = [delete(shared, f"/v2/{repo}/manifests/{digest}") for digest in digests]
        found = at_once(*puts, *deletes)
        assert max(found) < 500, found
        check(shared, repo, *digests)


@pytest.mark.parametrize("servers", [1, 2])
def test_all_at_once(start: Start, servers: int) -> None:
    """Clients push, pull and delete the same few things, at one server or at two."""
    clients = [start() for _ in range(servers)]
    repo = "library/app"
    blobs = [b"config", b"one", b"two"]
    documents = [manifest_of(b"config", b"one"), manifest_of(b"config", b"two")]
    raws = [json.dumps(document).encode() for document in documents]
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [descriptor(raw, OCI_MANIFEST) for raw in raws],
        }
    ).encode()
    digests = [sha256(raw) for raw in (*raws, index)]
    bad: list[Any] = []

    def run(seed: int) -> None:
        dice, client = random.Random(seed), clients[seed % servers]
        for _ in range(15):
            blob = dice.choice(blobs)
            digest, tag = dice.choice(digests), dice.choice("abc")
            answer = dice.choice(
                [
                    upload(client, repo, blob),
                    put(client, repo, tag, raws[0]),
                    put(client, repo, tag, raws[1]),
                    put(client, repo, tag, index),
                    get(client, f"/v2/{repo}/manifests/{tag}"),
                    delete(client, f"/v2/{repo}/manifests/{tag}"),
                    delete(client, f"/v2/{repo}/manifests/{digest}"),
                    delete(client, f"/v2/{repo}/blobs/{sha256(blob)}"),
                ]
            )()
            if answer.status_code >= 500:
                bad.append((answer.request.method, answer.request.url.path, answer.text))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    assert bad == []
    check(clients[0], repo, *digests)
