"""What may be asked, and by whom: repositories."""

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import deletion, repositories, trash
from harbor.core.api import Audit, Ctx, Page, Routes
from harbor.core.errors import BadRequest, NotFound, Precondition
from harbor.core.query import Listing
from harbor.core.security import anyone, project

routes = Routes(prefix="/api/v2.0", tag="repository")
ALL = "/projects/{project_name}/repositories"
ONE = f"{ALL}/{{repository_name}}"
NAMED = "{project_name}/{repository_name}"


@routes.on("GET", "/repositories", allow=anyone, fails=(BadRequest,))
async def list_all_repositories(ctx: Ctx, query: Listing) -> Page[schemas.Repository]:
    """List the repositories in all projects that the caller may see."""
    return Page(*await repositories.visible(ctx.session, ctx.principal, query))


@routes.on("GET", ALL, allow=project("repository", "list"), fails=(BadRequest, NotFound))
async def list_repositories(
    ctx: Ctx, project_name: str, query: Listing
) -> Page[schemas.Repository]:
    """List the repositories of a project."""
    found = await repositories.of_project(ctx.session, ctx.principal, ctx.known_project_id, query)
    return Page(*found)


@routes.on("GET", ONE, allow=project("repository", "read"), fails=(NotFound,))
async def get_repository(
    ctx: Ctx, project_name: str, repository_name: RepositoryName
) -> schemas.Repository:
    """Show one repository."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    return await repositories.see(ctx.session, place)


@routes.on(
    "PUT",
    ONE,
    allow=project("repository", "update"),
    fails=(NotFound,),
    audit=Audit("update", "repository", NAMED),
)
async def update_repository(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, body: schemas.RepositoryReq
) -> None:
    """Change the description of a repository."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    await repositories.describe(ctx.session, place, body.description or "")


@routes.on(
    "DELETE",
    ONE,
    allow=project("repository", "delete"),
    fails=(NotFound, Precondition),
    audit=Audit("delete", "repository", NAMED),
)
async def delete_repository(ctx: Ctx, project_name: str, repository_name: RepositoryName) -> None:
    """Delete a repository with all its artifacts."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    await repositories.find(ctx.session, place)
    await deletion.remove_repository(ctx.session, place, await trash.terms(ctx))
