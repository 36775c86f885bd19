"""What kind of accessory a manifest is."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, get
from tests.make import (
    CONFIG,
    LAYER,
    OCI_MANIFEST,
    Pushed,
    descriptor,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
)
from tests.registry.servers import Rows

NYDUS = "containerd.io/snapshot/nydus-bootstrap"
COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"


def kinds(rows: Rows, repo: str) -> list[tuple[str, str]]:
    """Kind and subject of the accessories in a repository."""
    return [
        (kind, subject)
        for kind, subject in rows(
            "SELECT a.kind, a.subject_digest FROM artifact_accessory a "
            f"JOIN repository r USING (repository_id) WHERE r.name = '{repo}' ORDER BY a.id"
        )
    ]


@pytest.mark.parametrize(
    ("artifact_type", "kind"),
    [
        ("application/vnd.dev.cosign.artifact.sig.v1+json", "signature.cosign"),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", "signature.cosign"),
        ("application/vnd.cncf.notary.signature", "signature.notation"),
        ("application/vnd.goharbor.harbor.sbom.v1", "sbom.harbor"),
        ("application/spdx+json", "subject.accessory"),
        ("application/vnd.dev.cosign.artifact.sbom.v1+json", "subject.accessory"),
    ],
)
@pytest.mark.parametrize("said", ["artifactType", "config"])
def test_the_type_tells_the_kind(
    shared: TestClient, repo: str, shared_rows: Rows, artifact_type: str, kind: str, said: str
) -> None:
    image = push_image(shared, repo)
    push_blob(shared, repo, b"{}")
    document: dict[str, Any] = manifest_of(b"{}", subject=descriptor(image.raw, OCI_MANIFEST))
    if said == "config":
        document["config"]["mediaType"] = artifact_type
    else:
        document["artifactType"] = artifact_type
    assert put_manifest(shared, repo, "about", document).status_code == 201
    assert kinds(shared_rows, repo) == [(kind, image.digest)]


def test_a_cosign_signature_by_tag_is_one(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    image = push_image(shared, repo)
    layers = [descriptor(image.blobs[1], COSIGN_LAYER)]
    push_image(shared, repo, image.digest.replace(":", "-") + ".sig", layers=layers)
    assert kinds(shared_rows, repo) == [("signature.cosign", image.digest)]


def test_an_ordinary_image_is_none(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    push_image(shared, repo)
    assert kinds(shared_rows, repo) == []


def test_what_was_an_image_becomes_one_under_a_signatures_tag(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    layers = [descriptor(image.blobs[1], COSIGN_LAYER)]
    signature = push_image(shared, repo, "plain", layers=layers)
    assert kinds(shared_rows, repo) == []
    tag = image.digest.replace(":", "-") + ".sig"
    assert put_manifest(shared, repo, tag, signature.raw).status_code == 201
    assert kinds(shared_rows, repo) == [("signature.cosign", image.digest)]


def test_the_subject_need_not_be_here(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    elsewhere = descriptor(b"elsewhere", OCI_MANIFEST)
    push_image(shared, repo, subject=elsewhere)
    assert kinds(shared_rows, repo) == [("subject.accessory", sha256(b"elsewhere"))]


def test_an_accessory_is_one_once(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    image = push_image(shared, repo)
    about = push_referrer(shared, repo, image, "application/spdx+json")
    for tag in ("a", "b"):
        assert put_manifest(shared, repo, tag, about.raw).status_code == 201
    assert kinds(shared_rows, repo) == [("subject.accessory", image.digest)]


@pytest.mark.parametrize(
    ("config", "layer", "kind"),
    [
        (CONFIG, NYDUS, "accelerator.nydus"),
        ("application/vnd.docker.container.image.v1+json", NYDUS, "accelerator.nydus"),
        ("application/vnd.oci.empty.v1+json", NYDUS, "subject.accessory"),
        (CONFIG, "other", "subject.accessory"),
        (CONFIG, None, "subject.accessory"),
    ],
)
def test_an_accelerated_image_is_known_by_its_last_layer(
    shared: TestClient, repo: str, shared_rows: Rows, config: str, layer: str | None, kind: str
) -> None:
    image = push_image(shared, repo)
    first = descriptor(image.blobs[1], LAYER, annotations={NYDUS: "true"} if not layer else {})
    last = descriptor(image.blobs[1], LAYER, annotations={layer: "true"} if layer else {})
    document = manifest_of(image.blobs[0], subject=descriptor(image.raw, OCI_MANIFEST))
    document["config"]["mediaType"] = config
    document["layers"] = [first, last]
    assert put_manifest(shared, repo, "fast", document).status_code == 201
    assert kinds(shared_rows, repo) == [(kind, image.digest)]
    (shown,) = get(shared, artifact(repo, image.digest))["accessories"]
    assert shown["type"] == kind


NOTATION = "application/vnd.cncf.notary.signature"


def inherited(client: TestClient, repo: str, image: Pushed, **asked: Any) -> list[str] | None:
    """The digests of what an artifact inherits, if it says that it does."""
    path = artifact(repo, image.digest)
    found = get(client, path, **({"with_inherited_accessory": True} | asked))
    if "inherited_accessories" not in found:
        return None
    return [each["digest"] for each in found["inherited_accessories"]]


def test_a_child_inherits_the_signatures_of_its_index(shared: TestClient, repo: str) -> None:
    child, other = push_image(shared, repo, "child"), push_image(shared, repo, "other")
    index = push_index(shared, repo, "multi", child, child)
    signature = push_referrer(shared, repo, index, NOTATION)
    push_referrer(shared, repo, index, "application/spdx+json")
    assert inherited(shared, repo, child) == [signature.digest]
    for image in (other, index):
        assert inherited(shared, repo, image) is None
    assert inherited(shared, repo, child, with_inherited_accessory=False) is None
    second = push_index(shared, repo, "second", child, annotations={"n": "2"})
    more = push_referrer(shared, repo, second, NOTATION)
    assert inherited(shared, repo, child) == [signature.digest, more.digest]
    own = push_referrer(shared, repo, child, "application/spdx+json")
    assert own.digest not in (inherited(shared, repo, child) or [])
    push_referrer(shared, repo, child, NOTATION)
    assert inherited(shared, repo, child) is None
