"""Manifests and indexes: parsed once, checked once. The bytes themselves are never changed.

Source: OCI image-spec v1.1 "Image Manifest" and "Image Index"; Docker image manifest v2 schema 2.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from harbor.core.errors import DigestInvalid, ManifestInvalid
from harbor.core.oci import ANY_DIGEST, Digest, parse_digest, shown

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGES = frozenset((OCI_MANIFEST, DOCKER_MANIFEST))
INDEXES = frozenset((OCI_INDEX, DOCKER_LIST))
# Layers that a registry need not hold: clients fetch them from the URLs in their descriptors.
FOREIGN = (
    "application/vnd.docker.image.rootfs.foreign.",
    "application/vnd.oci.image.layer.nondistributable.",
)
GENERIC = frozenset(("", "application/json", "application/octet-stream"))

# No media type holds a null character, and PostgreSQL could not keep it.
Text = Annotated[str, Meta(max_length=255, pattern=r"^[^\0]*$")]


class Descriptor(Struct, rename="camel"):
    """What a manifest says about something that it names."""

    digest: str
    size: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    media_type: Text = ""
    artifact_type: Text | None = None
    annotations: dict[str, str] | None = None
    platform: dict[str, Any] | None = None
    urls: list[str] | None = None

    @property
    def is_foreign(self) -> bool:
        return self.media_type.startswith(FOREIGN)


class Document(Struct, rename="camel"):
    """A manifest or an index, before it is known which."""

    schema_version: int = 0
    media_type: Text | None = None
    artifact_type: Text | None = None
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None
    fs_layers: msgspec.Raw = msgspec.Raw()


class Manifest(Struct, frozen=True):
    """A manifest that may be kept, if what it names is here."""

    media_type: str
    config_type: str  # media type of the config; of an index, its own
    artifact_type: str
    content_size: int  # bytes of config and layers, each digest once
    blobs: tuple[Digest, ...]  # that must be here, each once
    children: tuple[Descriptor, ...]
    layer_types: frozenset[str]
    subject: Digest | None
    annotations: dict[str, str] | None
    config: Descriptor | None
    layers: tuple[Descriptor, ...]


def parse(content_type: str, raw: bytes) -> Manifest:
    """*raw* as a manifest; ``ManifestInvalid`` says what is wrong with it."""
    try:
        document = msgspec.json.decode(raw, type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestInvalid(f"manifest invalid: {error}") from error
    media_type = agreed_type(content_type, document)
    if document.schema_version != 2:  # noqa: PLR2004, the only one there is
        raise ManifestInvalid("manifest invalid: schemaVersion must be 2")
    if document.fs_layers:
        raise ManifestInvalid("manifest invalid: Docker schema 1 is not supported")
    try:
        subject = parse_digest(document.subject.digest) if document.subject else None
        return (
            index(media_type, document, subject)
            if media_type in INDEXES
            else image(media_type, document, subject)
        )
    except DigestInvalid as error:
        raise ManifestInvalid(f"manifest invalid: {error}") from error


def agreed_type(content_type: str, document: Document) -> str:
    """The media type that header and document agree on; either may leave it to the other."""
    said = content_type.partition(";")[0].strip().lower()
    if said in GENERIC:
        said = document.media_type or said
    if document.media_type and document.media_type != said:
        raise ManifestInvalid(
            f"manifest invalid: Content-Type is {shown(said)}, "
            f"mediaType is {shown(document.media_type)}"
        )
    if said not in IMAGES | INDEXES:
        raise ManifestInvalid(f"manifest invalid: unsupported media type {shown(said) or 'none'}")
    return said


def image(media_type: str, document: Document, subject: Digest | None) -> Manifest:
    # A document that is a manifest to one client and an index to the next hides content
    # (CVE-2021-41190), so it must be one or the other.
    if document.manifests is not None:
        raise ManifestInvalid("manifest invalid: an image manifest has no manifests")
    if document.config is None:
        raise ManifestInvalid("manifest invalid: config is missing")
    if document.layers is None:
        raise ManifestInvalid("manifest invalid: layers is missing")
    named = {document.config.digest: document.config}
    named |= {layer.digest: layer for layer in document.layers}
    return Manifest(
        media_type=media_type,
        config_type=document.config.media_type,
        artifact_type=document.artifact_type or document.config.media_type,
        content_size=sum(each.size for each in named.values()),
        blobs=tuple(parse_digest(d) for d, each in named.items() if not foreign(each)),
        children=(),
        layer_types=frozenset(layer.media_type for layer in document.layers),
        subject=subject,
        annotations=document.annotations,
        config=document.config,
        layers=tuple(document.layers),
    )


def foreign(layer: Descriptor) -> bool:
    """Whether the layer may be absent; its digest must be well-formed all the same."""
    if layer.is_foreign and not ANY_DIGEST.fullmatch(layer.digest):
        raise DigestInvalid(f"invalid digest: {shown(layer.digest)}")
    return layer.is_foreign


def index(media_type: str, document: Document, subject: Digest | None) -> Manifest:
    if document.config is not None or document.layers is not None:
        raise ManifestInvalid("manifest invalid: an index has neither config nor layers")
    if document.manifests is None:
        raise ManifestInvalid("manifest invalid: manifests is missing")
    for child in document.manifests:
        parse_digest(child.digest)
    return Manifest(
        media_type=media_type,
        config_type=media_type,
        artifact_type=document.artifact_type or media_type,
        content_size=0,
        blobs=(),
        children=tuple(document.manifests),
        layer_types=frozenset(),
        subject=subject,
        annotations=document.annotations,
        config=None,
        layers=(),
    )
