"""Who may ask, and where: what opens an account beside its password, and where it is open."""

from harbor.auth import cookies, personal, schemas, sessions
from harbor.auth.models import AccessToken
from harbor.auth.sessions import Sessions
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import Conflict, NotFound
from harbor.core.security import own_credentials, system
from harbor.core.wire import Id, Time
from harbor.users import service as users

routes = Routes(prefix="/api/v2.0", tag="user")


@routes.on("GET", "/users/current/tokens", allow=own_credentials)
async def list_access_tokens(ctx: Ctx) -> list[schemas.AccessTokenResp]:
    """List the caller's personal access tokens, the newest first, without their secrets."""
    return await listed(ctx, ctx.principal.known_id)


@routes.on(
    "POST",
    "/users/current/tokens",
    allow=own_credentials,
    status=201,
    fails=(NotFound, Conflict),
    audit=Audit("create", "access-token", "{body.name}"),
)
async def create_access_token(ctx: Ctx, body: schemas.AccessTokenReq) -> schemas.NewAccessToken:
    """Make a token that stands for the caller's password; its secret is told this once."""
    token, secret = await personal.make(ctx, body)
    return schemas.NewAccessToken(
        token.id, token.name, secret, Time(token.expires_at) if token.expires_at else None
    )


@routes.on(
    "DELETE",
    "/users/current/tokens/{token_id}",
    allow=own_credentials,
    fails=(NotFound,),
    audit=Audit("delete", "access-token", "{token_id}"),
)
async def revoke_access_token(ctx: Ctx, token_id: Id) -> None:
    """End a token of the caller's, and with it whatever was issued for it, at once."""
    ctx.subject = await personal.revoke(ctx.session, ctx.principal.known_id, token_id)


@routes.on("GET", "/users/{user_id}/tokens", allow=system("user", "read"), fails=(NotFound,))
async def list_access_tokens_of_user(ctx: Ctx, user_id: Id) -> list[schemas.AccessTokenResp]:
    """List somebody's personal access tokens, without their secrets."""
    await users.get(ctx.session, user_id)
    return await listed(ctx, user_id)


@routes.on(
    "DELETE",
    "/users/{user_id}/tokens/{token_id}",
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "access-token", "{token_id}"),
)
async def revoke_access_token_of_user(ctx: Ctx, user_id: Id, token_id: Id) -> None:
    """End somebody's token, and with it whatever was issued for it, at once."""
    user = await users.get(ctx.session, user_id)
    ctx.subject = f"{user.username}/{await personal.revoke(ctx.session, user_id, token_id)}"


@routes.on("GET", "/users/current/sessions", allow=own_credentials, fails=(NotFound,))
async def list_sessions(ctx: Ctx) -> list[schemas.SessionResp]:
    """List the browsers in which the caller has signed in, the one used last first."""
    return await open_sessions(ctx, ctx.principal.known_id)


@routes.on(
    "DELETE",
    "/users/current/sessions",
    allow=own_credentials,
    audit=Audit("delete", "session", "all others"),
)
async def end_other_sessions(ctx: Ctx) -> None:
    """End all sessions of the caller but the one that asks."""
    sid = cookies.sent(ctx.request, cookies.SID) if ctx.principal.csrf else ""
    await sessions.end_all(ctx.session, ctx.principal.known_id, but=sid)


@routes.on(
    "DELETE",
    "/users/current/sessions/{session_id}",
    allow=own_credentials,
    fails=(NotFound,),
    audit=Audit("delete", "session", "{session_id}"),
)
async def end_session(ctx: Ctx, session_id: str) -> None:
    """End a session of the caller's."""
    await sessions.end_one(ctx.session, ctx.principal.known_id, session_id)


@routes.on("GET", "/users/{user_id}/sessions", allow=system("user", "read"), fails=(NotFound,))
async def list_sessions_of_user(ctx: Ctx, user_id: Id) -> list[schemas.SessionResp]:
    """List the browsers in which somebody has signed in, the one used last first."""
    return await open_sessions(ctx, user_id)


@routes.on(
    "DELETE",
    "/users/{user_id}/sessions",
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "session", "all of {user_id}"),
)
async def end_sessions_of_user(ctx: Ctx, user_id: Id) -> None:
    """Sign somebody out everywhere; administrators who do it to themselves, here too."""
    user = await users.get(ctx.session, user_id)
    ctx.subject = f"all of {user.username}"
    await sessions.end_all(ctx.session, user_id)


@routes.on(
    "DELETE",
    "/users/{user_id}/sessions/{session_id}",
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "session", "{session_id}"),
)
async def end_session_of_user(ctx: Ctx, user_id: Id, session_id: str) -> None:
    """End a session of somebody's."""
    await users.get(ctx.session, user_id)
    await sessions.end_one(ctx.session, user_id, session_id)


async def listed(ctx: Ctx, user_id: int) -> list[schemas.AccessTokenResp]:
    tokens = await personal.owned_by(ctx.session, user_id)
    names = await personal.names_of(ctx.session, tokens)
    return [shown(token, names) for token in tokens]


def shown(token: AccessToken, names: personal.Names) -> schemas.AccessTokenResp:
    ids = None if token.projects is None else sorted(personal.ids_in(token.projects))
    return schemas.AccessTokenResp(
        id=token.id,
        name=token.name,
        actions=token.actions.split(),
        projects=None
        if ids is None
        else [schemas.OfProject(each, names[each]) for each in ids if each in names],
        creation_time=Time(token.creation_time),
        expires_at=Time(token.expires_at) if token.expires_at else None,
        last_used=Time(token.last_used) if token.last_used else None,
        last_address=token.last_address,
    )


async def open_sessions(ctx: Ctx, user_id: int) -> list[schemas.SessionResp]:
    life = await ctx.the(Sessions).life()
    sid = cookies.sent(ctx.request, cookies.SID) if ctx.principal.csrf else ""
    return [
        schemas.SessionResp(
            id=each.id,
            address=each.address,
            user_agent=each.user_agent,
            creation_time=Time(each.creation_time),
            last_seen=Time(each.last_seen),
            current=bool(sid) and each.id == sessions.hashed(sid),
        )
        for each in await sessions.owned_by(ctx.session, user_id, life=life)
    ]
