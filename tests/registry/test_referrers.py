"""Referrers: what speaks about a manifest, as the OCI index that lists it."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    CONFIG,
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    Pushed,
    descriptor,
    error_of,
    index_of,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
    sha512,
)
from tests.registry.servers import project_of

SBOM, SIGNATURE = "application/vnd.example.sbom", "application/vnd.cncf.notary.signature"


def get(client: TestClient, repo: str, subject: str, **params: str) -> Any:
    return client.get(f"/v2/{repo}/referrers/{subject}", params=params, auth=ADMIN)


def listed(client: TestClient, repo: str, subject: str, **params: str) -> list[str]:
    """The digests in the list."""
    answer = get(client, repo, subject, **params)
    assert answer.status_code == 200, answer.text
    digests = [each["digest"] for each in answer.json()["manifests"]]
    assert answer.headers["X-Total-Count"] == str(len(digests))
    return digests


def test_nothing_speaks_about_a_new_manifest(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    answer = get(shared, repo, image.digest)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == OCI_INDEX
    assert answer.headers["X-Total-Count"] == "0"
    assert "OCI-Filters-Applied" not in answer.headers
    assert answer.json() == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


@pytest.mark.parametrize("digest", [sha256(b"none"), sha512(b"none")])
def test_an_unknown_manifest_has_an_empty_list(shared: TestClient, repo: str, digest: str) -> None:
    assert listed(shared, repo, digest) == []


@pytest.mark.parametrize("digest", ["1.0", "sha256:abc", "md5:" + 32 * "0"])
def test_only_digests_are_spoken_about(shared: TestClient, repo: str, digest: str) -> None:
    assert error_of(get(shared, repo, digest)) == (400, "DIGEST_INVALID")


def test_whoever_pushes_a_subject_is_told_that_it_was_understood(
    shared: TestClient, repo: str
) -> None:
    """Without this header notation and oras fall back to a tag."""
    image = push_image(shared, repo)
    document = manifest_of(*image.blobs, subject=descriptor(image.raw, OCI_MANIFEST))
    answer = put_manifest(shared, repo, "about", document)
    assert answer.status_code == 201
    assert answer.headers["OCI-Subject"] == image.digest


def test_an_entry_describes_what_speaks(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    about = push_referrer(shared, repo, image, SBOM, annotations={"made": "today"})
    assert get(shared, repo, image.digest).json()["manifests"] == [
        {
            "mediaType": OCI_MANIFEST,
            "digest": about.digest,
            "size": len(about.raw),
            "artifactType": SBOM,
            "annotations": {"made": "today"},
        }
    ]


def test_without_an_artifact_type_that_of_the_config_is_told(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    push_image(shared, repo, "about", subject=descriptor(image.raw, OCI_MANIFEST))
    (entry,) = get(shared, repo, image.digest).json()["manifests"]
    assert entry["artifactType"] == CONFIG
    assert "annotations" not in entry


def test_an_index_may_speak_too(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    subject = descriptor(image.raw, OCI_MANIFEST)
    about = push_index(shared, repo, "about", subject=subject, artifactType=SBOM)
    (entry,) = get(shared, repo, image.digest).json()["manifests"]
    assert (entry["mediaType"], entry["digest"]) == (OCI_INDEX, about.digest)
    assert entry["artifactType"] == SBOM


def test_entries_come_oldest_first(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    pushed = [push_referrer(shared, repo, image, f"{SBOM}.{n}").digest for n in range(5)]
    assert listed(shared, repo, image.digest) == pushed


def test_the_list_can_be_filtered(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    push_referrer(shared, repo, image, SBOM)
    signature = push_referrer(shared, repo, image, SIGNATURE)
    answer = get(shared, repo, image.digest, artifactType=SIGNATURE)
    assert [each["digest"] for each in answer.json()["manifests"]] == [signature.digest]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert answer.headers["X-Total-Count"] == "1"
    assert listed(shared, repo, image.digest, artifactType="none") == []


def test_a_subject_may_come_later(shared: TestClient, repo: str) -> None:
    for data in (b"config", b"layer"):
        push_blob(shared, repo, data)
    document = manifest_of(b"config", b"layer", annotations={"comes": "later"})
    subject = Pushed("", json.dumps(document).encode())
    about = push_referrer(shared, repo, subject, SIGNATURE)
    digest = sha256(subject.raw)
    assert listed(shared, repo, digest) == [about.digest]
    assert put_manifest(shared, repo, "1.0", subject.raw).status_code == 201
    assert listed(shared, repo, digest) == [about.digest]


def test_what_speaks_may_be_spoken_about(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    signature = push_referrer(shared, repo, image, SIGNATURE)
    nested = push_referrer(shared, repo, signature, SBOM)
    assert listed(shared, repo, image.digest) == [signature.digest]
    assert listed(shared, repo, signature.digest) == [nested.digest]


def test_a_subject_may_be_a_sha512(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    subject = {"digest": sha512(image.raw), "size": len(image.raw), "mediaType": OCI_MANIFEST}
    about = push_image(shared, repo, "about", subject=subject)
    assert listed(shared, repo, sha512(image.raw)) == [about.digest]
    assert listed(shared, repo, image.digest) == []


def test_each_repository_has_its_own_list(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    push_referrer(shared, repo, image, SBOM)
    assert listed(shared, f"{project_of(repo)}/other", image.digest) == []


def test_what_was_deleted_is_not_listed(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    about = push_referrer(shared, repo, image, SBOM)
    shared.delete(f"/v2/{repo}/manifests/{about.digest}", auth=ADMIN)
    assert listed(shared, repo, image.digest) == []


def test_pushing_again_lists_once(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    about = push_referrer(shared, repo, image, SBOM)
    assert put_manifest(shared, repo, "again", about.raw).status_code == 201
    assert listed(shared, repo, image.digest) == [about.digest]


def cosign(client: TestClient, repo: str, image: Pushed, **more: Any) -> Pushed:
    """A signature as cosign 2 pushes it: under a tag made of the digest."""
    layer = descriptor(image.blobs[1], "application/vnd.dev.cosign.simplesigning.v1+json")
    tag = image.digest.replace(":", "-") + ".sig"
    return push_image(client, repo, tag, layers=[layer], **more)


def test_a_signature_by_tag_is_listed(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    signature = cosign(shared, repo, image)
    (entry,) = get(shared, repo, image.digest).json()["manifests"]
    assert entry["digest"] == signature.digest
    assert entry["artifactType"] == CONFIG


@pytest.mark.parametrize("suffix", [".att", ".sbom", "", ".sigx"])
def test_other_tags_of_that_form_are_ordinary(shared: TestClient, repo: str, suffix: str) -> None:
    image = push_image(shared, repo)
    layer = descriptor(image.blobs[1], "application/vnd.dev.cosign.simplesigning.v1+json")
    push_image(shared, repo, image.digest.replace(":", "-") + suffix, layers=[layer])
    assert listed(shared, repo, image.digest) == []


def test_a_tag_like_a_signatures_makes_none_of_an_image(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    push_image(shared, repo, image.digest.replace(":", "-") + ".sig")
    assert listed(shared, repo, image.digest) == []


def fallback(digest: str) -> str:
    return digest.replace(":", "-")[:96]


def test_what_an_old_client_lists_under_a_tag_is_listed(shared: TestClient, repo: str) -> None:
    """The referrers tag schema: an index under a tag made of the subject's digest."""
    image = push_image(shared, repo)
    linked = push_referrer(shared, repo, image, SBOM)
    unlinked = push_image(shared, repo, "unlinked", artifactType=SIGNATURE)
    index = index_of(unlinked, linked)
    assert put_manifest(shared, repo, fallback(image.digest), index).status_code == 201
    assert listed(shared, repo, image.digest) == [linked.digest, unlinked.digest]
    assert listed(shared, repo, image.digest, artifactType=SIGNATURE) == [unlinked.digest]


