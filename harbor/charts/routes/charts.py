"""What may be asked, and by whom: the API of charts, as Harbor 1.10 and ChartMuseum have it."""

import asyncio
from functools import partial

from sqlalchemy import select
from starlette.responses import Response

from harbor.artifacts.models import Artifact
from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import trash
from harbor.artifacts.service.pushing import enforced
from harbor.artifacts.service.pushing import push as push_manifest
from harbor.artifacts.service.uploads import of as pushes_of
from harbor.charts import schemas
from harbor.charts.forms import Files, files_of
from harbor.charts.service import archives, details, entries, provenance, removal, uploads
from harbor.charts.service.desk import Charts
from harbor.charts.service.index import Index
from harbor.charts.service.provenance import Provenance
from harbor.charts.service.versions import file_of
from harbor.core import clock, oci, wire
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import (
    BadRequest,
    Conflict,
    Denied,
    Forbidden,
    InsufficientStorage,
    NameInvalid,
    NotFound,
    ReferencedByOthers,
    TooLarge,
    TooManyRequests,
)
from harbor.core.security import anyone, project

routes = Routes(prefix="/api/chartrepo", tag="chart")
pull = project("repository", "pull")
push = project("repository", "push")
remove = project("repository", "delete")
ALL = "/{project_name}/charts"
CHART = f"{ALL}/{{chart_name}}"
VERSION = f"{CHART}/{{version}}"
FAILS = (
    BadRequest,
    NotFound,
    NameInvalid,
    Conflict,
    Denied,
    TooLarge,
    TooManyRequests,
    InsufficientStorage,
)


@routes.on("GET", "/health", allow=anyone)
async def get_chart_repo_health(ctx: Ctx) -> schemas.Health:
    """Say that the charts can be read."""
    await ctx.session.execute(select(Artifact.id).where(Artifact.type == "CHART").limit(1))
    return schemas.Health(healthy=True)


@routes.on(
    "POST",
    ALL,
    allow=push,
    status=201,
    fails=FAILS,
    stream=True,
    audit=Audit("create", "artifact", "{project_name}"),
)
async def upload_chart(ctx: Ctx, project_name: str, query: schemas.UploadQuery) -> schemas.Saved:
    """Upload a packed chart, and its provenance file if there is one."""
    limits = {"chart": ctx.settings.chart_max_bytes, "prov": provenance.MAX_BYTES}
    async with files_of(ctx.request, limits, ctx.settings.data) as files:
        file = files.get("chart")
        if file is None:
            raise BadRequest("the form has no file in the field chart")
        packed = await ctx.the(Charts).check(archives.check, file)
        about = packed.metadata
        place = place_of(ctx, project_name, about.name)
        await require_push(ctx, place)
        signed = await signature(ctx, files)
        if signed is not None:
            provenance.agree(signed, about.name, about.version, packed.digest)
        if query.force is None:
            await uploads.refuse_existing(ctx.db.quick.fetch, place, about.version)
        parts = uploads.parts_of(packed, file, signed)
        raw = uploads.manifest_of(parts, about, clock.now())
        instead = None if query.force is None else uploads.ANYTHING
        await take(ctx, place, about.version, parts, raw, instead)
    return schemas.Saved(saved=True)


@routes.on(
    "POST",
    "/{project_name}/prov",
    allow=push,
    status=201,
    fails=FAILS,
    stream=True,
    audit=Audit("create", "artifact", "{project_name}"),
)
async def upload_chart_provenance(
    ctx: Ctx, project_name: str, query: schemas.UploadQuery
) -> schemas.Saved:
    """Upload the provenance file of a chart that is here."""
    limits = {"prov": provenance.MAX_BYTES}
    async with files_of(ctx.request, limits, ctx.settings.data) as files:
        signed = await signature(ctx, files)
    if signed is None:
        raise BadRequest("the form has no file in the field prov")
    name, version = signed.name, signed.version
    found = await entries.archive(
        ctx.db.quick, project_name, ctx.known_project_id, file_of(name, version), ""
    )
    if await ctx.wiring.may(ctx.principal, pull, found.repository) is None:
        raise entries.missing(file_of(name, version))
    place = Place(ctx.known_project_id, found.repository)
    await require_push(ctx, place)
    layers = entries.layered(found.content)
    if layers.archive is None:
        raise entries.missing(file_of(name, version))
    provenance.agree(signed, name, version, layers.archive)
    if layers.provenance is not None and query.force is None:
        raise Conflict(f"{found.repository} {version} has a provenance file already")
    part = uploads.part_of(entries.PROVENANCE, signed.raw)
    raw = uploads.with_provenance(found.content, part)
    await take(ctx, place, version, [part], raw, oci.digest_of(found.content))
    return schemas.Saved(saved=True)


