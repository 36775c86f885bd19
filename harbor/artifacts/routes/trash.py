"""What may be asked, and by whom: what was deleted and can be restored."""

from harbor.artifacts import schemas
from harbor.artifacts.service import purging, restoring, trash
from harbor.artifacts.service.pushing import enforced
from harbor.artifacts.service.restoring import Asked
from harbor.core.api import Audit, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Denied, NotFound, Precondition
from harbor.core.query import Listing
from harbor.core.quick import SessionPen
from harbor.core.security import project
from harbor.core.wire import Id

routes = Routes(prefix="/api/v2.0", tag="trash")
ALL = "/projects/{project_name}/trash"
ONE = f"{ALL}/{{trash_id}}"
RESTORE, DELETE = project("repository", "push"), project("repository", "delete")
NAMED = "{project_name}/trash/{trash_id}"


@routes.on("GET", ALL, allow=RESTORE, fails=(BadRequest, NotFound))
async def list_trash(ctx: Ctx, project_name: str, query: Listing) -> Page[schemas.TrashEntry]:
    """List what was deleted in a project and can be restored."""
    return Page(*await trash.search(ctx.session, ctx.principal, ctx.known_project_id, query))


@routes.on(
    "POST",
    f"{ONE}/restore",
    allow=RESTORE,
    fails=(NotFound, Denied, Precondition),
    audit=Audit("restore", "artifact", NAMED),
)
async def restore_trash(ctx: Ctx, project_name: str, trash_id: Id) -> schemas.Restored:
    """Restore what one deletion took: artifacts, tags, labels and accessories."""
    await trash.chosen(ctx, ctx.session, [trash_id], RESTORE)
    asked = Asked(ctx.known_project_id, [trash_id], ctx.principal.name, restoring.refusing(ctx))
    pen = SessionPen(ctx.session)
    (restored,) = await restoring.restore(pen, asked, enforced=await enforced(ctx))
    at = f"@{restored.digest}" if restored.digest else ""
    ctx.subject = f"{restored.repository_name}{at}"
    return restored


@routes.on(
    "DELETE",
    ONE,
    allow=DELETE,
    fails=(NotFound,),
    stream=True,
    audit=Audit("delete", "trash", NAMED),
)
async def delete_trash(ctx: Ctx, project_name: str, trash_id: Id) -> None:
    """Delete for good what one deletion took."""
    async with ctx.writing() as session:
        await trash.chosen(ctx, session, [trash_id], DELETE)
        purged = await purging.purge(session, ctx.known_project_id, [trash_id])
    await purged.finish(ctx.db, ctx.store)


@routes.on(
    "DELETE",
    ALL,
    allow=DELETE,
    fails=(NotFound,),
    stream=True,
    audit=Audit("delete", "trash", "{project_name}/trash"),
)
async def empty_trash(ctx: Ctx, project_name: str) -> None:
    """Delete for good all that is in the trash of a project."""
    await trash.require_all(ctx, DELETE)
    await purging.empty(ctx.db, ctx.store, ctx.known_project_id)
    async with ctx.writing():
        pass  # nothing but the audit line is left to write
