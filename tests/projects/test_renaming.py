"""Another name for a project: everything follows, and what is asked for by the old one is found."""

from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.schemas import Place
from harbor.artifacts.service.artifacts import ensure_repository
from harbor.core.errors import NameUnknown
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    message_of,
    push_blob,
    push_image,
    push_referrer,
)
from tests.registry.servers import in_server


def rename(client: TestClient, project: str, name: str, login: Login = ADMIN) -> Any:
    return client.post(f"{API}/projects/{project}/rename", json={"name": name}, auth=login)


def renamed(client: TestClient, project: str, name: str) -> None:
    answer = rename(client, project, name)
    assert answer.status_code == 200, answer.text


def former(client: TestClient, project: str) -> list[str]:
    answer = client.get(f"{API}/projects/{project}/redirects", auth=ADMIN)
    return [each["name"] for each in answer.json()]


def test_everything_in_the_project_follows(client: TestClient) -> None:
    project_id = make_project(client, "old")
    pushed = push_image(client, "old/a/b", "1.0")
    signed = push_referrer(client, "old/a/b", pushed, "application/x")
    before = client.get(f"{API}/projects/old", auth=ADMIN).json()
    used = client.get(f"{API}/projects/old/summary", auth=ADMIN).json()["quota"]["used"]
    upload = client.post("/v2/old/a/b/blobs/uploads/", auth=ADMIN).headers["Location"]
    assert client.patch(upload, content=b"abc", auth=ADMIN).status_code == 202
    renamed(client, "old", "new")
    after = client.get(f"{API}/projects/new", auth=ADMIN).json()
    assert after | {"update_time": ""} == before | {"name": "new", "update_time": ""}
    found = client.get(f"{API}/projects/new/repositories", auth=ADMIN).json()
    assert [(each["name"], each["project_id"]) for each in found] == [("new/a/b", project_id)]
    summary = client.get(f"{API}/projects/new/summary", auth=ADMIN).json()
    assert summary["quota"]["used"] == used
    assert client.get("/v2/new/a/b/manifests/1.0", auth=ADMIN).content == pushed.raw
    for blob in pushed.blobs:
        digest = push_blob(client, "new/a/b", blob)
        assert client.get(f"/v2/new/a/b/blobs/{digest}", auth=ADMIN).content == blob
    listed = client.get(f"/v2/new/a/b/referrers/{pushed.digest}", auth=ADMIN).json()["manifests"]
    assert [each["digest"] for each in listed] == [signed.digest]
    # What was begun goes on, under the new name.
    assert client.get(upload.replace("/old/", "/new/"), auth=ADMIN).status_code == 204
    push_image(client, "new/a/b", "2.0")
    lines = client.get(f"{API}/projects/new/logs", auth=ADMIN).json()
    assert {"old/a/b:1.0", "new/a/b:2.0"} <= {line["resource"] for line in lines}
    logs = client.get(f"{API}/auditlog-exts", auth=ADMIN).json()
    assert ("update", "old -> new") in [(each["operation"], each["resource"]) for each in logs]


def test_pulls_by_the_old_name_go_on_with_the_rights_of_now(client: TestClient) -> None:
    make_project(client, "old")
    guest, stranger = make_user(client, "guest"), make_user(client, "stranger")
    add_member(client, "old", guest, 3)
    pushed = push_image(client, "old/app", "1.0")
    signed = push_referrer(client, "old/app", pushed, "application/x")
    by_then = bearer(client, guest, "repository:old/app:pull")
    renamed(client, "old", "new")
    scope = "repository:old/app:pull,push"
    referrers = f"/v2/old/app/referrers/{pushed.digest}"
    for headers in (by_then, bearer(client, guest, scope)):
        for method in ("HEAD", "GET", "GET"):
            answer = client.request(method, "/v2/old/app/manifests/1.0", headers=headers)
            assert answer.status_code == 200
            assert answer.headers["Docker-Content-Digest"] == pushed.digest
        tags = client.get("/v2/old/app/tags/list", headers=headers).json()
        assert tags == {"name": "new/app", "tags": ["1.0"]}
        listed = client.get(referrers, headers=headers).json()["manifests"]
        assert [each["digest"] for each in listed] == [signed.digest]
        found = [
            each["digest"] for each in client.get(referrers, headers=headers).json()["manifests"]
        ]
        assert found == [signed.digest]
        missing = client.get("/v2/old/app/manifests/2.0", headers=headers)
        assert error_of(missing) == (404, "MANIFEST_UNKNOWN")
    # Whoever may not read there gets what a name gets that never was one.
    headers = bearer(client, stranger, scope, scope.replace("old", "never"))
    for method in ("GET", "PUT"):
        told, other = (
            client.request(method, f"/v2/{name}/app/manifests/1.0", headers=headers)
            for name in ("old", "never")
        )
        assert told.status_code == 401
        assert told.text == other.text.replace("never", "old")
        assert told.headers.keys() == other.headers.keys()
    assert client.get("/v2/old/app/manifests/1.0").status_code == 401


def test_a_push_by_the_old_name_is_told_the_new_one(client: TestClient) -> None:
    make_project(client, "old")
    developer = make_user(client, "dev")
    add_member(client, "old", developer, 2)
    pushed = push_image(client, "old/app", "1.0")
    renamed(client, "old", "new")
    for login in (ADMIN, developer):
        answer = client.post("/v2/old/app/blobs/uploads/", auth=login)
        assert error_of(answer) == (403, "DENIED")
        assert "new/app" in message_of(answer)
    answer = client.delete(f"/v2/old/app/manifests/{pushed.digest}", auth=ADMIN)
    assert error_of(answer) == (403, "DENIED")


