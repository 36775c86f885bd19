"""What may be asked, and by whom: artifacts, their labels and accessories."""

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Known, Place, RepositoryName
from harbor.artifacts.service import (
    accessories,
    catalogue,
    copying,
    deletion,
    labelling,
    redirects,
    repositories,
    trash,
)
from harbor.configuration.service import Configuration
from harbor.core import oci
from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import (
    BadRequest,
    Conflict,
    Denied,
    NameInvalid,
    NotFound,
    Precondition,
    ReferencedByOthers,
)
from harbor.core.oci import Reference
from harbor.core.query import Listing
from harbor.core.quick import Pen
from harbor.core.security import project
from harbor.core.wire import Id

routes = Routes(prefix="/api/v2.0", tag="artifact")
ALL = "/projects/{project_name}/repositories/{repository_name}/artifacts"
ONE = f"{ALL}/{{reference}}"
READ = project("artifact", "read")
NAMED = "{project_name}/{repository_name}{reference.joined}"


@routes.on("GET", ALL, allow=project("artifact", "list"), fails=(BadRequest, NotFound))
async def list_artifacts(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, query: schemas.ArtifactQuery
) -> Page[schemas.Artifact]:
    """List the artifacts of a repository."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    return Page(*await catalogue.of_repository(ctx.session, place, query))


@routes.on(
    "POST",
    ALL,
    allow=project("artifact", "create"),
    status=201,
    fails=(BadRequest, NameInvalid, Denied, NotFound, Precondition),
    stream=True,
    audit=Audit("create", "artifact", "{project_name}/{repository_name}"),
    id="CopyArtifact",
)
async def copy_artifact(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, query: schemas.CopyQuery
) -> Created:
    """Copy an artifact from another repository, with all its tags and accessories."""
    name, reference = copying.parse_source(query.from_)
    target = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    oci.parse_name(target.repository)
    ctx.subject = f"{target.repository}{reference.joined}"
    # A source that the caller may not read is none.
    source_id = await ctx.wiring.may(ctx.principal, READ, name)
    source = Place(source_id or 0, name)
    if source_id is None:
        raise copying.missing(source, reference)
    enforced = (await ctx.the(Configuration).current()).quota_per_project_enable
    asked = copying.Asked(source, reference, target)
    refuse, by = redirects.refusing(ctx, target), ctx.principal.name

    async def rows(pen: Pen) -> None:
        await copying.copy(pen, asked, refuse, enforced=enforced, by=by)

    await ctx.write(rows)
    return Created(f"{ctx.request.url.path.rstrip('/')}/{reference}")


@routes.on("GET", ONE, allow=READ, fails=(NotFound,))
async def get_artifact(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: schemas.ArtifactQuery,
) -> schemas.Artifact:
    """Show one artifact."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    return await catalogue.see(ctx.session, place, reference, query)


@routes.on(
    "DELETE",
    ONE,
    allow=project("artifact", "delete"),
    fails=(NotFound, Precondition, ReferencedByOthers),
    audit=Audit("delete", "artifact", NAMED),
)
async def delete_artifact(
    ctx: Ctx, project_name: str, repository_name: RepositoryName, reference: Reference
) -> None:
    """Delete an artifact with its tags, its accessories, and what nothing else lists."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    known = await held(ctx, place, reference)
    ctx.subject = f"{place.repository}@{known.digest}"
    await deletion.remove(ctx.session, place, known.digest, await trash.terms(ctx))


@routes.on("GET", f"{ONE}/accessories", allow=project("accessory", "list"), fails=(NotFound,))
async def list_accessories(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: Listing,
) -> Page[schemas.Accessory]:
    """List what says something about an artifact: its signatures, its SBOMs."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    known = await catalogue.find(ctx.session, place, reference)
    return Page(*await accessories.search(ctx.session, known.id, query))


@routes.on(
    "POST",
    f"{ONE}/labels",
    allow=project("artifact-label", "create"),
    fails=(NotFound, Conflict),
    audit=Audit("create", "label", NAMED),
)
async def add_label(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    body: schemas.LabelToAdd,
) -> None:
    """Put a label on an artifact."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    known = await held(ctx, place, reference)
    await labelling.add(ctx.session, known, ctx.known_project_id, body.id)


@routes.on(
    "DELETE",
    f"{ONE}/labels/{{label_id}}",
    allow=project("artifact-label", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "label", NAMED),
)
async def remove_label(
    ctx: Ctx,
    project_name: str,
    repository_name: RepositoryName,
    reference: Reference,
    label_id: Id,
) -> None:
    """Take a label off an artifact."""
    place = Place(ctx.known_project_id, f"{project_name}/{repository_name}")
    known = await held(ctx, place, reference)
    await labelling.remove(ctx.session, known, label_id)


async def held(ctx: Ctx, place: Place, reference: Reference) -> Known:
    """The artifact, which nobody else changes or removes before the commit; ``NotFound``."""
    await repositories.hold(ctx.session, place)
    return await catalogue.find(ctx.session, place, reference)
