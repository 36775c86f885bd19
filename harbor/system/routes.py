"""Who may ask, and where: the state of this server."""

import asyncio

from starlette.responses import PlainTextResponse, Response

from harbor.core import metrics
from harbor.core.api import Ctx, Routes
from harbor.core.errors import NotFound
from harbor.core.security import anyone
from harbor.system import schemas
from harbor.system import service as system

routes = Routes(tag="system")


@routes.on("GET", "/api/version", allow=anyone)
async def get_version(ctx: Ctx) -> schemas.Version:
    """Tell the version of the API."""
    return schemas.Version(system.API_VERSION)


# The two that watch the server open no transaction, so that they answer although others cannot.


@routes.on("GET", "/api/v2.0/ping", allow=anyone, stream=True)
async def get_ping(ctx: Ctx) -> Response:
    """Answer, and nothing else."""
    return PlainTextResponse("Pong")


@routes.on("GET", "/api/v2.0/health", allow=anyone, stream=True)
async def get_health(ctx: Ctx) -> schemas.OverallHealthStatus:
    """Tell whether everything works; the status is 200 even if it does not."""
    return await system.health(system.Parts(ctx.db, ctx.store, ctx.settings))


@routes.on("GET", "/metrics", allow=anyone, fails=(NotFound,), stream=True)
async def get_metrics(ctx: Ctx) -> Response:
    """Tell Prometheus how this server does, where the setting ``metrics`` allows it."""
    if not ctx.settings.metrics:
        raise NotFound("metrics are off; the setting metrics turns them on")
    many = ctx.settings.workers > 1
    found = await asyncio.to_thread(metrics.exposition, of_all_workers=many)
    return Response(found, media_type=metrics.MEDIA_TYPE)


@routes.on("GET", "/api/v2.0/systeminfo", allow=anyone)
async def get_system_info(ctx: Ctx) -> schemas.GeneralInfo:
    """Tell what this server is: a little to strangers, more to those who have signed in."""
    if not ctx.principal.known:
        return system.info()
    base = ctx.settings.external_url or str(ctx.request.base_url).rstrip("/")
    return system.full_info(base)