@routes.on("GET", ALL, allow=pull, fails=(NotFound,), stream=True)
async def list_charts(ctx: Ctx, project_name: str) -> list[schemas.ChartInfo]:
    """List the charts of a project, each with its latest version."""
    return await asyncio.to_thread(details.summed_up, await index_of(ctx, project_name))


@routes.on("GET", CHART, allow=pull, fails=(NotFound,), stream=True)
async def list_chart_versions(ctx: Ctx, project_name: str, chart_name: RepositoryName) -> Response:
    """List the versions of a chart, the latest first."""
    chart = (await index_of(ctx, project_name)).by_name.get(chart_name)
    if chart is None:
        raise entries.missing(chart_name)
    async with ctx.db.reading() as session:
        labels = await details.labels_of(session, chart.listed)
    body = await asyncio.to_thread(details.versions, chart.listed, labels)
    return Response(body, media_type=wire.JSON)


@routes.on("GET", VERSION, allow=pull, fails=(NotFound,), stream=True)
async def get_chart_version(
    ctx: Ctx, project_name: str, chart_name: RepositoryName, version: str
) -> schemas.ChartDetails:
    """Show a version of a chart, and what is in its archive."""
    chart = (await index_of(ctx, project_name)).by_name.get(chart_name)
    listed = (
        next((each for each in chart.listed if each.version == version), None) if chart else None
    )
    if listed is None:
        raise entries.missing(f"{chart_name} {version}")
    folder = chart_name.rpartition("/")[0]
    archive = await entries.archive(
        ctx.db.quick, project_name, ctx.known_project_id, file_of(chart_name, version), folder
    )
    async with ctx.db.reading() as session:
        labels = await details.labels_of(session, [listed])
    most = ctx.settings.chart_max_bytes
    return await details.version(
        ctx.store, archive, listed, labels.get(listed.artifact_id, ()), most
    )


@routes.on(
    "DELETE",
    VERSION,
    allow=remove,
    fails=(NotFound, ReferencedByOthers),
    audit=Audit("delete", "artifact", "{project_name}/{chart_name}:{version}"),
)
async def delete_chart_version(
    ctx: Ctx, project_name: str, chart_name: RepositoryName, version: str
) -> schemas.Deleted:
    """Delete a version of a chart."""
    place = Place(ctx.known_project_id, f"{project_name}/{chart_name}")
    await removal.remove_version(ctx.session, place, version, await trash.terms(ctx))
    return schemas.Deleted(deleted=True)


@routes.on(
    "DELETE",
    CHART,
    allow=remove,
    fails=(NotFound, ReferencedByOthers),
    audit=Audit("delete", "repository", "{project_name}/{chart_name}"),
)
async def delete_chart(ctx: Ctx, project_name: str, chart_name: RepositoryName) -> schemas.Deleted:
    """Delete all versions of a chart."""
    place = Place(ctx.known_project_id, f"{project_name}/{chart_name}")
    await removal.remove(ctx.session, place, await trash.terms(ctx))
    return schemas.Deleted(deleted=True)


async def index_of(ctx: Ctx, project_name: str) -> Index:
    return await ctx.the(Charts).index_of(ctx.principal, project_name, ctx.known_project_id)


def place_of(ctx: Ctx, project_name: str, chart_name: str) -> Place:
    return Place(ctx.known_project_id, oci.parse_name(f"{project_name}/{chart_name}"))


async def require_push(ctx: Ctx, place: Place) -> None:
    """``Forbidden`` unless the caller may push to that repository: its name was in the body."""
    if await ctx.wiring.may(ctx.principal, push, place.repository) is None:
        raise Forbidden(f"{ctx.principal.name} may not push to {place.repository}")


async def signature(ctx: Ctx, files: Files) -> Provenance | None:
    file = files.get("prov")
    if file is None:
        return None
    file.seek(0)
    return await ctx.the(Charts).check(provenance.read, file.read())


async def take(
    ctx: Ctx,
    place: Place,
    version: str,
    parts: list[uploads.Part],
    raw: bytes,
    instead: str | None,
) -> None:
    """Keep blobs and manifest, as a push does; what fails leaves nothing behind."""
    pushes = pushes_of(ctx, place, limited=await enforced(ctx))
    made = await uploads.keep(pushes, parts)
    try:
        item = uploads.pushed(place, version, raw)
        ctx.subject = f"{place.repository}:{item.tag}"
        same = partial(uploads.refuse_other, place=place, version=version, instead=instead)
        await push_manifest(ctx, item, allowed=same)
    except Exception:
        await uploads.forget(pushes, made)
        raise
