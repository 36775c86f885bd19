"""What is done: take a chart in, as the artifact that ``helm push`` would have made of it.

The blobs and the manifest go the road of every push: the same limits, the same order, the same
rows. What was sent is checked before the first byte of it is kept.

Source: Helm 3 pkg/registry/client.go, ``Push``, and util.go, ``generateOCIAnnotations``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, Any

import msgspec
from msgspec import Struct
from sqlalchemy import bindparam, select

from harbor.artifacts.models import Artifact, Repository, Tag
from harbor.artifacts.schemas import Place, Pushed
from harbor.artifacts.service import blobs, manifests
from harbor.artifacts.service.uploads import Pushes
from harbor.charts.schemas import Metadata
from harbor.charts.service.archives import PIECE, Packed
from harbor.charts.service.entries import CONTENT, PROVENANCE
from harbor.charts.service.provenance import Provenance
from harbor.charts.service.versions import tag_of
from harbor.core import oci
from harbor.core.errors import BlobUnknown, Conflict, HarborError, Unsupported
from harbor.core.manifests import OCI_MANIFEST
from harbor.core.oci import Digest
from harbor.core.quick import Pen, Row

CONFIG = "application/vnd.cncf.helm.config.v1+json"
TITLES = "org.opencontainers.image."
ANYTHING = "*"  # in place of a digest
OWN = frozenset((f"{TITLES}version", f"{TITLES}title"))  # not to be told otherwise by annotations
MEANT = (
    select(Artifact.digest)
    .join(Tag, Tag.artifact_id == Artifact.id)
    .join(Repository, Repository.repository_id == Tag.repository_id)
    .where(
        Repository.name == bindparam("repository"),
        Repository.project_id == bindparam("project_id"),
        Tag.name == bindparam("tag"),
    )
)


class Part(Struct, frozen=True):
    """Bytes that become a blob."""

    media_type: str
    digest: Digest
    size: int
    file: IO[bytes]

    @property
    def described(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def part_of(media_type: str, raw: bytes) -> Part:
    return Part(media_type, oci.digest_of(raw), len(raw), BytesIO(raw))


def parts_of(packed: Packed, file: IO[bytes], signed: Provenance | None) -> list[Part]:
    """The config, then the layers."""
    parts = [
        part_of(CONFIG, packed.config),
        Part(CONTENT, packed.digest, packed.size, file),
    ]
    return parts if signed is None else [*parts, part_of(PROVENANCE, signed.raw)]


def manifest_of(parts: Sequence[Part], about: Metadata, now: datetime) -> bytes:
    config, *layers = (part.described for part in parts)
    return encoded(config, layers, annotations_of(about, now))


def encoded(
    config: Mapping[str, Any], layers: list[dict[str, Any]], annotations: Mapping[str, str] | None
) -> bytes:
    """A manifest, as Helm's library writes it; its layers are sorted by their digests."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "config": config,
        "layers": sorted(layers, key=lambda layer: str(layer["digest"])),
    }
    if annotations:
        document["annotations"] = dict(sorted(annotations.items()))
    return msgspec.json.encode(document)


def with_provenance(content: bytes, signed: Part) -> bytes:
    """The manifest of a chart with another signature, or with its first."""
    before = msgspec.json.decode(content)
    layers = [each for each in before["layers"] if each.get("mediaType") != PROVENANCE]
    return encoded(before["config"], [*layers, signed.described], before.get("annotations"))


def annotations_of(about: Metadata, now: datetime) -> dict[str, str]:
    people = [f"{p.name} ({p.email})" if p.email else p.name for p in about.maintainers]
    said = {
        "description": about.description,
        "title": about.name,
        "version": about.version,
        "url": about.home,
        "created": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "source": about.sources[0] if about.sources else "",
        "authors": ", ".join(people),
    }
    found = {TITLES + name: text for name, text in said.items() if text.strip()}
    return found | {name: text for name, text in about.annotations.items() if name not in OWN}


def pushed(place: Place, version: str, raw: bytes) -> Pushed:
    return manifests.pushed(place, reference=tag_of(version), media_type=OCI_MANIFEST, raw=raw)


Ask = Callable[..., Awaitable[list[Row]]]  # ``Quick.fetch``, or ``Pen.run`` in a transaction


async def meant(ask: Ask, place: Place, version: str) -> str | None:
    """The digest of what has the tag of a version, if anything has it."""
    rows = await ask(
        MEANT, repository=place.repository, project_id=place.project_id, tag=tag_of(version)
    )
    return rows[0][0] if rows else None


async def refuse_existing(ask: Ask, place: Place, version: str) -> None:
    if await meant(ask, place, version) is not None:
        raise Conflict(f"{place.repository} {version} already exists")


async def keep(pushes: Pushes, parts: Sequence[Part]) -> list[Digest]:
    """Make blobs of *parts*; return those that the repository did not have before."""
    made: list[Digest] = []
    try:
        for part in parts:
            if await keep_one(pushes, part):
                made.append(part.digest)
    except HarborError:
        await forget(pushes, made)
        raise
    return made


async def keep_one(pushes: Pushes, part: Part) -> bool:
    with suppress(BlobUnknown):
        await blobs.size(pushes.db.quick, pushes.place, part.digest)
        return False
    await pushes.require_room(part.digest, part.size)
    upload_id = await pushes.begin()
    await pushes.start(upload_id)
    await pushes.append(upload_id, pieces(part.file), offset=None)
    await pushes.finish(upload_id, part.digest, part.size)
    return True


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece


async def forget(pushes: Pushes, digests: Collection[Digest]) -> None:
    """Take blobs back of which no artifact was made, unless somebody else has made one."""
    for digest in digests:
        with suppress(BlobUnknown, Unsupported):
            async with pushes.db.writing() as session:
                await blobs.remove(session, pushes.place, digest)


async def refuse_other(pen: Pen, place: Place, version: str, instead: str | None) -> None:
    """``Conflict`` unless a version is new, or what it is *instead* of is there still.

    It may be instead of ``ANYTHING``.
    """
    if instead is None:
        await refuse_existing(pen.run, place, version)
    elif instead != ANYTHING and await meant(pen.run, place, version) != instead:
        raise Conflict(f"{place.repository} {version} was changed meanwhile; try again")
