"""Who may ask, and where: whether an OpenID provider is there, and its sign-in from programs.

Source: Harbor src/core/controllers/oidc.go, src/server/v2.0/handler/oidc.go.
"""

from starlette.responses import Response

from harbor.auth import schemas
from harbor.auth.oidc import entry
from harbor.auth.oidc.desk import Oidc
from harbor.auth.oidc.providers import problem_of
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import BadRequest, Conflict, Precondition
from harbor.core.security import anyone, system
from harbor.users.service import oidc

routes = Routes(tag="oidc")


@routes.on(
    "POST",
    "/api/v2.0/system/oidc/ping",
    allow=system("configuration", "update"),
    fails=(BadRequest,),
    audit=Audit("test", "configuration", "oidc"),
    stream=True,  # the provider may take its time
    read_only_ok=True,
    id="pingOIDC",
)
async def ping_oidc(ctx: Ctx, body: schemas.OidcEndpoint) -> Response:
    """See whether there is an OpenID provider at an address."""
    if problem := await problem_of(body.url, verify=body.verify_cert):
        raise BadRequest(f"failed to verify connection: {problem}")
    async with ctx.writing():
        return Response()


@routes.on(
    "POST",
    "/c/oidc/onboard",
    allow=anyone,
    fails=(BadRequest, Conflict, Precondition),
    audit=Audit("create", "user", "{body.username}"),
    read_only_ok=True,
)
async def onboard(ctx: Ctx, body: schemas.OnboardReq) -> Response:
    """Choose the name of one's new account, after signing in at the provider."""
    if await ctx.the(Oidc).values() is None:
        raise Precondition("there is no OpenID provider under this auth mode")
    row = await oidc.choosing(ctx.session, entry.held(ctx))
    if row is None:
        raise BadRequest("nobody signs in with this browser; begin again")
    answer = Response()
    answer.raw_headers.append(await entry.onboard(ctx, row, body.username))
    return answer
