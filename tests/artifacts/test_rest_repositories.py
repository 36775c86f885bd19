"""Repositories over REST."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, get, names, repository
from tests.make import (
    ADMIN,
    API,
    error_of,
    make_project,
    make_user,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    sha256,
)
from tests.registry.servers import Rows, ask, basic, flush, project_of, until


def listed(client: TestClient, repo: str, **params: Any) -> list[str]:
    return names(client, f"{API}/projects/{project_of(repo)}/repositories", **params)


def test_a_repository_is_shown(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    shown = get(shared, repository(repo))
    assert set(shown) == {
        "id",
        "project_id",
        "name",
        "artifact_count",
        "pull_count",
        "creation_time",
        "update_time",
    }
    assert (shown["name"], shown["artifact_count"], shown["pull_count"]) == (repo, 1, 0)
    assert shown["creation_time"].endswith("Z")


def test_the_count_leaves_out_accessories_and_untagged_children(
    shared: TestClient, repo: str
) -> None:
    tagged, untagged = push_image(shared, repo, "a"), push_image(shared, repo, "b")
    push_index(shared, repo, "multi", tagged, untagged)
    push_referrer(shared, repo, tagged, "application/spdx+json")
    assert shared.delete(f"/v2/{repo}/manifests/b", auth=ADMIN).status_code == 202
    assert get(shared, repository(repo))["artifact_count"] == 2


@pytest.mark.parametrize("slash", ["%252F", "%2F", "%2f", "%252f"])
@pytest.mark.parametrize("below", ["", "/artifacts", "/artifacts/1.0", "/artifacts/1.0/tags"])
def test_a_slash_in_a_name_is_encoded_once_or_twice(
    shared: TestClient, repo: str, slash: str, below: str
) -> None:
    push_image(shared, f"{repo}/sub")
    path = f"{API}/projects/{project_of(repo)}/repositories/app{slash}sub{below}"
    assert ask(shared, "GET", path, headers=[basic()]).status_code == 200


@pytest.mark.parametrize("name", ["nothing", "%00", "%2500", "%FF", "a%252F..%252Fb", "%25"])
def test_what_is_not_there_is_not_found(shared: TestClient, repo: str, name: str) -> None:
    path = f"{API}/projects/{project_of(repo)}/repositories/{name}"
    for below in ("", "/artifacts", "/artifacts/1.0"):
        assert ask(shared, "GET", path + below, headers=[basic()]).status_code in (404, 422)


def test_an_empty_list_is_a_list(shared: TestClient, repo: str) -> None:
    path = f"{API}/projects/{project_of(repo)}/repositories"
    answer = shared.get(path, auth=ADMIN)
    assert (answer.json(), answer.headers["X-Total-Count"]) == ([], "0")


def test_the_newest_come_first_and_pages_are_counted(shared: TestClient, repo: str) -> None:
    for name in "abc":
        push_image(shared, f"{repo}/{name}")
    assert listed(shared, repo) == [f"{repo}/{name}" for name in "cba"]
    assert listed(shared, repo, sort="name") == [f"{repo}/{name}" for name in "abc"]
    path = f"{API}/projects/{project_of(repo)}/repositories"
    answer = shared.get(path, params={"page": 2, "page_size": 1}, auth=ADMIN)
    assert [each["name"] for each in answer.json()] == [f"{repo}/b"]
    assert answer.headers["X-Total-Count"] == "3"
    assert 'rel="prev"' in answer.headers["Link"]
    assert 'rel="next"' in answer.headers["Link"]


def test_q_finds_names_and_blobs(shared: TestClient, repo: str) -> None:
    image = push_image(shared, f"{repo}/one")
    push_image(shared, f"{repo}/two")
    assert listed(shared, repo, q="name=~ONE") == [f"{repo}/one"]
    assert listed(shared, repo, q=f"name={repo}/two") == [f"{repo}/two"]
    held = sha256(image.blobs[0])
    assert listed(shared, repo, q=f"blob_digest={held}") == [f"{repo}/one"]
    assert listed(shared, repo, q=f"blob_digest={sha256(b'nowhere')}") == []


def test_a_broken_q_is_refused(shared: TestClient, repo: str) -> None:
    path = f"{API}/projects/{project_of(repo)}/repositories"
    assert error_of(shared.get(path, params={"q": "name"}, auth=ADMIN)) == (400, "BAD_REQUEST")


def test_everybody_sees_the_repositories_of_their_projects(client: TestClient) -> None:
    ann, bob = make_user(client, "ann"), make_user(client, "bob")
    make_project(client, "open", public=True)
    make_project(client, "closed", owner=ann)
    for name in ("open/a", "closed/b"):
        push_image(client, name)
    seen = {
        who and who[0]: [
            each["name"] for each in client.get(f"{API}/repositories", auth=who).json()
        ]
        for who in (None, ann, bob, ADMIN)
    }
    both = ["closed/b", "open/a"]
    assert seen == {None: ["open/a"], "ann": both, "bob": ["open/a"], "admin": both}


def test_a_description_is_kept_as_html(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    body = {"description": '<b>"it\'s" & more</b>'}
    assert shared.put(repository(repo), json=body, auth=ADMIN).status_code == 200
    escaped = "&lt;b&gt;&#34;it&#39;s&#34; &amp; more&lt;/b&gt;"
    assert get(shared, repository(repo))["description"] == escaped


@pytest.mark.parametrize("text", ["&" * 20_000, "x" * 70_000])
def test_a_description_has_an_end(shared: TestClient, repo: str, text: str) -> None:
    push_image(shared, repo)
    answer = shared.put(repository(repo), json={"description": text}, auth=ADMIN)
    assert answer.status_code in (400, 422)


def test_a_repository_goes_with_all_that_is_in_it(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    child = push_image(shared, repo, "child")
    push_index(shared, repo, "multi", child)
    push_referrer(shared, repo, image, "application/spdx+json")
    push_blob(shared, repo, b"loose")
    assert shared.delete(repository(repo), auth=ADMIN).status_code == 200
    assert error_of(shared.get(repository(repo), auth=ADMIN)) == (404, "NOT_FOUND")
    assert shared.get(f"/v2/{repo}/manifests/1.0", auth=ADMIN).status_code == 404
    gone = shared.get(f"/v2/{repo}/blobs/{sha256(b'loose')}", auth=ADMIN)
    assert gone.status_code == 404
    quota = (
        "SELECT q.used FROM quota q JOIN project p USING (project_id) "
        f"WHERE p.name = '{project_of(repo)}'"
    )
    assert shared_rows(quota) == [(0,)]


def test_what_other_repositories_need_stays(shared: TestClient, repo: str) -> None:
    other = f"{project_of(repo)}/other"
    image = push_image(shared, repo)
    blobs = [push_blob(shared, other, blob) for blob in image.blobs]
    kept = push_image(shared, other)
    assert shared.delete(repository(repo), auth=ADMIN).status_code == 200
    assert shared.get(f"/v2/{other}/manifests/{kept.digest}", auth=ADMIN).status_code == 200
    for blob in kept.blobs:
        assert shared.get(f"/v2/{other}/blobs/{sha256(blob)}", auth=ADMIN).status_code == 200
    for digest in blobs:
        assert shared.get(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 404


def test_a_deleted_repository_can_be_pushed_again(shared: TestClient, repo: str) -> None:
    first = push_image(shared, repo)
    shared.put(repository(repo), json={"description": "old"}, auth=ADMIN)
    assert shared.delete(repository(repo), auth=ADMIN).status_code == 200
    assert push_image(shared, repo).digest == first.digest
    shown = get(shared, repository(repo))
    assert (shown["artifact_count"], "description" in shown) == (1, False)


def test_deleting_what_is_not_there_is_not_found(shared: TestClient, repo: str) -> None:
    assert error_of(shared.delete(repository(repo), auth=ADMIN)) == (404, "NOT_FOUND")


def test_deleting_is_recorded(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    push_image(shared, f"{repo}/sub")
    assert shared.delete(repository(f"{repo}/sub"), auth=ADMIN).status_code == 200
    lines = f"SELECT operation, resource_type FROM audit_tally WHERE resource = '{repo}/sub'"
    assert ("delete", "repository") in shared_rows(lines)


def test_pulls_are_counted(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    for reference in ("1.0", image.digest):
        assert shared.get(f"/v2/{repo}/manifests/{reference}", auth=ADMIN).status_code == 200
    until(shared, lambda: get(shared, repository(repo))["pull_count"], 2)


def test_its_time_of_change_moves_with_its_tags_only(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)

    def changed() -> str:
        return str(get(shared, repository(repo))["update_time"])

    times = [changed()]
    shared.get(f"/v2/{repo}/manifests/1.0", auth=ADMIN)
    flush(shared)
    assert changed() == times[0]
    tags = f"{artifact(repo, image.digest)}/tags"
    for step in (
        lambda: shared.post(tags, json={"name": "more"}, auth=ADMIN),
        lambda: shared.delete(f"{tags}/more", auth=ADMIN),
        lambda: shared.delete(f"/v2/{repo}/manifests/1.0", auth=ADMIN),
        lambda: push_image(shared, repo, "2.0"),
        lambda: shared.delete(artifact(repo, image.digest), auth=ADMIN),
    ):
        step()
        times.append(changed())
    assert times == sorted(set(times))
