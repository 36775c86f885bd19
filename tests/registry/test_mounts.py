"""A blob that is here already is mounted into another repository, if its reader may."""

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    push_blob,
    push_image,
    sha256,
)
from tests.registry.servers import project_of

DATA = b"a layer that many images share"
DIGEST = sha256(DATA)


@pytest.fixture
def source(shared: TestClient, repo: str) -> str:
    """A repository of another private project, which holds the blob."""
    name = f"s{repo}"
    make_project(shared, project_of(name))
    push_blob(shared, name, DATA)
    return name


@pytest.fixture
def ann(shared: TestClient, repo: str) -> Login:
    """A developer of the target's project, and of no other."""
    login = make_user(shared, f"ann-{project_of(repo)}")
    add_member(shared, project_of(repo), login, 2)
    return login


def has(client: TestClient, repo: str, digest: str = DIGEST) -> bool:
    return client.head(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 200


def test_a_blob_is_mounted(shared: TestClient, repo: str, source: str) -> None:
    asked = {"mount": DIGEST, "from": source}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v2/{repo}/blobs/{DIGEST}"
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert answer.content == b""
    assert shared.get(f"/v2/{repo}/blobs/{DIGEST}", auth=ADMIN).content == DATA


def test_a_mount_may_be_repeated(shared: TestClient, repo: str, source: str) -> None:
    asked = {"mount": DIGEST, "from": source}
    for _ in range(2):
        answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
        assert answer.status_code == 201


def test_a_repository_may_mount_from_itself(shared: TestClient, repo: str) -> None:
    push_blob(shared, repo, DATA)
    asked = {"mount": DIGEST, "from": repo}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert answer.status_code == 201


def test_without_a_source_a_blob_of_the_same_project_is_found(
    shared: TestClient, repo: str
) -> None:
    push_blob(shared, f"{project_of(repo)}/base", DATA)
    asked = {"mount": DIGEST}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert answer.status_code == 201
    assert has(shared, repo)


def test_without_a_source_other_projects_are_not_searched(
    shared: TestClient, repo: str, source: str
) -> None:
    assert has(shared, source)
    asked = {"mount": DIGEST}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert answer.status_code == 202
    assert not has(shared, repo)


@pytest.mark.parametrize(
    "other", ["{project}/nothing", "missing/app", "library", "UPPER/case", "../../etc", "", "é/a"]
)
def test_a_mount_from_where_the_blob_is_not_becomes_an_upload(
    shared: TestClient, repo: str, other: str
) -> None:
    asked = {"mount": DIGEST, "from": other.format(project=project_of(repo))}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert answer.status_code == 202
    location = answer.headers["Location"]
    assert location.startswith(f"/v2/{repo}/blobs/uploads/")
    done = shared.put(location, params={"digest": DIGEST}, content=DATA, auth=ADMIN)
    assert done.status_code == 201


def test_a_mount_of_an_unknown_blob_becomes_an_upload(
    shared: TestClient, repo: str, source: str
) -> None:
    asked = {"mount": sha256(b"unknown"), "from": source}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert answer.status_code == 202


@pytest.mark.parametrize("digest", ["sha256:abc", "nonsense", "md5:" + 32 * "0"])
def test_a_mount_of_what_is_no_digest_is_refused(
    shared: TestClient, repo: str, source: str, digest: str
) -> None:
    asked = {"mount": digest, "from": source}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert error_of(answer) == (400, "DIGEST_INVALID")


def test_nobody_mounts_what_they_may_not_pull(
    shared: TestClient, repo: str, source: str, ann: Login
) -> None:
    asked = {"mount": DIGEST, "from": source}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ann)
    assert answer.status_code == 202
    assert not has(shared, repo)


@pytest.mark.parametrize("role_id", [1, 2, 3, 4, 5])
def test_whoever_may_pull_there_may_mount_from_there(
    shared: TestClient, repo: str, source: str, ann: Login, role_id: int
) -> None:
    add_member(shared, project_of(source), ann, role_id)
    asked = {"mount": DIGEST, "from": source}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ann)
    assert answer.status_code == 201


