"""The tags of an artifact over REST."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, digests, get, names
from tests.make import ADMIN, error_of, message_of, push_image
from tests.registry.servers import until

ZERO = "0001-01-01T00:00:00.000Z"


def tags(repo: str, reference: str = "1.0") -> str:
    return f"{artifact(repo, reference)}/tags"


def create(client: TestClient, repo: str, name: object, reference: str = "1.0") -> Any:
    return client.post(tags(repo, reference), json={"name": name}, auth=ADMIN)


def test_a_tag_is_shown(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    (tag,) = get(shared, tags(repo), with_immutable_status="true")
    one = get(shared, artifact(repo, "1.0"))
    assert {**tag, "push_time": "", "id": 0} == {
        "id": 0,
        "repository_id": one["repository_id"],
        "artifact_id": one["id"],
        "name": "1.0",
        "push_time": "",
        "pull_time": ZERO,
        "immutable": False,
    }


def test_pulling_by_tag_dates_the_tag(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    shared.get(f"/v2/{repo}/manifests/1.0", auth=ADMIN)
    until(shared, lambda: get(shared, tags(repo))[0]["pull_time"] != ZERO, True)
    assert get(shared, artifact(repo, "1.0"))["pull_time"] != ZERO


def test_a_tag_is_added_and_means_the_same(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    made = create(shared, repo, "2.0", image.digest)
    assert (made.status_code, made.content, "Location" in made.headers) == (201, b"", False)
    assert names(shared, tags(repo)) == ["2.0", "1.0"]
    pulled = shared.get(f"/v2/{repo}/manifests/2.0", auth=ADMIN)
    assert pulled.headers["Docker-Content-Digest"] == image.digest


def test_a_tag_that_is_anywhere_in_the_repository_is_taken(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    push_image(shared, repo, "2.0")
    for name in ("1.0", "2.0"):
        assert error_of(create(shared, repo, name)) == (409, "CONFLICT")


@pytest.mark.parametrize("name", ["", "-x", "a/b", "a b", "x" * 129, "ü", "a\n"])
def test_what_is_no_name_is_refused(shared: TestClient, repo: str, name: str) -> None:
    push_image(shared, repo)
    assert error_of(create(shared, repo, name)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": 1}, [], "x"])
def test_a_body_of_another_shape_is_refused(shared: TestClient, repo: str, body: object) -> None:
    push_image(shared, repo)
    answer = shared.post(tags(repo), json=body, auth=ADMIN)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize("reference", ["nothing", "sha256:" + "0" * 64, "sha256:x", "%25"])
def test_what_is_not_there_has_no_tags(shared: TestClient, repo: str, reference: str) -> None:
    push_image(shared, repo)
    assert error_of(create(shared, repo, "x", reference)) == (404, "NOT_FOUND")
    assert error_of(shared.get(tags(repo, reference), auth=ADMIN)) == (404, "NOT_FOUND")


def test_without_its_last_tag_an_artifact_stays(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    assert shared.delete(f"{tags(repo)}/1.0", auth=ADMIN).status_code == 200
    assert digests(shared, repo) == [image.digest]
    assert get(shared, artifact(repo, image.digest))["tags"] is None
    assert get(shared, tags(repo, image.digest)) == []


def test_a_tag_of_another_artifact_is_not_found(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    push_image(shared, repo, "2.0")
    for name in ("2.0", "nothing", "%00"):
        answer = shared.delete(f"{tags(repo)}/{name}", auth=ADMIN)
        assert answer.status_code == (422 if name == "%00" else 404)
    assert names(shared, tags(repo, "2.0")) == ["2.0"]


def test_tags_are_found_sorted_and_paged(shared: TestClient, repo: str) -> None:
    push_image(shared, repo, "b")
    for name in ("c", "a", "beta"):
        assert create(shared, repo, name, "b").status_code == 201
    path = tags(repo, "b")
    assert names(shared, path) == ["beta", "a", "c", "b"]
    assert names(shared, path, sort="name") == ["a", "b", "beta", "c"]
    assert names(shared, path, sort="-name", page=2, page_size=2) == ["b", "a"]
    assert names(shared, path, q="name=~b", sort="name") == ["b", "beta"]
    answer = shared.get(path, params={"page_size": 1}, auth=ADMIN)
    assert (len(answer.json()), answer.headers["X-Total-Count"]) == (1, "4")


def test_what_is_missing_is_named(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    answer = shared.get(artifact(repo, "2.0"), auth=ADMIN)
    assert message_of(answer) == f"artifact {repo}:2.0 not found"
