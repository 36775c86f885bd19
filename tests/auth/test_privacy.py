"""What strangers learn of private projects: nothing, not even whether there are any."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    OCI_MANIFEST,
    Login,
    Pushed,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    message_of,
    push_blob,
    push_image,
    sha256,
)
from tests.registry.servers import project_of

SECRET, MISSING = "secret-stuff", "missing-thing"  # of one length


@pytest.fixture(scope="module")
def secret(shared: TestClient) -> Pushed:
    """An image in a private project."""
    make_project(shared, SECRET)
    return push_image(shared, f"{SECRET}/app")


@pytest.fixture(scope="module")
def stranger(shared: TestClient) -> Login:
    return make_user(shared, "stranger")


def upload_of(client: TestClient) -> str:
    location: str = client.post(f"/v2/{SECRET}/app/blobs/uploads/", auth=ADMIN).headers["Location"]
    return location.rpartition("/")[2]


def requests(client: TestClient, image: Pushed) -> list[tuple[str, str, dict[str, Any]]]:
    """Every kind of request that would succeed for a member."""
    blob = sha256(image.blobs[0])
    upload = upload_of(client)
    manifest = {"content": image.raw, "headers": {"Content-Type": OCI_MANIFEST}}
    return [
        ("GET", "tags/list", {}),
        ("GET", "manifests/1.0", {}),
        ("HEAD", "manifests/1.0", {}),
        ("GET", f"manifests/{image.digest}", {}),
        ("PUT", "manifests/2.0", manifest),
        ("DELETE", "manifests/1.0", {}),
        ("DELETE", f"manifests/{image.digest}", {}),
        ("GET", f"referrers/{image.digest}", {}),
        ("GET", f"blobs/{blob}", {}),
        ("HEAD", f"blobs/{blob}", {}),
        ("DELETE", f"blobs/{blob}", {}),
        ("POST", "blobs/uploads/", {}),
        ("POST", "blobs/uploads/", {"params": {"mount": blob, "from": f"{SECRET}/app"}}),
        ("GET", f"blobs/uploads/{upload}", {}),
        ("PATCH", f"blobs/uploads/{upload}", {"content": b"x"}),
        ("PUT", f"blobs/uploads/{upload}", {"params": {"digest": blob}}),
        ("DELETE", f"blobs/uploads/{upload}", {}),
    ]


def told(client: TestClient, project: str, request: tuple[str, str, dict[str, Any]]) -> Any:
    """Everything in an answer, with the projects' names blotted out."""
    method, path, more = request

    def blotted(text: str) -> str:
        return text.replace(SECRET, "…").replace(MISSING, "…")

    answer = client.request(method, f"/v2/{project}/app/{path}", **more)
    headers = {
        name: blotted(value)
        for name, value in answer.headers.items()
        if name.lower() not in ("x-request-id", "content-length")
    }
    return answer.status_code, headers, blotted(answer.text)


@pytest.mark.parametrize("who", ["nobody", "failing", "stranger", "bearer", "anonymous bearer"])
def test_a_private_project_looks_to_strangers_as_if_it_were_missing(
    shared: TestClient, secret: Pushed, stranger: Login, who: str
) -> None:
    scopes = (f"repository:{SECRET}/app:pull,push", f"repository:{MISSING}/app:pull,push")
    how: dict[str, dict[str, Any]] = {
        "nobody": {},
        "failing": {"auth": ("admin", "wrong")},
        "stranger": {"auth": stranger},
        "bearer": {"headers": bearer(shared, stranger, *scopes)},
        "anonymous bearer": {"headers": bearer(shared, None, *scopes)},
    }
    for method, path, more in requests(shared, secret):
        headers = how[who].get("headers", {}) | more.get("headers", {})
        request = (method, path, {**how[who], **more, "headers": headers})
        answer = told(shared, SECRET, request)
        assert answer[0] == 401, request
        assert answer == told(shared, MISSING, request)


