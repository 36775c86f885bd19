"""Copies: what comes along, what they cost, who may make them, and what stands in their way."""

from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, digests, get, repository
from tests.make import (
    ADMIN,
    API,
    OCI_MANIFEST,
    Login,
    add_member,
    descriptor,
    error_of,
    make_project,
    make_rule,
    make_user,
    manifest_of,
    message_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    rule_of,
    sha256,
)
from tests.quotas.storage import limit, used
from tests.registry.servers import Change, project_of

SBOM = "application/spdx+json"
COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"


def copy(client: TestClient, source: str, target: str, login: Login | None = ADMIN) -> Any:
    more: dict[str, Any] = {"auth": login} if login else {}
    return client.post(f"{repository(target)}/artifacts", params={"from": source}, **more)


def copied(client: TestClient, source: str, target: str) -> str:
    """Copy what must be possible; return the place of the copy."""
    answer = copy(client, source, target)
    assert answer.status_code == 201, answer.text
    assert answer.content == b""
    return str(answer.headers["Location"])


@pytest.fixture
def target(shared: TestClient, repo: str) -> str:
    """A repository that is not there yet, in another project."""
    name = f"t{repo}"
    make_project(shared, project_of(name))
    return name


def tags_of(client: TestClient, repo: str, reference: str) -> set[str]:
    found = get(client, artifact(repo, reference))["tags"] or []
    return {tag["name"] for tag in found}


def sizes(client: TestClient, repo: str) -> int:
    return used(client, project_of(repo))


def test_a_copy_is_the_same_in_another_project(shared: TestClient, repo: str, target: str) -> None:
    image = push_image(shared, repo, "v1", annotations={"a": "b"})
    place = copied(shared, f"{repo}:v1", target)
    assert place == artifact(target, "v1")
    old, new = get(shared, artifact(repo, "v1")), get(shared, place)
    same = ("digest", "size", "type", "media_type", "artifact_type", "extra_attrs", "annotations")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert new["repository_name"] == target
    assert (
        shared.get(f"/v2/{target}/manifests/v1", auth=ADMIN).content
        == image.raw
        == shared.get(f"/v2/{repo}/manifests/v1", auth=ADMIN).content
    )
    for blob in image.blobs:
        found = shared.get(f"/v2/{target}/blobs/{sha256(blob)}", auth=ADMIN)
        assert found.content == blob
    assert sizes(shared, target) == sizes(shared, repo)


def test_all_tags_come_along_by_digest_too(shared: TestClient, repo: str, target: str) -> None:
    image = push_image(shared, repo, "v1")
    put_manifest(shared, repo, "latest", image.raw)
    push_image(shared, repo, "other")
    place = copied(shared, f"{repo}@{image.digest}", target)
    assert place == artifact(target, image.digest)
    assert tags_of(shared, target, image.digest) == {"v1", "latest"}
    assert digests(shared, target) == [image.digest]


def test_an_untagged_artifact_is_copied(shared: TestClient, repo: str, target: str) -> None:
    image = push_image(shared, repo, "v1")
    shared.delete(f"/v2/{repo}/manifests/v1", auth=ADMIN)
    copied(shared, f"{repo}@{image.digest}", target)
    assert digests(shared, target) == [image.digest]
    assert tags_of(shared, target, image.digest) == set()


