"""What is done: tell what else is in an artifact: its history, its documents, its files.

Source: Harbor src/controller/artifact/processor.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from harbor.artifacts.models import Artifact
from harbor.artifacts.schemas import AdditionLink
from harbor.artifacts.service import details
from harbor.artifacts.service.details import CHART, CNAI, IMAGE, SBOM, WASM
from harbor.core import archives, manifests
from harbor.core.errors import BadRequest, NotFound, TooLarge
from harbor.core.i18n import Phrase
from harbor.core.manifests import INDEXES, Descriptor, Manifest
from harbor.core.oci import Digest, shown
from harbor.core.storage.interface import BlobMissing, Blobs

MOST = 4 << 20  # bytes of one addition
MOST_DEEP = 64  # folders inside each other in a tree of files
JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
MARKDOWN = "text/markdown; charset=utf-8"
SBOM_TYPE = "application/vnd.goharbor.harbor.sbom.v1"
CHART_LAYERS = frozenset(
    ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip")
)
DOCUMENT = re.compile(r"application/vnd\.(?:cncf|cnai)\.model\.doc\.v1\.(tar|raw)(?:\+\w+)?")
FILE_PATHS = ("org.cncf.model.filepath", "org.cnai.model.filepath")
FILE_FACTS = ("org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json")
READMES, LICENSES = frozenset(("README", "README.md")), frozenset(("LICENSE", "LICENSE.txt"))
NAMES: Mapping[str, tuple[str, ...]] = {
    IMAGE: ("build_history",),
    WASM: ("build_history",),
    CHART: ("values.yaml", "readme.md", "dependencies"),
    CNAI: ("readme.md", "license", "files"),
    SBOM: ("sbom",),
}


class Stored(Struct, frozen=True):
    """An artifact as it is kept."""

    type: str
    media_type: str
    raw: bytes


class Addition(Struct, frozen=True):
    content: bytes
    media_type: str


class Step(Struct, omit_defaults=True):
    """One line of the history of an image."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(Struct):
    history: list[Step] | None = None


class Dependency(Struct):
    """A chart that another one needs."""

    name: str = ""
    version: str = ""
    repository: str = ""


class ChartConfig(Struct):
    dependencies: list[Dependency] | None = None


class FileFacts(Struct):
    size: int = 0


class Entry(Struct, omit_defaults=True):
    """A file or a folder of a model."""

    name: str
    type: str  # file, directory
    size: int = 0
    children: list["Entry"] | None = None


def names(kind: str, media_type: str) -> tuple[str, ...]:
    """Which additions an artifact of that type and that media type has."""
    return () if media_type in INDEXES else NAMES.get(kind, ())


def links(artifact: Artifact, repository: str) -> dict[str, AdditionLink] | None:
    """Where the additions of an artifact are."""
    found = names(artifact.type, artifact.manifest_media_type)
    digest = artifact.digest
    return {name: AdditionLink(path_of(repository, digest, name)) for name in found} or None


def path_of(repository: str, digest: str, name: str) -> str:
    """Where one addition of an artifact is."""
    project, _, rest = repository.partition("/")
    encoded = quote(quote(rest, safe=""), safe="")
    place = f"/api/v2.0/projects/{project}/repositories/{encoded}/artifacts/{digest}"
    return f"{place}/additions/{name}"


async def read(store: Blobs, stored: Stored, name: str) -> Addition:
    """One addition of an artifact, whatever capitals its name has.

    ``BadRequest`` if the artifact has none of that kind, ``NotFound`` if it lacks just this one,
    ``TooLarge``.
    """
    wanted = name.lower()
    if wanted not in names(stored.type, stored.media_type):
        raise BadRequest(
            Phrase(
                "addition %(name)s isn't supported for %(type)s", name=shown(name), type=stored.type
            )
        )
    manifest = manifests.parse(stored.media_type, stored.raw)
    try:
        return await READERS[stored.type, wanted](store, manifest)
    except BlobMissing as error:
        raise NotFound(Phrase("a blob of the artifact is not in the store")) from error


async def history(store: Blobs, manifest: Manifest) -> Addition:
    config = await config_of(store, manifest, ImageConfig)
    return Addition(msgspec.json.encode(config.history or []), JSON)


async def dependencies(store: Blobs, manifest: Manifest) -> Addition:
    config = await config_of(store, manifest, ChartConfig)
    return Addition(msgspec.json.encode(config.dependencies or []), JSON)


