"""Fetching manifests: by tag and digest, whole or only their head."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Pushed,
    error_of,
    message_of,
    push_image,
    push_index,
    sha256,
    sha512,
)
from tests.registry.servers import ask, basic, project_of

REPO = "library/pulled"


@pytest.fixture(scope="module")
def image(shared: TestClient) -> Pushed:
    return push_image(shared, REPO)


def get(client: TestClient, reference: str, method: str = "GET", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request(method, f"/v2/{REPO}/manifests/{reference}", headers=named, auth=ADMIN)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("by", ["tag", "digest"])
def test_a_manifest_is_fetched(shared: TestClient, image: Pushed, by: str, method: str) -> None:
    answer = get(shared, "1.0" if by == "tag" else image.digest, method)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers.pop("x-request-id")
    assert answer.status_code == 200
    assert headers == {
        "content-type": OCI_MANIFEST,
        "content-length": str(len(image.raw)),
        "docker-content-digest": image.digest,
        "etag": f'"{image.digest}"',
        "docker-distribution-api-version": "registry/2.0",
    }
    assert answer.content == (image.raw if method == "GET" else b"")


def test_a_head_is_sent_without_a_body(shared: TestClient, image: Pushed) -> None:
    path = f"/v2/{REPO}/manifests/{image.digest}"
    assert ask(shared, "HEAD", path, headers=[basic()]).content == b""


@pytest.mark.parametrize("reference", ["none", "2.0", sha256(b"none"), sha512(b"none"), "1.0x"])
def test_an_unknown_manifest_is_not_found(
    shared: TestClient, image: Pushed, reference: str
) -> None:
    answer = get(shared, reference)
    assert error_of(answer) == (404, "MANIFEST_UNKNOWN")
    joined = f"@{reference}" if ":" in reference else f":{reference}"
    assert message_of(answer) == f"artifact {REPO}{joined} not found"
    assert get(shared, reference, "HEAD").status_code == 404


def test_cosign_is_told_plainly_that_there_is_no_signature(
    shared: TestClient, image: Pushed
) -> None:
    tag = image.digest.replace(":", "-") + ".sig"
    assert get(shared, tag).status_code == 404
    assert get(shared, tag, "HEAD").status_code == 404


@pytest.mark.parametrize("name", ["library/other", "library/never/pushed"])
def test_a_manifest_is_served_in_its_repository_only(
    shared: TestClient, image: Pushed, name: str
) -> None:
    for reference in ("1.0", image.digest):
        answer = shared.get(f"/v2/{name}/manifests/{reference}", auth=ADMIN)
        assert error_of(answer) == (404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize("reference", [".a", "-", 129 * "x", "a+b", "é", "a%20b", "%00", "a%2Fb"])
def test_what_is_neither_tag_nor_digest_was_never_pushed(
    shared: TestClient, reference: str
) -> None:
    for method in ("GET", "HEAD", "DELETE"):
        answer = get(shared, reference, method)
        assert answer.status_code == 404
        if method != "HEAD":
            assert message_of(answer).startswith("invalid reference format")


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + 32 * "0", ":", "sha256:" + 64 * "A"])
def test_what_is_no_digest_is_refused(shared: TestClient, digest: str) -> None:
    assert error_of(get(shared, digest)) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', '"x", "{}"', "*"])
def test_what_a_client_has_already_is_not_sent_again(
    shared: TestClient, image: Pushed, form: str, method: str
) -> None:
    answer = get(shared, "1.0", method, If_None_Match=form.format(image.digest))
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["ETag"] == f'"{image.digest}"'
    assert answer.headers["Docker-Content-Digest"] == image.digest


def test_a_moved_tag_is_sent(shared: TestClient, repo: str) -> None:
    old = push_image(shared, repo, "latest")
    new = push_image(shared, repo, "latest", annotations={"n": "2"})
    headers = {"If-None-Match": f'"{old.digest}"'}
    answer = shared.get(f"/v2/{repo}/manifests/latest", headers=headers, auth=ADMIN)
    assert answer.status_code == 200
    assert answer.content == new.raw


@pytest.mark.parametrize(
    "accept", [DOCKER_MANIFEST, OCI_INDEX, "text/plain", "*/*;q=0", "", "nonsense,,"]
)
def test_what_a_client_accepts_changes_nothing(
    shared: TestClient, image: Pushed, accept: str
) -> None:
    answer = get(shared, "1.0", Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == OCI_MANIFEST
    assert answer.content == image.raw


def test_an_index_is_not_replaced_by_one_of_its_children(shared: TestClient, repo: str) -> None:
    index = push_index(shared, repo, "multi", push_image(shared, repo))
    headers = {"Accept": OCI_MANIFEST}
    answer = shared.get(f"/v2/{repo}/manifests/multi", headers=headers, auth=ADMIN)
    assert answer.content == index.raw
    assert answer.headers["Content-Type"] == OCI_INDEX


def test_one_digest_in_two_repositories_is_two_things(shared: TestClient, repo: str) -> None:
    """Deleting one leaves the other."""
    other = f"{project_of(repo)}/other"
    image = push_image(shared, repo)
    for blob in image.blobs:
        params = {"digest": sha256(blob)}
        shared.post(f"/v2/{other}/blobs/uploads/", params=params, content=blob, auth=ADMIN)
    pushed = shared.put(
        f"/v2/{other}/manifests/1.0",
        content=image.raw,
        headers={"Content-Type": OCI_MANIFEST},
        auth=ADMIN,
    )
    assert pushed.status_code == 201
    path = f"manifests/{image.digest}"
    assert shared.delete(f"/v2/{repo}/{path}", auth=ADMIN).status_code == 202
    assert shared.get(f"/v2/{repo}/{path}", auth=ADMIN).status_code == 404
    assert shared.get(f"/v2/{other}/{path}", auth=ADMIN).content == image.raw
