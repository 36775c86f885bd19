"""What is shown: the dialog that makes a project."""

import re
from typing import Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Conflict, Forbidden, HarborError, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import signed_in
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.events import ProjectCreated
from harbor.projects.service import header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
UNITS = {"MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}  # bytes
NONE = "none"  # the unit of no limit
NUMBER = re.compile("0*[1-9][0-9]{0,14}")


class NewProject(Struct, frozen=True):
    """The empty form; a limit may be set by administrators only."""

    may_limit: bool
    usual_limit: int  # in bytes, of a new project for which none is told; -1 for none


class NameCheck(Struct, frozen=True):
    """What is wrong with the name so far; "" if nothing is."""

    wrong: str


class NameQuery(Struct):
    project_name: schemas.Name = ""


class NewProjectForm(Struct):
    """What the dialog sends."""

    project_name: schemas.Name = ""
    access: Literal["private", "public"] = "private"
    storage: schemas.Name = ""  # a number, or nothing for what every new project gets
    storage_unit: Literal["MiB", "GiB", "TiB", "none"] = "GiB"


@routes.on("GET", "/projects/new", allow=signed_in, fails=(Forbidden,))
async def new_project(ctx: Ctx) -> View:
    """Show the form of a new project."""
    values = await allowed(ctx)
    may_limit = ctx.principal.is_admin and values.quota_per_project_enable
    return View("projects/new.html", NewProject(may_limit, values.storage_per_project))


@routes.on("GET", "/projects/new/check", allow=signed_in, fails=(Forbidden,))
async def check_project_name(ctx: Ctx, query: NameQuery) -> View:
    """Say below the field what is wrong with the name, while it is typed."""
    await allowed(ctx)
    name = query.project_name
    wrong = ""
    if name:
        try:
            await check_name(ctx.session, name)
        except HarborError as error:
            wrong = error.told
    return View("projects/name_check.html", NameCheck(wrong))


@routes.on(
    "POST",
    "/projects/new",
    allow=signed_in,
    fails=(Forbidden, BadRequest, Conflict),
    audit=Audit("create", "project", "{form.project_name}"),
)
async def create_project_here(ctx: Ctx, form: NewProjectForm) -> Response:
    """Create a project from the form, and go to it."""
    values = await allowed(ctx)
    is_admin = ctx.principal.is_admin
    with ui.at_field("project_name"):
        await check_name(ctx.session, form.project_name)
    with ui.at_field("storage"):
        limit = projects.storage_limit(limit_of(form), values, is_admin=is_admin)
    with ui.at_field("project_name"):
        created = await projects.create(
            ctx.session,
            name=form.project_name,
            owner_id=ctx.principal.known_id,
            metadata={"public": str(form.access == "public").lower()},
        )
    ctx.project_id = created.project_id
    await ctx.tell(ProjectCreated(created.project_id, limit))
    path = header.path_of(created.project_id)
    return ui.done(ctx.request, path, _("The project was created."))


async def allowed(ctx: Ctx) -> Values:
    """The settings; ``Forbidden`` if they do not let the caller create projects."""
    values = await ctx.the(Configuration).current()
    projects.check_creator(values, is_admin=ctx.principal.is_admin)
    return values


async def check_name(session: AsyncSession, name: str) -> None:
    """Say in the reader's words what is wrong with the name of a new project."""
    if not projects.is_name(name):
        raise BadRequest(
            _("Small letters and digits; single dots, dashes and underscores only between them.")
        )
    try:
        await projects.find(session, name)
    except NotFound:
        return
    raise Conflict(_("There is a project of that name already."))


def limit_of(form: NewProjectForm) -> int | None:
    """The wanted limit in bytes; ``None`` for whatever a new project gets."""
    if form.storage_unit == NONE:
        return projects.UNLIMITED
    text = form.storage.strip()
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise BadRequest(_("Enter a whole number that is larger than 0."))
    nbytes = int(text) * UNITS[form.storage_unit]
    if nbytes > projects.MAX_STORAGE:
        raise BadRequest(_("More than 1024 TiB cannot be set."))
    return nbytes
