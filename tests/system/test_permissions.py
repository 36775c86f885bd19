"""What robots may be given, and who is told so."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, Login, add_member, error_of, make_project, make_user

PLACE = f"{API}/permissions"


def told(client: TestClient, login: Login) -> dict[str, Any]:
    answer = client.get(PLACE, auth=login)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def actions(permissions: list[dict[str, str]], resource: str) -> set[str]:
    return {each["action"] for each in permissions if each["resource"] == resource}


def test_an_administrator_may_give_what_concerns_projects_and_the_system(
    client: TestClient,
) -> None:
    found = told(client, ADMIN)
    assert found.keys() == {"project", "system"}
    system, project = found["system"], found["project"]
    assert actions(system, "robot") == {"create", "read", "list", "delete"}
    assert actions(system, "project") == {"list", "create"}
    assert actions(system, "configuration") == set()
    assert actions(project, "repository") == {"read", "update", "delete", "list", "pull", "push"}
    assert actions(project, "configuration") == set()
    assert (len(system), len(project)) == (70, 70)
    for each in system + project:
        assert each.keys() == {"resource", "action"}


def test_an_administrator_of_a_project_may_give_what_concerns_projects(
    client: TestClient,
) -> None:
    ann = make_user(client, "ann")
    make_project(client, "mine", owner=ann)
    assert told(client, ann) == {"project": told(client, ADMIN)["project"]}


@pytest.mark.parametrize("role_id", [2, 3, 4, 5])
def test_others_may_give_nothing(client: TestClient, role_id: int) -> None:
    ann = make_user(client, "ann")
    assert error_of(client.get(PLACE, auth=ann)) == (403, "FORBIDDEN")
    add_member(client, "library", ann, role_id)
    assert error_of(client.get(PLACE, auth=ann)) == (403, "FORBIDDEN")


def test_whose_only_project_is_gone_may_give_nothing(client: TestClient) -> None:
    ann = make_user(client, "ann")
    gone = make_project(client, "mine", owner=ann)
    assert client.delete(f"{API}/projects/{gone}", auth=ann).status_code == 200
    assert error_of(client.get(PLACE, auth=ann)) == (403, "FORBIDDEN")


def test_strangers_are_told_nothing(client: TestClient) -> None:
    assert error_of(client.get(PLACE)) == (401, "UNAUTHORIZED")
