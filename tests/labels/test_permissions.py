"""What the tables of permissions cannot say: global labels, public projects, deleted ones."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.labels.conftest import LABELS, MakeLabel
from tests.make import ADMIN, API, Login, add_member, error_of, make_project

READING = [("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)]


def test_global_labels_are_listed_for_anybody(
    client: TestClient, make_label: MakeLabel, people: dict[str, Login]
) -> None:
    make_label("stable")
    for login in (None, people["stranger"]):
        answer = client.get(LABELS, params={"scope": "g"}, auth=login)
        assert [label["name"] for label in answer.json()] == ["stable"]


@pytest.mark.parametrize(("method", "body"), READING)
def test_one_global_label_is_for_administrators(
    client: TestClient, make_label: MakeLabel, people: dict[str, Login], method: str, body: object
) -> None:
    path = make_label("stable")
    sent: dict[str, Any] = {"json": body} if body else {}
    assert error_of(client.request(method, path, **sent)) == (401, "UNAUTHORIZED")
    refused = client.request(method, path, auth=people["ann"], **sent)
    assert error_of(refused) == (403, "FORBIDDEN")
    assert client.request(method, path, auth=ADMIN, **sent).status_code == 200


def test_only_administrators_make_global_labels(
    client: TestClient, people: dict[str, Login]
) -> None:
    body = {"name": "stable", "scope": "g"}
    assert error_of(client.post(LABELS, json=body)) == (401, "UNAUTHORIZED")
    for name in ("ann", "mia", "stranger"):
        answer = client.post(LABELS, json=body, auth=people[name])
        assert error_of(answer) == (403, "FORBIDDEN")


def test_the_project_of_a_label_decides_not_the_one_that_is_named(
    client: TestClient, make_label: MakeLabel, team: int, people: dict[str, Login]
) -> None:
    mine = make_project(client, "mine")
    add_member(client, "mine", people["stranger"], 1)
    foreign = make_label("ours", project=team)
    named = {"name": "taken over", "scope": "p", "project_id": mine}
    for method in ("PUT", "DELETE"):
        sent: dict[str, Any] = (
            {"json": named} if method == "PUT" else {"params": {"project_id": mine}}
        )
        answer = client.request(method, foreign, auth=people["stranger"], **sent)
        assert error_of(answer) == (403, "FORBIDDEN")
    assert client.get(foreign, auth=ADMIN).json()["name"] == "ours"


def test_whoever_may_not_see_a_label_cannot_try_its_name(
    client: TestClient, make_label: MakeLabel, team: int, people: dict[str, Login]
) -> None:
    make_label("secret", project=team)
    body = {"name": "secret", "scope": "p", "project_id": team}
    answer = client.post(LABELS, json=body, auth=people["stranger"])
    assert error_of(answer) == (403, "FORBIDDEN")


def test_labels_of_a_public_project_are_for_anybody_to_read_and_for_its_people_to_write(
    client: TestClient, make_label: MakeLabel, people: dict[str, Login]
) -> None:
    public = make_project(client, "open", public=True)
    path = make_label("stable", project=public)
    for login in (None, people["stranger"]):
        refused = (401, "UNAUTHORIZED") if login is None else (403, "FORBIDDEN")
        sent: dict[str, Any] = {"auth": login}
        listed = client.get(LABELS, params={"scope": "p", "project_id": public}, auth=login)
        assert [label["name"] for label in listed.json()] == ["stable"]
        assert client.get(path, auth=login).json()["name"] == "stable"
        assert error_of(client.put(path, json={"name": "x"}, **sent)) == refused
        assert error_of(client.delete(path, **sent)) == refused


@pytest.mark.parametrize(("method", "body"), READING)
def test_labels_of_a_deleted_project_cannot_be_reached(
    client: TestClient, make_label: MakeLabel, team: int, method: str, body: object
) -> None:
    path = make_label("stable", project=team)
    assert client.delete(f"{API}/projects/{team}", auth=ADMIN).status_code == 200
    sent: dict[str, Any] = {"json": body} if body else {}
    assert error_of(client.request(method, path, auth=ADMIN, **sent)) == (404, "NOT_FOUND")
    listed = client.get(LABELS, params={"scope": "p", "project_id": team}, auth=ADMIN)
    assert error_of(listed) == (404, "NOT_FOUND")
