from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_project
from tests.projects.conftest import error, message

Rows = Callable[[str], list[Any]]
Execute = Callable[[str], None]


@pytest.fixture
def metadatas(team: str) -> str:
    return f"{team}/metadatas"


def add(client: TestClient, metadatas: str, auth: Any = ADMIN, **pair: Any) -> Any:
    return client.post(f"{metadatas}/", json=pair, auth=auth)


def everything(client: TestClient, metadatas: str) -> Any:
    return client.get(f"{metadatas}/", auth=ADMIN).json()


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("auto_scan", "true", "true"),
        ("auto_scan", "F", "false"),
        ("prevent_vul", "1", "true"),
        ("enable_content_trust", "TRUE", "true"),
        ("enable_content_trust_cosign", "t", "true"),
        ("auto_sbom_generation", "0", "false"),
        ("reuse_sys_cve_allowlist", "False", "false"),
        ("proxy_cache_local_on_not_found", "true", "true"),
        ("proxy_referrer_api", "true", "true"),
        ("severity", "CRITICAL", "critical"),
        ("severity", "negligible", "none"),
        ("proxy_speed_kb", "2147483647", "2147483647"),
        ("proxy_speed_kb", "0", "0"),
        ("proxy_speed_kb", "-1", "-1"),
        ("max_upstream_conn", "007", "7"),
        ("max_upstream_conn", "-1", "-1"),
    ],
)
def test_a_key_is_added_shown_and_taken_away(
    client: TestClient, metadatas: str, name: str, given: str, kept: str
) -> None:
    made = add(client, metadatas, **{name: given})
    assert (made.status_code, made.content) == (200, b"")
    one = f"{metadatas}/{name}"
    assert client.get(one, auth=ADMIN).json() == {name: kept}
    assert everything(client, metadatas) == {"public": "false", name: kept}
    gone = client.delete(one, auth=ADMIN)
    assert (gone.status_code, gone.content) == (200, b"")
    assert error(client.get(one, auth=ADMIN)) == (404, "NOT_FOUND")
    assert everything(client, metadatas) == {"public": "false"}


def test_a_slash_at_the_end_is_accepted_and_not_needed(client: TestClient, metadatas: str) -> None:
    for end in ("", "/"):
        assert client.get(metadatas + end, auth=ADMIN).json()["public"] == "false"
        answer = client.post(metadatas + end, json={"auto_scan": "true"}, auth=ADMIN)
        assert answer.status_code == 200
        one = f"{metadatas}/auto_scan{end}"
        assert client.put(one, json={"auto_scan": "false"}, auth=ADMIN).status_code == 200
        assert client.delete(one, auth=ADMIN).status_code == 200


def test_a_key_that_is_there_is_not_added_again(client: TestClient, metadatas: str) -> None:
    assert error(add(client, metadatas, public="true")) == (409, "CONFLICT")
    assert everything(client, metadatas) == {"public": "false"}


def test_a_value_is_changed(client: TestClient, team: str, metadatas: str) -> None:
    one = f"{metadatas}/public"
    assert client.put(one, json={"public": "1"}, auth=ADMIN).status_code == 200
    assert client.get(one, auth=ADMIN).json() == {"public": "true"}
    assert client.get(team).status_code == 200
    assert client.delete(one, auth=ADMIN).status_code == 200
    assert client.get(team).status_code == 401


def test_a_key_that_is_not_there_is_not_found(client: TestClient, metadatas: str) -> None:
    one = f"{metadatas}/auto_scan"
    assert error(client.get(one, auth=ADMIN)) == (404, "NOT_FOUND")
    assert error(client.put(one, json={"auto_scan": "true"}, auth=ADMIN)) == (404, "NOT_FOUND")
    assert error(client.delete(one, auth=ADMIN)) == (404, "NOT_FOUND")
    assert error(client.get(f"{metadatas}/unheard_of", auth=ADMIN)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ({}, "only allow one key/value pair"),
        ({"auto_scan": None}, "only allow one key/value pair"),
        ({"auto_scan": "true", "severity": "low"}, "only allow one key/value pair"),
        ({"colour": "red"}, "invalid key: colour"),
        ({"": "red"}, "invalid key: "),
        ({"retention_id": "4"}, "invalid key: retention_id"),
        ({"auto_scan": "yes"}, "invalid value: yes"),
        ({"auto_scan": ""}, "invalid value: "),
        ({"severity": "terrible"}, "invalid value: terrible"),
        ({"proxy_speed_kb": "-2"}, "invalid value: -2"),
        ({"proxy_speed_kb": "2147483648"}, "invalid value: 2147483648"),
        ({"proxy_speed_kb": "9" * 4000}, "invalid value: 999"),
        ({"proxy_speed_kb": "1.5"}, "invalid value: 1.5"),
        ({"proxy_speed_kb": "\u0661"}, "invalid value: "),
        ({"max_upstream_conn": "0"}, "invalid value: 0"),
        ({"max_upstream_conn": " 1"}, "invalid value:  1"),
        ({"proxy_cache_filter_pattern": "**"}, "only allowed in a proxy cache project"),
        ({"proxy_cache_filter_kind": "regex"}, "only allowed in a proxy cache project"),
    ],
)
def test_a_pair_that_means_nothing_is_refused(
    client: TestClient, metadatas: str, pair: dict[str, Any], words: str
) -> None:
    name = next(iter(pair), "auto_scan")
    for answer in (
        add(client, metadatas, **pair),
        client.put(f"{metadatas}/{name or 'x'}", json=pair, auth=ADMIN),
    ):
        assert error(answer) == (400, "BAD_REQUEST")
        assert words in message(answer)
    assert everything(client, metadatas) == {"public": "false"}


