"""What is shown: the page on which one signs in; and the forms that begin and end a session."""

from urllib.parse import quote, unquote, urlencode

from starlette.responses import RedirectResponse, Response

from harbor.artifacts.service.popular import popular
from harbor.auth import cookies, passkeys, schemas, second_factor, tickets
from harbor.auth.entry import (
    Header,
    check_answer,
    enter_by_passkey,
    leave,
    not_it,
    open_session,
    prove,
    question,
    way_by_passkey,
)
from harbor.auth.forgotten import Forgotten
from harbor.auth.oidc.entry import way_out
from harbor.auth.pages.sign_up import is_open
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.crypto import Box
from harbor.core.errors import Unauthorized, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.security import anyone
from harbor.users import service as users
from harbor.users.service import has_oidc

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
    by_oidc = has_oidc(values)
    way_in = f"/c/oidc/login?{urlencode({'redirect_url': to})}"
    if by_oidc and values.primary_auth_mode and not query.local:
        return RedirectResponse(way_in, 303)
    name = unquote(cookies.sent(ctx.request, NAME))
    site = passkeys.site_of(ctx.request, ctx.settings.external_url)
    has_passkeys = site is not None and await passkeys.are_at(ctx.session, site)
    page = schemas.SignInPage(
        redirect_url=to,
        name=name,
        host=ctx.request.headers.get("host", ""),
        local=values.auth_mode == "db_auth",
        asked="redirect_url" in ctx.request.query_params,
        open=is_open(values),
        provider=(values.oidc_name or "OIDC") if by_oidc else "",
        way_in=way_in,
        passkey=way_by_passkey(ctx) if has_passkeys else None,
        resets=ctx.the(Forgotten).is_open(values),
        popular=await popular(ctx.session, MOST_POPULAR),
    )
    return View("account/sign_in.html", page)


@routes.on(
    "POST",
    "/sign-in",
    allow=anyone,
    fails=(Unauthorized, Unavailable),
    audit=Audit("login", "user", "{form.principal}"),
    stream=True,  # hashing takes long: the transaction begins after it
    read_only_ok=True,
)
async def sign_in(ctx: Ctx, form: schemas.SignInForm) -> View | Response:
    """Begin a session as ``POST /c/login`` does, and go to the page that was asked for.

    Who has a second factor is asked for that first; until then there is no session.
    """
    wrong = Unauthorized(_("Invalid user name or password."))
    try:
        found = await prove(ctx, form.principal, form.password, wrong)
    except Unavailable as error:
        with ui.at_field("principal"):
            raise Unavailable(
                _("The server that knows this account does not answer. Try again in a moment.")
            ) from error
    if found is None:
        return await ctx.wiring.show_error(ctx, wrong)
    to = ui.own_path(form.redirect_url)
    if await second_factor.is_on(ctx.db.quick, found.user_id):
        asked = await question(ctx, found, second_factor.PURPOSE)
        return View("account/code.html", schemas.CodePage(asked, to, form.remember))
    name = form.principal if form.remember else ""
    return entered(ctx, await open_session(ctx, found), to, name)


@routes.on(
    "POST",
    "/sign-in/code",
    allow=anyone,
    fails=(Unauthorized,),
    audit=Audit("login", "user", ""),
    stream=True,
    read_only_ok=True,
)
async def sign_in_with_code(ctx: Ctx, form: schemas.CodeForm) -> Response:
    """Begin the session of somebody whose password was right a moment ago, and the rest now."""
    ticket = tickets.read(ctx.the(Box), second_factor.PURPOSE, form.ticket)
    late = Unauthorized(_("That took too long. Sign in again."))
    found = await users.find_login(ctx.db.quick, ticket.name) if ticket else None
    if ticket is None or found is None or not tickets.is_still_right(ticket, found):
        raise late
    ctx.subject = found.username
    await check_answer(ctx, found, form, Unauthorized(not_it(form)))
    name = found.username if form.remember else ""
    return entered(ctx, await open_session(ctx, found), ui.own_path(form.redirect_url), name)


@routes.on(
    "POST",
    "/sign-in/passkey",
    allow=anyone,
    fails=(Unauthorized,),
    audit=Audit("login", "user", ""),
    stream=True,
    read_only_ok=True,
)
async def sign_in_with_passkey(ctx: Ctx, form: schemas.PasskeyForm) -> Response:
    """Begin the session of somebody whose passkey says who they are, and that it is they."""
    wrong = Unauthorized(
        _("That passkey is not accepted. Load the page again, or use your password.")
    )
    cookie = await enter_by_passkey(ctx, form, wrong)
    name = unquote(cookies.sent(ctx.request, NAME))
    return entered(ctx, cookie, ui.own_path(form.redirect_url), name)


def entered(ctx: Ctx, cookie: Header, to: str, name: str) -> Response:
    """The answer to who has come in: the cookie, the way, and the name to be remembered."""
    answer = gone_to(ctx, to)
    answer.raw_headers.append(cookie)
    secure = cookies.is_secure(ctx.request, ctx.settings)
    ui.remember(answer, NAME, quote(name), secure=secure)
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
    to = await way_out(ctx)
    answer = gone_to(ctx, to)
    if not to.startswith("/") and "Location" in answer.headers:
        # Browsers let no form that may be sent to us only be redirected to the provider.
        answer = Response(headers={"Refresh": f"0; url={answer.headers['Location']}"})
    answer.raw_headers.extend(await leave(ctx))
    return answer


def gone_to(ctx: Ctx, path: str) -> Response:
    """The answer that makes a browser open *path*."""
    if ui.is_fragment(ctx.request):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, 303)
