"""How each thing is measured: one sample, of one side."""

from collections.abc import Callable

from benchmarks.bench import GIB, Bench, Sample, filled, watched, with_big_blob
from benchmarks.driving import drive, drive_by_wrk
from benchmarks.processes import Failed
from benchmarks.registries import REPOSITORY, Registry, Side

READERS = 16  # connections that read small things
MANY_READERS = 64  # for workers, which share connections evenly only if there are many
WRITERS = 8
HOT = 100  # different things that are asked for in turn
SMALL_BLOB = 4 * 1024
WARM_UP_S = 0.3
ROOT = f"/v2/{REPOSITORY}"
GB = 10**9
Run = Callable[[Bench, Side], Sample]


def pull(streams: int) -> Run:
    def run(bench: Bench, side: Side) -> Sample:
        registry = with_big_blob(bench, side)
        told = {"connections": streams, "count": 4 // streams, "size": bench.scale.big}
        with watched(registry.process) as cost:
            found = drive(registry, "pull", registry.big, **told)
        return cost.sample(found, found.bytes / found.seconds / GB, found.bytes / GIB)

    return run


def push(how: str, streams: int = 1) -> Run:
    def run(bench: Bench, side: Side) -> Sample:
        size = bench.scale.big
        with bench.fresh(side) as registry:
            told = {"how": how, "connections": streams, "size": size, "seed": bench.new_seed()}
            with watched(registry.process) as cost:
                found = drive(registry, "push", **told)
            check_sizes(registry, found.digests, size)
        return cost.sample(found, found.bytes / found.seconds / GB, found.bytes / GIB)

    return run


def check_sizes(registry: Registry, digests: list[str], size: int) -> None:
    with registry.client() as client:
        for digest in digests:
            answer = client.call("HEAD", f"{ROOT}/blobs/{digest}")
            if (answer.status, answer.headers.get("content-length")) != (200, str(size)):
                raise Failed(f"{registry.side.name}: {digest} was pushed, and is not there")


def read(method: str, paths: Callable[[Registry], list[str]]) -> Run:
    def run(bench: Bench, side: Side) -> Sample:
        registry = filled(bench, side)
        told = {"method": method, "connections": READERS}
        drive(registry, "get", *paths(registry), seconds=WARM_UP_S, **told)
        with watched(registry.process) as cost:
            found = drive(registry, "get", *paths(registry), seconds=bench.scale.seconds, **told)
        return cost.sample(found, found.requests / found.seconds, found.requests / 1e6)

    return run


def read_by_wrk(paths: Callable[[Registry], list[str]]) -> Run:
    def run(bench: Bench, side: Side) -> Sample:
        registry = filled(bench, side)
        path, seconds = paths(registry)[0], max(1, bench.scale.seconds)
        drive_by_wrk(registry, path, connections=MANY_READERS, seconds=1)
        with watched(registry.process) as cost:
            found = drive_by_wrk(registry, path, connections=MANY_READERS, seconds=seconds)
        return cost.sample(found, found.requests / found.seconds, found.requests / 1e6)

    return run


def by_tag(_: Registry) -> list[str]:
    return [f"{ROOT}/manifests/t{number:04}" for number in range(HOT)]


def by_digest(registry: Registry) -> list[str]:
    return [f"{ROOT}/manifests/{digest}" for digest in registry.manifests[:HOT]]


def small_blobs(registry: Registry) -> list[str]:
    return [f"{ROOT}/blobs/{digest}" for digest in registry.blobs[:HOT]]


def tags(_: Registry) -> list[str]:
    return [f"{ROOT}/tags/list"]


def push_blobs(bench: Bench, side: Side) -> Sample:
    told = {"seed": bench.new_seed(), "size": SMALL_BLOB, "connections": WRITERS}
    with bench.fresh(side, keep=True) as registry:
        with watched(registry.process) as cost:
            found = drive(registry, "blobs", count=bench.scale.blobs, **told)
        check_sizes(registry, found.digests[-3:], SMALL_BLOB)
    return cost.sample(found, found.requests / found.seconds, found.requests / 1e6)


def push_manifests(bench: Bench, side: Side) -> Sample:
    told = {"seed": bench.new_seed(), "size": SMALL_BLOB, "count": bench.scale.manifests}
    with bench.fresh(side, keep=True) as registry:
        drive(registry, "blobs", connections=WRITERS, **told)
        with watched(registry.process) as cost:
            found = drive(registry, "manifests", connections=WRITERS, **told)
        with registry.client() as client:
            listed = client.get(f"{ROOT}/tags/list").json()["tags"]
        if len(listed) != bench.scale.manifests:
            raise Failed(f"{side.name}: {len(listed)} tags of {bench.scale.manifests}")
    return cost.sample(found, found.requests / found.seconds, found.requests / 1e6)
