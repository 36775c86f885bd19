"""Pushing manifests: what is accepted, and what is kept of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    CONFIG,
    DOCKER_MANIFEST,
    LAYER,
    OCI_INDEX,
    OCI_MANIFEST,
    descriptor,
    error_of,
    index_of,
    manifest_of,
    message_of,
    push_blob,
    push_image,
    put_manifest,
    sha256,
    sha512,
)
from tests.registry.servers import Rows, ask, basic, project_of

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MIB = 1024 * 1024
MAX = 4 * MIB


@pytest.fixture
def image(shared: TestClient, repo: str) -> dict[str, Any]:
    """An image whose blobs are in *repo*, and which is not pushed yet."""
    for data in (b"config", b"layer"):
        push_blob(shared, repo, data)
    return manifest_of(b"config", b"layer")


def get(client: TestClient, repo: str, reference: str, **headers: str) -> Any:
    return client.get(f"/v2/{repo}/manifests/{reference}", headers=headers, auth=ADMIN)


def padded(document: dict[str, Any], nbytes: int) -> bytes:
    """*document* as exactly so many bytes."""
    short = json.dumps(document | {"annotations": {"pad": ""}}).encode()
    pad = "x" * (nbytes - len(short))
    return json.dumps(document | {"annotations": {"pad": pad}}).encode()


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_an_image_is_pushed(
    shared: TestClient, repo: str, image: dict[str, Any], media_type: str
) -> None:
    raw = json.dumps(image | {"mediaType": media_type}).encode()
    answer = put_manifest(shared, repo, "1.0", raw, media_type=media_type)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/manifests/{sha256(raw)}"
    assert answer.headers["Docker-Content-Digest"] == sha256(raw)
    assert "OCI-Subject" not in answer.headers
    assert answer.content == b""
    for reference in ("1.0", sha256(raw)):
        found = get(shared, repo, reference)
        assert (found.content, found.headers["Content-Type"]) == (raw, media_type)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_is_pushed(shared: TestClient, repo: str, media_type: str) -> None:
    children = [push_image(shared, repo, tag) for tag in ("amd64", "arm64")]
    raw = json.dumps(index_of(*children) | {"mediaType": media_type}).encode()
    assert put_manifest(shared, repo, "multi", raw, media_type=media_type).status_code == 201
    found = get(shared, repo, "multi")
    assert (found.content, found.headers["Content-Type"]) == (raw, media_type)


def test_an_index_may_be_empty_and_may_hold_indexes(shared: TestClient, repo: str) -> None:
    inner = json.dumps(index_of()).encode()
    assert put_manifest(shared, repo, "inner", inner, media_type=OCI_INDEX).status_code == 201
    listed = [descriptor(inner, OCI_INDEX)]
    outer = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    assert put_manifest(shared, repo, "outer", outer).status_code == 201


@pytest.mark.parametrize(
    "header", [f"{OCI_MANIFEST}; charset=utf-8", OCI_MANIFEST.upper(), "application/json", ""]
)
def test_the_type_may_be_said_loosely_in_the_header(
    shared: TestClient, repo: str, image: dict[str, Any], header: str
) -> None:
    raw = json.dumps(image).encode()
    assert put_manifest(shared, repo, "1.0", raw, media_type=header).status_code == 201
    assert get(shared, repo, "1.0").headers["Content-Type"] == OCI_MANIFEST


def test_the_type_may_be_said_in_the_header_alone(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    del image["mediaType"]
    raw = json.dumps(image).encode()
    assert put_manifest(shared, repo, "1.0", raw, media_type=OCI_MANIFEST).status_code == 201
    assert get(shared, repo, "1.0").headers["Content-Type"] == OCI_MANIFEST


@pytest.mark.parametrize("algorithm", [sha256, sha512])
def test_a_manifest_is_pushed_by_its_digest(
    shared: TestClient, repo: str, image: dict[str, Any], algorithm: Any
) -> None:
    raw = json.dumps(image).encode()
    answer = put_manifest(shared, repo, algorithm(raw), raw)
    assert answer.status_code == 201
    assert answer.headers["Docker-Content-Digest"] == algorithm(raw)
    assert answer.headers["Location"] == f"/v2/{repo}/manifests/{algorithm(raw)}"
    assert get(shared, repo, algorithm(raw)).content == raw
    tags = shared.get(f"/v2/{repo}/tags/list", auth=ADMIN).json()["tags"]
    assert tags == []


def test_a_digest_that_is_not_the_manifests_is_refused(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    for wrong in (sha256(b"else"), sha512(b"else")):
        refused = put_manifest(shared, repo, wrong, image)
        assert error_of(refused) == (400, "DIGEST_INVALID")
        assert get(shared, repo, wrong).status_code == 404


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + 32 * "0", "sha256:" + 64 * "A", "a:b"])
def test_a_digest_that_is_none_is_refused(
    shared: TestClient, repo: str, image: dict[str, Any], digest: str
) -> None:
    assert error_of(put_manifest(shared, repo, digest, image)) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize(
    "tag", ["1.0", "_", "latest", "A.b-c_d", 128 * "x", "0" * 128, "sha256-ab.sig"]
)
def test_a_tag_follows_the_grammar(
    shared: TestClient, repo: str, image: dict[str, Any], tag: str
) -> None:
    assert put_manifest(shared, repo, tag, image).status_code == 201
    assert get(shared, repo, tag).status_code == 200


@pytest.mark.parametrize("tag", [".a", "-a", 129 * "x", "a b", "a%0A", "a+b", "é", "a%2Fb", "%00"])
def test_what_is_no_tag_is_refused(
    shared: TestClient, repo: str, image: dict[str, Any], tag: str
) -> None:
    assert error_of(put_manifest(shared, repo, tag, image)) == (400, "TAG_INVALID")


def test_bytes_are_kept_as_they_came(shared: TestClient, repo: str, image: dict[str, Any]) -> None:
    odd = image | {"vendor.field": {"a": [1, None, 1.50, "ü"]}, "zzz": True}
    raw = b"\n  " + json.dumps(odd, indent=3, ensure_ascii=False).encode() + b"\n\n"
    assert put_manifest(shared, repo, "odd", raw).status_code == 201
    found = get(shared, repo, "odd")
    assert found.content == raw
    assert found.headers["Docker-Content-Digest"] == sha256(raw)


@pytest.mark.parametrize(
    ("config_type", "layer_type"),
    [
        ("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
        ("application/vnd.wasm.config.v0+json", "application/wasm"),
        ("application/vnd.buildkit.cacheconfig.v0", LAYER),
        ("application/vnd.example+json", "text/plain; charset=utf-8"),
        ("", ""),
    ],
)  # fmt: skip
def test_media_types_of_config_and_layers_are_free(
    shared: TestClient, repo: str, image: dict[str, Any], config_type: str, layer_type: str
) -> None:
    image["config"]["mediaType"] = config_type
    image["layers"][0]["mediaType"] = layer_type
    assert put_manifest(shared, repo, "any", image).status_code == 201


def test_an_artifact_of_oras_is_pushed(shared: TestClient, repo: str) -> None:
    empty = push_blob(shared, repo, b"{}")
    assert empty == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    config = {"config": descriptor(b"{}", "application/vnd.oci.empty.v1+json")}
    document = manifest_of(b"{}", artifactType="application/vnd.example") | config
    assert put_manifest(shared, repo, "artifact", document).status_code == 201


def test_two_tags_may_name_one_manifest(
    shared: TestClient, repo: str, image: dict[str, Any], shared_rows: Rows
) -> None:
    for tag in ("a", "b"):
        assert put_manifest(shared, repo, tag, image).status_code == 201
    digests = {get(shared, repo, tag).headers["Docker-Content-Digest"] for tag in ("a", "b")}
    assert digests == {sha256(json.dumps(image).encode())}
    made = f"SELECT count(*) FROM artifact WHERE digest = '{digests.pop()}'"
    project = (
        f" AND project_id = (SELECT project_id FROM project WHERE name = '{project_of(repo)}')"
    )
    assert shared_rows(made + project) == [(1,)]


def test_a_tag_moves_and_the_old_manifest_stays(shared: TestClient, repo: str) -> None:
    old = push_image(shared, repo, "latest")
    new = push_image(shared, repo, "latest", annotations={"version": "2"})
    assert old.digest != new.digest
    assert get(shared, repo, "latest").content == new.raw
    assert get(shared, repo, old.digest).content == old.raw


def test_four_mebibytes_are_accepted_and_no_byte_more(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    assert put_manifest(shared, repo, "large", padded(image, MAX)).status_code == 201
    assert len(get(shared, repo, "large").content) == MAX
    refused = put_manifest(shared, repo, "larger", padded(image, MAX + 1))
    assert error_of(refused) == (413, "REQUEST_ENTITY_TOO_LARGE")
    assert get(shared, repo, "larger").status_code == 404


def test_a_stream_without_length_is_cut_off_at_the_limit(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    raw = padded(image, MAX + 1)
    pieces = [raw[at : at + MIB] for at in range(0, len(raw), MIB)]
    headers = [basic(), (b"content-type", OCI_MANIFEST.encode())]
    path = f"/v2/{repo}/manifests/streamed"
    assert ask(shared, "PUT", path, headers=headers, chunks=pieces).status_code == 413
    pieces[-1] = b""
    assert ask(shared, "PUT", path, headers=headers, chunks=pieces).status_code == 400


@pytest.mark.parametrize("length", [b"-1", b"+5", b"abc", b"1_0", b""])
def test_a_length_that_is_no_number_is_refused(
    shared: TestClient, repo: str, length: bytes
) -> None:
    headers = [basic(), (b"content-length", length)]
    answer = ask(shared, "PUT", f"/v2/{repo}/manifests/1.0", headers=headers, chunks=[b"{}"])
    assert answer.status_code == 400
    assert b"BAD_REQUEST" in answer.content or b"MANIFEST_INVALID" in answer.content


def test_ten_pushes_of_one_tag_at_once_all_succeed(shared: TestClient, repo: str) -> None:
    for data in (b"config", b"layer"):
        push_blob(shared, repo, data)
    documents = [manifest_of(b"config", b"layer", annotations={"n": str(n)}) for n in range(10)]

    def push(document: dict[str, Any]) -> int:
        return int(put_manifest(shared, repo, "latest", document).status_code)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(push, documents)) == {201}
    digests = {sha256(json.dumps(document).encode()) for document in documents}
    assert get(shared, repo, "latest").headers["Docker-Content-Digest"] in digests
    for digest in digests:
        assert get(shared, repo, digest).status_code == 200


def test_the_first_pushes_to_a_repository_may_come_at_once(shared: TestClient, repo: str) -> None:
    for data in (b"config", b"layer"):
        push_blob(shared, repo, data)
    document = manifest_of(b"config", b"layer")

    def push(tag: str) -> int:
        return int(put_manifest(shared, repo, tag, document).status_code)

    tags = [f"t{n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(push, tags)) == {201}
    assert shared.get(f"/v2/{repo}/tags/list", auth=ADMIN).json()["tags"] == tags


def test_an_unreadable_size_is_no_server_error(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    """Sizes are what the client says; their sum must not overflow anything."""
    for each in (image["config"], *image["layers"]):
        each["size"] = 2**63 - 1
    assert put_manifest(shared, repo, "huge", image).status_code in (201, 400)
    children = [descriptor(json.dumps(image).encode(), OCI_MANIFEST)]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    assert put_manifest(shared, repo, "index", index).status_code in (201, 400)


@pytest.mark.parametrize("field", ["config", "artifactType", "annotation", "layer"])
def test_a_null_character_is_no_server_error(
    shared: TestClient, repo: str, image: dict[str, Any], field: str
) -> None:
    """PostgreSQL keeps no such text."""
    odd = "application/vnd.a\0b"
    if field == "config":
        image["config"]["mediaType"] = odd
    elif field == "layer":
        image["layers"][0]["mediaType"] = odd
    elif field == "annotation":
        image["annotations"] = {"a\0": "b\0"}
    else:
        image["artifactType"] = odd
    answer = put_manifest(shared, repo, "odd", image)
    assert answer.status_code in (201, 400), answer.text
    if answer.status_code == 201:
        assert get(shared, repo, "odd").status_code == 200
        listed = shared.get(f"/v2/{repo}/referrers/{sha256(b'')}", auth=ADMIN)
        assert listed.status_code == 200


def test_a_config_type_of_255_characters_is_kept_and_a_longer_one_refused(
    shared: TestClient, repo: str, image: dict[str, Any]
) -> None:
    for length, status in ((255, 201), (256, 400)):
        image["config"]["mediaType"] = length * "x"
        answer = put_manifest(shared, repo, "long", image)
        assert answer.status_code == status
    assert message_of(answer).startswith("manifest invalid")
    assert CONFIG not in message_of(answer)
