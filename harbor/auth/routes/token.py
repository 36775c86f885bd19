"""Who may ask, and where: the token service.

Source: Harbor src/core/service/token/token.go and creator.go; docker's token specification.
"""

from starlette.responses import Response

from harbor.auth import schemas
from harbor.auth.tokens import AUDIENCE, MAX_LIFE_S, Access, KeyRing
from harbor.configuration.service import Configuration
from harbor.core import oci, wire
from harbor.core.api import Ctx, Routes
from harbor.core.errors import BadRequest
from harbor.core.security import anyone, project

routes = Routes(prefix="/service", tag="token")
ACTIONS = ("pull", "push", "delete")
MAX_SCOPES = 100


@routes.on("GET", "/token", allow=anyone, fails=(BadRequest,), stream=True)
async def get_token(ctx: Ctx, query: schemas.TokenQuery) -> Response:
    """Issue a token that holds what the caller may do in the repositories of the scopes."""
    if query.service != AUDIENCE:
        raise BadRequest(f"Unable to handle service: {oci.shown(query.service)}")
    scopes = " ".join(ctx.request.query_params.getlist("scope")).split()[:MAX_SCOPES]
    if not scopes and not ctx.principal.known:
        return Response(status_code=401)
    access = [await allowed(ctx, scope) for scope in scopes]
    minutes = (await ctx.the(Configuration).current()).token_expiration
    life_s = min(minutes * 60, MAX_LIFE_S)
    who = ctx.principal
    token, issued_at = await ctx.the(KeyRing).issue(who.name, access, life_s, user_id=who.user_id)
    answer = schemas.Token(token, token, life_s, wire.Time(issued_at))
    return Response(
        wire.encode(answer), media_type=wire.JSON, headers={"Cache-Control": "no-store"}
    )


async def allowed(ctx: Ctx, scope: str) -> Access:
    """What of *scope* the caller holds: in a repository everything, whatever was asked for.

    The middle of a scope may hold colons itself, as in ``repository:host:5000/a:pull``.
    """
    kind, *middle = scope.split(":")
    asked = middle.pop().split(",") if len(middle) > 1 else []
    name = ":".join(middle)
    if kind == "repository" and "/" in name:
        project_name = name.partition("/")[0]
        held: dict[str, int] = {}
        for action in ACTIONS:
            wanted = project("repository", action)
            project_id = await ctx.wiring.may(ctx.principal, wanted, project_name)
            if project_id is not None:
                held[action] = project_id
        return Access(kind, name, list(held), min(held.values(), default=None))
    if kind == "registry" and name == "catalog" and ctx.principal.is_admin:
        return Access(kind, name, asked)
    return Access(kind, name, [])
