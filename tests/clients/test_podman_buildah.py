"""What podman and buildah do beyond pushing and pulling an image."""

import json

import pytest

from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Buildah, Podman
from tests.clients.images import noise
from tests.make import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST


@pytest.fixture
def podman(sit_at: SitAt) -> Podman:
    return sit_at(Podman, "dev")


@pytest.fixture
def buildah(sit_at: SitAt) -> Buildah:
    return sit_at(Buildah, "dev")


def test_podman_knows_who_is_logged_in(podman: Podman) -> None:
    assert podman("login", "--get-login", podman.home.site.host).ok().stdout.strip() == "dev"
    podman("logout", podman.home.site.host).ok()
    podman("login", "--get-login", podman.home.site.host).refused("not logged in")


@pytest.mark.parametrize(
    ("options", "media_type"),
    [
        (["--format", "oci"], OCI_MANIFEST),
        (["--format", "v2s2"], DOCKER_MANIFEST),
        (["--format", "oci", "--compression-format", "zstd"], OCI_MANIFEST),
    ],
    ids=["oci", "docker", "zstd"],
)
def test_podman_pushes_in_each_format(
    podman: Podman, registry: Registry, name: str, options: list[str], media_type: str
) -> None:
    reference, content = f"{PRIVATE}/{name}:1.0", noise()
    podman.make(reference, content)
    pushed = podman.push_again(reference, *options).ok()
    answer = registry.get(f"{PRIVATE}/{name}", "1.0")
    assert answer.headers["Content-Type"] == media_type
    assert answer.json()["layers"][0]["mediaType"].endswith("zstd") == ("zstd" in options)
    assert podman.pull(reference).ok().named_digest == pushed.named_digest
    assert podman.content(reference) == content


def test_podman_mounts_layers_from_another_repository(podman: Podman, name: str) -> None:
    here, there, content = f"{PRIVATE}/{name}:1.0", f"{PRIVATE}/{name}-two:1.0", noise()
    first = podman.push(here, content).ok()
    podman("tag", podman.at(here), podman.at(there)).ok()
    assert podman.push_again(there).ok().named_digest == first.named_digest
    podman("rmi", "--force", podman.at(here)).ok()
    podman.pull(there).ok()
    assert podman.content(there) == content


def test_podman_lists_the_tags(podman: Podman, name: str) -> None:
    podman.make(f"{PRIVATE}/{name}:1.0", noise())
    for tag in ("1.0", "1.1", "latest"):
        podman(
            "push", podman.at(f"{PRIVATE}/{name}:1.0"), podman.at(f"{PRIVATE}/{name}:{tag}")
        ).ok()
    found = podman("search", "--list-tags", "--format", "json", podman.at(f"{PRIVATE}/{name}"))
    assert json.loads(found.ok().stdout)[0]["Tags"] == ["1.0", "1.1", "latest"]


def test_buildah_makes_an_image_for_each_machine(
    buildah: Buildah, sit_at: SitAt, registry: Registry, name: str
) -> None:
    repository, content = f"{PRIVATE}/{name}", {"amd64": noise(), "arm64": noise()}
    buildah("manifest", "create", name).ok()
    for machine, data in content.items():
        buildah.make(f"{repository}:{machine}", data, "--arch", machine)
        image = f"containers-storage:{buildah.at(f'{repository}:{machine}')}"
        buildah("manifest", "add", "--arch", machine, name, image).ok()
    written = buildah.new("digest")
    target = f"docker://{buildah.at(repository)}:all"
    buildah("manifest", "push", "--all", "--digestfile", written, name, target).ok()
    assert registry.digest_of(repository, "all") == written.read_text()
    index = registry.manifest(repository, "all")
    assert index["mediaType"] == OCI_INDEX
    assert [each["platform"]["architecture"] for each in index["manifests"]] == list(content)

    podman = sit_at(Podman, "gus")
    for machine, data in content.items():
        podman.pull(f"{repository}:all", "--arch", machine).ok()
        assert podman.content(f"{repository}:all") == data


def test_buildah_builds_on_an_image_of_the_registry(
    buildah: Buildah, registry: Registry, name: str
) -> None:
    base, derived = f"{PRIVATE}/{name}:1.0", f"{PRIVATE}/{name}-more:1.0"
    below, above = noise(), noise()
    buildah.push(base, below).ok()
    buildah("rmi", "--force", buildah.at(base)).ok()
    folder = buildah.new("context")
    folder.mkdir()
    (folder / "more").write_bytes(above)
    (folder / "Containerfile").write_text(f"FROM {buildah.at(base)}\nCOPY more /more\n")
    buildah("build", "--isolation", "chroot", "--tag", buildah.at(derived), folder).ok()
    buildah.push_again(derived).ok()
    assert len(registry.manifest(f"{PRIVATE}/{name}-more", "1.0")["layers"]) == 2
    buildah.pull(derived).ok()
    assert buildah.content(derived) == below
    shown = json.loads(buildah("inspect", "--type", "image", buildah.at(derived)).ok().stdout)
    assert len(shown["OCIv1"]["rootfs"]["diff_ids"]) == 2