def test_the_tag_of_an_old_client_is_an_ordinary_tag(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    tag = fallback(image.digest)
    push_index(shared, repo, tag, image)
    assert tag in shared.get(f"/v2/{repo}/tags/list", auth=ADMIN).json()["tags"]
    assert shared.delete(f"/v2/{repo}/manifests/{tag}", auth=ADMIN).status_code == 202
    assert listed(shared, repo, image.digest) == []


def test_an_image_under_such_a_tag_lists_nothing(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    push_image(shared, repo, fallback(image.digest))
    assert listed(shared, repo, image.digest) == []


def test_blobs_in_such_an_index_are_not_listed(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    index = index_of() | {"manifests": [descriptor(image.blobs[1], LAYER)]}
    assert put_manifest(shared, repo, fallback(image.digest), index).status_code == 201
    assert listed(shared, repo, image.digest) == []


def test_the_fallback_tag_of_a_sha512_is_cut(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    digest = sha512(image.raw)
    tag = "sha512-" + digest.partition(":")[2][:64]
    about = push_image(shared, repo, "about")
    push_index(shared, repo, tag, about)
    assert listed(shared, repo, digest) == [about.digest]


def test_a_manifest_cannot_speak_about_itself_for_ever(shared: TestClient, repo: str) -> None:
    """An index under its own subject's fallback tag is listed and ends there."""
    image = push_image(shared, repo)
    subject = descriptor(image.raw, OCI_MANIFEST)
    index = push_index(shared, repo, fallback(image.digest), image, subject=subject)
    assert listed(shared, repo, image.digest) == [index.digest, image.digest]
    refused = shared.delete(f"/v2/{repo}/manifests/{image.digest}", auth=ADMIN)
    assert error_of(refused) == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")


@pytest.mark.parametrize("value", ["a\0b", 2000 * "a"])
def test_an_odd_filter_is_refused(shared: TestClient, repo: str, value: str) -> None:
    assert get(shared, repo, sha256(b""), artifactType=value).status_code == 422
