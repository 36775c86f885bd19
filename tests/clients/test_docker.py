"""What docker does beyond pushing and pulling an image."""

import json

import pytest

from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Docker, Podman
from tests.clients.images import noise
from tests.make import ADMIN


@pytest.fixture
def docker(sit_at: SitAt) -> Docker:
    return sit_at(Docker, "dev")


def test_a_second_push_sends_nothing(docker: Docker, name: str) -> None:
    reference = f"{PRIVATE}/{name}:1.0"
    first = docker.push(reference, noise()).ok().says("Pushed")
    again = docker.push_again(reference).ok().says("Layer already exists")
    assert again.named_digest == first.named_digest


def test_a_push_to_another_repository_mounts_the_layers(docker: Docker, name: str) -> None:
    here, there, content = f"{PRIVATE}/{name}:1.0", f"{PRIVATE}/{name}-two:1.0", noise()
    first = docker.push(here, content).ok()
    docker("tag", docker.at(here), docker.at(there)).ok()
    second = docker.push_again(there).ok().says(f"Mounted from {PRIVATE}/{name}")
    assert second.named_digest == first.named_digest
    docker("image", "rm", docker.at(here)).ok()
    docker.pull(there).ok()
    assert docker.content(there) == content


def test_an_image_of_many_layers_is_built_pushed_and_pulled(docker: Docker, name: str) -> None:
    layers = {f"file-{number}": noise() for number in range(4)}
    folder = docker.new("context")
    folder.mkdir()
    lines = ["FROM scratch", "ENV GREETING=hello"]
    for file, data in layers.items():
        (folder / file).write_bytes(data)
        lines.append(f"COPY {file} /{file}")
    (folder / "Dockerfile").write_text("\n".join(lines))
    reference = docker.at(f"{PRIVATE}/{name}:1.0")
    docker("build", "--quiet", "--tag", reference, folder).ok()
    docker("push", reference).ok()
    docker("image", "rm", "--force", reference).ok()
    docker("pull", reference).ok()
    (image,) = json.loads(docker("image", "inspect", reference).ok().stdout)
    assert image["Config"]["Env"][-1] == "GREETING=hello"
    container = docker("create", reference, "/nothing").ok().stdout.strip()
    for file, data in layers.items():
        copy = docker.new("copied")
        docker("cp", f"{container}:/{file}", copy).ok()
        assert copy.read_bytes() == data
    docker("rm", container).ok()


def test_an_image_is_pulled_by_its_digest(docker: Docker, name: str) -> None:
    digest = docker.push(f"{PRIVATE}/{name}:1.0", noise()).ok().named_digest
    docker.push(f"{PRIVATE}/{name}:1.0", noise()).ok()  # no tag leads to the first one now
    docker("pull", docker.at(f"{PRIVATE}/{name}@{digest}")).ok().says(digest)


def test_all_tags_are_pulled(docker: Docker, name: str) -> None:
    for tag in ("a", "b", "c"):
        docker.push(f"{PRIVATE}/{name}:{tag}", noise()).ok()
        docker("image", "rm", docker.at(f"{PRIVATE}/{name}:{tag}")).ok()
    pulled = docker("pull", "--all-tags", docker.at(f"{PRIVATE}/{name}")).ok().output
    assert [pulled.count(f"{tag}: Pulling from") for tag in ("a", "b", "c")] == [1, 1, 1]


def test_a_manifest_list_names_an_image_for_each_machine(
    docker: Docker, sit_at: SitAt, registry: Registry, name: str
) -> None:
    repository, content = f"{PRIVATE}/{name}", {"amd64": noise(), "arm64": noise()}
    for machine, data in content.items():
        docker.push(f"{repository}:{machine}", data).ok()
    listed = docker.at(f"{repository}:all")
    children = [docker.at(f"{repository}:{machine}") for machine in content]
    docker("manifest", "create", "--insecure", listed, *children).ok()
    docker("manifest", "annotate", listed, children[1], "--arch", "arm64").ok()
    pushed = docker("manifest", "push", "--insecure", listed).ok()
    assert registry.digest_of(repository, "all") == pushed.named_digest
    inspected = json.loads(docker("manifest", "inspect", "--insecure", listed).ok().stdout)
    machines = [each["platform"]["architecture"] for each in inspected["manifests"]]
    assert sorted(machines) == sorted(content)

    docker.pull(f"{repository}:all").ok()
    assert docker.content(f"{repository}:all") == content["amd64"]
    podman = sit_at(Podman, "gus")
    podman.pull(f"{repository}:all", "--arch", "arm64").ok()
    assert podman.content(f"{repository}:all") == content["arm64"]


def test_after_logout_nothing_is_open(docker: Docker, name: str) -> None:
    docker.push(f"{PRIVATE}/{name}:1.0", noise()).ok()
    docker("logout", docker.home.site.host).ok()
    docker.pull(f"{PRIVATE}/{name}:1.0").refused("unauthorized")


def test_a_deleted_image_is_gone_for_docker(docker: Docker, registry: Registry, name: str) -> None:
    reference = f"{PRIVATE}/{name}"
    digest = docker.push(f"{reference}:1.0", noise()).ok().named_digest
    deleted = registry.http.delete(f"/v2/{reference}/manifests/{digest}", auth=ADMIN)
    assert deleted.status_code == 202
    docker.pull(f"{reference}:1.0").refused("manifest unknown")
    # What docker remembers of the layers must not keep it from pushing them again.
    docker.push(f"{reference}:1.0", noise()).ok()
    docker.pull(f"{reference}:1.0").ok()
