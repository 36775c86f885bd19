"""Loads that a server must stand, ours alone: ``python -m benchmarks.loads crowd|slow``.

crowd: thousands of clients push an image each at the same moment. slow: what hundreds of clients
that hardly move cost the others.
"""

import argparse
import contextlib
import re
import resource
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import MIB
from benchmarks.driving import drive
from benchmarks.processes import Failed, end_in_order
from benchmarks.registries import REPOSITORY, Keys, Registry, Side, launch

SLOW = 200  # clients, a quarter of each kind
TAGS = 100
MEASURE_S = 8.0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads", description=__doc__)
    add = parser.add_argument
    add("load", choices=("crowd", "slow"))
    add("--clients", type=int, default=3_000, help="of the crowd")
    add("--mb", type=int, default=5, help="size of an image of the crowd")
    add("--workers", type=int, default=1)
    add("--data", type=Path, help="where data lies (the folder for temporary files)")
    return parser.parse_args()


@contextlib.contextmanager
def running(told: argparse.Namespace) -> Iterator[Registry]:
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=told.data) as folder:
        side = Side("ours", is_ours=True, pinned=False, workers=told.workers)
        more = {"HARBOR_METRICS": "true"}
        registry = launch(side, Path(folder) / "data", Keys(Path(folder)), more)
        try:
            yield registry
        finally:
            registry.process.stop()


def lag(registry: Registry) -> str:
    """How late the event loop was at most, and how often it was late for long."""
    with registry.client() as client:
        told = client.get("/metrics").body.decode()
    found = {
        name: float(value)
        for name, value in re.findall(r"^harbor_event_loop_lag_(\S+) (\S+)$", told, re.M)
    }
    late = found["seconds_count"] - found['seconds_bucket{le="0.05"}']
    longest_ms = found["max_seconds"] * 1000
    return f"loop late by {longest_ms:.0f} ms at most, {late:.0f} times by more than 50 ms"


def crowd(told: argparse.Namespace) -> None:
    with running(told) as registry:
        ready = registry.process.rss()
        found = drive(
            registry,
            "images",
            seed=secrets.token_hex(8),
            connections=told.clients,
            size=told.mb * 1_000_000,
        )
        with registry.client() as client:
            tags = len(client.get(f"/v2/{REPOSITORY}/tags/list").json()["tags"])
        if tags != told.clients:
            raise Failed(f"{tags} tags of {told.clients}")
        print(
            f"{found.requests} images of {told.mb} MB in {found.seconds:.1f} s, "
            f"{found.bytes / found.seconds / 1e9:.2f} GB/s, no error\n"
            f"an image took {found.p50_us / 1e6:.1f} s (median), {found.p90_us / 1e6:.1f} s (p90), "
            f"{found.p99_us / 1e6:.1f} s (p99), {found.max_us / 1e6:.1f} s (max)\n"
            f"memory {registry.process.peak_rss() / 1e6:.0f} MB at most, {ready / 1e6:.0f} before, "
            f"{registry.process.rss() / 1e6:.0f} after\n{lag(registry)}"
        )


def slow(told: argparse.Namespace) -> None:
    with running(told) as registry:
        content = {"seed": "slow", "size": 2048, "count": TAGS, "connections": 8}
        drive(registry, "blobs", **content)
        drive(registry, "manifests", **content)
        (big,) = drive(registry, "push", seed="big", size=64 * MIB).digests
        paths = [f"/v2/{REPOSITORY}/manifests/t{number:04}" for number in range(TAGS)]
        drive(registry, "get", *paths, connections=4, seconds=1)
        calm = drive(registry, "get", *paths, connections=4, seconds=MEASURE_S)
        before = registry.process.rss()
        with hardly_moving(registry, f"/v2/{REPOSITORY}/blobs/{big}"):
            meanwhile = drive(registry, "get", *paths, connections=4, seconds=MEASURE_S)
            cost = registry.process.rss() - before
        print(
            f"calm: p50 {calm.p50_us} µs, p99 {calm.p99_us} µs\n"
            f"with {SLOW} slow clients: p50 {meanwhile.p50_us} µs, p99 {meanwhile.p99_us} µs, "
            f"{meanwhile.p99_us / calm.p99_us:.2f} times\n"
            f"they cost {cost / 1e6:.0f} MB\n{lag(registry)}"
        )


@contextlib.contextmanager
def hardly_moving(registry: Registry, big: str) -> Iterator[None]:
    """Clients that send a header, or a body, or read a blob, byte by byte; and some that idle."""
    token = f"Authorization: Bearer {registry.token()}\r\nHost: localhost\r\n"
    with contextlib.ExitStack() as stack:
        sockets = []
        for number in range(SLOW):
            connection = socket.create_connection(("127.0.0.1", registry.port))
            stack.enter_context(connection)
            begin = (
                "GET /v2/ HTTP/1.1\r\nX-Slow: ",
                f"POST /v2/{REPOSITORY}/blobs/uploads/?digest=sha256:{number:064x} HTTP/1.1\r\n"
                f"{token}Content-Length: 1000000\r\n\r\n{'x' * 2000}",
                f"GET {big} HTTP/1.1\r\n{token}\r\n",
                f"GET /v2/ HTTP/1.1\r\n{token}\r\n",
            )[number % 4]
            connection.sendall(begin.encode())
            sockets.append((connection, (b"x", b"x" * 20, b"", b"")[number % 4]))
        over = threading.Event()
        dripping = threading.Thread(target=drip, args=(sockets, over))
        dripping.start()
        try:
            time.sleep(1)
            yield
        finally:
            over.set()
            dripping.join()


def drip(sockets: list[tuple[socket.socket, bytes]], over: threading.Event) -> None:
    """Send a little in each connection, or read a little where there is nothing to send."""
    while not over.wait(0.25):
        for connection, piece in sockets:
            with contextlib.suppress(OSError):
                if piece:
                    connection.send(piece)
                else:
                    connection.recv(512, socket.MSG_DONTWAIT)


def main() -> int:
    told = options()
    end_in_order()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        {"crowd": crowd, "slow": slow}[told.load](told)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
