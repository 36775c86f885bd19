"""The driver, a Go program, as Python calls it."""

import json
import subprocess

import msgspec

from benchmarks.processes import DRIVER_CORE, Failed, pinned
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
