import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.configuration.schemas import BY_API, SECRETS, Values
from tests.make import ADMIN, API, error_of, make_user, message_of

PLACE = f"{API}/configurations"
HIDDEN = {
    "pull_time_update_disable",
    "pull_count_update_disable",
    "pull_audit_log_disable",
    *SECRETS,
}
Rows = Callable[[str], list[Any]]


def change(client: TestClient, **settings: Any) -> Any:
    return client.put(PLACE, json=settings, auth=ADMIN)


def shown(client: TestClient) -> dict[str, Any]:
    answer = client.get(PLACE, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def value_of(client: TestClient, name: str) -> Any:
    return shown(client)[name]["value"]


@pytest.fixture
def receiver() -> Iterator[str]:
    """The address of somebody who takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_every_setting_is_shown_but_for_the_secret_ones(client: TestClient) -> None:
    told = shown(client)
    assert told.keys() == set(Values.__struct_fields__) - HIDDEN
    assert told.pop("scan_all_policy") == {"type": "none"}
    assert all(item.keys() == {"value", "editable"} for item in told.values())
    assert told["auth_mode"] == {"value": "db_auth", "editable": True}
    assert told["token_expiration"] == {"value": 30, "editable": True}
    assert told["robot_name_prefix"] == {"value": "robot$", "editable": True}
    assert told["storage_per_project"] == {"value": -1, "editable": True}
    assert told["oidc_verify_cert"] == {"value": True, "editable": True}


ACCEPTED = {
    "primary_auth_mode": True,
    "project_creation_restriction": "adminonly",
    "read_only": True,
    "self_registration": True,
    "token_expiration": 9_999_999_999,
    "robot_token_duration": 1,
    "robot_name_prefix": "bot.",
    "notification_enable": False,
    "scanner_skip_update_pulltime": True,
    "disabled_audit_log_event_types": "pull_artifact,create_artifact",
    "session_timeout": 120,
    "banner_message": '{"message":"Down at noon","closable":true,"type":"warning",'
    '"fromDate":"06/19/2026","toDate":"06/21/2026"}',
    "ldap_base_dn": "dc=example,dc=com",
    "ldap_filter": "(objectClass=person)",
    "ldap_scope": 0,
    "ldap_timeout": 30,
    "ldap_uid": "uid",
    "ldap_url": "ldaps://ldap.example.com",
    "ldap_verify_cert": False,
    "ldap_group_search_scope": 1,
    "ldap_group_attach_parallel": True,
    "uaa_verify_cert": True,
    "http_authproxy_skip_search": True,
    "oidc_name": "Grüße",
    "oidc_scope": "openid,email",
    "oidc_extra_redirect_parms": '{"prompt":"login"}',
    "oidc_logout": True,
    "quota_per_project_enable": False,
    "storage_per_project": 1024**5,
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_setting_is_changed_and_nothing_else_is(client: TestClient, name: str) -> None:
    before = shown(client)
    answer = change(client, **{name: ACCEPTED[name]})
    assert (answer.status_code, answer.content) == (200, b"")
    expected = {"value": ACCEPTED[name], "editable": True}
    assert shown(client) == before | {name: expected}


def test_a_setting_is_changed_again_and_again(client: TestClient) -> None:
    for minutes in (31, 32, 33):
        assert change(client, token_expiration=minutes, oidc_name="x").status_code == 200
        assert value_of(client, "token_expiration") == minutes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth_mode", "kerberos_auth"),
        ("auth_mode", ""),
        ("primary_auth_mode", "true"),
        ("read_only", 1),
        ("read_only", ""),
        ("project_creation_restriction", "nobody"),
        ("project_creation_restriction", ""),
        ("token_expiration", 0),
        ("token_expiration", -1),
        ("token_expiration", 10_000_000_000),
        ("token_expiration", 10**30),
        ("token_expiration", "30"),
        ("token_expiration", 30.5),
        ("token_expiration", True),
        ("token_expiration", [30]),
        ("robot_token_duration", 0),
        ("session_timeout", 0),
        ("session_timeout", 10_000_000_000),
        ("robot_name_prefix", ""),
        ("robot_name_prefix", " "),
        ("robot_name_prefix", "robot:"),
        ("ldap_base_dn", " "),
        ("ldap_uid", ""),
        ("ldap_url", ""),
        ("ldap_scope", 3),
        ("ldap_scope", -1),
        ("ldap_group_search_scope", 3),
        ("ldap_timeout", 0),
        ("ldap_search_password", 5),
        ("storage_per_project", 0),
        ("storage_per_project", -2),
        ("storage_per_project", 1024**5 + 1),
        ("banner_message", "Down at noon"),
        ("banner_message", '"Down at noon"'),
        ("banner_message", '{"closable":true}'),
        ("banner_message", '{"message":"x","type":"loud"}'),
        ("banner_message", '{"message":"x","closable":"yes"}'),
        ("oidc_extra_redirect_parms", "prompt=login"),
        ("oidc_extra_redirect_parms", '{"prompt":1}'),
        ("oidc_name", {"a": 1}),
        ("oidc_name", "x" * 65_537),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    client: TestClient, name: str, value: Any
) -> None:
    before = shown(client)
    answer = change(client, token_expiration=31) if name != "token_expiration" else None
    answer = change(client, **{"session_timeout": 61, name: value})
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert name in message_of(answer)
    after = shown(client)
    assert after[name] == before[name] if name not in SECRETS else name not in after
    assert after["session_timeout"] == before["session_timeout"]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":'])
def test_what_is_no_json_is_refused(client: TestClient, raw: bytes) -> None:
    assert error_of(client.put(PLACE, content=raw, auth=ADMIN)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"5", b"null"])
def test_what_is_no_object_is_refused(client: TestClient, raw: bytes) -> None:
    answer = client.put(PLACE, content=raw, auth=ADMIN)
    assert error_of(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_unknown_settings_and_nulls_change_nothing(client: TestClient, rows: Rows) -> None:
    before = shown(client)
    answer = change(
        client,
        email_identity="mail.example.com",
        scan_all_policy={"type": "daily"},
        pull_time_update_disable=True,
        read_only=None,
        auth_mode=None,
    )
    assert answer.status_code == 200
    assert shown(client) == before
    assert rows("SELECT name FROM configuration") == []


@pytest.mark.parametrize(
    ("name", "other", "default"),
    [
        ("ldap_group_membership_attribute", "groups", "memberof"),
        ("oidc_extra_redirect_parms", '{"a":"b"}', "{}"),
        ("banner_message", '{"message":"x"}', ""),
        ("oidc_endpoint", "https://id.example.com", ""),
    ],
)
def test_the_empty_text_brings_the_default_back(
    client: TestClient, name: str, other: str, default: str
) -> None:
    assert change(client, **{name: other}).status_code == 200
    assert value_of(client, name) == other
    assert change(client, **{name: ""}).status_code == 200
    assert value_of(client, name) == default


def test_the_mode_may_change_and_the_former_one_goes_on_where_there_are_users(
    client: TestClient,
) -> None:
    assert change(client, auth_mode="ldap_auth").status_code == 200
    assert change(client, auth_mode="db_auth").status_code == 200
    assert value_of(client, "auth_sources") == ""
    make_user(client, "ann")
    assert shown(client)["auth_mode"] == {"value": "db_auth", "editable": True}
    assert change(client, auth_mode="ldap_auth").status_code == 200
    assert change(client, auth_mode="oidc_auth").status_code == 200
    assert value_of(client, "auth_sources") == "ldap_auth"
    assert change(client, auth_mode="ldap_auth").status_code == 200
    assert value_of(client, "auth_sources") == "oidc_auth"
    # Whoever sends all settings back changes nothing.
    assert change(client, auth_mode="ldap_auth", session_timeout=62).status_code == 200
    assert value_of(client, "auth_sources") == "oidc_auth"
    assert change(client, auth_mode="db_auth", auth_sources="").status_code == 200
    assert value_of(client, "auth_sources") == ""
    assert error_of(change(client, auth_sources="local")) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_is_neither_told_nor_kept_readably(
    client: TestClient, rows: Rows, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    answer = change(client, **{name: "open sesame"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert name not in shown(client)
    assert "sesame" not in client.get(PLACE, auth=ADMIN).text
    kept = rows("SELECT * FROM configuration") + rows("SELECT * FROM audit_log_ext")
    assert name in str(kept)
    assert "sesame" not in str(kept)
    assert "sesame" not in caplog.text


def test_the_audit_log_goes_where_somebody_listens(client: TestClient, receiver: str) -> None:
    assert change(client, audit_log_forward_endpoint=receiver).status_code == 200
    assert value_of(client, "audit_log_forward_endpoint") == receiver


@pytest.mark.parametrize(
    "endpoint",
    [
        "nobody",
        "127.0.0.1",
        "127.0.0.1:",
        ":514",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:99999",
        "tcp://127.0.0.1:514",
        "a b:514",
        "::1:514",
        "no-such-host.invalid:514",
        f"{'x' * 300}:514",
        "é" * 70 + ":514",
    ],
)
def test_an_address_where_nobody_is_is_refused(client: TestClient, endpoint: str) -> None:
    answer = change(client, audit_log_forward_endpoint=endpoint)
    assert error_of(answer) == (400, "BAD_REQUEST")
    assert "audit_log_forward_endpoint" in message_of(answer)
    assert value_of(client, "audit_log_forward_endpoint") == ""


def test_a_closed_port_is_refused(client: TestClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = change(client, audit_log_forward_endpoint=f"127.0.0.1:{port}")
    assert error_of(answer) == (400, "BAD_REQUEST")


def test_the_audit_log_is_always_somewhere(client: TestClient, receiver: str) -> None:
    refused = change(client, skip_audit_log_database=True)
    assert error_of(refused) == (400, "BAD_REQUEST")
    assert "skip_audit_log_database" in message_of(refused)
    together = change(client, skip_audit_log_database=True, audit_log_forward_endpoint=receiver)
    assert together.status_code == 200
    refused = change(client, audit_log_forward_endpoint="")
    assert error_of(refused) == (400, "BAD_REQUEST")
    assert value_of(client, "audit_log_forward_endpoint") == receiver
    back = change(client, skip_audit_log_database=False, audit_log_forward_endpoint="")
    assert back.status_code == 200


def test_who_changed_which_settings_is_in_the_audit_log(client: TestClient, rows: Rows) -> None:
    change(client, session_timeout=61, read_only=False)
    change(client, session_timeout=0)
    lines = rows(
        "SELECT username, operation, resource_type, resource, operation_result "
        "FROM audit_log_ext ORDER BY id"
    )
    assert [tuple(line) for line in lines] == [
        ("admin", "update", "configuration", "read_only, session_timeout", True),
        ("admin", "update", "configuration", "configuration", False),
    ]


def test_all_settings_at_once_fit_into_a_line_of_the_audit_log(
    client: TestClient, rows: Rows
) -> None:
    told = {name: item["value"] for name, item in shown(client).items() if "value" in item}
    told |= {name: "filled" for name in BY_API if told.get(name) == ""}
    told["auth_sources"] = "ldap_auth"
    del told["audit_log_forward_endpoint"], told["banner_message"]
    told["oidc_endpoint"] = "https://id.example.org"
    told["workload_issuers"] = "https://ci.example.org"
    assert change(client, **told).status_code == 200
    [(resource,)] = rows("SELECT resource FROM audit_log_ext")
    assert 900 < len(resource) <= 1024


def test_settings_can_be_changed_in_read_only_mode(client: TestClient) -> None:
    assert change(client, read_only=True).status_code == 200
    assert change(client, session_timeout=61).status_code == 200
    assert change(client, read_only=False).status_code == 200
    assert value_of(client, "session_timeout") == 61


def test_the_internal_configuration_is_told_to_nobody(client: TestClient) -> None:
    place = f"{API}/internalconfig"
    assert error_of(client.get(place)) == (401, "UNAUTHORIZED")
    assert error_of(client.get(place, auth=ADMIN)) == (403, "FORBIDDEN")


def test_what_the_environment_says_cannot_be_changed(start: Callable[..., TestClient]) -> None:
    before = start()
    assert change(before, session_timeout=61, oidc_name="stored").status_code == 200
    client = start(config_overwrite_json='{"session_timeout": 77, "read_only": "false"}')
    told = shown(client)
    policy = told.pop("scan_all_policy")
    assert policy == {"type": "none"}
    assert not any(item["editable"] for item in told.values())
    assert told["session_timeout"]["value"] == 77
    assert told["oidc_name"]["value"] == "stored"
    answer = change(client, token_expiration=31)
    assert error_of(answer) == (403, "FORBIDDEN")
    assert message_of(answer) == (
        "current config is init by env variable: CONFIG_OVERWRITE_JSON, it cannot be updated"
    )
    assert value_of(client, "token_expiration") == 30
    assert value_of(before, "session_timeout") == 61
