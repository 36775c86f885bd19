import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from harbor import __version__
from harbor.core.db import Database
from harbor.core.settings import Settings
from tests.make import ADMIN, API, make_user

Start = Callable[..., TestClient]
NAMES = ["core", "database", "portal", "registry"]


def unhealthy(client: TestClient) -> dict[str, str]:
    """The components that do not work, with what is told of them."""
    answer = client.get(f"{API}/health")
    assert answer.status_code == 200
    told = answer.json()
    assert [component["name"] for component in told["components"]] == NAMES
    ill = {each["name"]: each["error"] for each in told["components"] if "error" in each}
    assert all((each["status"] == "unhealthy") == ("error" in each) for each in told["components"])
    assert told["status"] == ("unhealthy" if ill else "healthy")
    return ill


def test_all_is_well(client: TestClient) -> None:
    told = client.get(f"{API}/health").json()
    assert told == {
        "status": "healthy",
        "components": [{"name": name, "status": "healthy"} for name in NAMES],
    }


def test_a_database_that_does_not_answer_is_told_without_details(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Database) -> Any:
        raise OperationalError("SELECT 1", {}, OSError("/secret/path/harbor.db"))

    monkeypatch.setattr(Database, "reading", broken)
    told = unhealthy(client)
    assert told.keys() == {"database"}
    assert "secret" not in told["database"]
    assert "/secret/path" in caplog.text


def test_a_data_folder_that_is_gone_is_told_without_its_path(
    client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    settings.data.rename(tmp_path / "elsewhere")
    try:
        told = unhealthy(client)
    finally:
        (tmp_path / "elsewhere").rename(settings.data)
    assert "registry" in told
    assert str(tmp_path) not in told["registry"]
    assert "data" not in told["registry"]


def test_a_disk_down_to_its_reserve_is_unhealthy(start: Start) -> None:
    client = start(disk_reserve=2**62)
    assert unhealthy(client) == {"registry": "the disk is full"}


def test_looking_leaves_nothing_behind(client: TestClient, settings: Settings) -> None:
    client.get(f"{API}/health")
    before = sorted(settings.data.rglob("*"))
    client.get(f"{API}/health")
    assert sorted(settings.data.rglob("*")) == before


def test_ping_says_pong(client: TestClient) -> None:
    answer = client.get(f"{API}/ping")
    assert (answer.status_code, answer.text) == (200, "Pong")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_ping_needs_no_database(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Database) -> Any:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Database, "reading", refuse)
    monkeypatch.setattr(Database, "writing", refuse)
    assert client.get(f"{API}/ping").text == "Pong"


def test_the_version_of_the_api_is_where_other_harbors_look(client: TestClient) -> None:
    answer = client.get("/api/version")
    assert (answer.status_code, answer.json()) == (200, {"version": "v2.0"})


@pytest.mark.parametrize("auth", [None, ("admin", "wrong")])
def test_a_stranger_learns_only_how_to_sign_in(client: TestClient, auth: Any) -> None:
    assert client.get(f"{API}/systeminfo", auth=auth).json() == {
        "auth_mode": "db_auth",
        "primary_auth_mode": False,
        "self_registration": False,
        "banner_message": "",
        "oidc_provider_name": "",
    }


def test_whoever_has_signed_in_learns_the_rest(client: TestClient) -> None:
    told = client.get(f"{API}/systeminfo", auth=make_user(client, "ann")).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("current_time"))
    assert told == {
        "auth_mode": "db_auth",
        "primary_auth_mode": False,
        "self_registration": False,
        "banner_message": "",
        "oidc_provider_name": "",
        "registry_url": "testserver",
        "external_url": "http://testserver",
        "project_creation_restriction": "everyone",
        "has_ca_root": False,
        "harbor_version": f"v2.16.0-{__version__}",
        "registry_storage_provider_name": "filesystem",
        "read_only": False,
        "notification_enable": True,
    }


def test_the_external_url_is_told_where_one_is_set(start: Start) -> None:
    client = start(external_url="https://reg.example.com:8443")
    told = client.get(f"{API}/systeminfo", auth=ADMIN).json()
    assert told["external_url"] == "https://reg.example.com:8443"
    assert told["registry_url"] == "reg.example.com:8443"


def test_metrics_are_told_only_where_they_are_turned_on(client: TestClient, start: Start) -> None:
    assert client.get("/metrics").status_code == 404
    told = start(metrics=True).get("/metrics")
    assert told.headers["Content-Type"].startswith("text/plain")
    found = {family.name: family for family in text_string_to_metric_families(told.text)}
    assert "harbor_event_loop_lag_max_seconds" in found
    assert found["harbor_event_loop_lag_seconds"].type == "histogram"


def test_a_loop_that_stands_still_is_noticed(start: Start) -> None:
    client = start(metrics=True)

    def longest() -> float:
        families = text_string_to_metric_families(client.get("/metrics").text)
        found = next(each for each in families if each.name == "harbor_event_loop_lag_max_seconds")
        return float(found.samples[0].value)

    async def stand_still() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.4)  # noqa: ASYNC251, what nobody should do
        await asyncio.sleep(0.05)

    assert client.portal is not None
    client.portal.call(stand_still)
    assert longest() >= 0.3
