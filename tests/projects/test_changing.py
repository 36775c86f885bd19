from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.make import ADMIN, API, make_project
from tests.projects.conftest import error, message

Rows = Callable[[str], list[Any]]


def put(client: TestClient, project: str, auth: Any = ADMIN, **body: Any) -> Any:
    return client.put(project, json=body, auth=auth)


def metadata_of(client: TestClient, project: str) -> Any:
    return client.get(project, auth=ADMIN).json()["metadata"]


def test_metadata_is_merged_key_by_key(client: TestClient, team: str) -> None:
    assert put(client, team, metadata={"auto_scan": "1", "severity": "High"}).status_code == 200
    answer = put(client, team, metadata={"public": "true", "severity": "low"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert metadata_of(client, team) == {"public": "true", "auto_scan": "true", "severity": "low"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": None, "cve_allowlist": None, "public": None, "project_name": None},
        {"metadata": {}},
        {"metadata": {"public": None, "auto_scan": None, "severity": ""}},
        {"public": True, "storage_limit": 5, "registry_id": 7},
        {"project_name": "OTHER", "unheard_of": 1},
        {"metadata": {"proxy_speed_kb": "7", "proxy_cache_filter_kind": "regex"}},
    ],
)
def test_what_is_not_told_or_cannot_be_changed_stays(
    client: TestClient, team: str, body: dict[str, Any]
) -> None:
    put(client, team, metadata={"auto_scan": "true"})
    before = client.get(team, auth=ADMIN).json()
    assert put(client, team, **body).status_code == 200
    after = client.get(team, auth=ADMIN).json()
    assert after | {"update_time": ""} == before | {"update_time": ""}
    assert after["update_time"] >= before["update_time"]


def test_a_project_becomes_public_and_private_at_once(client: TestClient, team: str) -> None:
    put(client, team, metadata={"public": "true"})
    assert client.get(team).status_code == 200
    put(client, team, metadata={"public": "false"})
    assert client.get(team).status_code == 401


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"public": "maybe"}, "metadata.public should only be 'true' or 'false'"),
        ({"public": "1"}, "metadata.public should only be 'true' or 'false'"),
        ({"prevent_vul": "maybe"}, "invalid value: maybe"),
        ({"severity": "terrible"}, "invalid value: terrible"),
        ({"retention_id": "4"}, "retention_id"),
    ],
)
def test_metadata_that_means_nothing_changes_nothing(
    client: TestClient, team: str, metadata: dict[str, str], words: str
) -> None:
    answer = put(client, team, metadata={"auto_scan": "true"} | metadata)
    assert error(answer) == (400, "BAD_REQUEST")
    assert words in message(answer)
    assert metadata_of(client, team) == {"public": "false"}


def test_the_id_of_a_retention_policy_may_be_repeated(
    client: TestClient, team: str, execute: Callable[[str], None]
) -> None:
    execute(
        "INSERT INTO project_metadata (project_id, name, value, creation_time, update_time)"
        " VALUES (2, 'retention_id', '4', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
    )
    assert put(client, team, metadata={"retention_id": "4"}).status_code == 200
    assert put(client, team, metadata={"retention_id": ""}).status_code == 200
    assert put(client, team, metadata={"retention_id": None}).status_code == 200
    assert put(client, team, metadata={"retention_id": "5"}).status_code == 400
    assert metadata_of(client, team)["retention_id"] == "4"


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": []},
        {"metadata": {"public": True}},
        {"metadata": {"severity": "x" * 4097}},
        {"cve_allowlist": 5},
        {"cve_allowlist": {"items": [{"cve_id": "x" * 256}]}},
        {"cve_allowlist": {"items": [{"cve_id": f"CVE-{i}"} for i in range(10_001)]}},
        {"cve_allowlist": {"expires_at": -1}},
        {"cve_allowlist": {"expires_at": 2**53}},
        {"cve_allowlist": {"project_id": 2**31}},
        {"project_name": "x" * 256},
        {"storage_limit": "much"},
    ],
)
def test_a_body_of_another_shape_is_refused(
    client: TestClient, team: str, body: dict[str, Any]
) -> None:
    assert error(put(client, team, **body)) == (422, "UNPROCESSABLE_ENTITY")


