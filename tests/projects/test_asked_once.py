"""What a page must know of a project, and of what its reader may do there, is looked up once."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.core.api import Seen
from harbor.core.security import Principal, project
from harbor.projects.service.standing import OF_ID, ROLES, STANDING
from tests.make import Login, add_member, make_project, make_user, push_image

MAINTAINER = 4
READ = project("repository", "read")


@pytest.fixture
def building(client: TestClient) -> Building:
    assert isinstance(client.app, Building)
    return client.app


@pytest.fixture
def member(client: TestClient) -> Login:
    found = make_user(client, "mia")
    make_project(client, "team")
    add_member(client, "team", found, MAINTAINER)
    push_image(client, "team/app")
    return found


@pytest.mark.parametrize(
    ("page", "times"),
    [("summary", 1), ("repositories/app/artifacts-tab", 2)],  # of the project, of the repository
)
def test_rights_are_looked_up_once_for_a_page(
    client: TestClient,
    building: Building,
    member: Login,
    page: str,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick, asked = building.db.quick, list[object]()
    fetch = quick.fetch

    async def noted(statement: Any, **values: object) -> Any:
        asked.append(statement)
        return await fetch(statement, **values)

    place = client.get("/api/v2.0/projects/team", auth=member).json()["project_id"]
    monkeypatch.setattr(quick, "fetch", noted)
    assert client.get(f"/harbor/projects/{place}/{page}", auth=member).status_code == 200
    assert [asked.count(each) for each in (OF_ID, STANDING, ROLES)] == [1, 0, times]


def test_what_was_seen_is_of_one_caller(
    client: TestClient, building: Building, member: Login
) -> None:
    ids = {
        name: client.get("/api/v2.0/users/current", auth=login).json()["user_id"]
        for name, login in (("mia", member), ("eve", make_user(client, "eve")))
    }
    mia, eve = (Principal(name, user_id=user_id) for name, user_id in ids.items())

    async def asked() -> list[bool]:
        seen: Seen = {}
        callers = (mia, eve, mia)
        may = building.desk.may
        return [await may(who, READ, "team/app", seen) is not None for who in callers]

    assert client.portal is not None
    assert client.portal.call(asked) == [True, False, True]
