"""What is done: know former names of projects, for as long as nobody else has them."""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import clock
from harbor.core.errors import NotFound
from harbor.core.oci import shown
from harbor.core.quick import Quick
from harbor.projects.models import Project, ProjectRedirect


class Renamed(Struct, frozen=True):
    """What a former name leads to."""

    project_id: int
    name: str  # as it is now
    deleted: bool


NOW = (
    select(Project.project_id, Project.name, Project.deleted)
    .join(ProjectRedirect, ProjectRedirect.project_id == Project.project_id)
    .where(ProjectRedirect.name == bindparam("name"))
)


async def find(quick: Quick, name: str) -> Renamed | None:
    """The project that was once called *name*, if no other one is."""
    if "\0" in name:  # PostgreSQL cannot even be asked
        return None
    rows = await quick.fetch(NOW, name=name)
    return Renamed(*rows[0]) if rows else None


async def names(session: AsyncSession, project_id: int) -> Sequence[str]:
    """The former names of a project that still lead to it, the newest first."""
    wanted = select(ProjectRedirect.name).where(ProjectRedirect.project_id == project_id)
    newest = wanted.order_by(ProjectRedirect.creation_time.desc(), ProjectRedirect.name)
    return (await session.scalars(newest)).all()


async def add(session: AsyncSession, name: str, project_id: int) -> None:
    """Let *name*, which the project has just given up, lead to it."""
    row = {"name": name, "project_id": project_id, "creation_time": clock.now()}
    await session.execute(insert(ProjectRedirect).values(row))


async def end(session: AsyncSession, name: str) -> None:
    """Let *name* lead nowhere: it is the name of a project now."""
    await session.execute(delete(ProjectRedirect).where(ProjectRedirect.name == name))


async def remove(session: AsyncSession, project_id: int, name: str) -> None:
    """Let *name* lead to the project no longer; ``NotFound`` if it does not."""
    gone = await session.scalar(
        delete(ProjectRedirect)
        .where(ProjectRedirect.name == name, ProjectRedirect.project_id == project_id)
        .returning(ProjectRedirect.name)
    )
    if gone is None:
        raise NotFound(f"{shown(name)} is no former name of the project")
