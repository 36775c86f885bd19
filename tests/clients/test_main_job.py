"""The main job, on a whole Debian system: pushed by docker, pulled by podman, nothing lost."""

import gzip
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Docker, Podman, Skopeo
from tests.clients.programs import TOOLS

Entry = tuple[str, int, int, int, str]  # kind, permissions, owner, group, what it holds
KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.LNKTYPE: "file",
    tarfile.SYMTYPE: "link",
    tarfile.DIRTYPE: "folder",
    tarfile.CHRTYPE: "device",
}


def release() -> str:
    found = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    assert found, "this is no Debian"
    return found[1]


def mirror(codename: str) -> str:
    """Where this machine gets its Debian packages from."""
    form = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)"
    listed = subprocess.check_output(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"], text=True
    )
    for line in listed.splitlines():
        if line.startswith(f"Debian {codename} main "):
            return line.rpartition(" ")[2]
    pytest.fail(f"apt knows no source of Debian {codename}: run apt-get update")


@pytest.fixture(scope="session")
def debian() -> Path:
    """The file system of a small Debian, as a tar archive; made once."""
    codename = release()
    archive = TOOLS / f"debian-{codename}.tar"
    if not archive.exists():
        folder = TOOLS / f"debian-{codename}"
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", codename, folder, mirror(codename)],
            env=os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        part = archive.with_suffix(".part")
        subprocess.run(["tar", "--numeric-owner", "-C", folder, "-cf", part, "."], check=True)
        part.rename(archive)
        shutil.rmtree(folder)
    return archive


def in_archive(path: Path) -> dict[str, Entry]:
    """Everything in a tar archive, by its path."""
    found: dict[str, Entry] = {}
    with tarfile.open(path) as archive:
        for entry in archive:
            holds = entry.linkname
            if entry.isfile() or entry.islnk():
                file = archive.extractfile(entry)
                assert file is not None
                holds = hashlib.sha256(file.read()).hexdigest()
            elif entry.isdev():
                holds = f"{entry.devmajor}:{entry.devminor}"
            name = os.path.normpath(entry.name)
            mode = found[os.path.normpath(entry.linkname)][1] if entry.islnk() else entry.mode
            found[name] = (KINDS[entry.type], mode, entry.uid, entry.gid, holds)
    return found


def on_disk(top: Path) -> dict[str, Entry]:
    """Everything in a folder, by its path."""
    found: dict[str, Entry] = {}
    for path in [top, *top.rglob("*")]:
        info = path.lstat()
        kind, holds = "folder", ""
        if stat.S_ISLNK(info.st_mode):
            kind, holds = "link", str(path.readlink())
        elif stat.S_ISREG(info.st_mode):
            with path.open("rb") as file:
                kind, holds = "file", hashlib.file_digest(file, "sha256").hexdigest()
        elif stat.S_ISCHR(info.st_mode):
            kind, holds = "device", f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
        mode = stat.S_IMODE(info.st_mode)
        found[str(path.relative_to(top))] = (kind, mode, info.st_uid, info.st_gid, holds)
    return found


def test_a_debian_pushed_by_docker_is_the_same_for_podman_and_skopeo(
    debian: Path, sit_at: SitAt, registry: Registry, name: str
) -> None:
    reference = f"{PRIVATE}/{name}:1.0"
    docker, podman, skopeo = sit_at(Docker, "dev"), sit_at(Podman, "gus"), sit_at(Skopeo, "gus")
    docker("import", "--change", "CMD /bin/bash", debian, docker.at(reference)).ok()
    pushed = docker.push_again(reference).ok().named_digest

    assert podman.pull(reference).ok().named_digest == pushed
    before, after = in_archive(debian), on_disk(podman.mount(reference))
    assert len(before) > 5000
    assert after == before

    folder = skopeo.new("copied")
    skopeo("copy", skopeo.there(reference), f"dir:{folder}").ok()
    raw = (folder / "manifest.json").read_bytes()
    assert pushed == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    manifest = json.loads(raw)
    for each in [manifest["config"], *manifest["layers"]]:
        data = (folder / each["digest"].removeprefix("sha256:")).read_bytes()
        assert each["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert each["size"] == len(data)
    (layer,) = manifest["layers"]
    assert layer["size"] > 30_000_000
    with gzip.open(folder / layer["digest"].removeprefix("sha256:")) as unpacked:
        sent = hashlib.file_digest(unpacked, "sha256").hexdigest()
    with debian.open("rb") as file:
        assert sent == hashlib.file_digest(file, "sha256").hexdigest()
