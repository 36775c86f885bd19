"""What may be asked, and by whom: the metadata of a project, key by key."""

from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.security import project
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.service import metadata

routes = Routes(prefix="/api/v2.0", tag="projectMetadata")
ALL = "/projects/{project_name_or_id}/metadatas"  # with or without a slash at its end
ONE = f"{ALL}/{{meta_name}}"
CHANGED = Audit("update", "project", "{project_name_or_id}")


@routes.on("GET", ALL, allow=project("metadata", "list"), fails=(NotFound,))
async def list_project_metadatas(ctx: Ctx, project_name_or_id: str) -> dict[str, str]:
    """Show all metadata of a project."""
    project_id = ctx.known_project_id
    return (await metadata.of(ctx.session, [project_id]))[project_id]


@routes.on(
    "POST",
    ALL,
    allow=project("metadata", "create"),
    fails=(NotFound, Conflict),
    audit=CHANGED,
)
async def add_project_metadatas(
    ctx: Ctx, project_name_or_id: str, body: schemas.MetadataPair
) -> None:
    """Give a project a key that it has not."""
    await metadata.add(ctx.session, await held(ctx), body)


@routes.on("GET", ONE, allow=project("metadata", "read"), fails=(NotFound,))
async def get_project_metadata(
    ctx: Ctx, project_name_or_id: str, meta_name: schemas.Name
) -> dict[str, str]:
    """Show one key and its value."""
    found = await metadata.get(ctx.session, ctx.known_project_id, meta_name)
    return {found.name: found.value}


@routes.on("PUT", ONE, allow=project("metadata", "update"), fails=(NotFound,), audit=CHANGED)
async def update_project_metadata(
    ctx: Ctx, project_name_or_id: str, meta_name: schemas.Name, body: schemas.MetadataPair
) -> None:
    """Give a key another value."""
    await metadata.change(ctx.session, await held(ctx), meta_name, body)


@routes.on(
    "DELETE",
    ONE,
    allow=project("metadata", "delete"),
    fails=(NotFound, BadRequest),
    audit=CHANGED,
)
async def delete_project_metadata(
    ctx: Ctx, project_name_or_id: str, meta_name: schemas.Name
) -> None:
    """Take a key away, so that its default holds again."""
    await metadata.remove(ctx.session, await held(ctx), meta_name)


async def held(ctx: Ctx) -> int:
    """The id of the project in the path, which nobody else changes meanwhile."""
    found = await projects.hold(ctx.session, ctx.known_project_id)
    ctx.subject = found.name
    return found.project_id
