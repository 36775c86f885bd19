"""What oras does beyond pushing and pulling a file."""

import json
from typing import Any

import pytest

from tests.clients.conftest import PRIVATE, PUBLIC, Registry, SitAt
from tests.clients.drivers import Oras
from tests.clients.images import Layout, noise, read, simple, tar_of
from tests.clients.programs import Result
from tests.make import ADMIN

SBOM = "application/vnd.example.sbom"
NOTE = "application/vnd.example.note"


@pytest.fixture
def oras(sit_at: SitAt) -> Oras:
    return sit_at(Oras, "dev")


def attach(oras: Oras, subject: str, kind: str, content: bytes) -> str:
    """Attach a file; return the digest of the new artifact."""
    file = oras.file("attached", content)
    return oras.home.run(
        "oras", "attach", *oras.plain, "--artifact-type", kind, oras.at(subject), file.name,
        cwd=file.parent,
    ).ok().named_digest  # fmt: skip


def discovered(oras: Oras, subject: str, *options: str) -> list[dict[str, Any]]:
    found = oras("discover", *oras.plain, *options, "--format", "json", oras.at(subject)).ok()
    return list(json.loads(found.stdout).get("referrers") or [])


def copy(oras: Oras, *words: str) -> Result:
    return oras("cp", "--from-plain-http", "--to-plain-http", *words)


def test_what_is_attached_is_discovered(oras: Oras, name: str) -> None:
    subject, content = f"{PRIVATE}/{name}:1.0", noise()
    oras.push(subject, noise()).ok()
    sbom = attach(oras, subject, SBOM, content)
    note = attach(oras, subject, NOTE, noise())
    about_note = attach(oras, f"{PRIVATE}/{name}@{note}", NOTE, noise())

    found = {each["digest"]: each for each in discovered(oras, subject)}
    assert set(found) == {sbom, note}
    assert found[sbom]["artifactType"] == SBOM
    assert [each["digest"] for each in found[note]["referrers"]] == [about_note]
    filtered = discovered(oras, subject, "--artifact-type", SBOM)
    assert [each["digest"] for each in filtered] == [sbom]

    oras.pull(f"{PRIVATE}/{name}@{sbom}").ok()
    assert any(path.read_bytes() == content for path in oras.pulled.iterdir())


def test_no_tag_is_left_where_the_registry_knows_referrers(oras: Oras, name: str) -> None:
    """Without ``OCI-Subject`` in the answer, oras would keep a list in a tag of its own."""
    oras.push(f"{PRIVATE}/{name}:1.0", noise()).ok()
    attach(oras, f"{PRIVATE}/{name}:1.0", NOTE, noise())
    tags = oras("repo", "tags", *oras.plain, oras.at(f"{PRIVATE}/{name}")).ok()
    assert tags.stdout.split() == ["1.0"]


def test_an_old_client_s_list_of_referrers_is_an_ordinary_tag(oras: Oras, name: str) -> None:
    subject = f"{PRIVATE}/{name}:1.0"
    digest = oras.push(subject, noise()).ok().named_digest
    file = oras.file("attached", noise())
    oras.home.run(
        "oras", "attach", *oras.plain, "--distribution-spec", "v1.1-referrers-tag",
        "--artifact-type", NOTE, oras.at(subject), file.name, cwd=file.parent,
    ).ok()  # fmt: skip
    tags = oras("repo", "tags", *oras.plain, oras.at(f"{PRIVATE}/{name}")).ok()
    assert tags.stdout.split() == ["1.0", digest.replace(":", "-")]
    by_tag = discovered(oras, subject, "--distribution-spec", "v1.1-referrers-tag")
    by_api = discovered(oras, subject, "--distribution-spec", "v1.1-referrers-api")
    assert [each["digest"] for each in by_tag] == [each["digest"] for each in by_api]


def test_an_artifact_of_many_files_comes_back(oras: Oras, name: str) -> None:
    folder = oras.new("artifact")
    folder.mkdir()
    files = {f"file-{number}": noise(number * 40_000) for number in range(6)}  # the first is empty
    for file, data in files.items():
        (folder / file).write_bytes(data)
    oras.home.run(
        "oras", "push", *oras.plain, "--artifact-type", SBOM, "--annotation", "a=b",
        oras.at(f"{PRIVATE}/{name}:1.0,latest"), *files, cwd=folder,
    ).ok()  # fmt: skip
    oras.pull(f"{PRIVATE}/{name}:latest").ok()
    assert {path.name: path.read_bytes() for path in oras.pulled.iterdir()} == files


