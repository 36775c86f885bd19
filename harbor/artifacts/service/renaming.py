"""What is done: let the names of repositories follow that of their project.

A few statements for however many repositories. Rows that are no part of the project by their
name, left by a push that was let in under an older one, stay as they are: nobody reads them.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, String, bindparam, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from harbor.artifacts.models import (
    ReleasedBlob,
    Repository,
    RepositoryBlob,
    TagMove,
    Trash,
    Upload,
)
from harbor.core.errors import BadRequest
from harbor.core.i18n import Phrase
from harbor.core.oci import MAX_NAME
from harbor.core.quick import Pen
from harbor.core.quick.statements import Plain
from harbor.projects.events import ProjectRenamed

Named = Repository | RepositoryBlob | ReleasedBlob | Upload | Trash | TagMove
AFTER_SLASH = "0"  # the sign after the slash, where names are sorted by their bytes
PROJECT_ID = bindparam("in_project", type_=Integer)
GROWN = bindparam("grown", type_=Integer)  # characters


def own(
    table: type[Named],
    name: InstrumentedAttribute[str],
) -> tuple[ColumnElement[bool], ...]:
    """The rows of the project with a name that begins with the project's, as conditions."""
    return (
        table.project_id == PROJECT_ID,
        name > bindparam("first", type_=String),
        name < bindparam("end", type_=String),
    )


def renamed(
    table: type[Named],
    name: InstrumentedAttribute[str],
    **kept: Any,
) -> Plain:
    new = bindparam("new", type_=String).concat(
        func.substr(name, bindparam("after", type_=Integer), type_=String)
    )
    return (
        update(table)
        .where(*own(table, name), func.length(name) + GROWN <= MAX_NAME)
        .values({name: new, **kept})
        .execution_options(synchronize_session=False)
    )


TOO_LONG = (
    select(Repository.name)
    .where(*own(Repository, Repository.name), func.length(Repository.name) + GROWN > MAX_NAME)
    .order_by(Repository.name)
    .limit(1)
)
# The older repository first, as everybody holds several.
HELD = select(func.count()).select_from(
    select(Repository.repository_id)
    .where(Repository.project_id == PROJECT_ID)
    .order_by(Repository.repository_id)
    .with_for_update()
    .subquery()
)
# In the order in which everybody takes locks.
FOLLOWING = (
    renamed(Repository, Repository.name, update_time=Repository.update_time),
    renamed(Upload, Upload.repository),
    renamed(RepositoryBlob, RepositoryBlob.repository),
    renamed(ReleasedBlob, ReleasedBlob.repository),
    renamed(Trash, Trash.repository),
    renamed(TagMove, TagMove.repository),
)


async def follow(pen: Pen, event: ProjectRenamed) -> None:
    """Give all that is in a project its new name; ``BadRequest`` if one gets too long."""
    here = {
        "in_project": event.project_id,
        "first": f"{event.old}/",
        "end": f"{event.old}{AFTER_SLASH}",
        "grown": len(event.new) - len(event.old),
    }
    for (name,) in await pen.run(TOO_LONG, **here):
        raise BadRequest(
            Phrase(
                "the name of the repository %(name)s would have more than %(most)s characters",
                name=name,
                most=MAX_NAME,
            )
        )
    await pen.run(HELD, in_project=event.project_id)
    for statement in FOLLOWING:
        await pen.run(statement, **here, new=event.new, after=len(event.old) + 1)
