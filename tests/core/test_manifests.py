"""Manifests as pure parsing; what a client sees of them is in tests/registry."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harbor.core import manifests
from harbor.core.errors import ManifestInvalid
from harbor.core.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Manifest
from harbor.core.oci import DIGEST
from tests.make import CONFIG, LAYER, descriptor, manifest_of, sha256, sha512

TYPES = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST]
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
digests = st.sampled_from([sha256(b"a"), sha256(b"b"), sha256(b"c"), sha512(b"a")])
media_types = st.sampled_from([CONFIG, LAYER, FOREIGN, "", "text/plain"]) | st.text(max_size=300)
descriptors = st.fixed_dictionaries(
    {"digest": digests, "size": st.integers(0, 2**63 - 1), "mediaType": media_types},
    optional={
        "artifactType": media_types,
        "annotations": st.dictionaries(st.text(), st.text(), max_size=3) | st.none(),
        "platform": st.dictionaries(st.text(), json_values, max_size=3),
        "urls": st.lists(st.text(), max_size=2),
        "data": st.text(),
    },
)
odd = descriptors | json_values
documents = st.fixed_dictionaries(
    {"schemaVersion": st.just(2) | st.integers()},
    optional={
        "mediaType": st.sampled_from(TYPES) | st.text() | st.none(),
        "artifactType": media_types | json_values,
        "config": descriptors | odd,
        "layers": st.lists(descriptors, max_size=4) | st.lists(odd, max_size=2) | json_values,
        "manifests": st.lists(descriptors, max_size=4) | st.lists(odd, max_size=2) | json_values,
        "subject": descriptors | odd,
        "annotations": st.dictionaries(st.text(), st.text(), max_size=3) | json_values,
        "fsLayers": json_values,
    },
)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
headers = st.sampled_from([*TYPES, "", "application/json", f"{OCI_MANIFEST}; charset=utf-8"])


def parsed(content_type: str, raw: bytes) -> Manifest | None:
    """The manifest, which must be sound; ``None`` if it was refused. Nothing else may happen."""
    try:
        found = manifests.parse(content_type, raw)
    except ManifestInvalid:
        return None
    assert found.media_type in TYPES
    assert all(DIGEST.fullmatch(digest) for digest in found.blobs)
    assert len(set(found.blobs)) == len(found.blobs)
    assert all(DIGEST.fullmatch(child.digest) for child in found.children)
    assert not (found.blobs and found.children)
    assert found.subject is None or DIGEST.fullmatch(found.subject)
    assert found.content_size >= 0
    for text in (found.config_type, found.artifact_type):
        assert len(text) <= 255
        assert "\0" not in text
    return found


@few
@given(headers | st.text(), st.binary())
@example(OCI_MANIFEST, b"\xff")
@example(OCI_MANIFEST, b"[" * 20_000)
@example(OCI_MANIFEST, b'{"config":' * 20_000)
@example(OCI_MANIFEST, b'{"schemaVersion":1e999}')
@example(OCI_MANIFEST, b'{"schemaVersion":"\\ud800"}')
def test_arbitrary_bytes_are_refused_and_do_no_harm(content_type: str, raw: bytes) -> None:
    assert parsed(content_type, raw) is None


@few
@given(headers, json_values.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_json_is_refused_and_does_no_harm(content_type: str, raw: bytes) -> None:
    assert parsed(content_type, raw) is None


@few
@given(headers, documents.map(lambda value: json.dumps(value).encode()))
def test_what_is_nearly_a_manifest_is_sound_or_refused(content_type: str, raw: bytes) -> None:
    parsed(content_type, raw)


@few
@given(descriptors, st.lists(descriptors, max_size=6))
def test_an_image_needs_all_that_it_names_but_foreign_layers(
    config: dict[str, Any], layers: list[dict[str, Any]]
) -> None:
    document = {"schemaVersion": 2, "config": config, "layers": layers}
    raw = json.dumps(document).encode()
    found = parsed(OCI_MANIFEST, raw)
    if found is None:  # a media type was too long
        return
    named = {each["digest"]: each for each in [config, *layers]}
    needed = [d for d, each in named.items() if not each["mediaType"].startswith(manifests.FOREIGN)]
    assert list(found.blobs) == needed
    assert found.content_size == sum(each["size"] for each in named.values())
    assert found.children == ()


@few
@given(st.lists(descriptors, max_size=6))
def test_an_index_has_its_children_and_no_blobs(listed: list[dict[str, Any]]) -> None:
    raw = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
    found = parsed(OCI_INDEX, raw)
    if found is not None:
        assert [child.digest for child in found.children] == [each["digest"] for each in listed]
        assert found.blobs == ()
        assert found.config_type == OCI_INDEX


@pytest.mark.parametrize("media_type", TYPES)
def test_a_document_is_never_both(media_type: str) -> None:
    both = manifest_of(b"config", b"layer", manifests=[], mediaType=media_type)
    assert parsed(media_type, json.dumps(both).encode()) is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, CONFIG),
        ({"artifactType": "application/vnd.example"}, "application/vnd.example"),
        ({"artifactType": ""}, CONFIG),
        ({"artifactType": None}, CONFIG),
    ],
)
def test_without_an_artifact_type_that_of_the_config_counts(
    more: dict[str, Any], told: str
) -> None:
    found = parsed(OCI_MANIFEST, json.dumps(manifest_of(b"{}", **more)).encode())
    assert found is not None
    assert found.artifact_type == told
    assert found.config_type == CONFIG


def test_a_layer_that_is_named_twice_counts_once() -> None:
    layer = descriptor(b"layer", LAYER)
    document = manifest_of(b"config", b"layer") | {"layers": [layer, layer]}
    found = parsed(OCI_MANIFEST, json.dumps(document).encode())
    assert found is not None
    assert found.blobs == (sha256(b"config"), sha256(b"layer"))
    assert found.content_size == len(b"configlayer")
