"""What is done: find the repositories that are pulled from most."""

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Repository
from harbor.artifacts.service import addresses
from harbor.projects.models import Project
from harbor.projects.service.standing import public

AMONG = 1_000  # the most pulled, public or not: nobody looks further for those that are public


class Popular(Struct, frozen=True):
    """A repository that everybody may pull from."""

    name: str
    project_id: int
    pull_count: int

    @property
    def path(self) -> str:
        """Where its page is."""
        return addresses.of_repository(self.project_id, self.name)


async def popular(session: AsyncSession, most: int) -> list[Popular]:
    """The public repositories with the most pulls, *most* of them; none without a pull.

    Strangers ask for this: it reads a part of an index, however many repositories there are.
    """
    pulled = (
        select(
            Repository.repository_id,
            Repository.name,
            Repository.project_id,
            Repository.pull_count,
        )
        .where(Repository.pull_count > 0)
        .order_by(Repository.pull_count.desc(), Repository.repository_id.desc())
        .limit(AMONG)
        .subquery()
    )
    wanted = (
        select(pulled.c.name, pulled.c.project_id, pulled.c.pull_count)
        .join(Project, Project.project_id == pulled.c.project_id)
        .where(Project.deleted.is_(False), public())
        .order_by(pulled.c.pull_count.desc(), pulled.c.repository_id.desc())
        .limit(most)
    )
    return [Popular(*row) for row in await session.execute(wanted)]
