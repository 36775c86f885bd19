"""Rules about robots while robots go: none is left about one that has nothing there."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.testclient import TestClient

from harbor.core.security import Principal
from harbor.core.settings import Settings
from harbor.projects.schemas import RepositoryRuleReq, RuleSubject
from harbor.projects.service import rules
from harbor.projects.service.rules import Writer
from harbor.robots import service as robots
from harbor.robots.schemas import Access, RobotPermission, RobotReq
from tests.conftest import opened
from tests.make import ADMIN, API, make_project, make_robot

PULL = ["repository:pull"]
ROOT = Principal("admin", user_id=1, is_admin=True)
BY = Writer(ROOT, "robot$")
SOON_S = 0.3  # in which a transaction that need not wait is long over


async def remove(session: AsyncSession, robot_id: int) -> None:
    await robots.remove(session, await robots.get(session, robot_id, hold=True))


async def take(session: AsyncSession, robot_id: int) -> None:
    """Leave the robot what it has in another project."""
    found = await robots.get(session, robot_id, hold=True)
    left = RobotPermission("project", "other", [Access("repository", "pull")])
    wanted = RobotReq("robot$wide", level="system", permissions=[left])
    await robots.change(session, found, wanted, who=ROOT, prefix=BY.prefix)


@pytest.mark.parametrize("end", [remove, take])
def test_a_rule_that_is_being_written_goes_with_its_robot(
    client: TestClient, settings: Settings, end: Callable[[AsyncSession, int], Awaitable[None]]
) -> None:
    project_id = make_project(client, "team")
    make_project(client, "other")
    make_robot(client, "wide", {"team": PULL, "other": PULL}, level="system")
    (robot,) = client.get(f"{API}/robots", auth=ADMIN).json()
    wanted = RepositoryRuleReq(RuleSubject("robot", id=robot["id"]), "app", 2)

    async def race() -> bool:
        """Whether the second transaction waited for the first."""
        async with opened(settings.database) as db:

            async def ending() -> None:
                async with db.writing() as session:
                    await end(session, robot["id"])

            async with db.writing() as session:
                await rules.create(session, project_id, wanted, BY)
                second = asyncio.create_task(ending())
                done, _ = await asyncio.wait([second], timeout=SOON_S)
            await second
        return not done

    assert asyncio.run(race())
    told = client.get(f"{API}/projects/{project_id}/repositoryrules", auth=ADMIN)
    assert told.json() == []