def test_an_administrator_is_told_that_there_is_no_such_project(shared: TestClient) -> None:
    answer = shared.get(f"/v2/{MISSING}/app/manifests/1.0", auth=ADMIN)
    assert error_of(answer) == (401, "UNAUTHORIZED")
    assert message_of(answer) == f"project {MISSING} not found"
    assert answer.headers["WWW-Authenticate"] == ""


def test_a_mount_tells_nothing_about_private_repositories(
    shared: TestClient, repo: str, secret: Pushed
) -> None:
    blob = sha256(secret.blobs[0])
    ann = make_user(shared, f"ann-{project_of(repo)}")
    add_member(shared, project_of(repo), ann, 2)
    for project in (SECRET, MISSING):
        asked = {"mount": blob, "from": f"{project}/app"}
        answer = shared.post(f"/v2/{repo}/blobs/uploads/", params=asked, auth=ann)
        assert answer.status_code == 202
        assert answer.headers["Range"] == "0-0"
        assert answer.content == b""
    assert shared.head(f"/v2/{repo}/blobs/{blob}", auth=ann).status_code == 404


def test_bytes_that_are_stored_already_are_served_only_where_they_were_pushed(
    shared: TestClient, repo: str, secret: Pushed
) -> None:
    blob = sha256(secret.blobs[0])
    assert shared.head(f"/v2/{SECRET}/app/blobs/{blob}", auth=ADMIN).status_code == 200
    for name in (repo, f"{SECRET}/other"):
        assert shared.get(f"/v2/{name}/blobs/{blob}", auth=ADMIN).status_code == 404
        assert shared.get(f"/v2/{name}/manifests/{secret.digest}", auth=ADMIN).status_code == 404


def test_nobody_may_refer_to_a_blob_they_cannot_read(
    shared: TestClient, repo: str, secret: Pushed
) -> None:
    answer = shared.put(
        f"/v2/{repo}/manifests/stolen",
        content=secret.raw,
        headers={"Content-Type": OCI_MANIFEST},
        auth=ADMIN,
    )
    assert error_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_an_upload_is_known_to_whoever_began_it_only(shared: TestClient, repo: str) -> None:
    ann, bob = (make_user(shared, f"{name}-{project_of(repo)}") for name in ("ann", "bob"))
    for each in (ann, bob):
        add_member(shared, project_of(repo), each, 1)
    location = shared.post(f"/v2/{repo}/blobs/uploads/", auth=ann).headers["Location"]
    digest = sha256(b"x")
    for other in (bob, ADMIN):
        for method, more in (
            ("GET", {}),
            ("PATCH", {"content": b"x"}),
            ("PUT", {"params": {"digest": digest}, "content": b"x"}),
            ("DELETE", {}),
        ):
            refused = shared.request(method, location, auth=other, **more)
            assert error_of(refused) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert shared.get(location, auth=ann).headers["Range"] == "0-0"


def test_an_upload_belongs_to_its_repository(shared: TestClient, repo: str) -> None:
    location = shared.post(f"/v2/{repo}/blobs/uploads/", auth=ADMIN).headers["Location"]
    make_project(shared, f"x{project_of(repo)}")
    for name in (f"{project_of(repo)}/other", f"x{repo}"):
        elsewhere = location.replace(f"/{repo}/", f"/{name}/")
        assert error_of(shared.get(elsewhere, auth=ADMIN)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert shared.get(location, auth=ADMIN).status_code == 204


def test_a_blob_that_was_taken_out_is_not_readable_through_another_repository(
    shared: TestClient, repo: str
) -> None:
    other = f"{project_of(repo)}/other"
    digest = push_blob(shared, repo, b"taken out")
    push_blob(shared, other, b"taken out")
    assert shared.delete(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 202
    assert shared.get(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 404
    assert shared.get(f"/v2/{other}/blobs/{digest}", auth=ADMIN).status_code == 200
