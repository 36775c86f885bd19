"""What may be asked, and by whom: another name for a project, and its former ones."""

from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.security import project
from harbor.projects import schemas
from harbor.projects.service import redirects, renaming

routes = Routes(prefix="/api/v2.0", tag="project")
ONE = "/projects/{project_name_or_id}"
NAMES = f"{ONE}/redirects"


@routes.on(
    "POST",
    f"{ONE}/rename",
    allow=project("project", "update"),
    fails=(NotFound, Conflict, BadRequest),
    audit=Audit("update", "project", "{project_name_or_id} -> {body.name}"),
)
async def rename_project(ctx: Ctx, project_name_or_id: str, body: schemas.RenameReq) -> None:
    """Give a project another name; pulls by the old one go on."""
    old = await renaming.rename(ctx, ctx.known_project_id, body.name)
    ctx.subject = f"{old} -> {body.name}"


@routes.on("GET", NAMES, allow=project("configuration", "read"), fails=(NotFound,))
async def list_project_redirects(ctx: Ctx, project_name_or_id: str) -> list[schemas.FormerName]:
    """List the former names by which the project can still be pulled from."""
    found = await redirects.names(ctx.session, ctx.known_project_id)
    return [schemas.FormerName(name) for name in found]


@routes.on(
    "DELETE",
    f"{NAMES}/{{former_name}}",
    allow=project("project", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "project", "redirect {former_name}"),
)
async def delete_project_redirect(ctx: Ctx, project_name_or_id: str, former_name: str) -> None:
    """Let a former name lead to the project no longer."""
    await redirects.remove(ctx.session, ctx.known_project_id, former_name)
