"""What may be asked, and by whom: the vulnerabilities that stop no pull anywhere."""

from harbor.core.api import Audit, Ctx, Routes
from harbor.core.security import signed_in, system
from harbor.projects import schemas
from harbor.projects.models import SYSTEM
from harbor.projects.service import allowlists

routes = Routes(prefix="/api/v2.0", tag="SystemCVEAllowlist")


@routes.on("GET", "/system/CVEAllowlist", allow=signed_in, id="getSystemCVEAllowlist")
async def get_system_allowlist(ctx: Ctx) -> schemas.CVEAllowlist:
    """Show the allowlist of the whole registry."""
    return allowlists.shown(await allowlists.system(ctx.session))


@routes.on(
    "PUT",
    "/system/CVEAllowlist",
    allow=system("configuration", "update"),
    id="putSystemCVEAllowlist",
    audit=Audit("update", "configuration", "CVEAllowlist"),
)
async def put_system_allowlist(ctx: Ctx, body: schemas.CVEAllowlistReq) -> None:
    """Replace the allowlist of the whole registry."""
    await allowlists.replace(ctx.session, SYSTEM, body)
