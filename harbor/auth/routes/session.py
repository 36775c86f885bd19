"""Who may ask, and where: signing in and out with a browser.

Source: Harbor src/core/controllers/base.go.
"""

from starlette.responses import Response

from harbor.auth import schemas
from harbor.auth.csrf import Csrf
from harbor.auth.entry import Header, enter, leave
from harbor.auth.oidc.entry import comes_from_provider, public_base
from harbor.configuration.service import Configuration
from harbor.core import web, wire
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import Precondition, Unauthorized, Unavailable
from harbor.core.security import anyone
from harbor.users import service as users

routes = Routes(prefix="/c", tag="session")
NO_STORE = {"Cache-Control": "no-store"}


@routes.on(
    "POST",
    "/login",
    allow=anyone,
    fails=(Unauthorized, Unavailable),
    audit=Audit("login", "user", "{form.principal}"),
    stream=True,  # hashing takes long: the transaction begins after it
    read_only_ok=True,
)
async def login(ctx: Ctx, form: schemas.LoginForm) -> Response:
    """Begin a session, which the browser gets as a cookie."""
    if await comes_from_provider(ctx, form.principal):
        return sent_to(ctx, "/c/oidc/login")
    wrong = Unauthorized("invalid user name or password")
    cookie = await enter(ctx, form.principal, form.password, wrong, code=form.code)
    return web.render(wrong) if cookie is None else with_headers(cookie)


@routes.on(
    "GET",
    "/log_out",
    allow=anyone,
    audit=Audit("logout", "user", ""),
    stream=True,  # it writes, although it is a GET
)
async def log_out(ctx: Ctx) -> Response:
    """End the caller's session."""
    ctx.the(Csrf).check_log_out(ctx.request)
    if await comes_from_provider(ctx, ctx.principal.name):
        return sent_to(ctx, "/c/oidc/logout")
    return with_headers(*await leave(ctx))


@routes.on(
    "POST",
    "/log_out",
    allow=anyone,
    audit=Audit("logout", "user", ""),
    stream=True,
    read_only_ok=True,
)
async def post_log_out(ctx: Ctx) -> Response:
    """End the caller's session."""
    return with_headers(*await leave(ctx))


@routes.on(
    "POST",
    "/userExists",
    allow=anyone,
    fails=(Precondition,),
    stream=True,  # it reads, although it is a POST
    read_only_ok=True,
)
async def user_exists(ctx: Ctx, form: schemas.TakenForm) -> bool:
    """Tell whoever may register whether a username or an e-mail address is taken."""
    values = await ctx.the(Configuration).current()
    if not values.self_registration and not ctx.principal.is_admin:
        raise Precondition("self registration is not enabled")
    async with ctx.db.reading() as session:
        return await users.is_taken(session, target=form.target, value=form.value)


def sent_to(ctx: Ctx, path: str) -> Response:
    """What makes Harbor's portal go to *path*, for which it takes the status 403."""
    place = {"redirect_location": public_base(ctx) + path}
    return Response(wire.encode(place), 403, NO_STORE, wire.JSON)


def with_headers(*headers: Header) -> Response:
    answer = Response(headers=NO_STORE)
    answer.raw_headers.extend(headers)
    return answer
