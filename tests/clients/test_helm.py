"""What helm does beyond pushing and pulling a chart."""

import pytest

from tests.clients.conftest import PRIVATE, PUBLIC, Registry, SitAt
from tests.clients.drivers import Helm, Oras
from tests.clients.images import noise


@pytest.fixture
def helm(sit_at: SitAt) -> Helm:
    return sit_at(Helm, "dev")


def test_a_chart_is_shown(helm: Helm, name: str) -> None:
    helm.push(f"{PRIVATE}/{name}:1.2.3", noise()).ok()
    chart = f"oci://{helm.at(f'{PRIVATE}/{name}')}"
    shown = helm("show", "chart", *helm.plain, chart, "--version", "1.2.3").ok().stdout
    assert f"name: {name}" in shown
    assert "version: 1.2.3" in shown


def test_a_plus_in_the_version_is_an_underscore_in_the_tag(
    helm: Helm, sit_at: SitAt, registry: Registry, name: str
) -> None:
    reference, content = f"{PRIVATE}/{name}:1.2.3+build.7", noise()
    pushed = helm.push(reference, content).ok()
    assert registry.digest_of(f"{PRIVATE}/{name}", "1.2.3_build.7") == pushed.named_digest
    assert helm.pull(reference).ok().named_digest == pushed.named_digest
    assert helm.content(reference) == content
    chart = f"oci://{helm.at(f'{PRIVATE}/{name}')}"
    helm("show", "chart", *helm.plain, chart, "--version", "1.2.3+build.7").ok().says(
        "version: 1.2.3+build.7"
    )


def test_the_newest_version_of_a_range_is_chosen(helm: Helm, name: str) -> None:
    versions = ("1.0.0", "1.9.0", "1.10.0", "2.0.0", "3.0.0-rc.1")
    for version in versions:
        helm.push(f"{PRIVATE}/{name}:{version}", noise()).ok()
    chart = f"oci://{helm.at(f'{PRIVATE}/{name}')}"
    for asked, chosen in (("^1.0.0", "1.10.0"), (">1", "2.0.0"), ("~1.9", "1.9.0")):
        shown = helm("show", "chart", *helm.plain, chart, "--version", asked).ok().stdout
        assert f"version: {chosen}\n" in shown
    newest = helm("show", "chart", *helm.plain, chart).ok().stdout
    assert "version: 2.0.0\n" in newest


def test_a_chart_is_an_artifact_of_its_own_kind(helm: Helm, registry: Registry, name: str) -> None:
    helm.push(f"{PRIVATE}/{name}:1.0.0", noise()).ok()
    manifest = registry.manifest(f"{PRIVATE}/{name}", "1.0.0")
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"
    kinds = [layer["mediaType"] for layer in manifest["layers"]]
    assert kinds == ["application/vnd.cncf.helm.chart.content.v1.tar+gzip"]


def test_a_chart_depends_on_a_chart_of_the_registry(helm: Helm, name: str) -> None:
    helm.push(f"{PUBLIC}/{name}:1.0.0", noise()).ok()
    folder = helm.new("parent") / "parent"
    folder.mkdir(parents=True)
    (folder / "Chart.yaml").write_text(
        "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n"
        f'- name: {name}\n  version: "1.x"\n  repository: "oci://{helm.at(PUBLIC)}"\n'
    )
    helm("dependency", "update", *helm.plain, folder).ok()
    assert [path.name for path in (folder / "charts").iterdir()] == [f"{name}-1.0.0.tgz"]


def test_a_chart_may_be_described_by_an_attached_file(helm: Helm, sit_at: SitAt, name: str) -> None:
    pushed = helm.push(f"{PRIVATE}/{name}:1.0.0", noise()).ok()
    oras = sit_at(Oras, "dev")
    file = oras.file("attached", noise())
    oras.home.run(
        "oras", "attach", *oras.plain, "--artifact-type", "application/vnd.example.note",
        oras.at(f"{PRIVATE}/{name}@{pushed.named_digest}"), file.name, cwd=file.parent,
    ).ok()  # fmt: skip
    found = oras("discover", *oras.plain, oras.at(f"{PRIVATE}/{name}:1.0.0")).ok()
    found.says("application/vnd.example.note")


def test_after_logout_nothing_is_open(helm: Helm, name: str) -> None:
    helm.push(f"{PRIVATE}/{name}:1.0.0", noise()).ok()
    helm("registry", "logout", helm.home.site.host).ok()
    helm.pull(f"{PRIVATE}/{name}:1.0.0").refused("unauthorized")
