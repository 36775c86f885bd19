"""Taking blobs out of a repository."""

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    add_member,
    error_of,
    make_user,
    message_of,
    push_blob,
    push_image,
    push_index,
    sha256,
)
from tests.registry.servers import project_of


def delete(client: TestClient, repo: str, digest: str) -> tuple[int, str]:
    answer = client.delete(f"/v2/{repo}/blobs/{digest}", auth=ADMIN)
    if answer.status_code == 202:
        assert answer.content == b""
        return 202, ""
    return error_of(answer)


def is_there(client: TestClient, repo: str, digest: str) -> bool:
    return client.head(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 200


def test_a_blob_that_nothing_needs_is_taken_out(shared: TestClient, repo: str) -> None:
    digest = push_blob(shared, repo, b"spare")
    assert delete(shared, repo, digest) == (202, "")
    assert not is_there(shared, repo, digest)
    assert error_of(shared.get(f"/v2/{repo}/blobs/{digest}", auth=ADMIN)) == (404, "BLOB_UNKNOWN")
    assert delete(shared, repo, digest) == (404, "BLOB_UNKNOWN")


def test_it_can_be_pushed_again(shared: TestClient, repo: str) -> None:
    digest = push_blob(shared, repo, b"spare")
    delete(shared, repo, digest)
    push_blob(shared, repo, b"spare")
    assert shared.get(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).content == b"spare"


def test_other_repositories_keep_theirs(shared: TestClient, repo: str) -> None:
    other = f"{project_of(repo)}/other"
    for name in (repo, other):
        digest = push_blob(shared, name, b"shared")
    delete(shared, repo, digest)
    assert not is_there(shared, repo, digest)
    assert is_there(shared, other, digest)


@pytest.mark.parametrize("which", [0, 1], ids=["config", "layer"])
def test_a_blob_that_a_manifest_needs_stays(shared: TestClient, repo: str, which: int) -> None:
    image = push_image(shared, repo)
    digest = sha256(image.blobs[which])
    refused = shared.delete(f"/v2/{repo}/blobs/{digest}", auth=ADMIN)
    assert error_of(refused) == (405, "UNSUPPORTED")
    assert image.digest in message_of(refused)
    assert is_there(shared, repo, digest)


def test_once_the_manifest_is_gone_so_are_its_blobs(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    deleted = shared.delete(f"/v2/{repo}/manifests/{image.digest}", auth=ADMIN)
    assert deleted.status_code == 202
    for blob in image.blobs:
        assert delete(shared, repo, sha256(blob)) == (404, "BLOB_UNKNOWN")


def test_a_blob_that_is_sent_again_may_be_deleted(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    shared.delete(f"/v2/{repo}/manifests/{image.digest}", auth=ADMIN)
    for blob in image.blobs:
        push_blob(shared, repo, blob)
        assert delete(shared, repo, sha256(blob)) == (202, "")


def test_an_untagged_manifest_still_needs_its_blobs(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    assert shared.delete(f"/v2/{repo}/manifests/1.0", auth=ADMIN).status_code == 202
    assert delete(shared, repo, sha256(image.blobs[0])) == (405, "UNSUPPORTED")


def test_an_image_in_another_repository_needs_nothing_here(shared: TestClient, repo: str) -> None:
    image = push_image(shared, f"{project_of(repo)}/other")
    digest = push_blob(shared, repo, image.blobs[0])
    assert delete(shared, repo, digest) == (202, "")


def test_a_blob_of_a_child_of_an_index_stays(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    push_index(shared, repo, "multi", child)
    assert delete(shared, repo, sha256(child.blobs[1])) == (405, "UNSUPPORTED")


def test_a_developer_may_not(shared: TestClient, repo: str) -> None:
    dev = make_user(shared, f"dev-{project_of(repo)}")
    add_member(shared, project_of(repo), dev, 2)
    digest = push_blob(shared, repo, b"mine", dev)
    refused = shared.delete(f"/v2/{repo}/blobs/{digest}", auth=dev)
    assert error_of(refused) == (401, "UNAUTHORIZED")
    assert is_there(shared, repo, digest)


def test_a_blob_of_a_repository_that_never_was_is_unknown(shared: TestClient, repo: str) -> None:
    assert delete(shared, repo, sha256(b"x")) == (404, "BLOB_UNKNOWN")
