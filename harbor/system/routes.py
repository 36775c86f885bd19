"""What may be asked, and by whom: whether this server works, what it is, and what it holds."""

import asyncio

from starlette.responses import PlainTextResponse, Response

from harbor.configuration.service import Configuration
from harbor.core import origin
from harbor.core.api import Ctx, Routes
from harbor.core.errors import Forbidden, NotFound, Unavailable
from harbor.core.security import anyone, signed_in
from harbor.core.security import system as permission
from harbor.system import schemas
from harbor.system.service import health, info, permissions, search, statistics

API = "/api/v2.0"
watch = Routes(tag="system")
pings = Routes(prefix=API, tag="ping")
healths = Routes(prefix=API, tag="health")
infos = Routes(prefix=API, tag="systeminfo")
searches = Routes(prefix=API, tag="search")
counts = Routes(prefix=API, tag="statistic")
grants = Routes(prefix=API, tag="permissions")


@watch.on("GET", "/api/version", allow=anyone, nameless=True, stream=True)
async def get_version(ctx: Ctx) -> schemas.Version:
    """Tell the version of the API."""
    return schemas.Version(info.API_VERSION)


@watch.on("GET", "/metrics", allow=anyone, fails=(NotFound,), nameless=True, stream=True)
async def get_metrics(ctx: Ctx) -> Response:
    """Tell Prometheus how this server does, where the setting ``metrics`` allows it."""
    if not ctx.settings.metrics:
        raise NotFound("metrics are off; the setting metrics turns them on")
    from harbor.core import metrics  # noqa: PLC0415, loaded where they are on

    many = ctx.settings.workers > 1
    found = await asyncio.to_thread(metrics.exposition, of_all_workers=many)
    return Response(found, media_type=metrics.MEDIA_TYPE)


# The two that watch the server know nobody and open no transaction, so that they answer although
# others cannot.


@pings.on("GET", "/ping", allow=anyone, nameless=True, stream=True)
async def get_ping(ctx: Ctx) -> Response:
    """Answer, and nothing else."""
    return PlainTextResponse("Pong")


@healths.on("GET", "/health", allow=anyone, nameless=True, stream=True)
async def get_health(ctx: Ctx) -> schemas.OverallHealthStatus:
    """Tell whether everything works; the status is 200 even if it does not."""
    return await health.health(health.Parts(ctx.db, ctx.store, ctx.settings))


@infos.on("GET", "/systeminfo", allow=anyone, stream=True)
async def get_system_info(ctx: Ctx) -> schemas.GeneralInfo:
    """Tell what this server is: a little to strangers, more to those who have signed in."""
    values = await ctx.the(Configuration).current()
    if not ctx.principal.known:
        return info.info(values)
    external_url = ctx.settings.external_url
    return await info.full_info(
        values, ctx.settings, external_url or origin.of(ctx.request, external_url)
    )


@infos.on("GET", "/systeminfo/getcert", allow=anyone, fails=(NotFound,), stream=True)
async def get_cert(ctx: Ctx) -> Response:
    """Fetch the certificate of the authority that clients must trust, as the file ca.crt."""
    return Response(
        await info.certificate(ctx.settings),
        media_type="application/octet-stream",
        headers={"Content-Disposition": "attachment; filename=ca.crt"},
    )


@infos.on(
    "GET",
    "/systeminfo/volumes",
    allow=permission("system-volumes", "read"),
    fails=(Unavailable,),
    stream=True,
)
async def get_volumes(ctx: Ctx) -> schemas.SystemInfo:
    """Tell how large the disk of the data folder is, and how much of it is free."""
    return await info.volumes(ctx.settings)


@searches.on("GET", "/search", allow=anyone, id="search")
async def find(ctx: Ctx, query: schemas.SearchQuery) -> schemas.Search:
    """Find projects and repositories by a part of their names, among those the caller may see."""
    return await search.search(ctx.session, ctx.principal, query.q)


@counts.on("GET", "/statistics", allow=signed_in)
async def get_statistic(ctx: Ctx) -> schemas.Statistic:
    """Count projects and repositories; administrators are told totals and bytes too."""
    return await statistics.count(ctx.session, ctx.principal)


@grants.on("GET", "/permissions", allow=signed_in, fails=(Forbidden,))
async def get_permissions(ctx: Ctx) -> schemas.Permissions:
    """List what the caller may give to robots."""
    return await permissions.grantable_by(ctx.session, ctx.principal)


TABLES = (watch, pings, healths, infos, searches, counts, grants)
routes = Routes(ops=[op for table in TABLES for op in table.ops])