def test_the_pair_is_about_the_key_of_the_path(client: TestClient, metadatas: str) -> None:
    answer = client.put(f"{metadatas}/public", json={"severity": "low"}, auth=ADMIN)
    assert error(answer) == (400, "BAD_REQUEST")
    assert everything(client, metadatas) == {"public": "false"}


@pytest.mark.parametrize(
    "body", [{"auto_scan": True}, {"auto_scan": "x" * 4097}, {"x" * 256: "true"}, [], "true"]
)
def test_a_body_of_another_shape_is_refused(client: TestClient, metadatas: str, body: Any) -> None:
    for method, place in (("POST", f"{metadatas}/"), ("PUT", f"{metadatas}/auto_scan")):
        answer = client.request(method, place, json=body, auth=ADMIN)
        assert error(answer) == (422, "UNPROCESSABLE_ENTITY")


def test_a_key_of_the_path_has_a_limit(client: TestClient, metadatas: str) -> None:
    one = f"{metadatas}/{'x' * 256}"
    assert client.get(one, auth=ADMIN).status_code == 422
    assert client.delete(one, auth=ADMIN).status_code == 422


def keep(execute: Execute, name: str, value: str) -> None:
    execute(
        "INSERT INTO project_metadata (project_id, name, value, creation_time, update_time)"
        f" VALUES (2, '{name}', '{value}', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
    )


def test_the_retention_policy_is_not_forgotten_here(
    client: TestClient, metadatas: str, execute: Execute
) -> None:
    keep(execute, "retention_id", "4")
    one = f"{metadatas}/retention_id"
    assert client.get(one, auth=ADMIN).json() == {"retention_id": "4"}
    assert error(client.delete(one, auth=ADMIN)) == (400, "BAD_REQUEST")
    assert error(client.put(one, json={"retention_id": "5"}, auth=ADMIN)) == (400, "BAD_REQUEST")
    assert client.get(one, auth=ADMIN).json() == {"retention_id": "4"}


def test_the_kind_of_a_filter_goes_after_its_pattern(
    client: TestClient, metadatas: str, execute: Execute
) -> None:
    keep(execute, "proxy_cache_filter_pattern", "library/**")
    keep(execute, "proxy_cache_filter_kind", "doublestar")
    kind, pattern = (f"{metadatas}/proxy_cache_filter_{name}" for name in ("kind", "pattern"))
    assert error(client.delete(kind, auth=ADMIN)) == (400, "BAD_REQUEST")
    assert client.delete(pattern, auth=ADMIN).status_code == 200
    assert client.delete(kind, auth=ADMIN).status_code == 200


MAY = {
    "nobody": (401, 401, 401),
    "stranger": (403, 403, 403),
    "limited": (403, 403, 403),
    "guest": (403, 403, 403),
    "dev": (403, 403, 403),
    "mia": (403, 200, 403),
    "pam": (403, 200, 200),
    "admin": (200, 200, 200),
}


def test_only_administrators_list_metadata_and_maintainers_read_it(
    client: TestClient, metadatas: str, people: dict[str, Any]
) -> None:
    one = f"{metadatas}/auto_scan"
    for who, (listing, reading, changing) in MAY.items():
        login = people[who]
        assert client.get(f"{metadatas}/", auth=login).status_code == listing
        assert client.get(f"{metadatas}/public", auth=login).status_code == reading
        assert add(client, metadatas, auth=login, auto_scan="true").status_code == changing
        add(client, metadatas, auto_scan="true")
        assert client.put(one, json={"auto_scan": "false"}, auth=login).status_code == changing
        assert client.delete(one, auth=login).status_code == changing
        client.delete(one, auth=ADMIN)


def test_a_missing_project_is_not_found(
    client: TestClient, metadatas: str, people: dict[str, Any]
) -> None:
    make_project(client, "other")
    place = f"{API}/projects/nothing/metadatas"
    assert error(client.get(f"{place}/", auth=ADMIN)) == (404, "NOT_FOUND")
    assert error(add(client, place, auto_scan="true")) == (404, "NOT_FOUND")
    assert error(client.delete(f"{place}/public", auth=ADMIN)) == (404, "NOT_FOUND")
    assert add(client, place, auth=people["pam"], auto_scan="true").status_code == 403
    other = f"{API}/projects/other/metadatas"
    assert add(client, other, auth=people["pam"], auto_scan="true").status_code == 403


def test_changes_are_audited_as_changes_of_the_project(
    client: TestClient, metadatas: str, rows: Rows
) -> None:
    add(client, f"{API}/projects/2/metadatas", auto_scan="true")
    add(client, metadatas, auto_scan="true")
    client.put(f"{metadatas}/auto_scan", json={"auto_scan": "false"}, auth=ADMIN)
    client.delete(f"{metadatas}/auto_scan", auth=ADMIN)
    found = rows(
        "SELECT resource_type, resource, operation_result, project_id FROM audit_log_ext"
        " WHERE operation = 'update' ORDER BY id"
    )
    assert [(kind, name, bool(done), where) for kind, name, done, where in found] == [
        ("project", "team", True, 2),
        ("project", "team", False, 2),
        ("project", "team", True, 2),
        ("project", "team", True, 2),
    ]
