"""What is done: find what is called by a former name, for as long as nothing else has it.

Only what was not found elsewhere is looked for here. A row of ``RepositoryRedirect`` says that no
repository has that name now: whoever makes one deletes the row.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Repository, RepositoryRedirect
from harbor.artifacts.schemas import Place
from harbor.core.api import Ctx
from harbor.core.errors import Denied, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.core.quick import Pen, Quick
from harbor.core.security import project
from harbor.projects.events import ProjectDeleted
from harbor.projects.models import Project, ProjectRedirect
from harbor.projects.service import redirects as projects

PULL = project("repository", "pull")
Refuse = Callable[[Place], Awaitable[None]]  # raises, if the caller may know of the place
_now = select(Repository.project_id, Repository.name).join(
    RepositoryRedirect, RepositoryRedirect.repository_id == Repository.repository_id
)
INSIDE = _now.where(
    RepositoryRedirect.project_id == bindparam("project_id"),
    RepositoryRedirect.name == bindparam("name"),
)
BY_NAMES = _now.join(Project, Project.project_id == RepositoryRedirect.project_id).where(
    Project.name == bindparam("project"), RepositoryRedirect.name == bindparam("name")
)
ENDED = (
    delete(RepositoryRedirect)
    .where(
        RepositoryRedirect.project_id == bindparam("project_id"),
        RepositoryRedirect.name == bindparam("name"),
    )
    .execution_options(synchronize_session=False)
)
# Of a deleted project nothing is left to be found but repositories that were moved out of it.
FORGOTTEN = (
    delete(ProjectRedirect)
    .where(
        ProjectRedirect.project_id == bindparam("project_id"),
        ~exists().where(RepositoryRedirect.project_id == bindparam("project_id")),
    )
    .execution_options(synchronize_session=False)
)


async def inside(quick: Quick, project_id: int, name: str) -> Place | None:
    """Where the repository is now that was once called *name* in that project."""
    if "\0" in name:  # PostgreSQL cannot even be asked
        return None
    rows = await quick.fetch(INSIDE, project_id=project_id, name=name)
    return Place(*rows[0]) if rows else None


async def find(quick: Quick, name: str, *, project_too: bool = True) -> Place | None:
    """Where the repository is now that was once called *name*, with its project; if the project
    was renamed, there may be no such repository in it. *project_too*: that may be the case.
    """
    if "\0" in name:
        return None
    project_name, _, own = name.partition("/")
    rows = await quick.fetch(BY_NAMES, project=project_name, name=own)
    if rows:
        return Place(*rows[0])
    renamed = await projects.find(quick, project_name) if project_too else None
    if renamed is None:
        return None
    moved = await inside(quick, renamed.project_id, own)
    if moved is not None or renamed.deleted:
        return moved
    return Place(renamed.project_id, f"{renamed.name}/{own}")


async def may_pull(ctx: Ctx, place: Place) -> bool:
    """Whether the caller may know that the repository is there."""
    return await ctx.wiring.may(ctx.principal, PULL, place.repository) is not None


async def refuse_push(ctx: Ctx, former: str, place: Place) -> None:
    """``Denied`` to who may pull from *place*, once called *former*; others hear nothing of it."""
    if await may_pull(ctx, place):
        raise Denied(
            Phrase(
                "%(former)s is called %(repository)s now; push to that name",
                former=former,
                repository=place.repository,
            )
        )


def refusing(ctx: Ctx, place: Place) -> Refuse:
    """What a push to *place* asks if that is a former name."""
    return partial(refuse_push, ctx, place.repository)


async def refuse_former(ctx: Ctx, place: Place) -> None:
    """The same at once, before anything is sent."""
    own = place.repository.partition("/")[2]
    moved = await inside(ctx.db.quick, place.project_id, own)
    if moved is not None:
        await refuse_push(ctx, place.repository, moved)


async def end(pen: Pen, project_id: int, name: str, refuse: Refuse) -> None:
    """Let *name* lead nowhere, for it is about to be a repository's; *refuse* may object."""
    rows = await pen.run(INSIDE, project_id=project_id, name=name)
    if rows:
        await refuse(Place(*rows[0]))
        await pen.run(ENDED, project_id=project_id, name=name)


async def names(session: AsyncSession, repository_id: int) -> Sequence[str]:
    """The former names of a repository, with their projects as these are called now; the newest
    first.
    """
    # A deleted project has no name but those that lead to it.
    former = select(ProjectRedirect.name).where(
        ProjectRedirect.project_id == RepositoryRedirect.project_id
    )
    newest = former.order_by(ProjectRedirect.creation_time.desc()).limit(1).scalar_subquery()
    wanted = (
        select(Project.name, Project.deleted, newest, RepositoryRedirect.name)
        .join(Project, Project.project_id == RepositoryRedirect.project_id)
        .where(RepositoryRedirect.repository_id == repository_id)
        .order_by(RepositoryRedirect.creation_time.desc(), RepositoryRedirect.name)
    )
    found = []
    for name, deleted, last, own in await session.execute(wanted):
        project_name = last if deleted else name
        if project_name is not None:
            found.append(f"{project_name}/{own}")
    return found


async def remove(session: AsyncSession, repository_id: int, former: str) -> None:
    """Let *former*, with its project, lead to the repository no longer; ``NotFound``."""
    project_name, _, own = former.partition("/")
    by_redirect = select(ProjectRedirect.project_id).where(ProjectRedirect.name == project_name)
    by_name = select(Project.project_id).where(Project.name == project_name)
    gone = await session.scalar(
        delete(RepositoryRedirect)
        .where(
            RepositoryRedirect.repository_id == repository_id,
            RepositoryRedirect.name == own,
            RepositoryRedirect.project_id.in_(by_name.union(by_redirect)),
        )
        .returning(RepositoryRedirect.name)
    )
    if gone is None:
        raise NotFound(
            Phrase("%(former)s is no former name of the repository", former=shown(former))
        )


async def forget(pen: Pen, event: ProjectDeleted) -> None:
    await pen.run(FORGOTTEN, project_id=event.project_id)
