import asyncio
from typing import Any

from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.testclient import TestClient

from harbor.core import migrations
from tests.conftest import Start, opened
from tests.make import ADMIN, API

OLD = """
INSERT INTO project (project_id, name, owner_id, deleted, creation_time, update_time)
VALUES (7, 'old', 1, false, '2026-01-01 00:00:00', '2026-01-01 00:00:00')
"""


def test_projects_of_the_first_release_get_their_allowlists(
    database_url: str, start: Start
) -> None:
    def back(connection: Connection) -> None:
        command.downgrade(migrations.config(connection), "0001")

    async def upgrade(session: AsyncSession) -> None:
        await (await session.connection()).run_sync(back)
        await session.execute(text(OLD))
        await migrations.upgrade(session)

    async def run() -> None:
        async with opened(database_url) as db, db.writing() as session:
            await upgrade(session)

    asyncio.run(run())
    client = start()
    for name in ("old", "library"):
        assert allowlist(client, f"{API}/projects/{name}", {"cve_allowlist": ITEMS}) == ITEMS
    system = f"{API}/system/CVEAllowlist"
    assert client.put(system, json=ITEMS, auth=ADMIN).status_code == 200
    assert client.get(system, auth=ADMIN).json()["items"] == ITEMS["items"]


ITEMS = {"items": [{"cve_id": "CVE-1"}]}


def allowlist(client: TestClient, project: str, body: Any) -> Any:
    """The list of a project after a change."""
    assert client.put(project, json=body, auth=ADMIN).status_code == 200
    return {"items": client.get(project, auth=ADMIN).json()["cve_allowlist"]["items"]}
