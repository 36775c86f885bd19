"""What is shown: the dialog that gives a project another name, and the end of former ones."""

from collections.abc import Sequence

from msgspec import Struct
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects import schemas
from harbor.projects.pages.creation import check_name
from harbor.projects.service import former, header, name_of, redirects, renaming

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
ONE = "/projects/{project_name_or_id}"
RENAME = f"{ONE}/rename"
END = f"{ONE}/former-names/end"


class NewName(Struct, frozen=True):
    """The form of another name."""

    action: str
    name: str  # as it is
    former: Sequence[str]


class NewNameForm(Struct):
    name: schemas.Name = ""


class FormerName(Struct):
    name: schemas.Name = ""


@routes.on("GET", RENAME, allow=project("project", "update"), fails=(NotFound,))
async def ask_for_project_name(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the form of another name."""
    project_id = ctx.known_project_id
    name = await name_of(ctx.session, project_id)
    if name is None:
        raise NotFound(f"project {project_id} not found")
    known = await redirects.names(ctx.session, project_id)
    return View("projects/rename.html", NewName(f"{path(project_id)}/rename", name, known))


@routes.on(
    "POST",
    RENAME,
    allow=project("project", "update"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("update", "project", "{project_name_or_id} -> {form.name}"),
)
async def rename_project_here(ctx: Ctx, project_name_or_id: str, form: NewNameForm) -> Response:
    """Give the project the name of the form."""
    name, project_id = form.name.strip(), ctx.known_project_id
    with ui.at_field("name"):
        await check_name(ctx.session, name)
        old = await renaming.rename(ctx, project_id, name)
    ctx.subject = f"{old} -> {name}"
    return ui.done(ctx.request, settings(project_id), _("The project was renamed."))


@routes.on("GET", END, allow=project("project", "update"), fails=(NotFound,))
async def ask_to_end_former_name(ctx: Ctx, project_name_or_id: str, query: FormerName) -> View:
    """Ask before a former name leads nowhere."""
    if query.name not in await redirects.names(ctx.session, ctx.known_project_id):
        raise NotFound(f"{query.name} is no former name of the project")
    asked = former.asked(query.name, f"{path(ctx.known_project_id)}/former-names/end")
    return View("confirm.html", asked)


@routes.on(
    "POST",
    END,
    allow=project("project", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "project", "redirect {form.name}"),
)
async def end_former_name(ctx: Ctx, project_name_or_id: str, form: FormerName) -> Response:
    """Let a former name lead to the project no longer."""
    await redirects.remove(ctx.session, ctx.known_project_id, form.name)
    return ui.done(ctx.request, settings(ctx.known_project_id), former.ended(form.name))


def path(project_id: int) -> str:
    return header.path_of(project_id)


def settings(project_id: int) -> str:
    return f"{path(project_id)}/configs"
