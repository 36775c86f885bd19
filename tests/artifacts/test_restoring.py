"""What was deleted comes back all at once, or not at all."""

from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.quotas.service.usage import shown
from tests.artifacts.pages import app, show
from tests.artifacts.rest import artifact, repository
from tests.artifacts.trash import counted, delete, limit, pulled, restore, trash_of, used
from tests.make import (
    ADMIN,
    API,
    error_of,
    make_project,
    make_repository_rule,
    message_of,
    push_image,
    push_index,
)
from tests.projects.pages import HTMX, audit, project_id, told

__all__ = ["app"]


def test_an_index_is_not_restored_before_what_it_lists(client: TestClient) -> None:
    make_project(client, "team")
    repo = "team/app"
    child = push_image(client, repo, "child")
    index = push_index(client, repo, "1", child)
    delete(client, artifact(repo, index.digest))
    delete(client, artifact(repo, child.digest))
    first, second = trash_of(client, "team", sort="id")
    answer = restore(client, "team", first["id"])
    assert error_of(answer) == (412, "PRECONDITION")
    assert child.digest in message_of(answer)
    assert pulled(client, repo, index.digest) == 404
    assert restore(client, "team", second["id"]).status_code == 200
    assert restore(client, "team", first["id"]).status_code == 200
    assert pulled(client, repo, index.digest) == 200


def test_a_restore_that_does_not_fit_is_refused(client: TestClient) -> None:
    project_id = make_project(client, "team")
    image = push_image(client, "team/app")
    size = used(client, project_id)
    delete(client, artifact("team/app", image.digest))
    limit(client, project_id, size - 1)
    (entry,) = trash_of(client, "team")
    assert error_of(restore(client, "team", entry["id"])) == (403, "DENIED")
    assert used(client, project_id) == 0
    assert len(trash_of(client, "team")) == 1


def test_what_does_not_fit_is_refused_before_anything_is_restored(
    client: TestClient, writing: list[str]
) -> None:
    project = make_project(client, "team")
    images = [push_image(client, "team/app", tag) for tag in ("1", "2")]
    size = used(client, project)
    delete(client, repository("team/app"))
    limit(client, project, size - 1)
    (entry,) = trash_of(client, "team")
    del writing[:]
    answer = restore(client, "team", entry["id"])
    assert error_of(answer) == (403, "DENIED")
    assert f"adding {shown(size)} of storage resource" in message_of(answer)
    assert not [sent for sent in writing if "INSERT INTO artifact" in sent]
    limit(client, project, size)
    assert restore(client, "team", entry["id"]).status_code == 200
    assert used(client, project) == size
    assert [pulled(client, "team/app", image.digest) for image in images] == [200, 200]


def test_restoring_much_takes_as_many_statements_as_restoring_little(client: TestClient) -> None:
    make_project(client, "team")
    building = client.app
    assert isinstance(building, Building)
    counts = []
    for width in (1, 12):
        repo = f"team/app{width}"
        for at in range(width):
            push_image(client, repo, f"t{at}")
        delete(client, repository(repo))
        (entry,) = trash_of(client, "team")
        counts.append(counted(building, partial(restore, client, "team", entry["id"])))
        assert pulled(client, repo, f"t{width - 1}") == 200
    assert counts[0] == counts[1]


@pytest.fixture
def emptied(client: TestClient, app: str) -> list[int]:
    """Entries of the trash of ``team``: an index, and after it the image that it lists."""
    repo = "team/app"
    child = push_image(client, repo, "child")
    index = push_index(client, repo, "index", child)
    delete(client, artifact(repo, index.digest))
    delete(client, artifact(repo, child.digest))
    return [entry["id"] for entry in trash_of(client, "team", sort="id")]


def chosen(client: TestClient, ids: list[int]) -> Any:
    path = f"/harbor/projects/{project_id(client, 'team')}/trash/restore"
    return client.post(path, data={"id": ids}, auth=ADMIN, headers=HTMX)


def test_several_come_back_in_the_order_that_works(client: TestClient, emptied: list[int]) -> None:
    assert told(chosen(client, emptied))["said"].startswith("Restored: ")
    assert [pulled(client, "team/app", tag) for tag in ("child", "index")] == [200, 200]


def test_several_that_do_not_fit_together_stay_all(client: TestClient, emptied: list[int]) -> None:
    project = project_id(client, "team")
    before = used(client, project)
    sizes = [entry["size"] for entry in trash_of(client, "team")]
    limit(client, project, before + max(sizes))
    answer = chosen(client, emptied)
    assert answer.status_code == 403
    assert used(client, project) == before
    assert len(trash_of(client, "team")) == len(emptied)
    assert [line[3] for line in audit(client) if line[0] == "restore"] == [False]


def test_who_may_only_pull_there_by_a_rule_sees_it_but_restores_nothing(
    client: TestClient, app: str, people: dict[str, Any]
) -> None:
    image = push_image(client, "team/app")
    delete(client, artifact("team/app", image.digest))
    (entry,) = trash_of(client, "team")
    make_repository_rule(client, "team", "app", 3, user=people["dev"])
    path = f"{API}/projects/team/trash"
    assert client.get(path, auth=people["dev"]).json() == [entry]
    refused = client.post(f"{path}/{entry['id']}/restore", auth=people["dev"])
    assert refused.status_code == 404
    page = show(client, f"/harbor/projects/{project_id(client, 'team')}/trash", people["dev"])
    assert image.digest in page.text
    assert f"restore?id={entry['id']}" not in page.text
