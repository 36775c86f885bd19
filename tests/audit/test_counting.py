"""Lines are counted by what they say, exactly, whoever wrote them and however many at once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from harbor.app import Building, prepare
from harbor.audit.service.trail import columns, write
from harbor.core import clock
from harbor.core.api import AuditLine
from harbor.core.quick import Pen, Quick
from harbor.core.security import Principal
from harbor.core.settings import Settings
from tests.conftest import Start, running
from tests.make import ADMIN, API, bearer, make_project, make_user, push_image
from tests.quotas.test_migration import downgrade
from tests.registry.servers import Rows, flush

Quickly = Callable[[Callable[[Quick], Awaitable[Any]]], Any]
SAID = "project_id, operation, operation_result, resource_type, resource, username"
COUNTED = f"""
SELECT {SAID}, COUNT(*), MIN(tally_id), MAX(tally_id) FROM audit_log_ext GROUP BY {SAID}"""
TALLIES = f"SELECT {SAID}, lines, id, id FROM audit_tally"
LINE = AuditLine(Principal(name="ann"), "pull", "artifact", "team/app:1.0", True, 7)


def counts(rows: Rows) -> list[Any]:
    """What is counted, which is what there is."""
    tallies = sorted(rows(TALLIES), key=str)
    assert tallies == sorted(rows(COUNTED), key=str)
    return [row[6] for row in tallies]


def do_much(client: TestClient) -> None:
    make_project(client, "team", public=True)
    make_user(client, "ann")
    push_image(client, "team/app")
    push_image(client, "team/app")
    for login in (ADMIN, None):
        headers = bearer(client, login, "repository:team/app:pull")
        for _ in range(3):
            assert client.get("/v2/team/app/manifests/1.0", headers=headers).status_code == 200
    flush(client)
    for _ in range(2):
        again = client.post(f"{API}/projects", json={"project_name": "team"}, auth=ADMIN)
        assert again.status_code == 409


def test_whatever_is_written_is_counted(client: TestClient, rows: Rows) -> None:
    do_much(client)
    assert sorted(counts(rows)) == [1, 1, 2, 2, 3, 3]


def test_a_thousand_at_once_are_counted(quickly: Quickly, rows: Rows) -> None:
    async def work(pen: Pen) -> None:
        for times in (2_500, 1, 999):
            await write(pen, columns(LINE), clock.now(), times)

    quickly(lambda quick: quick.write(work))
    assert counts(rows) == [3_500]


def test_nothing_is_counted_that_was_taken_back(quickly: Quickly, rows: Rows) -> None:
    async def work(pen: Pen) -> None:
        await write(pen, columns(LINE), clock.now(), 5)
        raise LookupError

    async def failing(quick: Quick) -> None:
        await quick.write(lambda pen: write(pen, columns(LINE), clock.now()))
        try:
            await quick.write(work)
        except LookupError:
            return

    quickly(failing)
    assert counts(rows) == [1]


def test_many_who_write_the_like_at_once_are_all_counted(quickly: Quickly, rows: Rows) -> None:
    others = [
        AuditLine(Principal(name=f"user{i}"), "pull", "artifact", "team/app", True, 7)
        for i in range(3)
    ]

    async def work(pen: Pen) -> None:
        for line in others:
            await write(pen, columns(line), clock.now())

    async def all_at_once(quick: Quick) -> None:
        await asyncio.gather(*(quick.write(work) for _ in range(20)))

    quickly(all_at_once)
    assert counts(rows) == [20, 20, 20]


def test_lines_of_older_versions_are_counted(start: Start, settings: Settings, rows: Rows) -> None:
    # This server is stopped before its tables change under it.
    with contextmanager(running)() as begin:
        client = begin(Building(settings))
        do_much(client)
        before = client.get(f"{API}/auditlog-exts", auth=ADMIN).json()
    downgrade(settings, "0001")
    asyncio.run(prepare(settings))
    assert sorted(counts(rows)) == [1, 1, 2, 2, 3, 3]
    client = start()
    assert client.get(f"{API}/auditlog-exts", auth=ADMIN).json() == before
    push_image(client, "team/app")
    assert sorted(counts(rows)) == [1, 1, 2, 3, 3, 3]
