"""What is done: show charts and their versions as the API of charts does.

Source: Harbor 1.10 src/chartserver/chart_operator.go.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import msgspec
from msgspec import Raw
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.service import catalogue
from harbor.charts.schemas import (
    Archive,
    ChartDetails,
    ChartInfo,
    Entry,
    Listed,
    Security,
    Signature,
)
from harbor.charts.service import archives, documents
from harbor.charts.service.entries import layered
from harbor.charts.service.index import Chart, Index
from harbor.charts.service.provenance import MAX_BYTES
from harbor.core import wire
from harbor.core.errors import BadRequest
from harbor.core.oci import Digest
from harbor.core.storage.interface import BlobMissing, Store
from harbor.labels.schemas import Label

SHOWN = frozenset(("README.md", "values.yaml"))
MEMORY = 256 * 1024  # bytes of a file; of a larger one the rest is on the disk
MANY = 500


def summed_up(index: Index) -> list[ChartInfo]:
    """The charts of a project, sorted by name."""
    return [info(name, chart) for name, chart in sorted(index.by_name.items())]


def info(name: str, chart: Chart) -> ChartInfo:
    latest = msgspec.json.decode(chart.listed[0].raw, type=Entry)
    created = [each.created for each in chart.listed]
    return ChartInfo(
        name=name,
        total_versions=len(chart.listed),
        latest_version=latest.version,
        created=min(created),
        updated=max(created),
        icon=latest.icon,
        home=latest.home,
        deprecated=latest.deprecated,
    )


async def labels_of(
    session: AsyncSession, listed: Sequence[Listed]
) -> Mapping[int, Sequence[Label]]:
    """The labels of each version, by the ids of their artifacts."""
    found: dict[int, Sequence[Label]] = {}
    ids = [each.artifact_id for each in listed]
    for start in range(0, len(ids), MANY):
        found |= await catalogue.labels_of(session, ids[start : start + MANY])
    return found


def versions(listed: Sequence[Listed], labels: Mapping[int, Sequence[Label]]) -> bytes:
    """The versions of a chart as JSON, the latest first."""
    return b"[%b]" % b",".join(
        b'%b,"removed":false,"labels":%b}'
        % (each.raw[:-1], wire.encode(labels.get(each.artifact_id, ())))
        for each in listed
    )


async def version(
    store: Store, archive: Archive, listed: Listed, labels: Sequence[Label], max_bytes: int
) -> ChartDetails:
    """A version with what is in its archive; what cannot be read there is left out."""
    layers = layered(archive.content)
    files: dict[str, bytes] = {}
    with SpooledTemporaryFile(MEMORY) as file:
        if layers.archive and await copied(store, layers.archive, file, max_bytes):
            files = await asyncio.to_thread(inside, file)
        values = await asyncio.to_thread(values_of, files.get("values.yaml", b""))
    signature = await provenance(store, layers.provenance)
    return ChartDetails(
        metadata=Raw(listed.raw),
        dependencies=msgspec.json.decode(listed.raw, type=Entry).dependencies,
        values=values,
        files={name: raw.decode(errors="replace") for name, raw in files.items()},
        security=Security(Signature(signature is not None, signature or "")),
        labels=labels,
    )


async def copied(store: Store, digest: Digest, file: IO[bytes], max_bytes: int) -> bool:
    """Copy a blob into *file*; whether it is there and has at most *max_bytes*."""
    with suppress(BlobMissing):
        async with store.open(digest) as blob:
            if blob.size > max_bytes:
                return False
            async for piece in blob.read(0, blob.size):
                await asyncio.to_thread(file.write, piece)
            return True
    return False


async def provenance(store: Store, digest: Digest | None) -> str | None:
    with SpooledTemporaryFile(MEMORY) as file:
        if digest is None or not await copied(store, digest, file, MAX_BYTES):
            return None
        file.seek(0)
        return file.read().decode(errors="replace")


def inside(file: IO[bytes]) -> dict[str, bytes]:
    with suppress(BadRequest):
        return archives.opened(file, SHOWN)[1]
    return {}


def values_of(raw: bytes) -> Raw:
    """The values of a chart, flat: ``{"image.tag": "1.0"}``; none if there is no JSON for them."""
    with suppress(BadRequest, TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        said = documents.load(raw, "values.yaml", typed=True)
        return Raw(wire.encode(dict(flattened(said, ""))))
    return Raw(b"{}")


def flattened(said: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(said, dict):
        return
    for name, value in said.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from flattened(value, f"{key}.")
        else:
            yield key, value
