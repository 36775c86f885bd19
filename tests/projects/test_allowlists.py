import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.projects.service import allowlists
from tests.conftest import opened
from tests.make import ADMIN, API, make_user
from tests.projects.conftest import error, message

Rows = Callable[[str], list[Any]]
SYSTEM = f"{API}/system/CVEAllowlist"


def put(client: TestClient, *cve_ids: str | None, auth: Any = ADMIN, **more: Any) -> Any:
    items = [{"cve_id": cve_id} for cve_id in cve_ids]
    return client.put(SYSTEM, json={"items": items} | more, auth=auth)


def shown(client: TestClient) -> Any:
    return client.get(SYSTEM, auth=ADMIN).json()


def test_the_list_of_the_registry_is_empty_at_first(client: TestClient) -> None:
    found = shown(client)
    assert (found["project_id"], found["items"]) == (0, [])
    assert found.keys() == {"id", "project_id", "items", "creation_time", "update_time"}


def test_the_list_is_replaced(client: TestClient) -> None:
    before = shown(client)
    answer = put(client, "CVE-2024-2", " GHSA-1 ", expires_at=1893456000)
    assert (answer.status_code, answer.content) == (200, b"")
    found = shown(client)
    assert found["items"] == [{"cve_id": "CVE-2024-2"}, {"cve_id": "GHSA-1"}]
    assert found["expires_at"] == 1893456000
    assert found["id"] == before["id"]
    assert found["update_time"] > before["update_time"]
    assert put(client, "CVE-2024-3", project_id=7).status_code == 200
    found = shown(client)
    assert found["items"] == [{"cve_id": "CVE-2024-3"}]
    assert "expires_at" not in found


@pytest.mark.parametrize("body", [{}, {"items": None, "expires_at": None, "id": 7}, {"items": []}])
def test_a_list_of_nothing_empties_it(client: TestClient, body: dict[str, Any]) -> None:
    put(client, "CVE-1", expires_at=1893456000)
    assert client.put(SYSTEM, json=body, auth=ADMIN).status_code == 200
    found = shown(client)
    assert found["items"] == []
    assert "expires_at" not in found


@pytest.mark.parametrize(
    ("cve_ids", "words"),
    [
        (["CVE-1", "CVE-2", "CVE-2"], "duplicate CVE ID in allowlist: CVE-2"),
        (["CVE-1", "CVE-1 "], "duplicate CVE ID in allowlist: CVE-1"),
        ([""], "empty or whitespace-only CVE ID in allowlist"),
        (["  "], "empty or whitespace-only CVE ID in allowlist"),
        ([None], "empty or whitespace-only CVE ID in allowlist"),
    ],
)
def test_blanks_and_duplicates_are_refused(
    client: TestClient, cve_ids: list[str | None], words: str
) -> None:
    put(client, "CVE-0")
    answer = put(client, *cve_ids)
    assert error(answer) == (400, "BAD_REQUEST")
    assert message(answer) == words
    assert shown(client)["items"] == [{"cve_id": "CVE-0"}]


@pytest.mark.parametrize(
    "body",
    [
        {"items": ["CVE-1"]},
        {"items": {}},
        {"items": [{"cve_id": 5}]},
        {"items": [{"cve_id": "x" * 256}]},
        {"expires_at": "tomorrow"},
        {"expires_at": -1},
        {"expires_at": 2**53},
        [],
    ],
)
def test_a_body_of_another_shape_is_refused(client: TestClient, body: Any) -> None:
    assert error(client.put(SYSTEM, json=body, auth=ADMIN)) == (422, "UNPROCESSABLE_ENTITY")


def test_anybody_who_signs_in_reads_it_and_administrators_change_it(client: TestClient) -> None:
    ann = make_user(client, "ann")
    assert error(client.get(SYSTEM)) == (401, "UNAUTHORIZED")
    assert client.get(SYSTEM, auth=ann).status_code == 200
    assert error(put(client, "CVE-1", auth=None)) == (401, "UNAUTHORIZED")
    assert error(put(client, "CVE-1", auth=ann)) == (403, "FORBIDDEN")
    assert shown(client)["items"] == []


def test_changes_are_audited(client: TestClient, rows: Rows) -> None:
    put(client, "CVE-1")
    put(client, "")
    found = rows(
        "SELECT operation, resource_type, resource, operation_result FROM audit_log_ext ORDER BY id"
    )
    assert [(*row[:3], bool(row[3])) for row in found] == [
        ("update", "configuration", "CVEAllowlist", True),
        ("update", "configuration", "CVEAllowlist", False),
    ]


class TestInForce:
    """Which list counts in a project."""

    @pytest.fixture
    def in_force(
        self, client: TestClient, team: str, database_url: str
    ) -> Callable[..., frozenset[str]]:
        def given(reuse: str | None, *, ours: int | None, everywhere: int | None) -> frozenset[str]:
            put(client, "CVE-EVERYWHERE", expires_at=everywhere)
            own = {"items": [{"cve_id": "CVE-OURS"}], "expires_at": ours}
            body = {"metadata": {"reuse_sys_cve_allowlist": reuse}, "cve_allowlist": own}
            assert client.put(team, json=body, auth=ADMIN).status_code == 200

            async def ask() -> frozenset[str]:
                async with opened(database_url) as db, db.reading() as session:
                    return await allowlists.in_force(session, 2)

            return asyncio.run(ask())

        return given

    @pytest.mark.parametrize("reuse", [None, "true"])
    def test_a_project_follows_the_registry_until_it_is_told_not_to(
        self, in_force: Callable[..., frozenset[str]], reuse: str | None
    ) -> None:
        assert in_force(reuse, ours=None, everywhere=None) == {"CVE-EVERYWHERE"}

    def test_a_project_may_have_a_list_of_its_own(
        self, in_force: Callable[..., frozenset[str]]
    ) -> None:
        assert in_force("false", ours=None, everywhere=None) == {"CVE-OURS"}

    def test_an_expired_list_counts_for_nothing(
        self, in_force: Callable[..., frozenset[str]]
    ) -> None:
        now = int(time.time())
        assert in_force("false", ours=now - 10, everywhere=None) == frozenset()
        assert in_force("false", ours=now + 1000, everywhere=now - 10) == {"CVE-OURS"}
        assert in_force("true", ours=now + 1000, everywhere=now - 10) == frozenset()
