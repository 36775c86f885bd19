"""What is done: make a repository, with the first push to its name."""

from sqlalchemy import bindparam, select

from harbor.artifacts.models import Repository
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import redirects
from harbor.core import clock
from harbor.core.errors import NameUnknown
from harbor.core.quick import Pen, put_new
from harbor.projects.models import Project

MADE = put_new(
    Repository,
    "project_id",
    "name",
    "description",
    "pull_count",
    "artifact_count",
    "creation_time",
    "update_time",
)
# Until the commit the project keeps its name.
CALLED = (
    select(Project.name)
    .where(Project.project_id == bindparam("project_id"))
    .with_for_update(read=True, key_share=True)
)


async def require_name(pen: Pen, place: Place) -> None:
    """``NameUnknown`` if the project was renamed after the caller was let in."""
    project_name = place.repository.partition("/")[0]
    if await pen.run(CALLED, project_id=place.project_id) != [(project_name,)]:
        raise NameUnknown(f"project {project_name} not found")


async def make(pen: Pen, place: Place, refuse: redirects.Refuse) -> None:
    """A repository at *place*, if there is none; *refuse* is asked if it is a former name."""
    await require_name(pen, place)
    await redirects.end(pen, place.project_id, place.repository.partition("/")[2], refuse)
    now = clock.now()
    await pen.run(
        MADE,
        project_id=place.project_id,
        name=place.repository,
        description="",
        pull_count=0,
        artifact_count=0,
        creation_time=now,
        update_time=now,
    )
