"""Who may ask, and where: what only the portal asks for."""

from starlette.responses import Response

from harbor.auth.entry import rename_admin
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import Conflict
from harbor.core.security import system

routes = Routes(prefix="/api/internal", tag="internal")


@routes.on(
    "POST",
    "/renameadmin",
    allow=system("user", "update"),
    fails=(Conflict,),
    audit=Audit("update", "user", ""),
    id="renameAdmin",
)
async def rename(ctx: Ctx) -> Response:
    """Rename the first administrator, who alone may ask, to admin@harbor.local; and sign out."""
    answer = Response()
    answer.raw_headers.extend(await rename_admin(ctx))
    return answer
