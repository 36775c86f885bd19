"""What the audit log says of pushes, pulls and deletions: one line each, also of what failed."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.audit.service.trail import columns
from harbor.core.api import AuditLine
from harbor.core.security import Principal
from tests.make import (
    ADMIN,
    OCI_MANIFEST,
    bearer,
    make_project,
    make_user,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    put_manifest,
    sha256,
)
from tests.registry.servers import Rows, flush, project_of, until

Line = tuple[str, str, str, str, bool]


def lines(rows: Rows, repo: str) -> list[Line]:
    """Operation, type, resource, username and result of what happened in a repository."""
    found = rows(
        "SELECT operation, resource_type, resource, username, operation_result FROM audit_log_ext "
        f"WHERE resource LIKE '{repo}:%' OR resource LIKE '{repo}@%' ORDER BY id"
    )
    return [(o, t, r, u, bool(s)) for o, t, r, u, s in found]


def image_in(client: TestClient, repo: str) -> dict[str, Any]:
    for data in (b"config", b"layer"):
        push_blob(client, repo, data)
    return manifest_of(b"config", b"layer")


def test_a_push_by_tag_is_a_line(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    push_image(shared, repo)
    assert lines(shared_rows, repo) == [("create", "artifact", f"{repo}:1.0", "admin", True)]


def test_a_push_by_digest_is_a_line(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    digest = sha256(b"{}")
    document = image_in(shared, repo)
    answer = put_manifest(shared, repo, "1.0", document)
    digest = answer.headers["Docker-Content-Digest"]
    put_manifest(shared, repo, digest, document)
    resources = [resource for _, _, resource, _, _ in lines(shared_rows, repo)]
    assert resources == [f"{repo}:1.0", f"{repo}@{digest}"]


def test_a_line_says_when_and_where(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    push_image(shared, repo)
    ((project_id, told, moment),) = shared_rows(
        "SELECT project_id, operation_description, op_time FROM audit_log_ext "
        f"WHERE resource = '{repo}:1.0'"
    )
    ((expected,),) = shared_rows(
        f"SELECT project_id FROM project WHERE name = '{project_of(repo)}'"
    )
    assert project_id == expected
    assert told == f"create artifact: {repo}:1.0"
    assert moment


@pytest.mark.parametrize(
    ("document", "status"),
    [(b"nonsense", 400), (b"{}", 400), (manifest_of(b"nowhere", b"to be found"), 400)],
    ids=["no manifest", "an empty one", "without blobs"],
)
def test_a_push_that_failed_is_a_line(
    shared: TestClient, repo: str, shared_rows: Rows, document: Any, status: int
) -> None:
    assert put_manifest(shared, repo, "1.0", document).status_code == status
    assert lines(shared_rows, repo) == [("create", "artifact", f"{repo}:1.0", "admin", False)]


def test_who_is_not_let_in_makes_no_line(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    bob = make_user(shared, f"bob-{project_of(repo)}")
    assert put_manifest(shared, repo, "1.0", b"{}", bob).status_code == 401
    assert shared.delete(f"/v2/{repo}/manifests/1.0").status_code == 401
    assert lines(shared_rows, repo) == []


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_a_pull_is_a_line(shared: TestClient, repo: str, shared_rows: Rows, by: str) -> None:
    image = push_image(shared, repo)
    reference, joined = {"tag": ("1.0", ":1.0"), "digest": (image.digest, f"@{image.digest}")}[by]
    assert shared.get(f"/v2/{repo}/manifests/{reference}", auth=ADMIN).status_code == 200
    expected = ("pull", "artifact", f"{repo}{joined}", "admin", True)
    until(shared, lambda: lines(shared_rows, repo)[1:], [expected])


def test_each_pull_is_a_line_also_those_answered_from_memory(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    push_image(shared, repo)
    ann = make_user(shared, f"ann-{project_of(repo)}")
    admin = bearer(shared, ADMIN, f"repository:{repo}:pull")
    for _ in range(3):
        assert shared.get(f"/v2/{repo}/manifests/1.0", headers=admin).status_code == 200
    assert shared.get(f"/v2/{repo}/manifests/1.0", auth=ann).status_code == 401
    expected = 3 * [("pull", "artifact", f"{repo}:1.0", "admin", True)]
    until(shared, lambda: lines(shared_rows, repo)[1:], expected)


def test_a_pull_by_nobody_is_by_anonymous(shared: TestClient, shared_rows: Rows) -> None:
    make_project(shared, "open", public=True)
    push_image(shared, "open/app")
    headers = bearer(shared, None, "repository:open/app:pull")
    assert shared.get("/v2/open/app/manifests/1.0", headers=headers).status_code == 200
    expected = [("pull", "artifact", "open/app:1.0", "anonymous", True)]
    until(shared, lambda: lines(shared_rows, "open/app")[1:], expected)


def test_the_bearer_of_a_token_is_named(shared: TestClient, shared_rows: Rows) -> None:
    make_project(shared, "named", public=True)
    push_image(shared, "named/app")
    ann = make_user(shared, "named-ann")
    headers = bearer(shared, ann, "repository:named/app:pull")
    assert shared.get("/v2/named/app/manifests/1.0", headers=headers).status_code == 200
    expected = [("pull", "artifact", "named/app:1.0", "named-ann", True)]
    until(shared, lambda: lines(shared_rows, "named/app")[1:], expected)


def test_what_pulls_nothing_makes_no_line(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    image = push_image(shared, repo)
    path = f"/v2/{repo}/manifests/1.0"
    shared.head(path, auth=ADMIN)
    shared.get(path, headers={"If-None-Match": image.digest}, auth=ADMIN)
    shared.get(path, headers={"User-Agent": "harbor-registry-client"}, auth=ADMIN)
    shared.get(f"/v2/{repo}/manifests/none", auth=ADMIN)
    shared.get(f"/v2/{repo}/tags/list", auth=ADMIN)
    shared.get(f"/v2/{repo}/referrers/{image.digest}", auth=ADMIN)
    blob = f"/v2/{repo}/blobs/{sha256(image.blobs[0])}"
    shared.head(blob, auth=ADMIN)
    shared.get(blob, auth=ADMIN)
    flush(shared)
    assert [line[0] for line in lines(shared_rows, repo)] == ["create"]


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_a_deletion_is_a_line(shared: TestClient, repo: str, shared_rows: Rows, by: str) -> None:
    image = push_image(shared, repo)
    reference, kind, resource = {
        "tag": ("1.0", "tag", f"{repo}:1.0"),
        "digest": (image.digest, "artifact", f"{repo}@{image.digest}"),
    }[by]
    for _ in range(2):
        shared.delete(f"/v2/{repo}/manifests/{reference}", auth=ADMIN)
    assert lines(shared_rows, repo)[1:] == [
        ("delete", kind, resource, "admin", True),
        ("delete", kind, resource, "admin", False),
    ]


def test_a_deletion_that_others_prevent_is_a_line(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    child = push_image(shared, repo)
    push_index(shared, repo, "multi", child)
    shared.delete(f"/v2/{repo}/manifests/{child.digest}", auth=ADMIN)
    last = lines(shared_rows, repo)[-1]
    assert last == ("delete", "artifact", f"{repo}@{child.digest}", "admin", False)


def test_taking_a_blob_out_is_a_line(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    digest = push_blob(shared, repo, b"spare")
    for _ in range(2):
        shared.delete(f"/v2/{repo}/blobs/{digest}", auth=ADMIN)
    assert lines(shared_rows, repo) == [
        ("delete", "blob", f"{repo}@{digest}", "admin", True),
        ("delete", "blob", f"{repo}@{digest}", "admin", False),
    ]


def test_lines_of_failures_know_their_project_too(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    put_manifest(shared, repo, "1.0", b"nonsense", media_type=OCI_MANIFEST)
    shared.delete(f"/v2/{repo}/manifests/none", auth=ADMIN)
    found = shared_rows(
        "SELECT p.name, a.operation_result FROM audit_log_ext a "
        f"JOIN project p ON p.project_id = a.project_id WHERE a.resource LIKE '{repo}:%'"
    )
    assert [(name, bool(result)) for name, result in found] == 2 * [(project_of(repo), False)]


def test_a_name_that_is_too_long_for_the_table_is_cut() -> None:
    told = AuditLine(Principal("n" * 300), "login", "user", "r" * 2_000, False, None)
    row = columns(told)
    assert (len(row["username"]), len(row["resource"])) == (255, 1024)
