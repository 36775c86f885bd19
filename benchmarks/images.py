"""An image of many layers, and skopeo, which carries it to a registry and back."""

import gzip
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.bench import Bench, Sample, watched
from benchmarks.driving import Report
from benchmarks.processes import DRIVER_CORE, Failed, children_cpu_s, pinned
from benchmarks.registries import REPOSITORY, Registry, Side
from tests.clients.images import Layout
from tests.crash.server import PASSWORD
from tests.make import CONFIG, LAYER, OCI_MANIFEST

TAG = "image"


def layout(bench: Bench) -> Path:
    """The folder of the image, which is made when it is first asked for."""
    folder = bench.folder / "image"
    if not folder.exists():
        made = Layout(folder)
        nbytes = bench.scale.image // bench.scale.layers
        # Compressed, so that skopeo sends them as they are; at level 0, for noise stays as long.
        layers = [
            made.blob(gzip.compress(secrets.token_bytes(nbytes), 0), LAYER)
            for _ in range(bench.scale.layers)
        ]
        config = made.blob(b'{"architecture": "amd64", "os": "linux"}', CONFIG)
        made.tag(made.document({"config": config, "layers": layers}, OCI_MANIFEST), TAG)
        os.sync()
    return folder


def copy_up(bench: Bench, side: Side) -> Sample:
    source = layout(bench)
    with bench.fresh(side) as registry:
        return up(registry, source)


def up(registry: Registry, source: Path) -> Sample:
    return skopeo(registry, "dest", f"oci:{source}:{TAG}", remote(registry))


def copy_down(bench: Bench, side: Side) -> Sample:
    registry = bench.reading(side)
    if not registry.has_image:
        up(registry, layout(bench))
        registry.has_image = True
        os.sync()
    folder = bench.new_folder("down")
    sample = skopeo(registry, "src", remote(registry), f"dir:{folder}")
    nbytes = sum(file.stat().st_size for file in folder.iterdir())
    shutil.rmtree(folder)
    if nbytes < bench.scale.image:
        raise Failed(f"{side.name}: skopeo got {nbytes} bytes")
    return sample


def remote(registry: Registry) -> str:
    return f"docker://{registry.address}/{REPOSITORY}:{TAG}"


def skopeo(registry: Registry, far_end: str, source: str, target: str) -> Sample:
    """A copy; *far_end* is which of the two is the registry, in skopeo's word: src or dest."""
    options = [f"--{far_end}-tls-verify=false"]
    if registry.side.tokens:
        options.append(f"--{far_end}-creds=admin:{PASSWORD}")
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", *options, source, target]
    with watched(registry.process) as cost:
        began, cpu = time.monotonic(), children_cpu_s()
        done = subprocess.run(pinned(DRIVER_CORE, command), capture_output=True, check=False)
        seconds, cpu = time.monotonic() - began, children_cpu_s() - cpu
    if done.returncode:
        said = done.stderr.decode()
        raise Failed(f"{registry.side.name}, skopeo: {said}\n{registry.process.output()}")
    return cost.sample(Report(seconds=seconds, cpu_s=cpu), seconds, 1)
