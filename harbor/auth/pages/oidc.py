"""What is shown: the way to the provider and back, the choice of a name, the secret of clients."""

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from harbor.auth import schemas
from harbor.auth.csrf import Csrf
from harbor.auth.entry import leave
from harbor.auth.oidc import entry, flow
from harbor.auth.oidc.desk import Oidc
from harbor.auth.oidc.providers import problem_of
from harbor.auth.pages.account import here
from harbor.auth.pages.session import gone_to
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import (
    BadGateway,
    BadRequest,
    Conflict,
    HarborError,
    NotFound,
    Precondition,
)
from harbor.core.i18n import gettext as _
from harbor.core.oci import shown
from harbor.core.security import anyone, signed_in, system
from harbor.users.service import forms, oidc

routes = Routes(tag="portal", pages=True)
CHOOSE = "/oidc-onboard"


@routes.on("GET", "/c/oidc/login", allow=anyone, fails=(BadRequest, Precondition, BadGateway))
async def oidc_login(ctx: Ctx, query: schemas.SignInQuery) -> Response:
    """Send the browser to the provider, from where it comes back."""
    values = await provider(ctx)
    if not ui.own_path(query.redirect_url, ""):
        raise BadRequest(_("That is no page of this registry."))
    return RedirectResponse(await entry.way_in(ctx, values, query.redirect_url), 303)


@routes.on(
    "GET",
    "/c/oidc/callback",
    allow=anyone,
    fails=(BadRequest, Conflict, Precondition, BadGateway),
    audit=Audit("login", "user", ""),
    stream=True,  # it writes, although it is a GET, and waits for the provider before
)
async def oidc_callback(ctx: Ctx, query: schemas.CallbackQuery) -> Response:
    """Let in whoever comes back from the provider; a browser that did not go there learns so."""
    values, cookie = await ctx.the(Oidc).values(), entry.cookie_of(ctx, query.state)
    if values is None:
        return await refused(ctx, none_configured())
    secret = entry.held(ctx, cookie)
    to = ctx.the(Oidc).flow.path_after(query.state, secret, values)
    if to is None:  # nothing of it goes into the audit log: anybody may send this
        return await refused(ctx, BadRequest("State mismatch"))
    entry.hold(ctx, "", cookie)
    if query.error:
        said = shown(f"{query.error}: {query.error_description}".rstrip(": "))
        raise BadRequest(_("The provider did not let you in: %(why)s") % {"why": said})
    told = await entry.arrived(ctx, values, code=query.code, issuer=query.iss, secret=secret)
    ctx.subject = told.username or None
    async with ctx.writing() as session:
        row = await oidc.note(session, told)
        user = await oidc.account_of(session, row)
        if user is not None:
            await ctx.the(Oidc).follow(session, row)
            return gone_with(to, await entry.admit(ctx, user))
        if values.oidc_auto_onboard:
            name = proposed(told)
            await forms.check_username(session, name, values)
            return gone_with(to, await entry.onboard(ctx, row, name))
        chosen_by = flow.held()
        await oidc.postpone(session, row, chosen_by)
    entry.hold(ctx, chosen_by)
    asked = urlencode({"username": told.username, "redirect_url": to})
    return RedirectResponse(f"{CHOOSE}?{asked}", 303)


@routes.on("GET", "/c/oidc/logout", allow=anyone, audit=Audit("logout", "user", ""), stream=True)
async def oidc_logout(ctx: Ctx) -> Response:
    """End the session, and that at the provider if the settings say so."""
    ctx.the(Csrf).check_log_out(ctx.request)
    answer = gone_to(ctx, await entry.way_out(ctx))
    answer.raw_headers.extend(await leave(ctx))
    return answer


@routes.on("GET", CHOOSE, allow=anyone, fails=(BadRequest, Precondition))
async def choose_name(ctx: Ctx, query: schemas.SignInQuery) -> View:
    """Ask somebody whom the provider knows, and we do not, for a name."""
    await provider(ctx)
    row = await oidc.choosing(ctx.session, entry.held(ctx))
    if row is None:
        raise BadRequest(late())
    page = schemas.ChooseName(row.username, ui.own_path(query.redirect_url))
    return View("account/onboard.html", page)


@routes.on(
    "POST",
    CHOOSE,
    allow=anyone,
    fails=(BadRequest, Conflict, Precondition),
    audit=Audit("create", "user", "{form.username}"),
    read_only_ok=True,
)
async def choose_this_name(ctx: Ctx, form: schemas.ChosenName) -> Response:
    """Make the account, from the form, and go to the page that was asked for."""
    values = await provider(ctx)
    row = await oidc.choosing(ctx.session, entry.held(ctx))
    if row is None:
        raise BadRequest(late())
    name = form.username.strip()
    await forms.check_username(ctx.session, name, values)
    cookie = await entry.onboard(ctx, row, name)
    answer = gone_to(ctx, ui.own_path(form.redirect_url))
    answer.raw_headers.append(cookie)
    return answer


@routes.on("GET", "/account/cli-secret", allow=signed_in, fails=(NotFound,))
async def cli_secret(ctx: Ctx) -> View:
    """Show the secret that the caller's clients use for a password."""
    box = ctx.the(Configuration).box
    found = await oidc.info(ctx.session, ctx.principal.known_id, box)
    if found is None or await ctx.the(Oidc).values() is None:
        raise NotFound(_("Only accounts that come from a provider have such a secret."))
    return View("account/cli_secret.html", schemas.SecretPage(ctx.principal.name, found.secret))


@routes.on(
    "POST",
    "/account/cli-secret",
    allow=signed_in,
    fails=(NotFound, BadRequest, Precondition),
    audit=Audit("update", "user", ""),
)
async def change_cli_secret(ctx: Ctx, form: schemas.SecretForm) -> Response:
    """Give the caller's clients the secret that was entered, or a new one."""
    await provider(ctx)
    ctx.subject = ctx.principal.name
    with ui.at_field("secret"):
        user_id, box = ctx.principal.known_id, ctx.the(Configuration).box
        await oidc.set_secret(ctx.session, user_id, form.secret, box)
    return ui.done(ctx.request, here(ctx), _("Clients sign in with the new secret from now on."))


@routes.on(
    "POST",
    "/harbor/configs/auth/oidc",
    allow=system("configuration", "update"),
    audit=Audit("test", "configuration", "oidc"),
    stream=True,  # the provider may take its time
    read_only_ok=True,
)
async def try_oidc(ctx: Ctx, form: schemas.OidcTry) -> View:
    """Try the provider that was entered, and say how it answers."""
    problem = await problem_of(form.oidc_endpoint, verify=form.oidc_verify_cert)
    async with ctx.writing():
        return View("configuration/oidc_tried.html", schemas.OidcTried(problem))


async def provider(ctx: Ctx) -> Values:
    """The settings; ``Precondition`` where people do not come from a provider."""
    values = await ctx.the(Oidc).values()
    if values is None:
        raise none_configured()
    return values


def none_configured() -> Precondition:
    return Precondition(_("People do not come from an OpenID provider here."))


async def refused(ctx: Ctx, error: HarborError) -> Response:
    return await ctx.wiring.show_error(ctx, error)


def gone_with(to: str, cookie: tuple[bytes, bytes]) -> Response:
    answer = RedirectResponse(to, 303)
    answer.raw_headers.append(cookie)
    return answer


def proposed(told: oidc.Told) -> str:
    """The name of an account that is made without a question."""
    if not told.username:
        raise BadRequest(_("The provider told no user name; ask an administrator."))
    return told.username


def late() -> str:
    return _("You signed in too long ago, or in another browser. Sign in again.")
