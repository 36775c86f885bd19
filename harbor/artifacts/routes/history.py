"""What may be asked, and by whom: what tags meant before, and how long they stay."""

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import expiry, history, rollback
from harbor.core.api import Audit, Ctx, Page, Routes
from harbor.core.errors import BadRequest, NotFound, Precondition
from harbor.core.query import Listing
from harbor.core.security import project

routes = Routes(prefix="/api/v2.0", tag="artifact")
ONE = "/projects/{project_name}/repositories/{repository_name}/tags/{tag_name}"
NAMED = "{project_name}/{repository_name}:{tag_name}"


@routes.on("GET", f"{ONE}/history", allow=project("tag", "list"), fails=(BadRequest, NotFound))
async def list_tag_history(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, tag_name: str, query: Listing
) -> Page[schemas.TagMove]:
    """List what a tag has meant, the newest first, also after it was removed."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    return Page(*await history.search(ctx.session, place, tag_name, query))


@routes.on(
    "POST",
    f"{ONE}/rollback",
    allow=project("tag", "create"),
    fails=(BadRequest, NotFound, Precondition),
    audit=Audit("update", "tag", NAMED),
)
async def roll_back_tag(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    tag_name: str,
    body: schemas.RollbackReq,
) -> schemas.RolledBack:
    """Let a tag mean again what it meant before."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    by = ctx.principal.name
    digest = await rollback.roll_back(ctx.session, place, tag_name, body, by)
    return schemas.RolledBack(tag_name, digest)


@routes.on(
    "PUT",
    f"{ONE}/expiry",
    allow=project("tag", "delete"),
    fails=(BadRequest, NotFound, Precondition),
    audit=Audit("update", "tag", NAMED),
)
async def set_tag_expiry(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    tag_name: str,
    body: schemas.ExpiryReq,
) -> None:
    """Let a tag be removed at a moment, or stay; the artifact stays anyway."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    await expiry.set_expiry(ctx.session, place, tag_name, body.expires_at)