def test_anybody_may_mount_from_a_public_project(shared: TestClient, repo: str, ann: Login) -> None:
    push_blob(shared, "library/base", DATA)
    asked = {"mount": DIGEST, "from": "library/base"}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ann)
    assert answer.status_code == 201


def test_a_token_must_hold_both_scopes(shared: TestClient, repo: str, source: str) -> None:
    asked = {"mount": DIGEST, "from": source}
    target = f"repository:{repo}:pull,push"
    for scopes, status in (([target], 202), ([target, f"repository:{source}:pull"], 201)):
        headers = bearer(shared, ADMIN, *scopes)
        answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, headers=headers)
        assert answer.status_code == status


def test_who_may_only_pull_mounts_nothing(shared: TestClient, repo: str, source: str) -> None:
    bob = make_user(shared, f"bob-{project_of(repo)}")
    for name in (repo, source):
        add_member(shared, project_of(name), bob, 3)
    asked = {"mount": DIGEST, "from": source}
    answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=bob)
    assert error_of(answer) == (401, "UNAUTHORIZED")


def test_a_mounted_blob_stays_when_its_source_is_gone(
    shared: TestClient, repo: str, source: str
) -> None:
    asked = {"mount": DIGEST, "from": source}
    shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    assert shared.delete(f"/v2/{source}/blobs/{DIGEST}", auth=ADMIN).status_code == 202
    assert not has(shared, source)
    assert shared.get(f"/v2/{repo}/blobs/{DIGEST}", auth=ADMIN).content == DATA


def test_a_manifest_may_name_what_was_mounted(shared: TestClient, repo: str) -> None:
    image = push_image(shared, f"{project_of(repo)}/base")
    for blob in image.blobs:
        asked = {"mount": sha256(blob), "from": f"{project_of(repo)}/base"}
        shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ADMIN)
    copied = shared.put(
        f"/v2/{repo}/manifests/copy",
        content=image.raw,
        headers={"Content-Type": "application/vnd.oci.image.manifest.v1+json"},
        auth=ADMIN,
    )
    assert copied.status_code == 201


def test_a_former_name_of_the_source_will_do(client: TestClient) -> None:
    for project in ("here", "there", "target"):
        make_project(client, project)
    push_blob(client, "here/app", DATA)
    push_image(client, "here/app")
    ann = make_user(client, "ann")
    for project, role_id in (("target", 2), ("here", 3)):
        add_member(client, project, ann, role_id)
    moved = client.post(
        "/api/v2.0/projects/here/repositories/app/move",
        json={"project": "there", "name": "web"},
        auth=ADMIN,
    )
    assert moved.status_code == 200, moved.text
    uploads = "/v2/target/app/blobs/uploads/"
    asked = {"mount": DIGEST, "from": "here/app"}
    assert client.post(uploads, params=asked, auth=ann).status_code == 202  # not there
    add_member(client, "there", ann, 3)
    answer = client.post(uploads, params=asked, auth=ann)
    assert answer.status_code == 201
    assert has(client, "target/app")


def test_a_former_name_of_the_project_of_the_source_will_do(client: TestClient) -> None:
    for project in ("old", "target"):
        make_project(client, project)
    push_blob(client, "old/app", DATA)
    renamed = client.post("/api/v2.0/projects/old/rename", json={"name": "new"}, auth=ADMIN)
    assert renamed.status_code == 200, renamed.text
    asked = {"mount": DIGEST, "from": "old/app"}
    target = "repository:target/app:pull,push"
    for scopes, status in (([target], 202), ([target, "repository:old/app:pull"], 201)):
        answer = client.post(
            "/v2/target/app/blobs/uploads/",
            params=asked,
            headers=bearer(client, ADMIN, *scopes),
        )
        assert answer.status_code == status
    assert has(client, "target/app")
