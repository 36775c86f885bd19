"""What an older version kept is listed as if it were new."""

import asyncio

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import migrations
from tests.artifacts.rest import artifact, digests, get, repository
from tests.conftest import Start, opened
from tests.make import ADMIN, push_image, push_index, push_referrer


def test_types_and_lists_are_made_up_for(database_url: str, start: Start) -> None:
    repo = "library/app"
    first = start()
    child, tagged = push_image(first, repo, "child"), push_image(first, repo, "tagged")
    index = push_index(first, repo, "multi", child, tagged)
    push_referrer(first, repo, index, "application/spdx+json")
    first.delete(f"/v2/{repo}/manifests/child", auth=ADMIN)
    shown = digests(first, repo)
    assert shown == [index.digest, tagged.digest]

    def back(connection: Connection) -> None:
        command.downgrade(migrations.config(connection), "0002")

    async def again(session: AsyncSession) -> None:
        await (await session.connection()).run_sync(back)
        await migrations.upgrade(session)

    async def run() -> None:
        async with opened(database_url) as db, db.writing() as session:
            await again(session)

    asyncio.run(run())
    second = start()
    assert digests(second, repo) == shown
    assert {get(second, artifact(repo, each))["type"] for each in shown} == {"IMAGE"}
    assert get(second, repository(repo))["artifact_count"] == len(shown)
