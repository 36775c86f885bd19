"""Deleting tags and manifests."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    Pushed,
    error_of,
    message_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
    sha512,
)


def delete(client: TestClient, repo: str, reference: str) -> Any:
    return client.delete(f"/v2/{repo}/manifests/{reference}", auth=ADMIN)


def is_there(client: TestClient, repo: str, reference: str) -> bool:
    answer = client.head(f"/v2/{repo}/manifests/{reference}", auth=ADMIN)
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


def tags(client: TestClient, repo: str) -> list[str]:
    found: list[str] = client.get(f"/v2/{repo}/tags/list", auth=ADMIN).json()["tags"]
    return found


def test_a_tag_is_deleted_and_its_manifest_stays(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    answer = delete(shared, repo, "1.0")
    assert answer.status_code == 202
    assert answer.content == b""
    assert not is_there(shared, repo, "1.0")
    assert is_there(shared, repo, image.digest)


def test_other_tags_of_the_manifest_stay(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "a")
    put_manifest(shared, repo, "b", image.raw)
    delete(shared, repo, "a")
    assert tags(shared, repo) == ["b"]


def test_a_manifest_is_deleted_with_all_its_tags(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "a")
    put_manifest(shared, repo, "b", image.raw)
    other = push_image(shared, repo, "other")
    assert delete(shared, repo, image.digest).status_code == 202
    assert not is_there(shared, repo, image.digest)
    assert tags(shared, repo) == ["other"]
    assert is_there(shared, repo, other.digest)


def test_a_manifest_pushed_by_sha512_is_deleted_by_it(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    digest = sha512(image.raw)
    assert put_manifest(shared, repo, digest, image.raw).status_code == 201
    assert delete(shared, repo, digest).status_code == 202
    assert not is_there(shared, repo, digest)
    assert is_there(shared, repo, image.digest)


@pytest.mark.parametrize("reference", ["none", sha256(b"none")])
def test_what_is_not_there_is_not_deleted(shared: TestClient, repo: str, reference: str) -> None:
    assert delete(shared, repo, reference).status_code == 404
    push_image(shared, repo)
    assert error_of(delete(shared, repo, reference)) == (404, "MANIFEST_UNKNOWN")


def test_a_repository_that_never_was_is_unknown(shared: TestClient, repo: str) -> None:
    for reference in ("none", sha256(b"none")):
        assert error_of(delete(shared, repo, reference)) == (404, "NAME_UNKNOWN")


def test_deleting_twice_fails_the_second_time(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    for reference in ("1.0", image.digest):
        assert delete(shared, repo, reference).status_code == 202
        assert delete(shared, repo, reference).status_code == 404


def test_what_was_deleted_can_be_pushed_again(shared: TestClient, repo: str) -> None:
    first = push_image(shared, repo)
    delete(shared, repo, first.digest)
    again = push_image(shared, repo)
    assert again.digest == first.digest
    assert is_there(shared, repo, "1.0")


def test_its_blobs_go_with_it(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    delete(shared, repo, image.digest)
    for blob in image.blobs:
        answer = shared.get(f"/v2/{repo}/blobs/{sha256(blob)}", auth=ADMIN)
        assert error_of(answer) == (404, "BLOB_UNKNOWN")


def test_a_push_that_has_seen_its_blobs_succeeds(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    delete(shared, repo, image.digest)
    assert put_manifest(shared, repo, "1.0", image.raw).status_code == 201
    for blob in image.blobs:
        answer = shared.get(f"/v2/{repo}/blobs/{sha256(blob)}", auth=ADMIN)
        assert answer.content == blob


def test_a_child_of_an_index_is_not_deleted(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    index = push_index(shared, repo, "multi", child)
    refused = delete(shared, repo, child.digest)
    assert error_of(refused) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    assert message_of(refused) == "the deleting artifact is referenced by others"
    assert is_there(shared, repo, child.digest)
    assert delete(shared, repo, index.digest).status_code == 202
    assert is_there(shared, repo, child.digest)
    assert delete(shared, repo, child.digest).status_code == 202


def test_the_tag_of_a_child_may_go(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    push_index(shared, repo, "multi", child)
    assert delete(shared, repo, "1.0").status_code == 202
    assert is_there(shared, repo, child.digest)


def test_a_child_of_two_indexes_waits_for_both(shared: TestClient, repo: str) -> None:
    child = push_image(shared, repo)
    one = push_index(shared, repo, "one", child)
    two = push_index(shared, repo, "two", child, annotations={"n": "2"})
    assert delete(shared, repo, one.digest).status_code == 202
    assert delete(shared, repo, child.digest).status_code == 412
    assert delete(shared, repo, two.digest).status_code == 202
    assert delete(shared, repo, child.digest).status_code == 202


def with_accessories(client: TestClient, repo: str) -> tuple[Pushed, list[Pushed]]:
    """An image, its signature, and a signature of that one."""
    image = push_image(client, repo)
    signature = push_referrer(client, repo, image, "application/vnd.cncf.notary.signature")
    nested = push_referrer(client, repo, signature, "application/vnd.example.about")
    return image, [signature, nested]


def test_what_speaks_about_a_manifest_goes_with_it(shared: TestClient, repo: str) -> None:
    image, accessories = with_accessories(shared, repo)
    assert delete(shared, repo, image.digest).status_code == 202
    for each in accessories:
        assert not is_there(shared, repo, each.digest)


def test_an_accessory_goes_without_its_subject(shared: TestClient, repo: str) -> None:
    image, (signature, nested) = with_accessories(shared, repo)
    assert delete(shared, repo, signature.digest).status_code == 202
    assert not is_there(shared, repo, nested.digest)
    assert is_there(shared, repo, image.digest)
    listed = shared.get(f"/v2/{repo}/referrers/{image.digest}", auth=ADMIN).json()
    assert listed["manifests"] == []


def test_an_accessory_in_an_index_holds_its_subject(shared: TestClient, repo: str) -> None:
    """Nothing is deleted in part."""
    image, (signature, nested) = with_accessories(shared, repo)
    push_index(shared, repo, "multi", signature)
    assert delete(shared, repo, image.digest).status_code == 412
    for each in (image, signature, nested):
        assert is_there(shared, repo, each.digest)
    assert tags(shared, repo) == ["1.0", "multi"]


def test_a_signature_by_tag_goes_with_what_it_signs(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    tag = image.digest.replace(":", "-") + ".sig"
    layer = {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}
    blob = image.blobs[1]
    layers = [layer | {"digest": sha256(blob), "size": len(blob)}]
    signature = push_image(shared, repo, tag, layers=layers)
    assert delete(shared, repo, image.digest).status_code == 202
    assert not is_there(shared, repo, signature.digest)
    assert tags(shared, repo) == []


def test_a_chain_of_accessories_goes_as_a_whole(shared: TestClient, repo: str) -> None:
    chain = [push_image(shared, repo)]
    for number in range(20):
        chain.append(push_referrer(shared, repo, chain[-1], f"application/vnd.n{number}"))
    assert delete(shared, repo, chain[0].digest).status_code == 202
    assert not any(is_there(shared, repo, each.digest) for each in chain)


def test_two_signatures_of_each_other_go_together(shared: TestClient, repo: str) -> None:
    """Tags name a subject without knowing its digest beforehand, so there can be circles."""
    layer = {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}
    layer |= {"digest": push_blob(shared, repo, b"{}"), "size": 2}  # type: ignore[dict-item]
    one, two = (push_image(shared, repo, tag, layers=[layer]) for tag in ("one", "two"))
    for each, other in ((one, two), (two, one)):
        tag = other.digest.replace(":", "-") + ".sig"
        assert put_manifest(shared, repo, tag, each.raw).status_code == 201
    assert delete(shared, repo, one.digest).status_code == 202
    assert tags(shared, repo) == []
    assert not is_there(shared, repo, two.digest)


def test_a_signature_of_itself_can_be_deleted(shared: TestClient, repo: str) -> None:
    layer = {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}
    layer |= {"digest": push_blob(shared, repo, b"{}"), "size": 2}  # type: ignore[dict-item]
    image = push_image(shared, repo, layers=[layer])
    tag = image.digest.replace(":", "-") + ".sig"
    assert put_manifest(shared, repo, tag, image.raw).status_code == 201
    assert delete(shared, repo, image.digest).status_code == 202
    assert tags(shared, repo) == []