def test_a_copy_takes_the_referrers_along_and_mounts(
    oras: Oras, registry: Registry, name: str
) -> None:
    source, target = f"{PRIVATE}/{name}:1.0", f"{PUBLIC}/{name}:1.0"
    pushed = oras.push(source, noise()).ok()
    attached = attach(oras, source, SBOM, noise())
    copy(oras, "-r", oras.at(source), oras.at(target)).ok().says("mounted")
    assert registry.digest_of(f"{PUBLIC}/{name}", "1.0") == pushed.named_digest
    assert [each["digest"] for each in discovered(oras, target)] == [attached]


def test_only_a_maintainer_deletes(
    oras: Oras, sit_at: SitAt, registry: Registry, name: str
) -> None:
    repository = f"{PRIVATE}/{name}"
    digest = oras.push(f"{repository}:1.0", noise()).ok().named_digest
    delete = ("manifest", "delete", *oras.plain, "--force")
    oras(*delete, oras.at(f"{repository}:1.0")).refused("unauthorized", "credential")
    assert registry.status_of(repository, digest) == 200
    maintainer = sit_at(Oras, "mia")
    maintainer(*delete, maintainer.at(f"{repository}:1.0")).ok()
    oras.pull(f"{repository}:1.0").refused("not found")


def test_blobs_are_pushed_fetched_and_deleted(oras: Oras, sit_at: SitAt, name: str) -> None:
    repository, data = oras.at(f"{PRIVATE}/{name}"), noise()
    file, back = oras.file("blob", data), oras.new("back")
    pushed = oras("blob", "push", *oras.plain, "--descriptor", repository, file).ok()
    blob = f"{repository}@{pushed.named_digest}"
    oras("blob", "fetch", *oras.plain, "--output", back, blob).ok()
    assert back.read_bytes() == data
    oras("blob", "delete", *oras.plain, "--force", blob).refused("unauthorized", "credential")
    sit_at(Oras, "mia")("blob", "delete", *oras.plain, "--force", blob).ok()
    oras("blob", "fetch", *oras.plain, "--output", back, blob).refused("not found")


def test_an_administrator_lists_all_repositories(oras: Oras, sit_at: SitAt, name: str) -> None:
    for project in (PRIVATE, PUBLIC):
        oras.push(f"{project}/{name}:1.0", noise()).ok()
    admin = sit_at(Oras)
    admin.login(ADMIN).ok()
    listed = admin("repo", "ls", *oras.plain, admin.home.site.host).ok().stdout.split()
    assert {f"{PRIVATE}/{name}", f"{PUBLIC}/{name}"} <= set(listed)
    assert listed == sorted(listed)
    oras("repo", "ls", *oras.plain, oras.home.site.host).refused("unauthorized")


def test_an_image_named_by_sha512_comes_back(oras: Oras, registry: Registry, name: str) -> None:
    layout = Layout(oras.new("layout"), algorithm="sha512")
    image = layout.image(tar_of({"content": noise()}))
    digest = layout.tag(image, "1.0")
    assert digest.startswith("sha512:")
    there = oras.at(f"{PRIVATE}/{name}")
    # Without a tag: by one, the registry would count the digest in an algorithm of its choice.
    source = f"{layout.folder}@{digest}"
    oras("cp", "--from-oci-layout", "--to-plain-http", source, there).ok()
    assert registry.get(f"{PRIVATE}/{name}", digest).content == read(layout.folder, digest)
    back = oras.new("back")
    oras("cp", "--from-plain-http", "--to-oci-layout", f"{there}@{digest}", f"{back}:1.0").ok()
    kept = {path.name: path.read_bytes() for path in (back / "blobs/sha512").iterdir()}
    sent = {path.name: path.read_bytes() for path in (layout.folder / "blobs/sha512").iterdir()}
    assert kept == sent


def test_an_image_of_skopeo_s_layout_is_copied(oras: Oras, registry: Registry, name: str) -> None:
    layout = oras.new("layout")
    digest = simple(layout, noise())
    target = oras.at(f"{PRIVATE}/{name}:1.0")
    oras("cp", "--from-oci-layout", "--to-plain-http", f"{layout}:1.0", target).ok()
    assert registry.digest_of(f"{PRIVATE}/{name}", "1.0") == digest
    tagged = oras("tag", *oras.plain, target, "2.0", "3.0").ok()
    assert tagged.named_digest == digest
    assert oras("resolve", *oras.plain, f"{target[:-3]}3.0").ok().named_digest == digest
