"""A session: its size, its registries, and what one measurement of a server found."""

import contextlib
import itertools
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.driving import Report, drive
from benchmarks.processes import Failed, Process, busy_s, children_cpu_s
from benchmarks.registries import REPOSITORY, Keys, Registry, Side, launch
from tests.crash.client import OCI_MANIFEST, sha256

GIB, MIB, KIB = 1024**3, 1024**2, 1024
READ_BLOB = 2 * 1024  # bytes of the blobs that are read
PIPES = 8  # connections that fill a registry
MANY = 50  # requests, of which it says something how long most of them took


@dataclass(frozen=True)
class Scale:
    """How much is done for one sample."""

    big: int = GIB  # bytes of a big blob
    seconds: float = 3.0  # of one kind of small request
    tags: int = 1_000  # of the repository that is read; each names an image of its own
    blobs: int = 2_000
    manifests: int = 500
    image: int = 500 * 10**6  # bytes of an image
    layers: int = 20


SHORT = Scale(big=64 * MIB, seconds=1.0, tags=200, blobs=200, manifests=50, image=50 * 10**6)


@dataclass(frozen=True)
class Sample:
    """One measurement. Processor time is the server's, for each unit of work."""

    value: float
    cpu: float
    driver_share: float  # of one core
    peak_rss: int
    grown_rss: int  # the peak, less what was held before
    others: float  # how busy the machine was with all else, of one core
    p50_us: int  # 0 for few requests
    p99_us: int


@dataclass
class Cost:
    """What a server used while it was watched."""

    cpu_s: float = 0
    peak_rss: int = 0
    grown_rss: int = 0
    others: float = 0

    def sample(self, found: Report, value: float, units: float) -> Sample:
        """What was found, with its cost for each of the *units* of work."""
        return Sample(
            value=value,
            cpu=self.cpu_s / units,
            driver_share=found.cpu_s / found.seconds,
            peak_rss=self.peak_rss,
            grown_rss=self.grown_rss,
            others=self.others,
            p50_us=found.p50_us if found.requests >= MANY else 0,
            p99_us=found.p99_us if found.requests >= MANY else 0,
        )


@contextlib.contextmanager
def watched(server: Process) -> Iterator[Cost]:
    cost = Cost()
    server.reset_peak()
    rss, cpu, clients, busy = server.rss(), server.cpu_s(), children_cpu_s(), busy_s()
    began = time.monotonic()
    yield cost
    server.check_alive()
    cost.cpu_s = server.cpu_s() - cpu
    cost.peak_rss = server.peak_rss()
    cost.grown_rss = max(0, cost.peak_rss - rss)
    rest = busy_s() - busy - cost.cpu_s - (children_cpu_s() - clients)
    cost.others = max(0, rest) / (time.monotonic() - began)


@dataclass
class Bench:
    """All that runs and lies somewhere during a session, until *stack* is unwound."""

    folder: Path
    scale: Scale
    keys: Keys
    stack: contextlib.ExitStack
    seed: str = field(default_factory=lambda: secrets.token_hex(8))
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _reading: dict[Side, Registry] = field(default_factory=dict)

    def new_seed(self) -> str:
        return f"{self.seed}/{next(self._numbers)}"

    def new_folder(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '-')}-{next(self._numbers)}"

    def reading(self, side: Side) -> Registry:
        """The registry of this side that is read all the time, empty at first."""
        registry = self._reading.get(side)
        if registry is None:
            registry = launch(side, self.new_folder(side.name), self.keys)
            self.stack.callback(registry.process.stop)
            self._reading[side] = registry
        return registry

    @contextlib.contextmanager
    def fresh(self, side: Side, *, keep: bool = False) -> Iterator[Registry]:
        """An empty registry on a new folder.

        Its files stay until the end if there are many of them (*keep*): ext4 is slow to make
        files for some seconds after others were removed.
        """
        folder = self.new_folder(side.name)
        registry = launch(side, folder, self.keys)
        try:
            registry.token()
            os.sync()  # nobody pays for what others wrote
            yield registry
        finally:
            registry.process.stop()
            if not keep:
                shutil.rmtree(folder)


def filled(bench: Bench, side: Side) -> Registry:
    """The registry that is read, with small blobs, images and tags in it."""
    registry = bench.reading(side)
    if not registry.blobs:
        told = {"seed": bench.seed, "size": READ_BLOB, "connections": PIPES}
        told["count"] = bench.scale.tags
        registry.blobs = drive(registry, "blobs", **told).digests
        registry.manifests = drive(registry, "manifests", **told).digests
        check_content(registry)
        os.sync()
    return registry


def check_content(registry: Registry) -> None:
    """Raise ``Failed`` if what was pushed does not come back as it went."""
    root = f"/v2/{REPOSITORY}"
    with registry.client() as client:
        blob = client.get(f"{root}/blobs/{registry.blobs[0]}").body
        manifest = client.get(f"{root}/manifests/t0000", Accept=OCI_MANIFEST).body
        tags = client.get(f"{root}/tags/list").json()["tags"]
    if (
        sha256(blob) != registry.blobs[0]
        or sha256(manifest) != registry.manifests[0]
        or tags != [f"t{number:04}" for number in range(len(registry.manifests))]
    ):
        raise Failed(f"{registry.side.name}: what was pushed does not come back")


def with_big_blob(bench: Bench, side: Side) -> Registry:
    """The registry that is read, with a big blob in it, which was read once."""
    registry, size = bench.reading(side), bench.scale.big
    if not registry.big:
        (digest,) = drive(registry, "push", seed=bench.seed, size=size).digests
        registry.big = f"/v2/{REPOSITORY}/blobs/{digest}"
        drive(registry, "pull", registry.big, size=size, verify=digest)
        os.sync()
    return registry