def test_within_a_project_a_copy_costs_nothing(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    before = sizes(shared, repo)
    other = f"{project_of(repo)}/deep/er"
    place = copied(shared, f"{repo}:v1", other)
    assert get(shared, place.replace("%2F", "%252F"))["digest"] == image.digest
    assert sizes(shared, repo) == before
    assert shared.delete(repository(repo), auth=ADMIN).status_code == 200
    for blob in image.blobs:
        path = f"/v2/{other}/blobs/{sha256(blob)}"
        assert shared.get(path, auth=ADMIN).content == blob


def test_children_and_accessories_come_along(shared: TestClient, repo: str, target: str) -> None:
    children = [push_image(shared, repo, tag) for tag in ("amd64", "arm64")]
    index = push_index(shared, repo, "v1", *children)
    about_child = push_referrer(shared, repo, children[0], SBOM)
    sbom = push_referrer(shared, repo, index, SBOM)
    nested = push_referrer(shared, repo, sbom, "application/vnd.cncf.notary.signature")
    copied(shared, f"{repo}:v1", target)
    assert digests(shared, target) == [index.digest]
    for reference in (index.digest, sbom.digest, nested.digest, children[0].digest):
        old, new = (get(shared, artifact(each, reference)) for each in (repo, target))
        assert new["size"] == old["size"]
        assert [(each["digest"], each["type"]) for each in new["accessories"] or []] == [
            (each["digest"], each["type"]) for each in old["accessories"] or []
        ]
        assert [each["child_digest"] for each in new["references"] or []] == [
            each["child_digest"] for each in old["references"] or []
        ]
    found = shared.get(f"/v2/{target}/referrers/{children[0].digest}", auth=ADMIN).json()
    assert [each["digest"] for each in found["manifests"]] == [about_child.digest]
    assert sizes(shared, target) == sizes(shared, repo)


def test_tags_of_children_stay_behind(shared: TestClient, repo: str, target: str) -> None:
    child = push_image(shared, repo, "amd64")
    push_index(shared, repo, "v1", child)
    copied(shared, f"{repo}:v1", target)
    assert tags_of(shared, target, child.digest) == set()


def test_older_signatures_keep_the_tag_that_they_are_found_by(
    shared: TestClient, repo: str, target: str
) -> None:
    image = push_image(shared, repo, "v1")
    tag = f"{image.digest.replace(':', '-')}.sig"
    for data in (b"{}", b"signature"):
        push_blob(shared, repo, data)
    signature = manifest_of(b"{}") | {"layers": [descriptor(b"signature", COSIGN_LAYER)]}
    assert put_manifest(shared, repo, tag, signature).status_code == 201
    copied(shared, f"{repo}:v1", target)
    assert shared.get(f"/v2/{target}/manifests/{tag}", auth=ADMIN).status_code == 200
    (accessory,) = get(shared, artifact(target, "v1"))["accessories"]
    assert accessory["type"] == "signature.cosign"


def test_an_index_of_indexes_is_copied(shared: TestClient, repo: str, target: str) -> None:
    leaf = push_image(shared, repo, "leaf")
    inner = push_index(shared, repo, "inner", leaf)
    listed = [
        descriptor(inner.raw, "application/vnd.oci.image.index.v1+json"),
        descriptor(leaf.raw, OCI_MANIFEST),
    ]
    outer = push_index(shared, repo, "outer", manifests=listed)
    copied(shared, f"{repo}:outer", target)
    assert digests(shared, target) == [outer.digest]
    assert get(shared, artifact(target, inner.digest))["references"]


def test_copying_again_changes_nothing(shared: TestClient, repo: str, target: str) -> None:
    image = push_image(shared, repo, "v1")
    place = copied(shared, f"{repo}:v1", target)
    before, cost = get(shared, place), sizes(shared, target)
    copied(shared, f"{repo}:v1", target)
    copied(shared, f"{target}@{image.digest}", target)
    assert get(shared, place) == before
    assert sizes(shared, target) == cost


def test_tags_move_to_the_copy(shared: TestClient, repo: str, target: str) -> None:
    old = push_image(shared, target, "v1")
    new = push_image(shared, repo, "v1")
    copied(shared, f"{repo}:v1", target)
    assert get(shared, artifact(target, "v1"))["digest"] == new.digest
    assert digests(shared, target) == [new.digest, old.digest]
    assert tags_of(shared, target, old.digest) == set()


def test_immutable_tags_do_not_move(shared: TestClient, repo: str, target: str) -> None:
    old = push_image(shared, target, "v1")
    image = push_image(shared, repo, "v1")
    put_manifest(shared, repo, "fresh", image.raw)
    make_rule(shared, project_of(target), rule_of())
    refused = copy(shared, f"{repo}:fresh", target)
    assert error_of(refused) == (412, "PRECONDITION")
    assert f"'{target}:v1' configured as immutable" in message_of(refused)
    assert digests(shared, target) == [old.digest]
    copied(shared, f"{target}:v1", target)
    copied(shared, f"{repo}:fresh", f"{project_of(target)}/new")


def test_an_accessory_is_not_copied_alone(shared: TestClient, repo: str, target: str) -> None:
    sbom = push_referrer(shared, repo, push_image(shared, repo), SBOM)
    refused = copy(shared, f"{repo}@{sbom.digest}", target)
    assert error_of(refused) == (403, "DENIED")


@pytest.mark.parametrize(
    "source",
    [
        "",
        "library/app",
        "app:v1",
        ":v1",
        "library/app:",
        "library/app@",
        "library/app@sha256:12",
        "library/app@v1",
        "library/app:v1@sha256:" + "0" * 64,
        "library/App:v1",
        "library//app:v1",
        "library/../app:v1",
        "library/app:v 1",
        "library/app:" + "v" * 129,
        "library/" + "a" * 255 + ":v1",
    ],
)
def test_what_names_no_artifact_is_refused(shared: TestClient, target: str, source: str) -> None:
    assert error_of(copy(shared, source, target)) == (400, "BAD_REQUEST")


def test_from_is_needed(shared: TestClient, target: str) -> None:
    answer = shared.post(f"{repository(target)}/artifacts", auth=ADMIN)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_the_target_needs_a_name(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "v1")
    answer = copy(shared, f"{repo}:v1", f"{project_of(repo)}/Not a name")
    assert error_of(answer) == (400, "NAME_INVALID")


def test_what_is_not_there_is_not_found(shared: TestClient, repo: str, target: str) -> None:
    image = push_image(shared, repo, "v1")
    for source in (
        f"{repo}:v2",
        f"{repo}@{sha256(b'nothing')}",
        f"{repo}x:v1",
        "nothing/app:v1",
        f"{target}@{image.digest}",
    ):
        assert error_of(copy(shared, source, target)) == (404, "NOT_FOUND")
    missing = shared.get(repository(target), auth=ADMIN)
    assert error_of(missing) == (404, "NOT_FOUND")


def test_a_hidden_source_is_not_found(shared: TestClient, repo: str, target: str) -> None:
    push_image(shared, repo, "v1")
    ann = make_user(shared, f"ann-{project_of(repo)}")
    add_member(shared, project_of(target), ann, 2)
    hidden, absent = (copy(shared, f"{each}:v1", target, ann) for each in (repo, f"x{repo}"))
    assert error_of(hidden) == error_of(absent) == (404, "NOT_FOUND")
    assert message_of(hidden) == f"artifact {repo}:v1 not found"
    assert message_of(absent) == f"artifact x{repo}:v1 not found"
    add_member(shared, project_of(repo), ann, 5)
    assert copy(shared, f"{repo}:v1", target, ann).status_code == 201
    back = copy(shared, f"{target}:v1", f"{project_of(repo)}/back", ann)
    assert error_of(back) == (403, "FORBIDDEN")


def test_a_public_source_is_for_everybody(shared: TestClient, repo: str) -> None:
    push_image(shared, "library/public", "v1")
    ann = make_user(shared, f"ann-{project_of(repo)}")
    assert error_of(copy(shared, "library/public:v1", repo, ann)) == (403, "FORBIDDEN")
    assert error_of(copy(shared, "library/public:v1", repo, None)) == (401, "UNAUTHORIZED")
    add_member(shared, project_of(repo), ann, 2)
    assert copy(shared, "library/public:v1", repo, ann).status_code == 201


def test_a_copy_must_fit_into_the_project(shared: TestClient, repo: str, target: str) -> None:
    image = push_image(shared, repo, "v1")
    need = len(image.raw) + sum(map(len, image.blobs))
    limit(shared, project_of(target), need - 1)
    assert error_of(copy(shared, f"{repo}:v1", target)) == (403, "DENIED")
    assert sizes(shared, target) == 0
    assert error_of(shared.get(repository(target), auth=ADMIN)) == (404, "NOT_FOUND")
    limit(shared, project_of(target), need)
    copied(shared, f"{repo}:v1", target)
    assert sizes(shared, target) == need


def test_a_blob_that_the_source_lacks_is_not_lent(
    shared: TestClient, repo: str, target: str, shared_change: Change
) -> None:
    """What another repository has of the same digest does not count."""
    image = push_image(shared, repo, "v1")
    lost = sha256(image.blobs[1])
    shared_change(
        text(f"DELETE FROM repository_blob WHERE repository = '{repo}' AND digest = '{lost}'")
    )
    copied(shared, f"{repo}:v1", target)
    assert shared.head(f"/v2/{target}/blobs/{lost}", auth=ADMIN).status_code == 404


def test_a_copy_is_in_the_audit_log(shared: TestClient, repo: str, target: str) -> None:
    push_image(shared, repo, "v1")
    copied(shared, f"{repo}:v1", target)
    copy(shared, f"{repo}:v2", target)
    lines = shared.get(
        f"{API}/projects/{project_of(target)}/auditlog-exts",
        params={"q": "resource_type=artifact"},
        auth=ADMIN,
    ).json()
    assert [(line["operation"], line["resource"], line["operation_result"]) for line in lines] == [
        ("create", f"{target}:v2", False),
        ("create", f"{target}:v1", True),
    ]
