"""Labels and accessories of artifacts over REST."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, get, make_label
from tests.make import (
    ADMIN,
    API,
    error_of,
    make_project,
    push_blob,
    push_image,
    push_referrer,
    put_manifest,
)
from tests.registry.servers import project_of

COSIGN = "application/vnd.dev.cosign.artifact.sig.v1+json"
COSIGN_ICON = "sha256:20401d5b3a0f6dbc607c8d732eb08471af4ae6b19811a4efce8c6a724aed2882"


def add(client: TestClient, repo: str, label_id: object, reference: str = "1.0") -> Any:
    return client.post(f"{artifact(repo, reference)}/labels", json={"id": label_id}, auth=ADMIN)


def remove(client: TestClient, repo: str, label_id: object, reference: str = "1.0") -> Any:
    return client.delete(f"{artifact(repo, reference)}/labels/{label_id}", auth=ADMIN)


def carried(client: TestClient, repo: str, reference: str = "1.0") -> list[str] | None:
    labels = get(client, artifact(repo, reference), with_label="true")["labels"]
    return None if labels is None else [label["name"] for label in labels]


def project_id(client: TestClient, repo: str) -> int:
    return int(get(client, f"{API}/projects/{project_of(repo)}")["project_id"])


def test_labels_of_the_registry_and_of_the_project_are_carried(
    shared: TestClient, repo: str
) -> None:
    push_image(shared, repo)
    everyones = make_label(shared, f"b of {repo}")
    ours = make_label(shared, f"a of {repo}", project_id(shared, repo))
    for label_id in (everyones, ours):
        answer = add(shared, repo, label_id)
        assert (answer.status_code, answer.content) == (200, b"")
    assert carried(shared, repo) == [f"a of {repo}", f"b of {repo}"]
    assert remove(shared, repo, ours).status_code == 200
    assert carried(shared, repo) == [f"b of {repo}"]


def test_a_label_belongs_to_the_digest(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    add(shared, repo, make_label(shared, f"of {repo}"))
    push_image(shared, repo, "1.0", annotations={"new": "one"})
    assert carried(shared, repo) is None
    assert carried(shared, repo, image.digest) == [f"of {repo}"]


def test_a_label_is_added_once(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    label_id = make_label(shared, f"of {repo}")
    assert add(shared, repo, label_id).status_code == 200
    assert error_of(add(shared, repo, label_id)) == (409, "CONFLICT")


def test_a_label_of_another_project_is_not_found(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    other = make_project(shared, f"{project_of(repo)}-other")
    label_id = make_label(shared, "theirs", other)
    assert error_of(add(shared, repo, label_id)) == (404, "NOT_FOUND")
    assert error_of(remove(shared, repo, label_id)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("label_id", [0, 2**31 - 1])
def test_a_label_that_is_not_there_is_not_found(
    shared: TestClient, repo: str, label_id: int
) -> None:
    push_image(shared, repo)
    assert error_of(add(shared, repo, label_id)) == (404, "NOT_FOUND")
    assert error_of(remove(shared, repo, label_id)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("label_id", [-1, 2**31, "x", 1.5])
def test_what_is_no_id_is_refused(shared: TestClient, repo: str, label_id: object) -> None:
    push_image(shared, repo)
    assert add(shared, repo, label_id).status_code == 422
    assert remove(shared, repo, label_id).status_code == 422


def test_an_artifact_that_is_not_there_carries_nothing(shared: TestClient, repo: str) -> None:
    label_id = make_label(shared, f"of {repo}")
    assert error_of(add(shared, repo, label_id)) == (404, "NOT_FOUND")
    push_image(shared, repo)
    assert error_of(add(shared, repo, label_id, "2.0")) == (404, "NOT_FOUND")


def test_a_deleted_label_is_carried_no_more(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    label_id = make_label(shared, f"of {repo}")
    add(shared, repo, label_id)
    assert shared.delete(f"{API}/labels/{label_id}", auth=ADMIN).status_code == 200
    assert carried(shared, repo) is None


def test_accessories_are_shown(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    signature = push_referrer(shared, repo, image, COSIGN)
    (shown,) = get(shared, f"{artifact(repo, '1.0')}/accessories")
    own = get(shared, artifact(repo, signature.digest))
    assert shown == {
        "id": shown["id"],
        "artifact_id": own["id"],
        "subject_artifact_id": get(shared, artifact(repo, "1.0"))["id"],
        "subject_artifact_digest": image.digest,
        "subject_artifact_repo": repo,
        "digest": signature.digest,
        "size": own["size"],
        "type": "signature.cosign",
        "icon": COSIGN_ICON,
        "creation_time": shown["creation_time"],
    }
    assert get(shared, artifact(repo, "1.0"))["accessories"] == [shown]


def test_accessories_are_found_and_paged(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo)
    first = push_referrer(shared, repo, image, COSIGN)
    second = push_referrer(shared, repo, image, "application/spdx+json")
    path = f"{artifact(repo, image.digest)}/accessories"

    def found(**params: Any) -> list[str]:
        return [each["digest"] for each in get(shared, path, **params)]

    assert found() == [first.digest, second.digest]
    assert found(q="type=signature.cosign") == [first.digest]
    assert found(q=f"digest={second.digest}") == [second.digest]
    assert found(sort="-id") == [second.digest, first.digest]
    answer = shared.get(path, params={"page_size": 1}, auth=ADMIN)
    assert (len(answer.json()), answer.headers["X-Total-Count"]) == (1, "2")


def test_an_accessory_may_come_before_its_subject(shared: TestClient, repo: str) -> None:
    source = push_image(shared, f"{project_of(repo)}/source")
    signature = push_referrer(shared, repo, source, COSIGN)
    for blob in source.blobs:
        push_blob(shared, repo, blob)
    assert put_manifest(shared, repo, "1.0", source.raw).status_code == 201
    (shown,) = get(shared, f"{artifact(repo, '1.0')}/accessories")
    assert shown["digest"] == signature.digest


def test_what_has_none_has_none(shared: TestClient, repo: str) -> None:
    push_image(shared, repo)
    assert get(shared, f"{artifact(repo, '1.0')}/accessories") == []
    missing = shared.get(f"{artifact(repo, 'x')}/accessories", auth=ADMIN)
    assert error_of(missing) == (404, "NOT_FOUND")
