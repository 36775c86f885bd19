import asyncio
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from harbor.app import Building, prepare
from harbor.core.settings import Settings
from tests.conftest import Start, running
from tests.make import (
    ADMIN,
    API,
    Login,
    add_member,
    error_of,
    make_project,
    make_user,
    push_blob,
    push_image,
    put_manifest,
)
from tests.quotas.test_migration import downgrade
from tests.registry.servers import Rows


def counted(client: TestClient, login: Login = ADMIN) -> dict[str, Any]:
    answer = client.get(f"{API}/statistics", auth=login)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def fill(client: TestClient) -> None:
    """Two public projects with three repositories, two private ones with three."""
    make_project(client, "open", public=True)
    make_project(client, "closed")
    make_project(client, "empty")
    for name in ("open/a", "open/b", "library/a", "closed/a", "closed/b", "closed/c"):
        push_image(client, name)


def test_everything_is_counted_though_it_be_nothing(client: TestClient) -> None:
    assert counted(client) == {
        "private_project_count": 0,
        "private_repo_count": 0,
        "public_project_count": 1,
        "public_repo_count": 0,
        "total_project_count": 1,
        "total_repo_count": 0,
        "total_storage_consumption": 0,
    }


def test_an_administrator_counts_all(client: TestClient) -> None:
    fill(client)
    told = counted(client)
    assert told.pop("total_storage_consumption") > 0
    assert told == {
        "private_project_count": 2,
        "private_repo_count": 3,
        "public_project_count": 2,
        "public_repo_count": 3,
        "total_project_count": 4,
        "total_repo_count": 6,
    }


def test_others_count_what_is_public_and_what_is_theirs(client: TestClient) -> None:
    fill(client)
    ann = make_user(client, "ann")
    public = {
        "public_project_count": 2,
        "public_repo_count": 3,
        "total_project_count": 0,
        "total_repo_count": 0,
        "total_storage_consumption": 0,
    }
    assert counted(client, ann) == public | {"private_project_count": 0, "private_repo_count": 0}
    add_member(client, "closed", ann, 5)
    add_member(client, "open", ann, 3)
    assert counted(client, ann) == public | {"private_project_count": 1, "private_repo_count": 3}


def test_a_blob_counts_once_wherever_it_is(client: TestClient) -> None:
    for name in ("library/a", "library/b"):
        push_blob(client, name, b"x" * 1000)
    push_blob(client, "library/a", b"y" * 24)
    assert counted(client)["total_storage_consumption"] == 1024


def test_what_is_stored_is_counted_once_and_until_it_leaves_the_store(
    start: Start, settings: Settings, rows: Rows
) -> None:
    with contextmanager(running)() as begin:
        client = begin(Building(settings))
        make_project(client, "gone")
        image = push_image(client, "gone/app")
        expected = len(image.raw) + sum(map(len, image.blobs))
        assert counted(client)["total_storage_consumption"] == expected
        for name in ("gone/app", "gone/again", "library/app"):
            for data in image.blobs:
                push_blob(client, name, data)
            assert put_manifest(client, name, "2.0", image.raw).status_code == 201
        assert put_manifest(client, "library/app", "1.0", b"no manifest").status_code == 400
        assert counted(client)["total_storage_consumption"] == expected
        # What no artifact needs any more is in the store until garbage is collected.
        for name in ("gone/app", "gone/again"):
            answer = client.delete(f"/v2/{name}/manifests/{image.digest}", auth=ADMIN)
            assert answer.status_code == 202
        assert counted(client)["total_storage_consumption"] == expected
        sums = "(SELECT SUM(size) FROM blob) + (SELECT SUM(LENGTH(content)) FROM manifest)"
        assert rows(f"SELECT {sums}, SUM(nbytes) FROM store_tally") == [(expected, expected)]
    downgrade(settings, "0001")
    asyncio.run(prepare(settings))
    assert counted(start())["total_storage_consumption"] == expected


def test_deleted_projects_do_not_count(client: TestClient) -> None:
    gone = make_project(client, "gone", public=True)
    assert client.delete(f"{API}/projects/{gone}", auth=ADMIN).status_code == 200
    assert counted(client)["total_project_count"] == 1


def test_strangers_count_nothing(client: TestClient) -> None:
    assert error_of(client.get(f"{API}/statistics")) == (401, "UNAUTHORIZED")
