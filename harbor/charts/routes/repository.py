"""What may be asked, and by whom: a classic chart repository, as helm reads one."""

from sqlalchemy import select
from starlette.responses import Response

from harbor.artifacts.models import Artifact
from harbor.artifacts.schemas import Place, Pull, RepositoryName
from harbor.artifacts.service import blobs
from harbor.artifacts.service.details import CHART
from harbor.artifacts.service.pulls import Pulls
from harbor.charts.service import entries
from harbor.charts.service.desk import PULL, Charts
from harbor.charts.service.index import Index
from harbor.charts.service.versions import parts_of, version_of
from harbor.core.api import AuditLine, Ctx, Routes
from harbor.core.blobs import BlobResponse, facts, unchanged
from harbor.core.errors import NotFound, RangeInvalid, Unauthorized
from harbor.core.security import anyone, project
from harbor.projects import service as projects
from harbor.projects.models import Project

routes = Routes(prefix="/chartrepo", tag="chartRepository")
pull = project("repository", "pull")
YAML = "application/x-yaml"
BASIC = {"WWW-Authenticate": 'Basic realm="harbor"'}


@routes.on("GET", "/index.yaml", allow=anyone, fails=(Unauthorized,), stream=True)
async def get_chart_index(ctx: Ctx) -> Response:
    """Serve one index of the charts in all projects that the caller may see."""
    if ctx.principal.tried and not ctx.principal.known:
        raise Unauthorized("unauthorized", headers=BASIC)
    holding = select(Artifact.id).where(
        Artifact.project_id == Project.project_id, Artifact.type == CHART
    )
    visible = projects.visible_to(ctx.principal, PULL)
    seen = (Project.deleted.is_(False), visible, holding.exists())
    wanted = select(Project.name, Project.project_id).where(*seen).order_by(Project.name)
    async with ctx.db.reading() as session:
        found = [(name, project_id) for name, project_id in await session.execute(wanted)]
        sight = await projects.sight_of(session, ctx.principal, None, PULL)
    return shown(ctx, await ctx.the(Charts).indexes.of_projects(found, sight))


@routes.on("GET", "/{project_name}/index.yaml", allow=pull, fails=(NotFound,), stream=True)
async def get_project_chart_index(ctx: Ctx, project_name: str) -> Response:
    """Serve the index of the charts in a project."""
    index = await ctx.the(Charts).index_of(ctx.principal, project_name, ctx.known_project_id)
    return shown(ctx, index)


def shown(ctx: Ctx, index: Index) -> Response:
    headers = {"ETag": f'"{index.etag}"', "Cache-Control": "no-cache"}
    if unchanged(ctx.request, index.etag):
        return Response(status_code=304, headers=headers)
    return Response(index.raw, media_type=YAML, headers=headers)


FAILS = (NotFound, RangeInvalid)


@routes.on("GET", "/{project_name}/charts/{filename}", allow=pull, fails=FAILS, stream=True)
async def download_chart(ctx: Ctx, project_name: str, filename: str) -> Response:
    """Download the archive of a chart, or its provenance file."""
    return await sent(ctx, project_name, filename, "")


@routes.on(
    "GET", "/{project_name}/charts/{folder}/{filename}", allow=pull, fails=FAILS, stream=True
)
async def download_nested_chart(
    ctx: Ctx, project_name: str, folder: RepositoryName, filename: str
) -> Response:
    """The same for a chart whose repository has slashes in its name."""
    return await sent(ctx, project_name, filename, folder)


async def sent(ctx: Ctx, project_name: str, filename: str, folder: str) -> Response:
    """The blob, and a line in the book if it is the archive."""
    quick, project_id = ctx.db.quick, ctx.known_project_id
    found = await entries.archive(quick, project_name, project_id, filename, folder)
    if await ctx.wiring.may(ctx.principal, pull, found.repository) is None:
        raise entries.missing(filename)
    layers = entries.layered(found.content)
    signed = parts_of(filename)[1]
    digest = layers.provenance if signed else layers.archive
    if digest is None or version_of(found.tag) is None:
        raise entries.missing(filename)
    headers = {"Content-Type": "application/pgp-signature" if signed else "application/x-tar"}
    if unchanged(ctx.request, digest):
        return Response(status_code=304, headers=facts(digest))
    if ctx.request.method == "HEAD":
        size = await blobs.size(quick, Place(project_id, found.repository), digest)
        return Response(headers=facts(digest) | headers | {"Content-Length": str(size)})
    if not signed:
        line = AuditLine(
            ctx.principal, "pull", "artifact", f"{found.repository}:{found.tag}", True, project_id
        )
        ctx.the(Pulls).add(Pull(found.artifact_id, found.repository_id, found.tag, line))
    return BlobResponse(ctx.request, ctx.store, digest, headers=headers)
