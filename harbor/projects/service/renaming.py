"""What is done: give a project another name. Its id stays, and all that goes by that."""

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from harbor.core import clock
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.projects.events import ProjectRenamed
from harbor.projects.models import Project
from harbor.projects.service import redirects
from harbor.projects.service.projects import find, is_name, name_of


async def rename(ctx: Ctx, project_id: int, name: str) -> str:
    """Call the project *name* from now on; return what it was called.

    ``BadRequest`` if a project or one of its repositories cannot be called so, ``Conflict`` if the
    name is taken.
    """
    if not is_name(name):
        raise BadRequest(Phrase("project name is not in lower case or contains illegal characters"))
    session = ctx.session
    old = await name_of(session, project_id)
    if old is None:
        raise NotFound(Phrase("project %(project)s not found", project=project_id))
    if old == name:
        raise BadRequest(Phrase("the project is called %(name)s already", name=name))
    await refuse_taken(ctx, name)
    renamed = ProjectRenamed(project_id, old, name)
    await ctx.tell(renamed)
    try:
        done = await session.scalar(
            update(Project)
            .where(
                Project.project_id == project_id, Project.name == old, Project.deleted.is_(False)
            )
            .values(name=name, update_time=clock.now())
            .returning(Project.project_id)
        )
    except IntegrityError as error:
        raise taken(name) from error
    if done is None:
        raise Conflict(Phrase("the project %(old)s was changed meanwhile; try again", old=old))
    # What was pushed to new repositories since the first time.
    await ctx.tell(renamed)
    await redirects.end(session, name)
    await redirects.add(session, old, project_id)
    return old


async def refuse_taken(ctx: Ctx, name: str) -> None:
    try:
        await find(ctx.session, name)
    except NotFound:
        return
    raise taken(name)


def taken(name: str) -> Conflict:
    return Conflict(Phrase("The project named %(name)s already exists", name=name))
