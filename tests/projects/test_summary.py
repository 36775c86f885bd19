from typing import Any

from starlette.testclient import TestClient

from tests.make import ADMIN, API, add_member, make_user, push_image
from tests.projects.conftest import Configure

COUNTS = {
    "project_admin_count": 2,  # the admin owns the project
    "maintainer_count": 1,
    "developer_count": 1,
    "guest_count": 1,
    "limited_guest_count": 1,
}


def test_members_see_how_much_there_is(
    client: TestClient, team: str, people: dict[str, Any]
) -> None:
    push_image(client, "team/app")
    for who in ("admin", "pam", "mia", "dev", "guest", "limited"):
        told = client.get(f"{team}/summary", auth=people[who]).json()
        quota = told.pop("quota")
        assert told == {"repo_count": 1} | ({} if who == "limited" else COUNTS)
        assert quota["hard"] == {"storage": -1}
        assert quota["used"]["storage"] > 0


def test_strangers_see_less_of_a_public_project(client: TestClient) -> None:
    ann = make_user(client, "ann")
    for login in (None, ann):
        answer = client.get(f"{API}/projects/library/summary", auth=login)
        assert answer.json() == {"repo_count": 0}


def test_nobody_sees_a_private_project(client: TestClient, team: str) -> None:
    ann = make_user(client, "ann")
    assert client.get(f"{team}/summary").status_code == 401
    assert client.get(f"{team}/summary", auth=ann).status_code == 403


def test_roles_that_nobody_has_are_left_out(client: TestClient, team: str) -> None:
    add_member(client, "team", make_user(client, "ann"), 3)
    told = client.get(f"{team}/summary", auth=ADMIN).json()
    assert {name for name in told if name.endswith("_count")} == {
        "repo_count",
        "project_admin_count",
        "guest_count",
    }


def test_without_quotas_there_is_no_quota_part(
    client: TestClient, team: str, configure: Configure
) -> None:
    configure(quota_per_project_enable=False)
    assert client.get(f"{team}/summary", auth=ADMIN).json() == {
        "repo_count": 0,
        "project_admin_count": 1,
    }


def test_the_limit_of_the_project_is_shown(client: TestClient) -> None:
    client.post(
        f"{API}/projects", json={"project_name": "small", "storage_limit": 4096}, auth=ADMIN
    )
    quota = client.get(f"{API}/projects/small/summary", auth=ADMIN).json()["quota"]
    assert quota == {"hard": {"storage": 4096}, "used": {"storage": 0}}