@pytest.mark.parametrize(("raw", "status"), [(b"{", 400), (b"null", 422), (b"[]", 422), (b"", 400)])
def test_what_is_no_json_object_is_refused(
    client: TestClient, team: str, raw: bytes, status: int
) -> None:
    assert client.put(team, content=raw, auth=ADMIN).status_code == status


def test_the_allowlist_is_replaced(client: TestClient, team: str) -> None:
    items = [{"cve_id": "CVE-2024-2"}, {"cve_id": "CVE-2024-1"}]
    put(client, team, cve_allowlist={"expires_at": 1893456000, "items": items, "project_id": 2})
    shown = client.get(team, auth=ADMIN).json()["cve_allowlist"]
    assert (shown["items"], shown["expires_at"]) == (items, 1893456000)
    assert put(client, team, cve_allowlist=shown).status_code == 200
    assert client.get(team, auth=ADMIN).json()["cve_allowlist"]["items"] == items
    put(client, team, metadata={"reuse_sys_cve_allowlist": "false"})
    assert client.get(team, auth=ADMIN).json()["cve_allowlist"]["items"] == items
    put(client, team, cve_allowlist={"project_id": 0, "items": [], "expires_at": None})
    emptied = client.get(team, auth=ADMIN).json()["cve_allowlist"]
    assert emptied["items"] == []
    assert "expires_at" not in emptied


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (["CVE-1", "CVE-2", "CVE-1"], "duplicate CVE ID in allowlist: CVE-1"),
        (["CVE-1", " CVE-1"], "duplicate CVE ID in allowlist: CVE-1"),
        (["CVE-1", ""], "empty or whitespace-only CVE ID in allowlist"),
        (["CVE-1", " \t"], "empty or whitespace-only CVE ID in allowlist"),
        ([None], "empty or whitespace-only CVE ID in allowlist"),
    ],
)
def test_blanks_and_duplicates_change_nothing(
    client: TestClient, team: str, items: list[str | None], words: str
) -> None:
    answer = put(
        client,
        team,
        metadata={"public": "true"},
        cve_allowlist={"items": [{"cve_id": each} for each in items]},
    )
    assert error(answer) == (400, "BAD_REQUEST")
    assert message(answer) == words
    shown = client.get(team, auth=ADMIN).json()
    assert (shown["cve_allowlist"]["items"], shown["metadata"]) == ([], {"public": "false"})


def test_the_allowlist_of_another_project_is_refused(client: TestClient, team: str) -> None:
    answer = put(client, team, cve_allowlist={"project_id": 1, "items": [{"cve_id": "CVE-1"}]})
    assert error(answer) == (400, "BAD_REQUEST")
    assert message(answer) == "project_id in cve_allowlist must be 2 but it's 1"
    library = client.get(f"{API}/projects/library").json()
    assert library["cve_allowlist"]["items"] == []


def test_project_admins_change_their_project(
    client: TestClient, team: str, people: dict[str, Any]
) -> None:
    make_project(client, "other")
    other = f"{API}/projects/other"

    def may(who: str, project: str) -> int:
        answer = put(client, project, auth=people[who], metadata={"severity": "low"})
        return int(answer.status_code)

    assert [may(who, team) for who in ("nobody", "stranger", "dev", "mia")] == [401, 403, 403, 403]
    assert [may(who, team) for who in ("pam", "admin")] == [200, 200]
    # A role in one project is none in another.
    assert may("pam", other) == 403


def test_a_project_that_is_not_there_is_not_changed(client: TestClient) -> None:
    assert error(put(client, f"{API}/projects/nothing")) == (404, "NOT_FOUND")
    assert error(put(client, f"{API}/projects/99")) == (404, "NOT_FOUND")


def test_changes_are_audited_by_name(client: TestClient, team: str, rows: Rows) -> None:
    put(client, f"{API}/projects/2", metadata={"severity": "low"})
    put(client, team, metadata={"severity": "terrible"})
    found = rows(
        "SELECT operation, resource, operation_result, project_id FROM audit_log_ext"
        " WHERE operation = 'update' ORDER BY id"
    )
    assert [(*row[:2], bool(row[2]), row[3]) for row in found] == [
        ("update", "team", True, 2),
        ("update", "team", False, 2),
    ]
