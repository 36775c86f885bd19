"""What is no image, pushed by oras: the REST API says what each is, and its icon."""

import json
from typing import Any

import pytest

from harbor.artifacts.service.details import CNAB, ICONS, IMAGE, PLAIN_ICON, WASM
from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Oras
from tests.clients.images import Layout, noise, tar_of
from tests.make import ADMIN, API, OCI_INDEX, OCI_MANIFEST

WASM_CONFIG = "application/vnd.wasm.config.v1+json"
WASM_LAYER = "application/vnd.wasm.content.layer.v1+wasm"
OPA_CONFIG = "application/vnd.cncf.openpolicyagent.config.v1+json"
OPA_LAYER = "application/vnd.cncf.openpolicyagent.layer.v1.tar+gzip"
CNAB_CONFIG = "application/vnd.cnab.config.v1+json"


@pytest.fixture
def oras(sit_at: SitAt) -> Oras:
    return sit_at(Oras, "dev")


def shown(registry: Registry, name: str) -> dict[str, Any]:
    """What the REST API says of the version 1.0; its icon must be there."""
    path = f"{API}/projects/{PRIVATE}/repositories/{name}/artifacts/1.0"
    found = registry.http.get(path, auth=ADMIN)
    assert found.status_code == 200, found.text
    icon = registry.http.get(f"{API}/icons/{found.json()['icon']}", auth=ADMIN)
    assert icon.status_code == 200
    return dict(found.json())


def push(oras: Oras, name: str, config: bytes, config_type: str, layer_type: str) -> bytes:
    """Push one file with a config; return its content."""
    folder, content = oras.new("artifact"), noise()
    folder.mkdir()
    (folder / "config.json").write_bytes(config)
    (folder / "content").write_bytes(content)
    oras.home.run(
        "oras", "push", *oras.plain, "--config", f"config.json:{config_type}",
        oras.at(f"{PRIVATE}/{name}:1.0"), f"content:{layer_type}", cwd=folder,
    ).ok()  # fmt: skip
    return content


@pytest.mark.parametrize(
    ("config_type", "layer_type", "kind"),
    [(WASM_CONFIG, WASM_LAYER, WASM), (OPA_CONFIG, OPA_LAYER, "OPENPOLICYAGENT")],
    ids=["wasm", "opa"],
)
def test_an_artifact_is_what_its_config_says(
    oras: Oras,
    registry: Registry,
    name: str,
    config_type: str,
    layer_type: str,
    kind: str,
) -> None:
    content = push(oras, name, b"{}", config_type, layer_type)
    found = shown(registry, name)
    assert (found["type"], found["icon"]) == (kind, ICONS.get(kind, PLAIN_ICON))
    oras.pull(f"{PRIVATE}/{name}:1.0").ok()
    assert oras.content(f"{PRIVATE}/{name}:1.0") == content


def test_an_application_bundle_is_one(oras: Oras, registry: Registry, name: str) -> None:
    """As cnab-to-oci lays it out: an index of the bundle's config and of its images."""
    layout = Layout(oras.new("layout"))
    bundle = {"schemaVersion": "v1.0.0", "name": "it", "version": "0.1.0", "invocationImages": []}
    told = layout.blob(json.dumps(bundle).encode(), CNAB_CONFIG)
    config = layout.document(
        {"config": told, "layers": [told]},
        OCI_MANIFEST,
        annotations={"io.cnab.manifest.type": "config"},
    )
    invoked = layout.image(tar_of({"content": noise()}))
    invoked |= {"annotations": {"io.cnab.manifest.type": "invocation"}}
    index = layout.document(
        {
            "manifests": [config, invoked],
            "annotations": {
                "io.cnab.runtime_version": "v1.0.0",
                "org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1",
                "org.opencontainers.image.title": "it",
            },
        },
        OCI_INDEX,
    )
    digest = layout.tag(index, "1.0")
    target = oras.at(f"{PRIVATE}/{name}:1.0")
    oras("cp", "--from-oci-layout", "--to-plain-http", f"{layout.folder}:1.0", target).ok()
    found = shown(registry, name)
    assert (found["type"], found["icon"], found["digest"]) == (CNAB, ICONS[CNAB], digest)
    assert found["extra_attrs"]["name"] == "it"
    assert [each["child_digest"] for each in found["references"]] == [
        config["digest"],
        invoked["digest"],
    ]
    back = oras.new("back")
    oras("cp", "--from-plain-http", "--to-oci-layout", target, f"{back}:1.0").ok()


def test_an_index_that_oras_makes_lists_its_images(
    oras: Oras, registry: Registry, name: str
) -> None:
    layout = Layout(oras.new("layout"))
    repository = oras.at(f"{PRIVATE}/{name}")
    machines = ("amd64", "arm64")
    for machine in machines:
        layout.tag(layout.image(tar_of({"content": noise()}), architecture=machine), machine)
        source = f"{layout.folder}:{machine}"
        oras("cp", "--from-oci-layout", "--to-plain-http", source, f"{repository}:{machine}").ok()
    oras("manifest", "index", "create", *oras.plain, f"{repository}:1.0", *machines).ok()
    found = shown(registry, name)
    assert (found["type"], found["icon"]) == (IMAGE, ICONS[IMAGE])
    assert [each["platform"]["architecture"] for each in found["references"]] == list(machines)
