"""What repositories and projects hold, what deleting frees, and how it grew."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts import jobs
from harbor.artifacts.service import growth, storage
from harbor.core import clock
from harbor.core.db import Database
from tests.artifacts.pages import id_of, show
from tests.artifacts.rest import artifact, get, repository
from tests.conftest import Start
from tests.make import (
    ADMIN,
    API,
    Pushed,
    add_member,
    make_project,
    make_user,
    manifest_of,
    push_blob,
    push_image,
    push_index,
    push_referrer,
    put_manifest,
    sha256,
)
from tests.projects.pages import words
from tests.quotas.storage import used
from tests.registry.servers import in_server

BASE = b"a base that many images have"


def push(client: TestClient, repo: str, *layers: bytes, tag: str = "1.0") -> Pushed:
    """An image of those layers; its config is like no other."""
    config = f"config of {repo}:{tag}".encode()
    for data in (config, *layers):
        push_blob(client, repo, data)
    answer = put_manifest(client, repo, tag, manifest_of(config, *layers))
    assert answer.status_code == 201, answer.text
    raw = client.get(f"/v2/{repo}/manifests/{tag}", auth=ADMIN).content
    return Pushed(sha256(raw), raw, (config, *layers))


def db_of(client: TestClient) -> Database:
    building = client.app
    assert isinstance(building, Building)
    return building.db


def freed_by_deleting(client: TestClient, path: str, project: str = "library") -> int:
    """By how many bytes the project holds less when that is gone."""
    before = used(client, project)
    assert client.delete(path, auth=ADMIN).status_code == 200
    return before - used(client, project)


def test_a_repository_says_what_is_its_own_and_what_is_shared(client: TestClient) -> None:
    make_project(client, "other")
    one = push(client, "library/one", BASE, b"only in one", b"also in other")
    push(client, "library/two", BASE)
    push(client, "other/app", b"also in other")
    found = get(client, f"{repository('library/one')}/storage")
    whole = len(one.raw) + sum(map(len, one.blobs))
    assert found == {
        "nbytes": whole,
        "freed": whole - len(BASE),
        "shared": len(BASE),
        "unique": whole - len(BASE) - len(b"also in other"),
        "at_least": False,
        "count_time": None,
    }
    assert freed_by_deleting(client, repository("library/one")) == found["freed"]


def test_an_artifact_says_what_goes_with_it(client: TestClient) -> None:
    repo = "library/app"
    first, second = (push(client, repo, BASE, tag.encode(), tag=tag) for tag in ("a", "b"))
    kept = push(client, repo, BASE, b"has a tag", tag="kept")
    index = push_index(client, repo, "index", first, second, kept)
    push_referrer(client, repo, index, "application/vnd.example.sbom")
    for tag in ("a", "b"):
        assert client.delete(f"{artifact(repo, tag)}/tags/{tag}", auth=ADMIN).status_code == 200
    found = get(client, f"{artifact(repo, 'index')}/storage")
    assert found["shared"] == len(BASE)
    assert found["nbytes"] > sum(len(data) for each in (first, second) for data in each.blobs[2:])
    assert freed_by_deleting(client, artifact(repo, "index")) == found["freed"]
    listed = get(client, f"{repository(repo)}/artifacts")
    assert [each["digest"] for each in listed] == [kept.digest]


def test_a_selection_frees_what_only_its_artifacts_share(client: TestClient) -> None:
    repo = "library/app"
    tags = ("1", "2", "3")
    images = {tag: push(client, repo, BASE, tag.encode() * 9, tag=tag) for tag in tags}
    ids = [id_of(client, repo, tag) for tag in tags]
    path = f"{repository(repo)}/storage"
    two = get(client, path, artifact_id=ids[:2])
    three = get(client, path, artifact_id=ids)
    assert (two["shared"], three["shared"]) == (len(BASE), 0)
    assert three["freed"] - two["freed"] == len(BASE) + sum(
        map(len, (images["3"].raw, images["3"].blobs[0], images["3"].blobs[2]))
    )
    page = words(show(client, delete_of(client, repo), id=ids[:2]))
    assert "This frees" in page
    assert f"{len(BASE)} B stay: something else in the project needs them." in page


def delete_of(client: TestClient, repo: str) -> str:
    project_id = get(client, f"{API}/projects/library")["project_id"]
    name = repo.partition("/")[2]
    return f"/harbor/projects/{project_id}/repositories/{name}/artifacts-tab/delete"


def test_what_an_index_lists_frees_nothing_alone(client: TestClient) -> None:
    child = push(client, "library/app", BASE)
    push_index(client, "library/app", "index", child)
    assert get(client, f"{artifact('library/app', child.digest)}/storage")["freed"] == 0


def test_only_administrators_are_told_what_other_projects_have(client: TestClient) -> None:
    make_project(client, "team")
    make_project(client, "secret")
    ann = make_user(client, "ann")
    add_member(client, "team", ann, 1)
    for project in ("team", "secret"):
        push_image(client, f"{project}/app")
    for path in (
        f"{API}/projects/team/storage",
        f"{API}/projects/team/repositories/app/storage",
        f"{artifact('team/app', '1.0')}/storage",
    ):
        told = client.get(path, auth=ann).json()
        assert told["unique"] is None
        assert get(client, path)["unique"] is not None
    page = client.get(
        f"/harbor/projects/{get(client, f'{API}/projects/team')['project_id']}"
        "/repositories/app/info-tab",
        auth=ann,
    )
    assert "Only here" in words(page)
    assert "In other projects" not in words(page)


def test_a_project_tells_its_largest_repositories(client: TestClient) -> None:
    project_id = get(client, f"{API}/projects/library")["project_id"]
    push(client, "library/small", BASE)
    push(client, "library/large", BASE, b"x" * 5000)
    found = get(client, f"{API}/projects/library/storage")
    assert [each["name"] for each in found["repositories"]] == ["library/large", "library/small"]
    assert found["nbytes"] == found["unique"] + found["shared"] == used(client, "library")
    assert found["repositories"][0] == {
        "name": "library/large",
        **get(client, f"{repository('library/large')}/storage"),
    }
    assert found["days"][-1] == {
        "day": clock.now().date().isoformat(),
        "nbytes": found["nbytes"],
    }
    page = words(show(client, f"/harbor/projects/{project_id}/storage"))
    assert page.index("large") < page.index("small")


def test_a_large_project_is_counted_now_and_then(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(client, "library/one", BASE, b"only in one")
    push(client, "library/two", BASE)
    path = f"{repository('library/one')}/storage"
    now = get(client, path)
    whole = get(client, f"{API}/projects/library/storage")
    monkeypatch.setattr(storage, "FEW", 1)
    assert client.get(path, auth=ADMIN).status_code == 503
    later = get(client, f"{API}/projects/library/storage")
    assert (later["nbytes"], later["unique"], later["repositories"]) == (whole["nbytes"], None, [])

    assert in_server(client, jobs.count_storage, db_of(client)) == 1
    counted = get(client, path)
    assert counted.pop("count_time") is not None
    assert counted == {name: now[name] for name in counted}
    told = get(client, f"{API}/projects/library/storage")
    assert told["unique"] == whole["unique"]
    assert [each["freed"] for each in told["repositories"]] == [
        each["freed"] for each in whole["repositories"]
    ]
    assert "Counted" in words(
        show(
            client,
            delete_of(client, "library/one").replace(
                "repositories/one/artifacts-tab/delete", "delete-repositories"
            ),
            id=get(client, repository("library/one"))["id"],
        )
    )

    # Not again at once; when something has changed, after an hour.
    assert in_server(client, jobs.count_storage, db_of(client)) == 0
    push(client, "library/three", BASE)
    moment = clock.now() + jobs.COUNT_CHANGED_AFTER + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert in_server(client, jobs.count_storage, db_of(client)) == 1
    assert len(get(client, f"{API}/projects/library/storage")["repositories"]) == 3
    assert freed_by_deleting(client, repository("library/three")) > 0


def test_growth_is_noted_by_day(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    # Days gone by: the server looks for forgotten uploads as it starts, and in days to come
    # those of now would be.
    client = start()
    db = db_of(client)
    days = [datetime(2020, 1, day, 12, tzinfo=UTC) for day in (1, 2, 5)]
    held = []
    for number, moment in enumerate(days):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        in_server(client, noted, db)
        push(client, "library/app", str(number).encode() * 100, tag=str(number))
        held.append(used(client, "library"))
    found = get(client, f"{API}/projects/library/storage", days=4)["days"]
    assert found == [
        {"day": f"2020-01-0{day}", "nbytes": nbytes}
        for day, nbytes in zip((2, 3, 4, 5), (held[1], held[1], held[1], held[2]), strict=True)
    ]
    store = get(client, f"{API}/statistics/storage", days=2)
    assert store["days"][-1] == {"day": "2020-01-05", "nbytes": store["nbytes"]}
    assert store["nbytes"] == held[2]
    page = words(show(client, "/harbor/statistics"))
    assert "Storage over time" in page


async def noted(db: Database) -> None:
    async with db.writing() as session:
        await growth.note(session)


def test_days_that_are_not_known_are_like_those_before() -> None:
    first = date(2030, 1, 1)
    known = {first + timedelta(days=2): 5, first + timedelta(days=4): 0}
    last = first + timedelta(days=5)
    assert [(each.day.day, each.nbytes) for each in growth.filled(known, first, last)] == [
        (3, 5),
        (4, 5),
        (5, 0),
        (6, 0),
    ]
    earlier: dict[date, Any] = {first - timedelta(days=9): 7}
    assert {each.nbytes for each in growth.filled(earlier, first, last)} == {7}
