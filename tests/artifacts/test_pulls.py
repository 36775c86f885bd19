"""Counting pulls and keeping times: of repositories, of artifacts, of tags."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.core.settings import Settings
from tests.conftest import Start, opened
from tests.make import (
    ADMIN,
    bearer,
    push_image,
    push_referrer,
    put_manifest,
    sha256,
)
from tests.registry.servers import Rows, flush, select, until


def of_repository(rows: Rows, repo: str, column: str) -> Any:
    ((found,),) = rows(f"SELECT {column} FROM repository WHERE name = '{repo}'")
    return found


def of_artifact(rows: Rows, repo: str, digest: str, column: str) -> Any:
    ((found,),) = rows(
        f"SELECT a.{column} FROM artifact a JOIN repository r USING (repository_id) "
        f"WHERE r.name = '{repo}' AND a.digest = '{digest}'"
    )
    return found


def of_tag(rows: Rows, repo: str, tag: str, column: str) -> Any:
    ((found,),) = rows(
        f"SELECT t.{column} FROM tag t JOIN repository r USING (repository_id) "
        f"WHERE r.name = '{repo}' AND t.name = '{tag}'"
    )
    return found


def pull(client: TestClient, repo: str, reference: str = "1.0", **headers: str) -> None:
    path = f"/v2/{repo}/manifests/{reference}"
    assert client.get(path, headers=headers, auth=ADMIN).status_code in (200, 304)


def moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def test_pulls_are_counted(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    image = push_image(shared, repo)
    assert of_repository(shared_rows, repo, "pull_count") == 0
    for reference in ("1.0", "1.0", image.digest):
        pull(shared, repo, reference)
    until(shared, lambda: of_repository(shared_rows, repo, "pull_count"), 3)


def test_pulls_by_token_are_counted_from_the_first_to_the_last(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    push_image(shared, repo)
    headers = bearer(shared, ADMIN, f"repository:{repo}:pull")
    for _ in range(7):
        shared.get(f"/v2/{repo}/manifests/1.0", headers=headers)
        shared.head(f"/v2/{repo}/manifests/1.0", headers=headers)
    until(shared, lambda: of_repository(shared_rows, repo, "pull_count"), 7)


def test_what_is_no_pull_is_not_counted(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    image = push_image(shared, repo)
    shared.head(f"/v2/{repo}/manifests/1.0", auth=ADMIN)
    shared.get(f"/v2/{repo}/blobs/{sha256(image.blobs[0])}", auth=ADMIN)
    shared.get(f"/v2/{repo}/tags/list", auth=ADMIN)
    pull(shared, repo, **{"User-Agent": "harbor-registry-client"})
    pull(shared, repo, **{"User-Agent": "harbor-registry-client/2.0"})
    pull(shared, repo, **{"If-None-Match": image.digest})
    flush(shared)
    assert of_repository(shared_rows, repo, "pull_count") == 0
    assert of_artifact(shared_rows, repo, image.digest, "pull_time") is None


def test_a_pull_by_tag_gives_a_time_to_the_tag_and_its_artifact(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    put_manifest(shared, repo, "other", image.raw)
    pull(shared, repo)
    until(shared, lambda: of_tag(shared_rows, repo, "1.0", "pull_time") is not None, True)
    assert of_artifact(shared_rows, repo, image.digest, "pull_time") is not None
    assert of_tag(shared_rows, repo, "other", "pull_time") is None


def test_a_pull_by_digest_gives_a_time_to_the_artifact_alone(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    pull(shared, repo, image.digest)

    def is_timed() -> bool:
        return of_artifact(shared_rows, repo, image.digest, "pull_time") is not None

    until(shared, is_timed, True)
    assert of_tag(shared_rows, repo, "1.0", "pull_time") is None


def test_a_pull_changes_no_other_time(shared: TestClient, repo: str, shared_rows: Rows) -> None:
    image = push_image(shared, repo)

    def times() -> list[Any]:
        return [
            of_repository(shared_rows, repo, "update_time"),
            of_artifact(shared_rows, repo, image.digest, "push_time"),
            of_tag(shared_rows, repo, "1.0", "push_time"),
        ]

    before = times()
    pull(shared, repo)
    until(shared, lambda: of_repository(shared_rows, repo, "pull_count"), 1)
    assert times() == before


def test_pushing_the_same_again_moves_no_time(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    artifact = of_artifact(shared_rows, repo, image.digest, "push_time")
    tag = of_tag(shared_rows, repo, "1.0", "push_time")
    touched = of_repository(shared_rows, repo, "update_time")
    assert put_manifest(shared, repo, "1.0", image.raw).status_code == 201
    assert of_artifact(shared_rows, repo, image.digest, "push_time") == artifact
    assert of_tag(shared_rows, repo, "1.0", "push_time") == tag
    assert moment(of_repository(shared_rows, repo, "update_time")) > moment(touched)


def test_the_time_of_a_tag_is_when_it_moved_last(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    old = push_image(shared, repo)
    first = moment(of_tag(shared_rows, repo, "1.0", "push_time"))
    push_image(shared, repo, annotations={"n": "2"})
    second = moment(of_tag(shared_rows, repo, "1.0", "push_time"))
    artifact = of_artifact(shared_rows, repo, old.digest, "push_time")
    put_manifest(shared, repo, "1.0", old.raw)
    third = moment(of_tag(shared_rows, repo, "1.0", "push_time"))
    assert first < second < third
    assert of_artifact(shared_rows, repo, old.digest, "push_time") == artifact


def test_an_artifact_is_as_large_as_all_that_it_consists_of(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    expected = len(image.raw) + sum(map(len, image.blobs))
    assert of_artifact(shared_rows, repo, image.digest, "size") == expected
    about = push_referrer(shared, repo, image, "application/vnd.example")
    # Config and layer are one blob, which counts once.
    assert of_artifact(shared_rows, repo, about.digest, "size") == len(about.raw) + 2


def test_a_proper_stop_loses_no_pull(settings: Settings) -> None:
    with TestClient(Building(settings)) as client:
        push_image(client, "library/app")
        for _ in range(5):
            pull(client, "library/app")
    counted = select(settings.database, "SELECT pull_count FROM repository")
    assert counted == [(5,)]


def test_pulls_of_what_is_gone_meanwhile_do_no_harm(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    image = push_image(shared, repo)
    other = push_image(shared, repo, "other")
    pull(shared, repo)
    pull(shared, repo, "other")
    shared.delete(f"/v2/{repo}/manifests/{image.digest}", auth=ADMIN)
    until(shared, lambda: of_repository(shared_rows, repo, "pull_count"), 2)
    assert of_artifact(shared_rows, repo, other.digest, "pull_time") is not None


def test_many_pulls_at_once_are_all_counted(
    shared: TestClient, repo: str, shared_rows: Rows
) -> None:
    push_image(shared, repo)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pull(shared, repo), range(60)))
    until(shared, lambda: of_repository(shared_rows, repo, "pull_count"), 60)


READS = [
    "/v2/",
    "/v2/_catalog",
    "/v2/library/app/tags/list",
    "/v2/library/app/manifests/1.0",
    "/v2/library/app/manifests/{digest}",
    "/v2/library/app/manifests/none",
    "/v2/library/app/blobs/{blob}",
    "/v2/library/app/referrers/{digest}",
    "/service/token?service=harbor-registry&scope=repository:library/app:pull",
]


@pytest.mark.parametrize("credentials", ["password", "token"])
def test_reading_waits_for_no_writer(start: Start, database_url: str, credentials: str) -> None:
    """Nothing is written on these roads: whoever writes for long does not stop them."""
    client = start()
    image = push_image(client, "library/app")
    how: dict[str, Any] = {"auth": ADMIN}
    if credentials == "token":
        how = {"headers": bearer(client, ADMIN, "repository:library/app:pull")}
    client.get("/v2/", **how)
    named = {"digest": image.digest, "blob": sha256(image.blobs[0])}

    def read_all() -> set[int]:
        paths = [path.format(**named) for path in READS]
        found = [client.get(path, **how) for path in paths]
        found += [client.head(path, **how) for path in paths]
        return {answer.status_code for answer in found}

    async def meanwhile() -> set[int]:
        async with opened(database_url) as db, db.writing() as session:
            if not db.is_sqlite:  # where writing excludes all other writing
                tables = "repository, artifact, manifest, tag, blob, repository_blob, audit_log_ext"
                await session.execute(text(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))
            async with asyncio.timeout(10):
                return await asyncio.to_thread(read_all)

    assert asyncio.run(meanwhile()) <= {200, 401, 404}


@pytest.mark.parametrize("disabled", ["pull_count", "pull_time"])
def test_whoever_starts_the_server_can_have_pulls_not_counted_or_dated(
    start: Start, rows: Rows, disabled: str
) -> None:
    client = start(config_overwrite_json=f'{{"{disabled}_update_disable": true}}')
    push_image(client, "library/quiet")
    pull(client, "library/quiet")
    flush(client)
    ((count, time),) = rows("SELECT pull_count, (SELECT pull_time FROM tag) FROM repository")
    assert (count == 0, time is None) == (disabled == "pull_count", disabled == "pull_time")
