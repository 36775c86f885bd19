"""What is done: tell what an artifact is, and what its config says of it.

A config is a blob that anybody may have pushed: it may be of any size, and no JSON at all. What is
shown of it is kept beside the artifact as JSON text, so that a list reads no files.

Source: Harbor src/controller/artifact/processor.
"""

import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Raw, Struct

from harbor.core.manifests import DOCKER_LIST, INDEXES, OCI_INDEX, Descriptor, Manifest
from harbor.core.oci import DIGEST, Digest
from harbor.core.storage.interface import BlobMissing, Blobs

MOST_READ = 1 << 20  # bytes of a config; nobody looks into a larger one
MOST_KEPT = 1 << 16  # bytes of JSON beside one artifact; a list shows a hundred
MOST_DRAWN = 1 << 20  # bytes of an icon
MAX_TYPE = 255
UNKNOWN = "UNKNOWN"
IMAGE, CHART, CNAB, WASM, CNAI, SBOM = "IMAGE", "CHART", "CNAB", "WASM", "CNAI", "SBOM"
WASM_CONFIG = "application/vnd.wasm.config.v1+json"
CNAB_INDEX = "application/vnd.cnab.manifest.v1"
IMAGE_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
KNOWN = {
    **dict.fromkeys(IMAGE_CONFIGS, IMAGE),
    OCI_INDEX: IMAGE,
    DOCKER_LIST: IMAGE,
    "application/vnd.cncf.helm.config.v1+json": CHART,
    CNAB_INDEX: CNAB,
    WASM_CONFIG: WASM,
    "application/vnd.cncf.model.manifest.v1+json": CNAI,
    "application/vnd.cnai.model.manifest.v1+json": CNAI,
    "application/vnd.goharbor.harbor.sbom.v1": SBOM,
}
OTHER = re.compile(r"application/vnd\.[^.]*\.([^.]*)\.config\.[^.]*\+json")
OURS = "io.goharbor.artifact.v1alpha1."
TITLE = "org.opencontainers.image.title"
AUTHORS = ("org.opencontainers.image.authors", "maintainer")  # labels
DRAWN = frozenset(("image/gif", "image/png", "image/jpeg"))
# Harbor's own pictures; clients have them under these digests.
ICONS = {
    IMAGE: "sha256:0048162a053eef4d4ce3fe7518615bef084403614f8bca43b40ae2e762e11e06",
    CHART: "sha256:61cf3a178ff0f75bf08a25d96b75cf7355dc197749a9f128ed3ef34b0df05518",
    CNAB: "sha256:089bdda265c14d8686111402c8ad629e8177a1ceb7dcd0f7f39b6480f623b3bd",
    WASM: "sha256:badd7693bcaf115be202748241dd0ea6ee3b0524bfab9ac22d1e1c43721afec6",
    "signature.cosign": "sha256:20401d5b3a0f6dbc607c8d732eb08471af4ae6b19811a4efce8c6a724aed2882",
    "accelerator.nydus": "sha256:dfcb6617cd9c144358dc1b305b87bbe34f0b619f1e329116e6aee2e41f2e34cf",
}
PLAIN_ICON = "sha256:da834479c923584f4cbcdecc0dac61f32bef1d51e8aae598cf16bd154efab49f"
Attributes = Mapping[str, Raw | str]


class Details(Struct, frozen=True):
    """What an artifact is, and says of itself."""

    type: str
    icon: Digest | None
    extra_attrs: str | None  # a JSON object


class Labelled(msgspec.Struct):
    """Of the config of an image, what may name its author."""

    Labels: dict[str, str] | None = None


async def read(store: Blobs, manifest: Manifest) -> Details:
    """What *manifest* is, and what its config says; one that is no JSON tells no type."""
    kind = type_of(manifest)
    icon = icon_of(manifest)
    config = manifest.config
    if config is None or manifest.media_type in INDEXES:
        return Details(kind, icon, None)
    try:
        raw = await content(store, config)
    except (BlobMissing, OSError):  # whether that matters is for others to say
        raw = None
    if raw is None:
        return Details(kind, icon, "{}")
    said = parse(raw)
    if said is None:
        return Details(UNKNOWN, icon, "{}")
    shown = msgspec.json.encode(SAYS.get(kind, whole)(manifest, said))
    return Details(kind, icon, shown.decode() if len(shown) <= MOST_KEPT else "{}")


