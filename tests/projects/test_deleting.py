from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

from tests.make import (
    ADMIN,
    API,
    add_member,
    bearer,
    make_project,
    make_user,
    push_blob,
    push_image,
)
from tests.projects.conftest import error, message

Rows = Callable[[str], list[Any]]
REASON = "the project contains repositories, can not be deleted"


def test_a_project_without_repositories_is_deleted(client: TestClient, team: str) -> None:
    assert client.get(f"{team}/_deletable", auth=ADMIN).json() == {"deletable": True}
    gone = client.delete(team, auth=ADMIN)
    assert (gone.status_code, gone.content) == (200, b"")
    for path in (team, f"{API}/projects/2", f"{API}/projects/team%232", f"{team}/summary"):
        assert error(client.get(path, auth=ADMIN)) == (404, "NOT_FOUND")
    assert error(client.delete(team, auth=ADMIN)) == (404, "NOT_FOUND")
    probe = client.head(f"{API}/projects", params={"project_name": "team"}, auth=ADMIN)
    assert probe.status_code == 404
    listed = client.get(f"{API}/projects", auth=ADMIN)
    assert [each["name"] for each in listed.json()] == ["library"]
    assert listed.headers["X-Total-Count"] == "1"


def test_a_project_with_repositories_stays(client: TestClient, team: str) -> None:
    push_image(client, "team/app")
    told = client.get(f"{team}/_deletable", auth=ADMIN).json()
    assert told == {"deletable": False, "message": REASON}
    answer = client.delete(team, auth=ADMIN)
    assert error(answer) == (412, "PRECONDITION")
    assert message(answer) == REASON
    assert client.get(team, auth=ADMIN).json()["repo_count"] == 1


def test_blobs_of_no_repository_keep_no_project(client: TestClient, team: str) -> None:
    push_blob(client, "team/app", b"layer")
    assert client.delete(team, auth=ADMIN).status_code == 200


def test_its_row_stays_under_another_name(client: TestClient, team: str, rows: Rows) -> None:
    client.delete(team, auth=ADMIN)
    found = rows("SELECT name, deleted FROM project WHERE project_id = 2")
    assert [(name, bool(deleted)) for name, deleted in found] == [("team#2", True)]


def test_the_longest_name_has_room_for_its_mark(client: TestClient, rows: Rows) -> None:
    name = "x" * 255
    make_project(client, name)
    assert client.delete(f"{API}/projects/2", auth=ADMIN).status_code == 200
    assert rows("SELECT name FROM project WHERE project_id = 2") == [("x" * 253 + "#2",)]
    make_project(client, name)
    assert client.delete(f"{API}/projects/3", auth=ADMIN).status_code == 200


def test_what_belongs_to_it_goes_with_it(
    client: TestClient, team: str, people: dict[str, Any], rows: Rows
) -> None:
    client.delete(team, auth=ADMIN)
    for table in ("project_member", "project_metadata", "cve_allowlist"):
        assert rows(f"SELECT count(*) FROM {table} WHERE project_id = 2") == [(0,)]


def test_its_name_can_be_used_again_and_nobody_has_a_role_there(
    client: TestClient, team: str, people: dict[str, Any]
) -> None:
    client.put(team, json={"metadata": {"public": "true"}}, auth=ADMIN)
    client.delete(team, auth=ADMIN)
    assert make_project(client, "team") == 3
    assert client.get(team, auth=people["pam"]).status_code == 403
    shown = client.get(team, auth=ADMIN).json()
    assert (shown["project_id"], shown["metadata"]) == (3, {"public": "false"})


def test_project_admins_delete_their_project(
    client: TestClient, team: str, people: dict[str, Any]
) -> None:
    for who in ("nobody", "stranger", "limited", "guest", "dev", "mia"):
        status = 401 if who == "nobody" else 403
        assert client.get(f"{team}/_deletable", auth=people[who]).status_code == status
        assert client.delete(team, auth=people[who]).status_code == status
    assert client.delete(f"{API}/projects/library", auth=people["pam"]).status_code == 403
    assert client.get(f"{team}/_deletable", auth=people["pam"]).status_code == 200
    assert client.delete(team, auth=people["pam"]).status_code == 200


def test_a_missing_project_is_not_found(client: TestClient) -> None:
    ann = make_user(client, "ann")
    for path in (f"{API}/projects/nothing", f"{API}/projects/99"):
        for place in (path, f"{path}/_deletable", f"{path}/summary"):
            assert error(client.get(place, auth=ADMIN)) == (404, "NOT_FOUND")
            assert client.get(place, auth=ann).status_code == 403
            assert client.get(place).status_code == 401
        assert error(client.delete(path, auth=ADMIN)) == (404, "NOT_FOUND")
        assert client.delete(path, auth=ann).status_code == 403


def test_the_audit_log_remembers_the_name(client: TestClient, team: str, rows: Rows) -> None:
    push_image(client, "team/app")
    client.delete(f"{API}/projects/2", auth=ADMIN)
    make_project(client, "other")
    client.delete(f"{API}/projects/3", auth=ADMIN)
    found = rows(
        "SELECT resource, operation_result, project_id FROM audit_log_ext"
        " WHERE operation = 'delete' AND resource_type = 'project' ORDER BY id"
    )
    assert [(name, bool(done), project_id) for name, done, project_id in found] == [
        ("team", False, 2),
        ("other", True, 3),
    ]


def test_tokens_for_the_old_project_do_not_open_the_new_one(client: TestClient, team: str) -> None:
    ann = make_user(client, "ann")
    add_member(client, "team", ann, 2)
    scope = "repository:team/app:pull,push"
    theirs = bearer(client, ann, scope)
    admins = bearer(client, ADMIN, scope, "plugin:team/app:pull")
    start = "/v2/team/app/blobs/uploads/"
    assert client.post(start, headers=theirs).status_code == 202
    client.delete(team, auth=ADMIN)
    assert client.post(start, headers=theirs).status_code == 401
    make_project(client, "team")
    image = push_image(client, "team/app")
    for old in (theirs, admins):
        assert client.post(start, headers=old).status_code == 401
        for reference in ("1.0", image.digest):
            path = f"/v2/team/app/manifests/{reference}"
            assert client.get(path, headers=old).status_code == 401
    assert client.get("/v2/team/app/manifests/1.0", headers=bearer(client, ADMIN, scope)).is_success


def test_answers_from_memory_end_with_the_project(client: TestClient) -> None:
    make_project(client, "team", public=True)
    image = push_image(client, "team/app")
    headers = bearer(client, ADMIN, "repository:team/app:pull,push")
    path = f"/v2/team/app/manifests/{image.digest}"
    for _ in range(3):
        assert client.get(path, headers=headers).status_code == 200
    assert client.delete(path, auth=ADMIN).status_code == 202
    assert client.get(path, headers=headers).status_code == 404
    assert client.delete(f"{API}/projects/team", auth=ADMIN).status_code == 412


def test_the_first_project_may_go_too(client: TestClient) -> None:
    assert client.delete(f"{API}/projects/library", auth=ADMIN).status_code == 200
    assert client.get(f"{API}/projects", auth=ADMIN).json() == []
