"""What helm does with a classic repository, and that both roads lead to the same charts."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts.packing import CONTENT, PROV
from tests.clients.conftest import PRIVATE, PUBLIC, Registry, SitAt
from tests.clients.drivers import Helm
from tests.clients.images import noise
from tests.clients.programs import Result
from tests.make import PASSWORD


@pytest.fixture
def helm(sit_at: SitAt) -> Helm:
    return sit_at(Helm, "dev")


def add(helm: Helm, project: str, who: str = "dev", name: str = "repo") -> Result:
    login = ("--username", who, "--password", PASSWORD) if who else ()
    place = f"http://{helm.home.site.host}/chartrepo/{project}".rstrip("/")
    return helm("repo", "add", name, place, *login)


def upload(registry: Registry, project: str, chart: Path, prov: Path | None = None) -> None:
    files = {"chart": (chart.name, chart.read_bytes())}
    if prov is not None:
        files["prov"] = (prov.name, prov.read_bytes())
    answer = registry.http.post(
        f"/api/chartrepo/{project}/charts", files=files, auth=registry.people["dev"]
    )
    assert (answer.status_code, answer.json()) == (201, {"saved": True}), answer.text


def digests(registry: Registry, repo: str, tag: str) -> dict[str, str]:
    found = registry.manifest(repo, tag)
    return {each["mediaType"]: each["digest"] for each in [found["config"], *found["layers"]]}


def test_what_was_uploaded_is_found_and_pulled(helm: Helm, registry: Registry, name: str) -> None:
    packed = helm.package(name, "1.2.3+build.1", content := noise())
    upload(registry, PRIVATE, packed)
    add(helm, PRIVATE).ok()
    helm("repo", "update").ok()
    found = helm("search", "repo", f"repo/{name}", "--versions").ok().stdout
    assert re.search(rf"^repo/{name}\s+1\.2\.3\+build\.1\s", found, re.MULTILINE)
    folder = helm.new("got")
    folder.mkdir()
    version = ("--version", "1.2.3+build.1")
    helm("pull", f"repo/{name}", *version, "--destination", folder).ok()
    (got,) = folder.iterdir()
    assert got.read_bytes() == packed.read_bytes()
    shown = helm("show", "chart", f"repo/{name}", *version).ok().stdout
    assert f"name: {name}" in shown
    # The same chart by the other road.
    helm.pull(f"{PRIVATE}/{name}:1.2.3+build.1").ok()
    assert helm.content(f"{PRIVATE}/{name}:1.2.3+build.1") == content


def test_what_was_pushed_is_in_the_index(helm: Helm, name: str) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0"):
        helm.push(f"{PRIVATE}/{name}:{version}", noise()).ok()
    add(helm, PRIVATE).ok()
    found = helm("search", "repo", f"repo/{name}").ok().stdout
    assert "1.10.0" in found
    helm.push(f"{PRIVATE}/{name}:2.0.0", noise()).ok()
    helm("repo", "update").ok()
    assert "2.0.0" in helm("search", "repo", f"repo/{name}").ok().stdout


def test_both_roads_make_the_same_artifact(helm: Helm, registry: Registry, name: str) -> None:
    """Config and layer, byte for byte; the manifest says when it was made."""
    folder = helm.new("chart") / name
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(
        f"apiVersion: v2\nname: {name}\nversion: 0.1.0\nappVersion: 1.10\ntype: application\n"
        'description: "a <b> & c\\n d \\u2028 é"\nkeywords: [one, "2"]\nicon:\n'
        "home: https://example.com\nsources: [https://example.com/src]\nkubeVersion: '>=1.2'\n"
        "maintainers:\n- name: Ann\n  email: ann@example.com\n- name: Bo\n"
        "annotations: {z: '1', a: \"<2>\", org.opencontainers.image.title: other}\n"
        "deprecated: true\ncondition: a.b\n"
        "dependencies:\n- {name: c, version: 1.x, repository: '', tags: [t], alias: d,\n"
        "   import-values: [x, {child: b, parent: z}]}\n"
    )
    (folder / "charts" / "c").mkdir(parents=True)
    (folder / "charts" / "c" / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    helm("package", folder, "--destination", folder.parent).ok()
    packed = folder.parent / f"{name}-0.1.0.tgz"
    helm("push", *helm.plain, packed, f"oci://{helm.at(PUBLIC)}").ok()
    upload(registry, PRIVATE, packed)
    pushed, uploaded = (digests(registry, f"{p}/{name}", "0.1.0") for p in (PUBLIC, PRIVATE))
    assert pushed == uploaded
    first, second = (registry.manifest(f"{p}/{name}", "0.1.0") for p in (PUBLIC, PRIVATE))
    for each in (first, second):
        each["annotations"].pop("org.opencontainers.image.created")
    assert first == second


def test_a_chart_is_installed_from_the_repository(
    helm: Helm, registry: Registry, name: str
) -> None:
    folder = helm.new("chart") / name
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n")
    (folder / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-map'}\n"
    )
    helm("package", folder, "--destination", folder.parent).ok()
    upload(registry, PUBLIC, folder.parent / f"{name}-1.0.0.tgz")
    add(helm, PUBLIC, "").ok()
    made = helm("template", "mine", f"repo/{name}").ok().stdout  # install needs a cluster
    assert "mine-map" in made


def test_one_index_for_all_projects(helm: Helm, registry: Registry, name: str) -> None:
    for project in (PRIVATE, PUBLIC):
        upload(registry, project, helm.package(name, "1.0.0", noise()))
    add(helm, "").ok()
    add(helm, "", "", "strange").ok()
    found = helm("search", "repo", name).ok().stdout
    for place, there in (
        ("repo/team", 1),
        ("repo/open", 1),
        ("strange/team", 0),
        ("strange/open", 1),
    ):
        assert found.count(f"{place}/{name}") == there, found
    folder = helm.new("got")
    folder.mkdir()
    helm("pull", f"repo/{PRIVATE}/{name}", "--destination", folder).ok()
    assert [path.name for path in folder.iterdir()] == [f"{name}-1.0.0.tgz"]


def test_a_chart_in_a_folder(helm: Helm, name: str) -> None:
    helm.push(f"{PRIVATE}/{name}/deep:1.0.0", noise()).ok()
    add(helm, PRIVATE).ok()
    folder = helm.new("got")
    folder.mkdir()
    helm("pull", f"repo/{name}/deep", "--destination", folder).ok()
    assert [path.name for path in folder.iterdir()] == ["deep-1.0.0.tgz"]


def test_a_chart_depends_on_one_of_the_repository(
    helm: Helm, registry: Registry, name: str
) -> None:
    upload(registry, PUBLIC, helm.package(name, "1.0.0", noise()))
    folder = helm.new("parent") / "parent"
    folder.mkdir(parents=True)
    (folder / "Chart.yaml").write_text(
        "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n"
        f'- name: {name}\n  version: "1.x"\n'
        f'  repository: "http://{helm.home.site.host}/chartrepo/{PUBLIC}"\n'
    )
    helm("dependency", "update", folder).ok()
    assert [path.name for path in (folder / "charts").iterdir()] == [f"{name}-1.0.0.tgz"]


def test_who_may_not_is_refused(helm: Helm) -> None:
    add(helm, PRIVATE, "").refused("401")
    add(helm, PRIVATE, "sam").refused("403")
    add(helm, PUBLIC, "sam").ok()


def test_a_removed_version_is_gone(helm: Helm, registry: Registry, name: str) -> None:
    for version in ("1.0.0", "2.0.0"):
        upload(registry, PRIVATE, helm.package(name, version, noise()))
    add(helm, PRIVATE).ok()
    place = f"/api/chartrepo/{PRIVATE}/charts/{name}/2.0.0"
    assert registry.http.delete(place, auth=registry.people["mia"]).status_code == 200
    helm("repo", "update").ok()
    found = helm("search", "repo", f"repo/{name}", "--versions").ok().stdout
    assert "1.0.0" in found
    assert "2.0.0" not in found


@pytest.fixture
def key(helm: Helm) -> Iterator[Path]:
    """A key ring for helm, with a key of *Tester*."""
    if not shutil.which("gpg"):
        pytest.fail("gpg is missing: run tests/clients/install")
    home = helm.home
    quiet = ("--batch", "--pinentry-mode", "loopback", "--passphrase", "")
    secret = home.folder / "secret.gpg"
    # The path of the agent's socket is in there, and must not have more than 107 characters.
    with tempfile.TemporaryDirectory(prefix="gnupg-") as ring:
        home.more["GNUPGHOME"] = ring
        made = home.run("gpg", *quiet, "--quick-generate-key", "Tester <t@example.com>", "rsa2048")
        made.ok()
        home.run("gpg", *quiet, "--export-secret-keys", "--output", secret).ok()
        home.run("gpgconf", "--kill", "gpg-agent").ok()
        yield secret


def test_a_signature_is_verified(helm: Helm, registry: Registry, name: str, key: Path) -> None:
    folder = helm.package(name, "1.0.0", noise()).parent / name
    helm("package", "--sign", "--key", "Tester", "--keyring", key, folder, "-d", folder.parent).ok()
    packed = folder.parent / f"{name}-1.0.0.tgz"
    upload(registry, PRIVATE, packed, packed.with_name(packed.name + ".prov"))
    assert {CONTENT, PROV} <= digests(registry, f"{PRIVATE}/{name}", "1.0.0").keys()
    add(helm, PRIVATE).ok()
    for chart in (f"repo/{name}", f"oci://{helm.at(f'{PRIVATE}/{name}')}"):
        got = helm.new("got")
        got.mkdir()
        plain = helm.plain if chart.startswith("oci") else ()
        verified = ("--verify", "--keyring", key, "--version", "1.0.0", "--destination", got)
        helm("pull", chart, *plain, *verified).ok().says("Signed by: Tester")


def test_a_signature_that_helm_pushed_is_verified(helm: Helm, name: str, key: Path) -> None:
    folder = helm.package(name, "1.0.0", noise()).parent / name
    helm("package", "--sign", "--key", "Tester", "--keyring", key, folder, "-d", folder.parent).ok()
    packed = folder.parent / f"{name}-1.0.0.tgz"
    helm("push", *helm.plain, packed, f"oci://{helm.at(PRIVATE)}").ok()
    add(helm, PRIVATE).ok()
    got = helm.new("got")
    got.mkdir()
    helm("pull", f"repo/{name}", "--verify", "--keyring", key, "--destination", got).ok()
