"""What is done: what all requests of one process share."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from harbor.charts.service.index import Index, Indexes
from harbor.core.db import Database
from harbor.core.security import Principal
from harbor.projects import service as projects
from harbor.projects.service.sight import ALL

T = TypeVar("T")
PULL = ("repository", "pull")
MAX_CHECKS = 2  # archives that are looked into at a time: each takes a processor


class Charts:
    def __init__(self, db: Database) -> None:
        self._db = db
        self.indexes = Indexes(db)
        self._checks = asyncio.Semaphore(MAX_CHECKS)

    async def index_of(self, who: Principal, project: str, project_id: int) -> Index:
        """The index of the charts in a project that *who* may see."""
        sight = ALL
        standing = await projects.standing(self._db.quick, project)
        if standing is not None and standing.has_rules:
            async with self._db.reading() as session:
                sight = await projects.sight_of(session, who, [project_id], PULL)
        return await self.indexes.of_project(project_id, sight)

    async def check(self, work: Callable[..., T], *given: object) -> T:
        """Do *work* on an archive in a thread, in its turn."""
        async with self._checks:
            return await asyncio.to_thread(work, *given)
