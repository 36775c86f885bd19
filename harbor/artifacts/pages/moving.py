"""What is shown: the dialog that gives a repository another name or project, and former names."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.artifacts.schemas import MoveReq, RepositoryName
from harbor.artifacts.service import addresses, header, moving, redirects
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
from harbor.core.ui import Confirm

routes = Routes(prefix="/harbor", tag="repositoryPages", pages=True)
INFO = "/projects/{project_name_or_id}/repositories/{repository_name}/info-tab"
MOVE = f"{INFO}/move"
END = f"{INFO}/former-names/end"
Name = Annotated[str, Meta(max_length=255)]


@dataclass(frozen=True, slots=True)
class Moving:
    """The form of another place."""

    action: str
    project: str
    name: str


class MoveForm(Struct):
    project: Name = ""
    name: Name = ""


class FormerName(Struct):
    name: Annotated[str, Meta(max_length=511)] = ""  # with its project


@routes.on("GET", MOVE, allow=project("repository", "delete"), fails=(NotFound,))
async def ask_to_move_repository(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName
) -> View:
    """Show the form of another name or project."""
    head = await header.of(ctx, repository_name)
    return View("artifacts/move.html", Moving(f"{head.info}/move", head.project_name, head.name))


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
    wanted = MoveReq(form.project.strip(), form.name.strip())
    try:
        target = await moving.move(ctx, source, wanted)
    except HarborError as error:
        error.field = field_of(error)
        raise
    said = _("The repository is called %(name)s now.") % {"name": target.repository}
    path = addresses.of_repository(target.project_id, target.repository)
    return ui.done(ctx.request, path, said)


def field_of(error: HarborError) -> str:
    """Where in the form the fault is."""
    match error:
        case Forbidden() | NotFound() | Denied():
            return "project"
        case NameInvalid() | Conflict() | BadRequest():
            return "name"
    return ""


@routes.on("GET", END, allow=project("repository", "delete"), fails=(NotFound,))
async def ask_to_end_former_repository_name(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: FormerName
) -> View:
    """Ask before a former name leads nowhere."""
    head = await header.of(ctx, repository_name)
    if query.name not in await redirects.names(ctx.session, head.repository.id):
        raise NotFound(f"{query.name} is no former name of the repository")
    asked = Confirm(
        title=_("End a former name"),
        action=f"{head.info}/former-names/end",
        submit=_("End"),
        text=_("Clients that still pull by this name will find nothing."),
        names=[query.name],
        fields=[("name", query.name)],
    )
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
    said = _("%(name)s leads here no longer.") % {"name": form.name}
    return ui.done(ctx.request, head.info, said)