async def config_of(store: Blobs, manifest: Manifest, kind: type[Any]) -> Any:
    assert manifest.config is not None
    raw = await details.content(store, manifest.config, MOST)
    if raw is None:
        raise TooLarge(
            Phrase("the config of the artifact is larger than %(most)s bytes", most=MOST)
        )
    try:
        return await asyncio.to_thread(msgspec.json.decode, raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(
            Phrase("the config of the artifact cannot be read: %(error)s", error=error)
        ) from error


async def values(store: Blobs, manifest: Manifest) -> Addition:
    return Addition(await of_chart(store, manifest, "values.yaml"), TEXT)


async def readme(store: Blobs, manifest: Manifest) -> Addition:
    return Addition(await of_chart(store, manifest, "readme.md"), MARKDOWN)


async def of_chart(store: Blobs, manifest: Manifest, name: str) -> bytes:
    """A file in the folder of the chart itself, and not of one that it brings along."""
    layers = [each for each in manifest.layers if each.media_type in CHART_LAYERS]
    for layer in layers:
        found = await archives.entry(
            store,
            held(manifest, layer),
            lambda path: len(path) == len(("chart", name)) and path[1].lower() == name,
            MOST,
        )
        if found is not None:
            return found
    raise NotFound(Phrase("the chart has no %(name)s", name=name))


async def model_readme(store: Blobs, manifest: Manifest) -> Addition:
    return Addition(await of_model(store, manifest, READMES), MARKDOWN)


async def model_license(store: Blobs, manifest: Manifest) -> Addition:
    return Addition(await of_model(store, manifest, LICENSES), TEXT)


async def of_model(store: Blobs, manifest: Manifest, wanted: frozenset[str]) -> bytes:
    """A document of a model: the layer itself, or the first file in it."""
    for layer in manifest.layers:
        form = DOCUMENT.fullmatch(layer.media_type)
        if form is None or annotation(layer, FILE_PATHS) not in wanted:
            continue
        digest = held(manifest, layer)
        if form[1] == "raw":
            return await archives.content(store, digest, MOST)
        found = await archives.entry(store, digest, bool, MOST)
        if found is not None:
            return found
    raise NotFound(Phrase("the model has no %(wanted)s", wanted=" or ".join(sorted(wanted))))


async def files(_store: Blobs, manifest: Manifest) -> Addition:
    return Addition(await asyncio.to_thread(tree, manifest), JSON)


def tree(manifest: Manifest) -> bytes:
    """The files of a model in their folders, folders first, each by name; as JSON."""
    root: dict[str, Any] = {}
    for layer in manifest.layers:
        parts = annotation(layer, FILE_PATHS).split("/")
        path = [part for part in parts if part not in ("", ".")]
        if path and ".." not in path and len(path) <= MOST_DEEP:
            put(root, path, size_of(layer))
    return msgspec.json.encode(entries(root))


def put(folder: dict[str, Any], path: list[str], size: int) -> None:
    for part in path[:-1]:
        inside = folder.setdefault(part, {})
        if not isinstance(inside, dict):
            return  # what is a file cannot be a folder too
        folder = inside
    folder.setdefault(path[-1], size)


def entries(folder: Mapping[str, Any]) -> list[Entry]:
    found = [
        Entry(name, "directory", children=entries(inside))
        if isinstance(inside, dict)
        else Entry(name, "file", size=inside)
        for name, inside in folder.items()
    ]
    return sorted(found, key=lambda each: (each.type != "directory", each.name))


def size_of(layer: Descriptor) -> int:
    """The bytes of a file as its layer tells them, or those of the layer."""
    try:
        facts = msgspec.json.decode(annotation(layer, FILE_FACTS), type=FileFacts)
    except msgspec.MsgspecError:
        return layer.size
    return facts.size or layer.size


def annotation(layer: Descriptor, keys: tuple[str, ...]) -> str:
    known = layer.annotations or {}
    return next((known[key] for key in keys if key in known), "")


async def sbom(store: Blobs, manifest: Manifest) -> Addition:
    if not manifest.layers:
        raise NotFound(Phrase("the SBOM has no content"))
    digest = held(manifest, manifest.layers[0])
    return Addition(await archives.content(store, digest, MOST), SBOM_TYPE)


def held(manifest: Manifest, layer: Descriptor) -> Digest:
    """The digest of a layer that is in the repository: of a foreign one anybody may write any."""
    if layer.digest not in manifest.blobs:
        raise NotFound(Phrase("the registry does not hold this layer of the artifact"))
    return Digest(layer.digest)


READERS: Mapping[tuple[str, str], Callable[[Blobs, Manifest], Awaitable[Addition]]] = {
    (IMAGE, "build_history"): history,
    (WASM, "build_history"): history,
    (CHART, "values.yaml"): values,
    (CHART, "readme.md"): readme,
    (CHART, "dependencies"): dependencies,
    (CNAI, "readme.md"): model_readme,
    (CNAI, "license"): model_license,
    (CNAI, "files"): files,
    (SBOM, "sbom"): sbom,
}