def test_a_token_opens_only_the_project_that_it_was_issued_for(client: TestClient) -> None:
    make_project(client, "old")
    guest = make_user(client, "guest")
    add_member(client, "old", guest, 3)
    push_image(client, "old/app", "1.0")
    by_then = bearer(client, guest, "repository:old/app:pull")
    renamed(client, "old", "new")
    redirected = bearer(client, guest, "repository:old/app:pull")
    make_project(client, "old")
    push_image(client, "old/app", "1.0", annotations={"another": "one"})
    for headers in (by_then, redirected):
        assert client.get("/v2/old/app/manifests/1.0", headers=headers).status_code == 401
        assert client.get("/v2/new/app/manifests/1.0", headers=headers).status_code == 200
    # The other way round: of the project made anew to the one that had its name before.
    owner = bearer(client, guest, "repository:new/app:pull")
    renamed(client, "new", "newer")
    renamed(client, "old", "new")
    assert client.get("/v2/new/app/manifests/1.0", headers=owner).status_code == 401


def test_a_push_that_was_let_in_under_the_old_name_makes_no_repository(
    client: TestClient,
) -> None:
    place = Place(make_project(client, "old"), "old/app")
    renamed(client, "old", "new")
    building = client.app
    assert isinstance(building, Building)

    async def free(place: Place) -> None:
        raise AssertionError("it is no former name of a repository")

    push = partial(ensure_repository, place=place, refuse=free)
    with pytest.raises(NameUnknown, match="project old not found"):
        in_server(client, building.db.quick.write, push)


def test_the_last_name_counts_and_a_name_that_is_given_again_leads_elsewhere_no_more(
    client: TestClient,
) -> None:
    make_project(client, "a")
    pushed = push_image(client, "a/app", "1.0")
    renamed(client, "a", "b")
    renamed(client, "b", "c")
    assert former(client, "c") == ["b", "a"]
    for name in ("a", "b", "c"):
        assert client.get(f"/v2/{name}/app/manifests/1.0", auth=ADMIN).content == pushed.raw
    renamed(client, "c", "a")  # in a circle
    assert former(client, "a") == ["c", "b"]
    make_project(client, "b")
    assert former(client, "a") == ["c"]
    assert client.get("/v2/b/app/manifests/1.0", auth=ADMIN).status_code == 404
    assert client.delete(f"{API}/projects/a/redirects/c", auth=ADMIN).status_code == 200
    assert error_of(client.delete(f"{API}/projects/a/redirects/c", auth=ADMIN))[0] == 404
    assert client.get("/v2/c/app/manifests/1.0", auth=ADMIN).status_code == 401


def test_names_that_cannot_be_are_refused(client: TestClient) -> None:
    make_project(client, "old")
    make_project(client, "taken")
    push_image(client, f"old/{'x' * 240}")
    for name, wrong in (
        ("Old", (400, "BAD_REQUEST")),
        ("old", (400, "BAD_REQUEST")),
        ("taken", (409, "CONFLICT")),
        ("n" * 15, (400, "BAD_REQUEST")),
    ):
        assert error_of(rename(client, "old", name)) == wrong
    assert f"old/{'x' * 240}" in message_of(rename(client, "old", "n" * 15))
    renamed(client, "old", "n" * 14)
    assert client.get(f"/v2/{'n' * 14}/{'x' * 240}/tags/list", auth=ADMIN).status_code == 200


def test_rest_says_where_the_project_is_now_to_those_who_may_see_it(client: TestClient) -> None:
    project_id = make_project(client, "old")
    stranger = make_user(client, "stranger")
    push_image(client, "old/a/b", "1.0")
    renamed(client, "old", "new")
    for path in ("", "/repositories", "/repositories/a%252Fb/artifacts/1.0"):
        answer = client.get(f"{API}/projects/old{path}", auth=ADMIN)
        assert error_of(answer) == (404, "NOT_FOUND")
        assert "new" in message_of(answer)
        told = client.get(f"{API}/projects/old{path}", auth=stranger)
        other = client.get(f"{API}/projects/odd{path}", auth=stranger)
        assert (told.status_code, told.json()) == (other.status_code, other.json())
    page = client.get("/harbor/projects/old/members?page=2", auth=ADMIN, follow_redirects=False)
    assert (page.status_code, page.headers["Location"]) == (
        301,
        "/harbor/projects/new/members?page=2",
    )
    path = "repositories/a%2Fb/artifacts-tab?x=1"
    page = client.get(f"/harbor/projects/old/{path}", auth=ADMIN, follow_redirects=False)
    assert page.headers["Location"] == f"/harbor/projects/{project_id}/{path}"
    assert client.get(page.headers["Location"], auth=ADMIN).status_code == 200


def test_a_chart_repository_leads_on(client: TestClient) -> None:
    make_project(client, "old", public=True)
    renamed(client, "old", "new")
    answer = client.get("/chartrepo/old/index.yaml", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, "/chartrepo/new/index.yaml")
    answer = client.get("/chartrepo/old/index.yaml", follow_redirects=True)
    assert answer.json()["entries"] == {}
