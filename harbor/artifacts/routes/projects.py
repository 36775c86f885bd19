"""What may be asked, and by whom: the artifacts of a project."""

from harbor.artifacts import schemas
from harbor.artifacts.service import catalogue
from harbor.core.api import Ctx, Page, Routes
from harbor.core.errors import BadRequest, NotFound
from harbor.core.security import project

routes = Routes(prefix="/api/v2.0", tag="project")


@routes.on(
    "GET",
    "/projects/{project_name_or_id}/artifacts",
    allow=project("artifact", "list"),
    fails=(BadRequest, NotFound),
)
async def list_artifacts_of_project(
    ctx: Ctx, project_name_or_id: str, query: schemas.ProjectArtifactQuery
) -> Page[schemas.Artifact]:
    """List the artifacts in all repositories of a project, or the newest of each."""
    found = await catalogue.of_project(
        ctx.session,
        ctx.principal,
        ctx.known_project_id,
        query,
        latest=query.latest_in_repository,
    )
    return Page(*found)
