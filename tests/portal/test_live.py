"""Pages are told when something was changed."""

import re

import pytest
from starlette.testclient import TestClient

from harbor.core.settings import Settings
from harbor.portal import live
from tests.make import ADMIN, make_project

NOW = {"wait_s": "0"}


def listen(client: TestClient, seen: str = "") -> str:
    headers = {"Last-Event-ID": seen} if seen else {}
    answer = client.get("/harbor/live", params=NOW, auth=ADMIN, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


def test_who_has_seen_nothing_yet_is_told_nothing(client: TestClient) -> None:
    assert "event:" not in listen(client)


def test_a_change_since_the_last_event_is_told_once(client: TestClient) -> None:
    number = "0"
    for _ in range(100):
        # On PostgreSQL a change in any database of the same server is told, once.
        told = re.search(r"^id: (\w+)$", listen(client, number), re.MULTILINE)
        if told is None:
            break
        number = told[1]
    else:
        raise AssertionError("it never ends")
    assert number != "0"
    make_project(client, "fresh")
    assert "event: changed" in listen(client, number)


def test_it_ends_with_the_session(client: TestClient) -> None:
    assert client.get("/harbor/live", params=NOW).status_code == 303


def test_places_are_bounded_and_given_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_OPEN", 1)
    for _ in range(3):
        listen(client)
    monkeypatch.setattr(live, "MAX_OPEN", 0)
    answer = client.get("/harbor/live", params=NOW, auth=ADMIN)
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")


def test_no_answer_outlives_a_server_that_stops() -> None:
    assert Settings().shutdown_s > live.LIFE_S
