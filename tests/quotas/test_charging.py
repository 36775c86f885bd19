"""What a project is charged for: blobs and manifests, each once."""

import json

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
    sha512,
)
from tests.quotas.roads import ROADS, Road
from tests.quotas.storage import begin, make_limited, mount, put, quota_of, used

DATA = b"a layer of some bytes"
SIZE = len(DATA)


@pytest.fixture
def project(shared: TestClient) -> str:
    return make_limited(shared)


def test_a_new_project_uses_nothing(shared: TestClient, project: str) -> None:
    assert used(shared, project) == 0


@pytest.mark.parametrize("road", ROADS)
def test_a_blob_counts_on_whichever_road_it_comes(
    shared: TestClient, project: str, road: Road
) -> None:
    assert road(shared, f"{project}/app", DATA).status_code == 201
    assert used(shared, project) == SIZE


@pytest.mark.parametrize("road", ROADS)
def test_a_blob_counts_once_in_however_many_repositories(
    shared: TestClient, project: str, road: Road
) -> None:
    push_blob(shared, f"{project}/first", DATA)
    for repo in ("app", "app", "web"):
        assert road(shared, f"{project}/{repo}", DATA).status_code == 201
    assert used(shared, project) == SIZE


def test_a_blob_counts_in_each_project(shared: TestClient, project: str) -> None:
    other = make_limited(shared)
    for name in (project, other):
        push_blob(shared, f"{name}/app", DATA)
    assert [used(shared, name) for name in (project, other)] == [SIZE, SIZE]


def test_a_mount_within_the_project_costs_nothing(shared: TestClient, project: str) -> None:
    push_blob(shared, f"{project}/app", DATA)
    for source in ("", f"{project}/app"):
        assert mount(shared, f"{project}/web", sha256(DATA), source).status_code == 201
    assert used(shared, project) == SIZE


def test_the_same_bytes_under_two_digests_are_two_blobs(shared: TestClient, project: str) -> None:
    for digest in (sha256(DATA), sha512(DATA)):
        assert put(shared, begin(shared, f"{project}/app"), digest, DATA).status_code == 201
    assert used(shared, project) == 2 * SIZE


def test_what_is_on_its_way_does_not_count(shared: TestClient, project: str) -> None:
    location = begin(shared, f"{project}/app")
    assert shared.patch(location, content=DATA, auth=ADMIN).status_code == 202
    assert used(shared, project) == 0


def test_what_never_became_a_blob_does_not_count(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    assert put(shared, begin(shared, repo), sha256(b"other"), DATA).status_code == 400
    assert mount(shared, repo, sha256(b"nowhere"), "library/base").status_code == 202
    assert shared.delete(begin(shared, repo), auth=ADMIN).status_code == 204
    assert used(shared, project) == 0


def test_an_empty_blob_counts_nothing(shared: TestClient, project: str) -> None:
    push_blob(shared, f"{project}/app", b"")
    assert used(shared, project) == 0


def test_a_manifest_counts_beside_its_blobs(shared: TestClient, project: str) -> None:
    image = push_image(shared, f"{project}/app")
    assert used(shared, project) == len(image.raw) + sum(map(len, image.blobs))


def test_a_manifest_counts_once_under_all_its_names(shared: TestClient, project: str) -> None:
    image = push_image(shared, f"{project}/app")
    for blob in image.blobs:
        push_blob(shared, f"{project}/web", blob)
    before = used(shared, project)
    for repo, reference in (("app", "2.0"), ("app", image.digest), ("web", "1.0")):
        assert put_manifest(shared, f"{project}/{repo}", reference, image.raw).status_code == 201
    assert used(shared, project) == before


def test_an_index_counts_its_own_bytes(shared: TestClient, project: str) -> None:
    child = push_image(shared, f"{project}/app")
    before = used(shared, project)
    index = push_index(shared, f"{project}/app", "multi", child)
    assert used(shared, project) == before + len(index.raw)


def test_an_accessory_counts_too(shared: TestClient, project: str) -> None:
    image = push_image(shared, f"{project}/app")
    before = used(shared, project)
    signature = push_referrer(shared, f"{project}/app", image, "application/vnd.example.signature")
    assert used(shared, project) == before + len(signature.raw) + len(b"{}")


def test_a_manifest_that_was_a_blob_before_counts_once(shared: TestClient, project: str) -> None:
    repo = f"{project}/app"
    push_blob(shared, repo, DATA)
    raw = json.dumps(manifest_of(DATA)).encode()
    push_blob(shared, repo, raw)
    assert put_manifest(shared, repo, "1.0", raw).status_code == 201
    assert used(shared, project) == SIZE + len(raw)


def test_a_foreign_layer_that_is_not_here_counts_nothing(shared: TestClient, project: str) -> None:
    push_blob(shared, f"{project}/app", DATA)
    foreign = {
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "digest": sha256(b"elsewhere"),
        "size": 10**9,
        "urls": ["https://example.com/layer"],
    }
    raw = json.dumps(manifest_of(DATA) | {"layers": [foreign]}).encode()
    assert put_manifest(shared, f"{project}/app", "1.0", raw).status_code == 201
    assert used(shared, project) == SIZE + len(raw)


def test_a_manifest_that_is_refused_counts_nothing(shared: TestClient, project: str) -> None:
    document = manifest_of(DATA)
    assert put_manifest(shared, f"{project}/app", "1.0", document).status_code == 400
    assert used(shared, project) == 0


def test_usage_tells_when_it_changed(shared: TestClient, project: str) -> None:
    before = quota_of(shared, project)
    push_blob(shared, f"{project}/app", DATA)
    after = quota_of(shared, project)
    assert after["update_time"] > before["update_time"]
    assert after["creation_time"] == before["creation_time"]
