"""What may be asked, and by whom: the tags of an artifact."""

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import catalogue, deletion, repositories, tags
from harbor.artifacts.service.history import Act
from harbor.core.api import Audit, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, NotFound, Precondition
from harbor.core.oci import Reference, shown
from harbor.core.security import project

routes = Routes(prefix="/api/v2.0", tag="artifact")
ALL = "/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags"


@routes.on("GET", ALL, allow=project("tag", "list"), fails=(BadRequest, NotFound))
async def list_tags(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: schemas.TagQuery,
) -> Page[schemas.Tag]:
    """List the tags of an artifact."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    known = await catalogue.find(ctx.session, place, reference)
    return Page(*await tags.search(ctx.session, known.id, query))


@routes.on(
    "POST",
    ALL,
    allow=project("tag", "create"),
    status=201,
    fails=(NotFound, Conflict),
    audit=Audit("create", "tag", "{project_name}/{repository_name}:{body.name}"),
)
async def create_tag(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    body: schemas.TagReq,
) -> None:
    """Give an artifact one more tag."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    await repositories.hold(ctx.session, place)
    known = await catalogue.find(ctx.session, place, reference)
    act = Act(place, "create", ctx.principal.name)
    await tags.create(ctx.session, known, body.name, act)


@routes.on(
    "DELETE",
    f"{ALL}/{{tag_name}}",
    allow=project("tag", "delete"),
    fails=(NotFound, Precondition),
    audit=Audit("delete", "tag", "{project_name}/{repository_name}:{tag_name}"),
)
async def delete_tag(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    tag_name: str,
) -> None:
    """Take a tag off an artifact, which stays."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    await repositories.hold(ctx.session, place)
    known = await catalogue.find(ctx.session, place, reference)
    if not await tags.is_attached(ctx.session, known, tag_name):
        raise NotFound(f"tag {shown(tag_name)} is not attached to the artifact {known.digest}")
    act = Act(place, "delete", ctx.principal.name)
    await deletion.remove_tag(ctx.session, act, tag_name)
