"""What crane does beyond pushing and pulling an image."""

import json
import tarfile

import pytest

from tests.clients.conftest import PRIVATE, PUBLIC, Registry, SitAt
from tests.clients.drivers import Crane
from tests.clients.images import Layout, noise, tar_of
from tests.make import ADMIN


@pytest.fixture
def crane(sit_at: SitAt) -> Crane:
    return sit_at(Crane, "dev")


def test_nobody_lists_all_repositories_with_a_token(crane: Crane, sit_at: SitAt) -> None:
    """As in Harbor: crane always asks for a token, and the catalog is open to none."""
    admin = sit_at(Crane)
    admin.login(ADMIN).ok()
    for client in (admin, crane):
        client("catalog", client.home.site.host).refused("unauthorized to list catalog")


def test_a_copy_mounts_the_layers(crane: Crane, registry: Registry, name: str) -> None:
    pushed = crane.push(f"{PRIVATE}/{name}:1.0", noise()).ok()
    copied = crane("copy", crane.at(f"{PRIVATE}/{name}:1.0"), crane.at(f"{PUBLIC}/{name}:1.0")).ok()
    copied.says("mounted blob")
    assert "pushed blob" not in copied.output
    assert registry.digest_of(f"{PUBLIC}/{name}", "1.0") == pushed.named_digest


def test_an_index_is_put_together_and_read(crane: Crane, registry: Registry, name: str) -> None:
    repository = f"{PRIVATE}/{name}"
    children = []
    for machine in ("amd64", "arm64"):
        layout = Layout(crane.new("layout"))
        image = layout.image(tar_of({"content": machine.encode()}), architecture=machine)
        children.append(layout.tag(image, "1.0"))
        crane("push", layout.folder, crane.at(f"{repository}:{machine}")).ok()
    listed = [word for child in children for word in ("-m", crane.at(f"{repository}@{child}"))]
    crane("index", "append", *listed, "-t", crane.at(f"{repository}:all")).ok()
    index = json.loads(crane("manifest", crane.at(f"{repository}:all")).ok().stdout)
    assert [each["digest"] for each in index["manifests"]] == children
    platform = ("--platform", "linux/arm64")
    chosen = crane("digest", *platform, crane.at(f"{repository}:all")).ok()
    assert chosen.named_digest == children[1]
    crane("validate", "--remote", crane.at(f"{repository}:all")).ok().says("pass")
    archive = crane.new("exported")
    crane("export", *platform, crane.at(f"{repository}:all"), archive).ok()
    with tarfile.open(archive) as exported:
        file = exported.extractfile("content")
        assert file is not None
        assert file.read() == b"arm64"


def test_a_tag_is_added_and_removed(
    crane: Crane, sit_at: SitAt, registry: Registry, name: str
) -> None:
    repository = f"{PRIVATE}/{name}"
    digest = crane.push(f"{repository}:1.0", noise()).ok().named_digest
    crane("tag", crane.at(f"{repository}:1.0"), "latest").ok()
    assert registry.digest_of(repository, "latest") == digest
    crane("delete", crane.at(f"{repository}:latest")).refused("unauthorized")
    maintainer = sit_at(Crane, "mia")
    maintainer("delete", maintainer.at(f"{repository}:latest")).ok()
    assert crane("ls", crane.at(repository)).ok().stdout.split() == ["1.0"]
    maintainer("delete", maintainer.at(f"{repository}@{digest}")).ok()
    assert registry.status_of(repository, digest) == 404


def test_a_layer_is_added_and_a_label_changed(crane: Crane, registry: Registry, name: str) -> None:
    repository, above = f"{PRIVATE}/{name}", noise()
    crane.push(f"{repository}:1.0", noise()).ok()
    layer = crane.file("layer.tar", tar_of({"above": above}))
    at = crane.at(repository)
    crane("append", "--base", f"{at}:1.0", "--new_layer", layer, "--new_tag", f"{at}:2.0").ok()
    crane("mutate", "--label", "a=b", "--tag", f"{at}:3.0", f"{at}:2.0").ok()
    assert len(registry.manifest(repository, "3.0")["layers"]) == 2
    config = json.loads(crane("config", f"{at}:3.0").ok().stdout)
    assert config["config"]["Labels"] == {"a": "b"}
