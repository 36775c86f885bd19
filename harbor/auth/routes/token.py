"""Who may ask, and where: the token service.

Source: Harbor src/core/service/token/token.go and creator.go; docker's token specification.
"""

from collections.abc import Sequence

from starlette.responses import Response

from harbor.artifacts.service import redirects
from harbor.auth import schemas
from harbor.auth.rights import rights_in
from harbor.auth.tokens import AUDIENCE, MAX_LIFE_S, Access, KeyRing
from harbor.configuration.service import Configuration
from harbor.core import clock, oci, wire
from harbor.core.api import Ctx, Routes
from harbor.core.errors import BadRequest
from harbor.core.security import anyone
from harbor.projects import service as projects
from harbor.robots.service import NEVER

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
    # First, for of two entries of one project the last counts.
    access = [*await moved(ctx, access), *access]
    minutes = (await ctx.the(Configuration).current()).token_expiration
    life_s = min(minutes * 60, MAX_LIFE_S)
    who, token_id = ctx.principal, None
    if who.limits is not None:
        token_id = who.limits.token_id
        if who.limits.ends_at is not None:
            left_s = int(who.limits.ends_at - clock.now().timestamp())
            life_s = max(1, min(life_s, left_s))
    if who.robot is not None and who.robot.expires_at != NEVER:
        left_s = who.robot.expires_at - int(clock.now().timestamp())
        life_s = max(1, min(life_s, left_s))
    token, issued_at = await ctx.the(KeyRing).issue(
        who.name, access, life_s, user_id=who.user_id, robot=who.robot, token_id=token_id
    )
    answer = schemas.Token(token, token, life_s, wire.Time(issued_at))
    return Response(
        wire.encode(answer), media_type=wire.JSON, headers={"Cache-Control": "no-store"}
    )


async def moved(ctx: Ctx, access: Sequence[Access]) -> list[Access]:
    """A pull from where those are now that are named by former names, as far as the caller may."""
    found = []
    for each in access:
        project_name, slash, _ = each.name.partition("/")
        place = None
        if each.type == "repository" and slash:
            place = await redirects.find(ctx.db.quick, each.name)
        if place is None or place.repository.partition("/")[0] == project_name:
            continue
        if await redirects.may_pull(ctx, place):
            found.append(
                Access(each.type, place.repository, ["pull"], place.project_id, exact=True)
            )
    return found


async def allowed(ctx: Ctx, scope: str) -> Access:
    """What of *scope* the caller holds: in a repository everything, whatever was asked for.

    The middle of a scope may hold colons itself, as in ``repository:host:5000/a:pull``.
    """
    kind, *middle = scope.split(":")
    asked = middle.pop().split(",") if len(middle) > 1 else []
    name = ":".join(middle)
    if kind == "repository" and "/" in name:
        found = await projects.standing(ctx.db.quick, name.partition("/")[0])
        if found is None:
            return Access(kind, name, [])
        rights = await rights_in(ctx.db.quick, ctx.principal, found, name)
        held = [action for action in ACTIONS if rights.allow("repository", action)]
        # One look at the project for both: rights by rules are never taken for the project's.
        return Access(kind, name, held, found.project_id if held else None, found.has_rules)
    if kind == "registry" and name == "catalog" and ctx.principal.is_admin:
        return Access(kind, name, asked)
    return Access(kind, name, [])
