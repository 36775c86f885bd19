"""What is measured, in the order of the table, and how good we want to be."""

from dataclasses import dataclass, replace

from benchmarks.bench import GIB, KIB, MIB, READ_BLOB, Scale
from benchmarks.images import copy_down, copy_up
from benchmarks.registries import Side
from benchmarks.samples import (
    SMALL_BLOB,
    Run,
    by_digest,
    by_tag,
    pull,
    push,
    push_blobs,
    push_manifests,
    read,
    read_by_wrk,
    small_blobs,
    tags,
)

OURS = Side("ours", is_ours=True)
PEER = Side("peer", is_ours=False)
# skopeo would ask the peer's token service, and there is none.
OPEN_PEER = Side("peer", is_ours=False, tokens=False)
FREE = Side("ours", is_ours=True, pinned=False), Side("peer", is_ours=False, pinned=False)
ONE_WORKER = Side("1 worker", is_ours=True, pinned=False)
TWO_WORKERS = Side("2 workers", is_ours=True, pinned=False, workers=2)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A thing that is measured on both sides.

    *at_least* is how many times as good as the second side we want to be; the rest, where it is
    set, is what we may use: of processor time as a share of the second side's, of memory in bytes.
    """

    name: str
    run: Run
    at_least: float
    unit: str = "requests/s"
    less_is_better: bool = False
    sides: tuple[Side, Side] = (OURS, PEER)
    cpu_unit: str = "µs/request"
    cpu_at_most: float | None = None
    peak_at_most: int | None = None
    growth_at_most: int | None = None


def rows(scale: Scale) -> list[Row]:
    return [
        *big_rows(f"{scale.big // GIB} GiB" if scale.big >= GIB else f"{scale.big // MIB} MiB"),
        *read_rows(scale),
        *small_rows(scale),
        *image_rows(scale),
        *worker_rows(),
    ]


def big_rows(size: str) -> list[Row]:
    pull_row = Row(
        name=f"pull {size}",
        run=pull(1),
        at_least=4,
        cpu_at_most=1 / 4,
        growth_at_most=16 * 10**6,
    )
    four = push("patch", 4)
    rows = [
        pull_row,
        replace(pull_row, name=f"pull {size}, 4 streams", run=pull(4)),
        Row(name=f"push {size}, PATCH", run=push("patch"), at_least=2),
        Row(name=f"push {size}, PATCH in chunks", run=push("chunked"), at_least=2),
        Row(name=f"push {size}, PUT alone", run=push("monolithic"), at_least=2),
        Row(
            name=f"push {size}, PATCH, 4 streams", run=four, at_least=1.5, peak_at_most=100 * 10**6
        ),
        Row(name=f"push {size}, PATCH, nothing pinned", run=push("patch"), at_least=2, sides=FREE),
        Row(
            name=f"push {size}, PATCH, 4 streams, nothing pinned",
            run=four,
            at_least=1.5,
            sides=FREE,
        ),
    ]
    return [replace(row, unit="GB/s", cpu_unit="s/GiB") for row in rows]


def read_rows(scale: Scale) -> list[Row]:
    return [
        Row(name="GET manifest by tag", run=read("GET", by_tag), at_least=10),
        Row(name="GET manifest by digest", run=read("GET", by_digest), at_least=10),
        Row(name="HEAD manifest by tag", run=read("HEAD", by_tag), at_least=10),
        Row(name="HEAD manifest by digest", run=read("HEAD", by_digest), at_least=10),
        Row(name="HEAD blob", run=read("HEAD", small_blobs), at_least=5),
        Row(name=f"GET blob, {READ_BLOB // KIB} KiB", run=read("GET", small_blobs), at_least=20),
        Row(name=f"GET tags, {scale.tags:,}", run=read("GET", tags), at_least=10),
    ]


def small_rows(scale: Scale) -> list[Row]:
    blobs = f"push {scale.blobs:,} blobs, {SMALL_BLOB // KIB} KiB, POST and PUT"
    return [
        Row(name=blobs, run=push_blobs, at_least=3, unit="blobs/s", cpu_unit="µs/blob"),
        Row(
            name=f"push {scale.manifests:,} manifests with tags",
            run=push_manifests,
            at_least=3,
            unit="manifests/s",
            cpu_unit="µs/manifest",
        ),
    ]


def image_rows(scale: Scale) -> list[Row]:
    image = f"{scale.layers} layers, {scale.image // 10**6} MB"
    rows = [
        Row(name=f"skopeo copy up, {image}", run=copy_up, at_least=1),
        Row(name=f"skopeo copy down, {image}", run=copy_down, at_least=1, cpu_at_most=1 / 2),
    ]
    sides = (OURS, OPEN_PEER)
    return [replace(row, unit="s", cpu_unit="s", less_is_better=True, sides=sides) for row in rows]


def worker_rows() -> list[Row]:
    return [
        Row(
            name=f"two workers against one, {name}",
            run=read_by_wrk(paths),
            at_least=1.2,
            sides=(TWO_WORKERS, ONE_WORKER),
        )
        for name, paths in (("GET manifest by tag", by_tag), ("GET blob, 2 KiB", small_blobs))
    ]
