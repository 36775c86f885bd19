"""The drivers as Python calls them: a Go program of ours, and wrk where that would be too slow."""

import json
import re
import subprocess

import msgspec

from benchmarks.processes import DRIVER_CORE, Failed, children_cpu_s, pinned
from benchmarks.registries import REPOSITORY, TOOLS, Registry

DRIVER = TOOLS / "harbor-bench-driver"


class Report(msgspec.Struct, kw_only=True):
    """What the driver prints: ``report`` of driver/report.go."""

    seconds: float
    cpu_s: float
    requests: int = 0
    bytes: int = 0
    p50_us: int = 0
    p90_us: int = 0
    p99_us: int = 0
    max_us: int = 0
    first_error: str = ""
    digests: list[str] = []


def drive(registry: Registry, mode: str, *paths: str, **options: object) -> Report:
    """One run of the driver, beside the server; ``Failed`` if any answer was wrong."""
    named = {"address": registry.address, "repository": REPOSITORY, **options}
    if registry.side.tokens:
        named["token"] = registry.token()
    command = [str(DRIVER), mode, *(f"-{name}={value}" for name, value in named.items()), *paths]
    if registry.side.pinned:
        command = pinned(DRIVER_CORE, command)
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=Report)
    said = done.stderr.decode() or json.loads(done.stdout)["first_error"]
    raise Failed(f"{registry.side.name}, {mode}: {said}\n{registry.process.output()}")


def drive_by_wrk(registry: Registry, path: str, *, connections: int, seconds: float) -> Report:
    """GET the same again and again; needs half the processor that the Go driver does."""
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds:.0f}s"]
    url = f"http://{registry.address}{path}"
    before = children_cpu_s()
    done = subprocess.run(
        [*command, "--header", f"Authorization: Bearer {registry.token()}", url],
        capture_output=True,
        check=False,
        text=True,
    )
    total = re.search(r"(\d+) requests in ([0-9.]+)(m?s|m),", done.stdout)
    if done.returncode or not total or re.search("Non-2xx|Socket errors", done.stdout):
        raise Failed(f"{registry.side.name}, wrk: {done.stdout}{done.stderr}")
    requests, took, unit = total.groups()
    return Report(
        seconds=float(took) * {"ms": 0.001, "s": 1, "m": 60}[unit],
        cpu_s=children_cpu_s() - before,
        requests=int(requests),
    )
