from typing import Any

from starlette.testclient import TestClient

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
)


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


def test_deleted_projects_do_not_count(client: TestClient) -> None:
    gone = make_project(client, "gone", public=True)
    assert client.delete(f"{API}/projects/{gone}", auth=ADMIN).status_code == 200
    assert counted(client)["total_project_count"] == 1


def test_strangers_count_nothing(client: TestClient) -> None:
    assert error_of(client.get(f"{API}/statistics")) == (401, "UNAUTHORIZED")
