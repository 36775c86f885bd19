"""What no client asks for: the rows that must be there."""

import asyncio

from sqlalchemy import delete, select
from starlette.testclient import TestClient

from harbor.core.db import Database
from harbor.quotas import service as quotas
from harbor.quotas.models import Quota
from tests.conftest import opened
from tests.make import push_image
from tests.quotas.storage import make_limited, used


async def seed(db: Database) -> None:
    async with db.writing() as session:
        await quotas.seed(session)


def test_a_project_that_lacks_a_quota_gets_one_when_the_server_starts(
    client: TestClient, database_url: str
) -> None:
    project = make_limited(client)
    push_image(client, f"{project}/app")
    before = used(client, project)

    async def lose_and_seed() -> None:
        async with opened(database_url) as db, db.writing() as session:
            await session.execute(delete(Quota))
        async with opened(database_url) as one, opened(database_url) as two:
            await asyncio.gather(seed(one), seed(two))

    asyncio.run(lose_and_seed())
    assert used(client, project) == before
    assert used(client, "library") == 0


def test_who_has_a_quota_keeps_it(client: TestClient, database_url: str) -> None:
    project = make_limited(client, 10**6)

    async def seed_again() -> list[int]:
        async with opened(database_url) as db:
            await seed(db)
            async with db.reading() as session:
                return list(await session.scalars(select(Quota.hard).order_by(Quota.id)))

    assert asyncio.run(seed_again()) == [-1, 10**6]
    assert used(client, project) == 0
