"""What may be asked, and by whom: what else is in an artifact."""

from starlette.responses import Response

from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import additions, catalogue
from harbor.core import wire
from harbor.core.api import Ctx, Routes
from harbor.core.errors import BadRequest, NotFound, TooLarge
from harbor.core.oci import Reference
from harbor.core.security import project

routes = Routes(prefix="/api/v2.0", tag="artifact")
ALL = "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions"
READ = project("artifact-addition", "read")
# What was pushed is shown as it is, but never as a page of ours.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@routes.on("GET", f"{ALL}/vulnerabilities", allow=READ, fails=(NotFound,))
async def get_vulnerabilities_addition(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, reference: Reference
) -> Response:
    """Show the reports of scanners by their media types; without a report an empty object."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    await catalogue.find(ctx.session, place, reference)
    return Response(b"{}", media_type=wire.JSON)


@routes.on(
    "GET", f"{ALL}/{{addition}}", allow=READ, fails=(BadRequest, NotFound, TooLarge), stream=True
)
async def get_addition(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    addition: str,
) -> Response:
    """Show what else is in an artifact: its history, a document, its files."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    async with ctx.db.reading() as session:
        stored = await catalogue.stored(session, place, reference)
    found = await additions.read(ctx.store, stored, addition)
    return Response(found.content, media_type=found.media_type, headers=HEADERS)
