"""What is shown: the dialog that gives a repository another name or project, and former names."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.artifacts.schemas import MoveReq, RepositoryName
from harbor.artifacts.service import addresses, header, moving, redirects, targets
from harbor.artifacts.service.targets import Name, Target
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import (
    BadRequest,
    Conflict,
    Denied,
    Forbidden,
    HarborError,
    NameInvalid,
    NotFound,
    Precondition,
)
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects.service import former

routes = Routes(prefix="/harbor", tag="repositoryPages", pages=True)
INFO = "/projects/{project_name_or_id}/repositories/{repository_name}/info-tab"
MOVE = f"{INFO}/move"
END = f"{INFO}/former-names/end"


class Moving(Struct, frozen=True):
    """The form of another place."""

    action: str
    target: Target


class Typed(Struct):
    """What somebody types into the field of the project."""

    project: Name = ""


class MoveForm(Struct):
    project: Name = ""
    repository: Name = ""


class FormerName(Struct):
    name: Annotated[str, Meta(max_length=511)] = ""  # with its project


@routes.on("GET", MOVE, allow=project("repository", "delete"), fails=(NotFound,))
async def ask_to_move_repository(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Typed
) -> View:
    """Show the form of another name or project; offer the projects with what is typed."""
    head = await header.of(ctx, repository_name)
    path = f"{head.info}/move"
    asked = await targets.target(
        ctx, path, query.project, project=head.project_name, repository=head.name
    )
    return View("artifacts/move.html", Moving(path, asked))


@routes.on(
    "POST",
    MOVE,
    allow=project("repository", "delete"),
    fails=(NotFound, BadRequest, NameInvalid, Conflict, Forbidden, Denied, Precondition),
    audit=Audit("update", "repository", "{project_name_or_id}/{repository_name}"),
)
async def move_repository_here(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: MoveForm
) -> Response:
    """Give the repository the name and the project of the form."""
    source = await header.place_of(ctx, repository_name)
    here, _slash, own = source.repository.partition("/")
    chosen = form.project.strip() or here, form.repository.strip() or own
    ctx.subject = f"{source.repository} -> {'/'.join(chosen)}"
    with ui.at_field("repository"):
        if f"{chosen[0]}/{chosen[1]}" == source.repository:
            raise BadRequest(_("The repository is called that already."))
    await targets.place_of(ctx, *chosen)
    try:
        target = await moving.move(ctx, source, MoveReq(*chosen))
    except Conflict as error:
        with ui.at_field("repository"):
            raise Conflict(_("There is a repository of that name already.")) from error
    except HarborError as error:
        error.field = field_of(error)
        raise
    said = _("The repository is called %(name)s now.") % {"name": target.repository}
    path = addresses.of_repository(target.project_id, target.repository)
    return ui.done(ctx.request, path, said)


def field_of(error: HarborError) -> str:
    """Where in the form the fault is."""
    match error:
        case Denied():
            return "project"
        case NameInvalid():
            return "repository"
    return ""


@routes.on("GET", END, allow=project("repository", "delete"), fails=(NotFound,))
async def ask_to_end_former_repository_name(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: FormerName
) -> View:
    """Ask before a former name leads nowhere."""
    head = await header.of(ctx, repository_name)
    if query.name not in await redirects.names(ctx.session, head.repository.id):
        raise NotFound(f"{query.name} is no former name of the repository")
    asked = former.asked(query.name, f"{head.info}/former-names/end")
    return View("confirm.html", asked)


@routes.on(
    "POST",
    END,
    allow=project("repository", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "repository", "redirect {form.name}"),
)
async def end_former_repository_name(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: FormerName
) -> Response:
    """Let a former name lead to the repository no longer."""
    head = await header.of(ctx, repository_name)
    await redirects.remove(ctx.session, head.repository.id, form.name)
    return ui.done(ctx.request, head.info, former.ended(form.name))
