"""What skopeo does beyond copying an image here and back."""

import json

import pytest

from tests.clients.conftest import PRIVATE, PUBLIC, Registry, SitAt
from tests.clients.drivers import Skopeo
from tests.clients.images import Layout, noise, simple, tar_of
from tests.make import DOCKER_MANIFEST


@pytest.fixture
def skopeo(sit_at: SitAt) -> Skopeo:
    return sit_at(Skopeo, "dev")


def test_an_image_is_inspected(skopeo: Skopeo, registry: Registry, name: str) -> None:
    reference = f"{PRIVATE}/{name}:1.0"
    skopeo.push(reference, noise()).ok()
    shown = json.loads(skopeo("inspect", skopeo.there(reference)).ok().stdout)
    assert shown["Digest"] == registry.digest_of(f"{PRIVATE}/{name}", "1.0")
    assert shown["RepoTags"] == ["1.0"]
    assert shown["Architecture"] == "amd64"
    raw = skopeo("inspect", "--raw", skopeo.there(reference)).ok().stdout
    assert raw.encode() == registry.get(f"{PRIVATE}/{name}", "1.0").content


def test_only_a_maintainer_deletes(
    skopeo: Skopeo, sit_at: SitAt, registry: Registry, name: str
) -> None:
    reference = f"{PRIVATE}/{name}:1.0"
    skopeo.push(reference, noise()).ok()
    skopeo("delete", skopeo.there(reference)).refused("unauthorized")
    assert registry.status_of(f"{PRIVATE}/{name}", "1.0") == 200
    maintainer = sit_at(Skopeo, "mia")
    maintainer("delete", maintainer.there(reference)).ok()
    skopeo.pull(reference).refused("unknown")


def test_an_index_is_copied_with_all_its_images(
    skopeo: Skopeo, registry: Registry, name: str
) -> None:
    layout = Layout(skopeo.new("layout"))
    images = [
        layout.image(tar_of({"content": noise()}), architecture=machine)
        for machine in ("amd64", "arm64", "riscv64")
    ]
    digest = layout.tag(layout.index(*images), "1.0")
    first, second = f"{PRIVATE}/{name}:1.0", f"{PUBLIC}/{name}:1.0"
    skopeo("copy", "--all", f"oci:{layout.folder}:1.0", skopeo.there(first)).ok()
    skopeo("copy", "--all", skopeo.there(first), skopeo.there(second)).ok()
    back = skopeo.new("back")
    skopeo("copy", "--all", skopeo.there(second), f"oci:{back}:1.0").ok()
    assert registry.digest_of(f"{PUBLIC}/{name}", "1.0") == digest
    kept = {path.name: path.read_bytes() for path in (back / "blobs" / "sha256").iterdir()}
    sent = {path.name: path.read_bytes() for path in (layout.folder / "blobs/sha256").iterdir()}
    assert kept == sent


def test_a_layer_that_another_repository_has_is_mounted(
    skopeo: Skopeo, registry: Registry, name: str
) -> None:
    layout = skopeo.new("layout")
    digest = simple(layout, noise())
    for project in (PRIVATE, PUBLIC):
        to = skopeo.there(f"{project}/{name}:1.0")
        skopeo("copy", f"oci:{layout}:1.0", to).ok()
        assert registry.digest_of(f"{project}/{name}", "1.0") == digest


def test_an_image_is_changed_into_docker_s_format(
    skopeo: Skopeo, registry: Registry, name: str
) -> None:
    layout = skopeo.new("layout")
    simple(layout, noise())
    to = skopeo.there(f"{PRIVATE}/{name}:1.0")
    skopeo("copy", "--format", "v2s2", f"oci:{layout}:1.0", to).ok()
    assert registry.get(f"{PRIVATE}/{name}", "1.0").headers["Content-Type"] == DOCKER_MANIFEST


def test_a_repository_is_synced_to_a_folder(skopeo: Skopeo, name: str) -> None:
    for tag in ("1.0", "2.0"):
        skopeo.push(f"{PRIVATE}/{name}:{tag}", noise()).ok()
    folder = skopeo.new("synced")
    skopeo("sync", "--src", "docker", "--dest", "dir", skopeo.at(f"{PRIVATE}/{name}"), folder).ok()
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}:1.0", f"{name}:2.0"]


def test_credentials_may_come_with_the_command(
    sit_at: SitAt, registry: Registry, name: str
) -> None:
    nobody = sit_at(Skopeo)
    layout = nobody.new("layout")
    simple(layout, noise())
    source, to = f"oci:{layout}:1.0", nobody.there(f"{PRIVATE}/{name}:1.0")
    right, wrong = ":".join(registry.people["dev"]), "dev:wrong"
    nobody("copy", "--dest-creds", wrong, source, to).refused("unauthorized", "username/password")
    nobody("copy", "--dest-creds", right, source, to).ok()
    nobody("inspect", "--creds", right, to).ok()
    nobody("inspect", to).refused("unauthorized")