def type_of(manifest: Manifest) -> str:
    """The type as the manifest tells it; ``UNKNOWN`` if it does not."""
    annotations = manifest.annotations or {}
    media_type = manifest.artifact_type
    if manifest.media_type in INDEXES:
        media_type = annotations.get("org.opencontainers.artifactType", media_type)
    known = KNOWN.get(media_type)
    if known == IMAGE and is_wasm(annotations):
        return WASM
    if known:
        return known
    other = OTHER.fullmatch(media_type)
    return other[1].upper()[:MAX_TYPE] if other and other[1] else UNKNOWN


def is_wasm(annotations: Mapping[str, str]) -> bool:
    """Whether an image says that what it holds is a module of WebAssembly."""
    compatible = annotations.get("module.wasm.image/variant") == "compat"
    return compatible or annotations.get("run.oci.handler") == "wasm"


def icon_of(manifest: Manifest) -> Digest | None:
    """The layer that is marked as the icon."""
    for layer in manifest.layers:
        if (
            f"{OURS}icon" in (layer.annotations or {})
            and layer.media_type in DRAWN
            and layer.size <= MOST_DRAWN
            and DIGEST.fullmatch(layer.digest)
        ):
            return Digest(layer.digest)
    return None


def icon_for(kind: str) -> str:
    """The icon of all artifacts or accessories of a kind."""
    return ICONS.get(kind, PLAIN_ICON)


async def content(store: Blobs, config: Descriptor, most: int = MOST_READ) -> bytes | None:
    """The bytes of a config, whatever size the manifest says; ``None`` if they are too many."""
    if not DIGEST.fullmatch(config.digest) or config.is_foreign:
        return None
    async with store.open(Digest(config.digest)) as blob:
        if blob.size > most:
            return None
        return b"".join([piece async for piece in blob.read(0, blob.size)])


def parse(raw: bytes) -> dict[str, Raw] | None:
    """The members of a JSON object, each as it stands there; ``None`` if it is none."""
    try:
        raw.decode()
        whole_of_it = msgspec.json.decode(raw)  # all of it, or what is inside would go unchecked
        assert_object(whole_of_it)
        return msgspec.json.decode(raw, type=dict[str, Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def assert_object(value: object) -> None:
    if not isinstance(value, dict):
        raise msgspec.ValidationError("no object")


def of_image(_manifest: Manifest, said: Mapping[str, Raw]) -> Attributes:
    nothing = {"created": "null", "architecture": '""', "os": '""', "config": "{}"}
    found = {name: said.get(name, Raw(default.encode())) for name, default in nothing.items()}
    return {**found, "author": author_of(said)}


def author_of(said: Mapping[str, Raw]) -> Raw | str:
    """Who made an image, as it says itself or one of its labels."""
    if bytes(said.get("author", b"null")) not in (b'""', b"null"):
        return said["author"]
    try:
        labels = msgspec.json.decode(said.get("config", b"{}"), type=Labelled).Labels or {}
    except msgspec.MsgspecError:
        return ""
    return next((labels[name] for name in AUTHORS if labels.get(name)), "")


def of_wasm(manifest: Manifest, said: Mapping[str, Raw]) -> Attributes:
    if manifest.config_type != WASM_CONFIG:
        return {**of_image(manifest, said), "manifest.config.mediaType": manifest.config_type}
    first = manifest.layers[0] if manifest.layers else None
    if first is None:
        return {}
    title = (first.annotations or {}).get(TITLE, "")
    return {"manifest.layers.mediaType": first.media_type, TITLE: title}


def whole(manifest: Manifest, said: Mapping[str, Raw]) -> Attributes:
    """All that the config says, but what its descriptor names as not to be shown."""
    assert manifest.config is not None
    skipped = (manifest.config.annotations or {}).get(f"{OURS}skip-list", "").split(",")
    hidden = {name.strip() for name in skipped}
    return {name: value for name, value in said.items() if name not in hidden}


SAYS: Mapping[str, Callable[[Manifest, Mapping[str, Raw]], Attributes]] = {
    IMAGE: of_image,
    WASM: of_wasm,
}


def config_child(manifest: Manifest) -> str | None:
    """The digest of that child of an application bundle (CNAB) whose config speaks for all."""
    for child in manifest.children:
        if (child.annotations or {}).get("io.cnab.manifest.type") == "config":
            return child.digest
    return None
