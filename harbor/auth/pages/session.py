"""What is shown: the page on which one signs in; and the forms that begin and end a session."""

from urllib.parse import quote, unquote

from starlette.responses import RedirectResponse, Response

from harbor.artifacts.service.popular import popular
from harbor.auth import cookies, schemas
from harbor.auth.entry import enter, leave
from harbor.auth.pages.sign_up import is_open
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import Unauthorized
from harbor.core.i18n import gettext as _
from harbor.core.security import anyone

routes = Routes(prefix="/account", tag="portal", pages=True)
MOST_POPULAR = 5  # repositories below the form
NAME = "harbor-name"  # a cookie: who signed in here last, if they want it to be remembered


@routes.on("GET", "/sign-in", allow=anyone)
async def sign_in_page(ctx: Ctx, query: schemas.SignInQuery) -> View | Response:
    """Ask for name and password; who has signed in already goes on."""
    to = ui.own_path(query.redirect_url)
    if ctx.principal.known:
        return RedirectResponse(to, 303)
    values = await ctx.the(Configuration).current()
    name = unquote(cookies.sent(ctx.request, NAME))
    page = schemas.SignInPage(
        redirect_url=to,
        name=name,
        host=ctx.request.headers.get("host", ""),
        local=values.auth_mode == "db_auth",
        asked="redirect_url" in ctx.request.query_params,
        open=is_open(values),
        popular=await popular(ctx.session, MOST_POPULAR),
    )
    return View("account/sign_in.html", page)


@routes.on(
    "POST",
    "/sign-in",
    allow=anyone,
    fails=(Unauthorized,),
    audit=Audit("login", "user", "{form.principal}"),
    stream=True,  # hashing takes long: the transaction begins after it
    read_only_ok=True,
)
async def sign_in(ctx: Ctx, form: schemas.SignInForm) -> Response:
    """Begin a session as ``POST /c/login`` does, and go to the page that was asked for."""
    wrong = Unauthorized(_("Invalid user name or password."))
    cookie = await enter(ctx, form.principal, form.password, wrong)
    if cookie is None:
        return await ctx.wiring.show_error(ctx, wrong)
    answer = gone_to(ctx, ui.own_path(form.redirect_url))
    answer.raw_headers.append(cookie)
    secure = cookies.is_secure(ctx.request, ctx.settings)
    ui.remember(answer, NAME, quote(form.principal) if form.remember else "", secure=secure)
    return answer


@routes.on(
    "POST",
    "/sign-out",
    allow=anyone,
    audit=Audit("logout", "user", ""),
    stream=True,
    read_only_ok=True,
)
async def sign_out(ctx: Ctx) -> Response:
    """End the session of this browser."""
    answer = gone_to(ctx, "/account/sign-in")
    answer.raw_headers.extend(await leave(ctx))
    return answer


def gone_to(ctx: Ctx, path: str) -> Response:
    """The answer that makes a browser open *path*."""
    if ui.is_fragment(ctx.request):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)
