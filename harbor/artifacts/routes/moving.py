"""What may be asked, and by whom: another name or project for a repository, and its former ones."""

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import moving, redirects, repositories
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import (
    BadRequest,
    Conflict,
    Denied,
    Forbidden,
    NameInvalid,
    NotFound,
    Precondition,
)
from harbor.core.security import project

routes = Routes(prefix="/api/v2.0", tag="repository")
ONE = "/projects/{project_name}/repositories/{repository_name}"
NAMES = f"{ONE}/redirects"


@routes.on(
    "POST",
    f"{ONE}/move",
    allow=project("repository", "delete"),
    fails=(NotFound, Conflict, BadRequest, NameInvalid, Forbidden, Denied, Precondition),
    audit=Audit("update", "repository", "{project_name}/{repository_name}"),
)
async def move_repository(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, body: schemas.MoveReq
) -> schemas.Repository:
    """Give a repository another name, in its project or in another one; no bytes move."""
    source = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    target = await moving.move(ctx, source, body)
    return await repositories.see(ctx.session, target)


@routes.on("GET", NAMES, allow=project("repository", "read"), fails=(NotFound,))
async def list_repository_redirects(
    ctx: Ctx, project_name: str, repository_name: RepositoryName
) -> list[schemas.FormerName]:
    """List the former names by which a repository can still be pulled."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    repository_id = await repositories.find(ctx.session, place)
    return [schemas.FormerName(name) for name in await redirects.names(ctx.session, repository_id)]


@routes.on(
    "DELETE",
    f"{NAMES}/{{former_name}}",
    allow=project("repository", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "repository", "redirect {former_name}"),
)
async def delete_repository_redirect(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, former_name: RepositoryName
) -> None:
    """Let a former name, with its project, lead to the repository no longer."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    repository_id = await repositories.find(ctx.session, place)
    await redirects.remove(ctx.session, repository_id, former_name)
