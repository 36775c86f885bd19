"""What may be asked, and by whom: what scripts of administrators ask for."""

from harbor.configuration.service import Configuration
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import Forbidden
from harbor.core.security import system
from harbor.quotas import service as quotas

routes = Routes(prefix="/api/internal", tag="internal")


@routes.on(
    "POST",
    "/syncquota",
    allow=system("quota", "update"),
    status=202,
    fails=(Forbidden,),
    audit=Audit("update", "quota", "all projects"),
    id="syncQuota",
)
async def recount(ctx: Ctx) -> None:
    """Sum up again what every project stores; pushes wait meanwhile."""
    values = await ctx.the(Configuration).current()
    if not values.quota_per_project_enable:
        raise Forbidden("quotas of projects are turned off")
    await quotas.recount(ctx.session)
