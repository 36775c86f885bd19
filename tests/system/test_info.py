"""What the server tells of itself, as its settings are."""

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from starlette.testclient import TestClient

from harbor import server
from harbor.app import Building
from harbor.auth.service import Accounts
from harbor.core.db import Database
from harbor.core.settings import Settings
from tests.make import ADMIN, API, error_of, make_user

Start = Callable[..., TestClient]
WRONG = ("admin", "wrong")


def change(client: TestClient, **settings: Any) -> None:
    answer = client.put(f"{API}/configurations", json=settings, auth=ADMIN)
    assert answer.status_code == 200, answer.text


def told(client: TestClient, auth: Any = ADMIN, **headers: str) -> dict[str, Any]:
    answer = client.get(f"{API}/systeminfo", auth=auth, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_what_an_administrator_changes_is_told(client: TestClient) -> None:
    banner = '{"message":"Down at noon","type":"warning"}'
    settings = {
        "primary_auth_mode": True,
        "self_registration": True,
        "banner_message": banner,
        "project_creation_restriction": "adminonly",
        "notification_enable": False,
    }
    change(client, **settings, read_only=True)
    stranger = told(client, None)
    assert stranger == {
        "auth_mode": "db_auth",
        "primary_auth_mode": True,
        "self_registration": True,
        "banner_message": banner,
        "oidc_provider_name": "",
    }
    everything = told(client)
    assert {name: everything[name] for name in settings} == settings
    assert everything["read_only"] is True


def test_the_provider_is_named_where_it_is_asked(client: TestClient) -> None:
    change(client, oidc_name="Example", auth_mode="db_auth")
    assert told(client, None)["oidc_provider_name"] == ""
    change(client, auth_mode="oidc_auth")
    assert told(client, None)["oidc_provider_name"] == "Example"


def test_the_authentication_proxy_is_told_where_it_is_asked(client: TestClient) -> None:
    change(
        client,
        http_authproxy_endpoint="https://proxy.example.com/login",
        http_authproxy_tokenreview_endpoint="https://proxy.example.com/review",
        http_authproxy_skip_search=True,
        http_authproxy_server_certificate="PEM",
    )
    assert "authproxy_settings" not in told(client, None)
    change(client, auth_mode="http_auth")
    assert told(client, None)["authproxy_settings"] == {
        "endpoint": "https://proxy.example.com/login",
        "tokenreivew_endpoint": "https://proxy.example.com/review",
        "skip_search": True,
        "verify_cert": True,
        "server_certificate": "PEM",
    }


@pytest.mark.parametrize(
    ("host", "external_url", "expected"),
    [
        ("reg.example.com:8080", "", "http://reg.example.com:8080"),
        ("[::1]:8080", "", "http://[::1]:8080"),
        ("evil/x?y", "", "http://testserver"),
        ("other.example.com", "https://reg.example.com", "https://reg.example.com"),
    ],
)
def test_the_url_is_the_one_that_was_set_or_asked(
    start: Start, host: str, external_url: str, expected: str
) -> None:
    found = told(start(external_url=external_url), Host=host)
    assert found["external_url"] == expected
    assert found["registry_url"] == expected.partition("://")[2]


@pytest.mark.parametrize(
    ("trusted", "peer", "scheme"),
    [
        ("127.0.0.1,::1", "127.0.0.1", "https"),
        ("127.0.0.1,::1", "::1", "https"),
        ("127.0.0.1,::1", "192.0.2.1", "http"),
        ("192.0.2.0/24", "192.0.2.1", "https"),
        ("192.0.2.0/24", "127.0.0.1", "http"),
        ("*", "198.51.100.1", "https"),
        ("none", "127.0.0.1", "http"),
    ],
)
def test_the_scheme_is_the_clients_where_a_trusted_proxy_tells_it(
    settings: Settings, trusted: str, peer: str, scheme: str
) -> None:
    behind = structs.replace(settings, trusted_proxies=trusted)
    served = server.config(behind, Building(behind), "httptools")
    served.load()
    with TestClient(served.loaded_app, client=(peer, 50_000)) as client:
        headers = {"X-Forwarded-Proto": "https", "Host": "reg.example.com"}
        assert told(client, **headers)["external_url"] == f"{scheme}://reg.example.com"
        challenge = client.get("/v2/", headers=headers).headers["WWW-Authenticate"]
        assert f'realm="{scheme}://reg.example.com/service/token"' in challenge


def test_the_certificate_of_the_authority_is_handed_out(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    client = start(ca_file=str(file))
    answer = client.get(f"{API}/systeminfo/getcert")
    assert (answer.status_code, answer.text) == (200, file.read_text())
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=ca.crt"
    assert told(client)["has_ca_root"] is True


@pytest.mark.parametrize("name", ["", "missing.crt", "."])
def test_where_there_is_no_certificate_nothing_is_found(
    start: Start, tmp_path: Path, name: str
) -> None:
    client = start(ca_file=name and str(tmp_path / name))
    answer = client.get(f"{API}/systeminfo/getcert")
    assert error_of(answer) == (404, "NOT_FOUND")
    assert str(tmp_path) not in answer.text
    assert told(client)["has_ca_root"] is False


def test_an_administrator_sees_how_full_the_disk_is(client: TestClient, settings: Settings) -> None:
    answer = client.get(f"{API}/systeminfo/volumes", auth=ADMIN)
    [disk] = answer.json()["storage"]
    assert disk.keys() == {"total", "free"}
    assert disk["total"] == shutil.disk_usage(settings.data).total
    assert 0 < disk["free"] < disk["total"]


def test_a_disk_that_is_gone_is_no_bug(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: Path) -> Any:
        raise FileNotFoundError(f"no such folder: {path}")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    answer = client.get(f"{API}/systeminfo/volumes", auth=ADMIN)
    assert error_of(answer) == (503, "SERVICE_UNAVAILABLE")
    assert "no such folder" not in answer.text


def test_the_disk_is_no_business_of_users(client: TestClient) -> None:
    place = f"{API}/systeminfo/volumes"
    assert error_of(client.get(place)) == (401, "UNAUTHORIZED")
    assert error_of(client.get(place, auth=make_user(client, "ann"))) == (403, "FORBIDDEN")


@pytest.mark.parametrize("path", ["/api/version", f"{API}/ping", f"{API}/health"])
@pytest.mark.parametrize("auth", [ADMIN, WRONG])
def test_who_watches_the_server_is_not_asked_who_they_are(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, auth: tuple[str, str]
) -> None:
    async def refuse(self: Accounts, *_given: Any, **_named: Any) -> Any:
        raise AssertionError("credentials were looked at")

    monkeypatch.setattr(Accounts, "log_in", refuse)
    assert client.get(path, auth=auth).status_code == 200


def test_ping_answers_credentials_although_there_is_no_database(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Database) -> Any:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Database, "reading", refuse)
    monkeypatch.setattr(Database, "quick", property(refuse))
    basic = base64.b64encode(b"admin:wrong").decode()
    for value in (f"Basic {basic}", "Bearer x.y.z", "nonsense"):
        answer = client.get(f"{API}/ping", headers={"Authorization": value, "Cookie": "sid=x"})
        assert (answer.status_code, answer.text) == (200, "Pong")
