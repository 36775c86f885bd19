"""What was deleted can be restored for a while; then, or when somebody says so, it is gone."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.service import purging
from harbor.core import clock
from tests.artifacts.rest import artifact, get, make_label, names, repository
from tests.artifacts.trash import counted, delete, pulled, restore, trash_of, used
from tests.make import (
    ADMIN,
    API,
    error_of,
    make_project,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
)

Rows = Callable[[str], list[Any]]
SIGNED = "application/vnd.dev.cosign.artifact.sig.v1+json"


def set_days(client: TestClient, days: int) -> None:
    answer = client.put(f"{API}/configurations", json={"trash_days": days}, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def purge_after(client: TestClient, days: int, monkeypatch: Any) -> int:
    """Sweep the trash as a server does, so many days from now."""
    building = client.app
    assert isinstance(building, Building)
    later = clock.now() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: later)
    portal = client.portal
    assert portal is not None
    return portal.call(purging.purge_old, building.db, building.store)


def test_an_artifact_comes_back_with_all_that_its_deletion_took(
    client: TestClient, rows: Rows
) -> None:
    project_id = make_project(client, "team")
    repo = "team/app"
    child, own = push_image(client, repo, "child"), push_image(client, repo, "own")
    delete(client, f"{artifact(repo, child.digest)}/tags/child")
    index = push_index(client, repo, "1.0", child, own)
    signature = push_referrer(client, repo, index, SIGNED)
    path = artifact(repo, index.digest)
    label = make_label(client, "good")
    assert client.post(f"{path}/labels", json={"id": label}, auth=ADMIN).status_code == 200
    shape = {"with_label": True, "with_accessory": True}
    before, was_used = get(client, path, **shape), used(client, project_id)

    delete(client, path)

    for gone in (index, child, signature):
        assert pulled(client, repo, gone.digest) == 404
    assert pulled(client, repo, own.digest) == 200
    assert used(client, project_id) < was_used
    (entry,) = trash_of(client, "team")
    assert (entry["kind"], entry["digest"], entry["tags"]) == ("artifact", index.digest, ["1.0"])
    assert entry["artifact_count"] == 3
    assert entry["deleted_by"] == "admin"

    answer = restore(client, "team", entry["id"])

    assert answer.status_code == 200, answer.text
    assert answer.json()["tags_left_out"] == []
    after = get(client, path, **shape)
    changing = {"id", "tags", "references", "accessories", "pull_time"}
    for name in before.keys() - changing:
        assert after[name] == before[name], name
    assert [tag["name"] for tag in after["tags"]] == ["1.0"]
    listed = [[each["child_digest"] for each in of["references"]] for of in (before, after)]
    assert listed[0] == listed[1]
    assert [each["digest"] for each in after["accessories"]] == [signature.digest]
    for back in (index, child, signature):
        assert pulled(client, repo, back.digest) == 200
    for blob in child.blobs:
        assert client.get(f"/v2/{repo}/blobs/{sha256(blob)}", auth=ADMIN).content == blob
    assert used(client, project_id) == was_used
    assert trash_of(client, "team") == []
    shown = get(client, f"{repository(repo)}/artifacts")
    assert {each["digest"] for each in shown} == {index.digest, own.digest}
    kept = rows("SELECT count(*) FROM trash_artifact, trash_blob, trash_tag, trash_label")
    assert kept == [(0,)]


def test_a_repository_comes_back_with_its_description(client: TestClient) -> None:
    make_project(client, "team")
    repo = "team/app"
    images = [push_image(client, repo, tag) for tag in ("1", "2")]
    body = {"description": "what it is"}
    assert client.put(repository(repo), json=body, auth=ADMIN).status_code == 200
    delete(client, repository(repo))
    assert pulled(client, repo, "1") == 404
    (entry,) = trash_of(client, "team")
    assert (entry["kind"], entry["digest"], entry["artifact_count"]) == ("repository", None, 2)

    assert restore(client, "team", entry["id"]).status_code == 200

    assert get(client, repository(repo))["description"] == "what it is"
    assert [pulled(client, repo, image.digest) for image in images] == [200, 200]
    assert [pulled(client, repo, tag) for tag in ("1", "2")] == [200, 200]


def test_what_is_in_the_trash_can_be_pushed_again_and_restored_into(client: TestClient) -> None:
    make_project(client, "team")
    repo = "team/app"
    image = push_image(client, repo, "1")
    assert put_manifest(client, repo, "2", image.raw).status_code == 201
    delete(client, artifact(repo, image.digest))
    again = push_image(client, repo, "1")
    other = push_image(client, repo, "other")
    assert put_manifest(client, repo, "2", other.raw).status_code == 201
    (entry,) = trash_of(client, "team")

    answer = restore(client, "team", entry["id"])

    assert again.digest == image.digest
    assert answer.json() == {
        "repository_name": repo,
        "digest": image.digest,
        "artifact_count": 1,
        "tags_left_out": ["2"],
    }
    assert names(client, f"{artifact(repo, image.digest)}/tags") == ["1"]
    assert pulled(client, repo, "2") == 200


def test_what_is_in_the_trash_cannot_be_mounted(client: TestClient) -> None:
    make_project(client, "team")
    image = push_image(client, "team/app")
    delete(client, repository("team/app"))
    asked = {"mount": sha256(image.blobs[1]), "from": "team/app"}
    started = client.post("/v2/team/other/blobs/uploads/", params=asked, auth=ADMIN)
    assert started.status_code == 202


def test_deleted_forever_it_is_nowhere_any_more(client: TestClient, rows: Rows) -> None:
    make_project(client, "team")
    gone, shared = push_image(client, "team/gone"), push_image(client, "team/app")
    assert put_manifest(client, "team/app", "2", shared.raw).status_code == 201
    before = rows("SELECT sum(nbytes) FROM store_tally")[0][0]
    delete(client, repository("team/gone"))
    delete(client, artifact("team/app", shared.digest))
    push_image(client, "team/app")
    for entry in trash_of(client, "team"):
        delete(client, f"{API}/projects/team/trash/{entry['id']}")
        again = client.delete(f"{API}/projects/team/trash/{entry['id']}", auth=ADMIN)
        assert again.status_code == 404
    kept = {
        digest for (digest,) in rows("SELECT digest FROM blob UNION SELECT digest FROM manifest")
    }
    assert {sha256(blob) for blob in gone.blobs} & kept == set()
    assert gone.digest not in kept
    assert {shared.digest, *(sha256(blob) for blob in shared.blobs)} <= kept
    building = client.app
    assert isinstance(building, Building)
    files = {leftover.name for leftover in asyncio.run(stored(building))}
    assert files == {sha256(blob) for blob in shared.blobs}
    assert pulled(client, "team/app", shared.digest) == 200
    freed = len(gone.raw) + sum(len(blob) for blob in gone.blobs)
    assert rows("SELECT sum(nbytes) FROM store_tally") == [(before - freed,)]


async def stored(building: Building) -> list[Any]:
    return [leftover async for leftover in building.store.blobs()]


def test_emptying_takes_all_of_one_project(client: TestClient, rows: Rows) -> None:
    for project in ("team", "other"):
        make_project(client, project)
        push_image(client, f"{project}/app")
        delete(client, repository(f"{project}/app"))
    delete(client, f"{API}/projects/team/trash")
    assert trash_of(client, "team") == []
    assert len(trash_of(client, "other")) == 1
    lines = rows("SELECT resource FROM audit_log_ext WHERE resource_type = 'trash'")
    assert lines == [("team/trash",)]


def test_its_time_over_it_can_neither_be_seen_nor_restored_and_is_swept_away(
    client: TestClient, rows: Rows, monkeypatch: Any
) -> None:
    make_project(client, "team")
    push_image(client, "team/app")
    delete(client, repository("team/app"))
    (entry,) = trash_of(client, "team")
    later = clock.now() + timedelta(days=8)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        assert error_of(restore(client, "team", entry["id"])) == (404, "NOT_FOUND")
        assert trash_of(client, "team") == []
    assert purge_after(client, 6, monkeypatch) == 0
    monkeypatch.undo()
    assert purge_after(client, 8, monkeypatch) == 1
    assert rows("SELECT count(*) FROM trash") == [(0,)]
    assert rows("SELECT count(*) FROM blob") == [(0,)]


def test_the_trash_can_be_switched_off(client: TestClient) -> None:
    make_project(client, "team")
    set_days(client, 0)
    push_image(client, "team/app")
    delete(client, repository("team/app"))
    assert trash_of(client, "team") == []


def test_a_deleted_project_leaves_nothing_in_the_trash(client: TestClient, rows: Rows) -> None:
    make_project(client, "team")
    push_image(client, "team/app")
    delete(client, repository("team/app"))
    delete(client, f"{API}/projects/team")
    assert rows("SELECT count(*) FROM trash") == [(0,)]
    assert rows("SELECT count(*) FROM tag_move") == [(0,)]


def test_what_the_registry_api_deletes_goes_there_too(client: TestClient) -> None:
    make_project(client, "team")
    image = push_image(client, "team/app")
    path = f"/v2/team/app/manifests/{image.digest}"
    assert client.delete(path, auth=ADMIN).status_code == 202
    assert client.delete(path, auth=ADMIN).status_code == 404
    assert [each["digest"] for each in trash_of(client, "team")] == [image.digest]


def test_lists_can_be_filtered_and_sorted(client: TestClient) -> None:
    make_project(client, "team")
    for name in ("b", "a"):
        push_image(client, f"team/{name}")
        delete(client, repository(f"team/{name}"))
    found = trash_of(client, "team", sort="repository_name")
    assert [each["repository_name"] for each in found] == ["team/a", "team/b"]
    (only,) = trash_of(client, "team", q="repository_name=~/b")
    assert only["repository_name"] == "team/b"


def test_another_projects_trash_is_out_of_reach(client: TestClient) -> None:
    for project in ("team", "other"):
        make_project(client, project)
    push_image(client, "other/app")
    delete(client, repository("other/app"))
    (entry,) = trash_of(client, "other")
    assert restore(client, "team", entry["id"]).status_code == 404
    gone = client.delete(f"{API}/projects/team/trash/{entry['id']}", auth=ADMIN)
    assert gone.status_code == 404


def test_deleting_a_wide_index_takes_as_many_statements_as_a_narrow_one(
    client: TestClient, monkeypatch: Any
) -> None:
    make_project(client, "team")
    building = client.app
    assert isinstance(building, Building)
    counts = []
    for width in (1, 12):
        repo = f"team/app{width}"
        children = [push_image(client, repo, f"t{at}") for at in range(width)]
        for at, child in enumerate(children):
            delete(client, f"{artifact(repo, child.digest)}/tags/t{at}")
        index = push_index(client, repo, "index", *children)
        path = artifact(repo, index.digest)
        counts.append(counted(building, partial(delete, client, path)))
    assert counts[0] == counts[1]


def test_it_follows_its_repository_to_another_name(client: TestClient) -> None:
    make_project(client, "here")
    make_project(client, "there")
    pushed = push_image(client, "here/app", "1.0")
    push_image(client, "here/app", "2.0")
    delete(client, artifact("here/app", pushed.digest))
    body = {"project": "there", "name": "moved"}
    assert client.post(f"{repository('here/app')}/move", json=body, auth=ADMIN).status_code == 200
    renamed = client.post(f"{API}/projects/there/rename", json={"name": "new"}, auth=ADMIN)
    assert renamed.status_code == 200
    assert trash_of(client, "here") == []
    (entry,) = trash_of(client, "new")
    assert entry["repository_name"] == "new/moved"
    assert restore(client, "new", entry["id"]).status_code == 200
    assert pulled(client, "new/moved", "1.0") == 200
    causes = [
        each["operation"] for each in get(client, f"{repository('new/moved')}/tags/1.0/history")
    ]
    assert causes == ["restore", "delete", "push"]
