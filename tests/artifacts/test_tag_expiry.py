"""Tags that are removed when their time has come."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.app import Building
from harbor.artifacts.service import expiry
from harbor.core import clock
from harbor.core.wire import Time
from tests.artifacts.rest import artifact, get, names, repository
from tests.make import ADMIN, error_of, make_project, make_rule, push_image, put_manifest, rule_of

Rows = Callable[[str], list[Any]]
REPO = "team/app"


def expire(client: TestClient, tag: str, at: object) -> Any:
    path = f"{repository(REPO)}/tags/{tag}/expiry"
    return client.put(path, json={"expires_at": at}, auth=ADMIN)


def in_days(days: float) -> str:
    return str(Time(clock.now() + timedelta(days=days)))


def run(client: TestClient) -> int:
    building = client.app
    assert isinstance(building, Building)
    assert client.portal is not None
    return client.portal.call(expiry.remove_due, building.db, building.trail, asyncio.Event())


def test_a_tag_goes_when_its_time_has_come_and_the_artifact_stays(
    client: TestClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(client, "team")
    image = push_image(client, REPO, "1")
    for tag in ("2", "stays", "held"):
        assert put_manifest(client, REPO, tag, image.raw).status_code == 201
    path = f"{artifact(REPO, image.digest)}/tags"
    at = in_days(1)
    for tag in ("1", "held"):
        assert expire(client, tag, at).status_code == 200
    assert expire(client, "2", in_days(9)).status_code == 200
    shown = {tag["name"]: tag.get("expires_at") for tag in get(client, path)}
    assert (shown["1"], shown["stays"]) == (at, None)
    assert expire(client, "stays", at).status_code == 200
    assert expire(client, "stays", None).status_code == 200
    make_rule(client, "team", rule_of(tags="held"))
    assert run(client) == 0
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert (run(client), run(client)) == (1, 0)
    assert sorted(names(client, path)) == ["2", "held", "stays"]
    lines = rows("SELECT operation, username FROM audit_log_ext WHERE resource = 'team/app:1'")
    assert ("delete", expiry.SYSTEM.name) in lines
    newest = get(client, f"{repository(REPO)}/tags/1/history")[0]
    assert (newest["operation"], newest["username"]) == ("expire", expiry.SYSTEM.name)


def test_a_moment_that_cannot_be_is_refused(client: TestClient) -> None:
    make_project(client, "team")
    push_image(client, REPO, "1")
    push_image(client, REPO, "held")
    make_rule(client, "team", rule_of(tags="held"))
    for at in (in_days(-1), "9999-12-31T23:59:59-12:00"):
        assert error_of(expire(client, "1", at)) == (400, "BAD_REQUEST")
    for wrong in ("tomorrow", "2100-01-01T00:00:00", 7):
        assert expire(client, "1", wrong).status_code == 422
    assert error_of(expire(client, "none", in_days(1))) == (404, "NOT_FOUND")
    assert expire(client, "held", in_days(1)).status_code == 412
