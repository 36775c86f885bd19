"""What stands around every page, and pages that say what went wrong."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlencode, urlsplit

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from harbor import __version__
from harbor.configuration.schemas import Banner, Values
from harbor.configuration.service import Configuration
from harbor.core import api, clock, html, i18n, ui
from harbor.core.api import Ctx, Op, View
from harbor.core.errors import HarborError, Moved, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import NOBODY, Principal, anyone
from harbor.portal import navigation, problems, schemas
from harbor.users.models import ADMIN_ID
from harbor.users.service import DB_AUTH, find_login

SIGN_IN = "/account/sign-in"
MACHINES = ("/api/", "/v2/", "/service/", "/c/", "/static/")  # whose callers read no pages
THEMES = ("light", "dark")
DAY = timedelta(days=1)
AMERICAN = re.compile(r"^(\d\d)/(\d\d)/(\d{4})$")


async def show(ctx: Ctx, view: View) -> Response:
    """The view as HTML, within the frame."""
    frame = await around(ctx)
    await html.ready()
    body = html.render(view.template, view.page, frame)
    answer = HTMLResponse(body, view.status, html.HEADERS | {"Vary": "HX-Request, HX-Target"})
    if frame.said:
        answer.delete_cookie(ui.SAID, samesite="lax")
    return answer


async def show_error(ctx: Ctx, error: HarborError) -> Response:
    """What went wrong, as a page; a stranger is asked to sign in and comes back here."""
    request = ctx.request
    if isinstance(error, Moved):
        return Response(status_code=error.status, headers=error.headers)
    signs_in = error.status == 401 and ctx.op is not None and ctx.op.allow.scope != "public"  # noqa: PLR2004
    if signs_in:
        place = f"{SIGN_IN}?{urlencode({'redirect_url': here(request)})}"
        if ui.is_fragment(request):
            return Response(status_code=401, headers={"HX-Redirect": place})
        if request.method == "GET":
            return RedirectResponse(place, 303)
    problem = problems.explain(error, known=ctx.principal.known)
    fragment = ui.is_fragment(request)
    template = "portal/problem.html" if fragment else "portal/error.html"
    return await show(ctx, View(template, problem, error.status))


async def around(ctx: Ctx) -> schemas.Frame:
    """The frame of this request's page."""
    values = await ctx.the(Configuration).current()
    local = await has_password(ctx, values)
    return framed(ctx.request, ctx.principal, values, local=local)


async def has_password(ctx: Ctx, values: Values) -> bool:
    """Whether the caller's password is kept here, and may be changed here."""
    who = ctx.principal
    if values.auth_mode != DB_AUTH or not values.sources or not who.known:
        return values.auth_mode == DB_AUTH or who.user_id == ADMIN_ID
    account = await find_login(ctx.db.quick, who.name)
    return account is not None and not account.source


def framed(
    request: Request, who: Principal, values: Values, *, local: bool = False
) -> schemas.Frame:
    reader = i18n.reader.get()
    theme = request.cookies.get("harbor-theme", "")
    caller = schemas.Caller(who.name, who.is_admin, local) if who.known else None
    return schemas.Frame(
        version=__version__,
        path=request.url.path,
        here=here(request),
        caller=caller,
        csrf=who.csrf,
        sections=navigation.sections(caller),
        account=navigation.account(caller),
        language=reader.language,
        theme=theme if theme in THEMES else "",
        iso=reader.iso,
        pull_with=navigation.pull_with(request),
        collapsed=request.cookies.get("harbor-nav") == "collapsed",
        banner=banner(values.banner_message, closed=request.cookies.get("harbor-banner", "")),
        read_only=values.read_only,
        searched=request.query_params.get("q", "") if request.url.path == "/harbor/search" else "",
        said=unquote(request.cookies.get(ui.SAID, ""))[: ui.MAX_SAID],
        dialog=ui.wants_dialog(request),
    )


def broken(scope: Scope, error: HarborError) -> Response | None:
    """A page for a browser where nothing can be known of its reader; ``None`` for programs."""
    request = Request(scope)
    if not reads_pages(request):
        return None
    frame = framed(request, NOBODY, Values())
    problem = problems.explain(error, known=True)
    body = html.render("portal/error.html", problem, frame)
    return HTMLResponse(body, error.status, html.HEADERS | error.headers)


def here(request: Request) -> str:
    """Where the browser is: the page, also when a part of it or its dialog is asked for."""
    if request.method != "GET" or ui.is_fragment(request):
        told = urlsplit(
            request.headers.get("hx-current-url", "") or request.headers.get("referer", "")
        )
        found = f"{told.path}?{told.query}" if told.query else told.path
        return ui.own_path(found or "/")
    query = request.url.query
    return ui.own_path(f"{request.url.path}?{query}" if query else request.url.path)


def banner(kept: str, *, closed: str) -> schemas.Banner | None:
    """The announcement, if there is one for today that this reader has not closed."""
    try:
        told = msgspec.json.decode(kept, type=Banner)
    except msgspec.DecodeError:
        return None
    key = hashlib.sha256(kept.encode()).hexdigest()[:16]
    now = clock.now()
    begins, ends = moment(told.from_date), moment(told.to_date)
    if not told.message or closed == key or (begins and now < begins):
        return None
    if ends and now >= ends + DAY:  # the last day is one of it
        return None
    return schemas.Banner(told.message, told.type, told.closable, key)


def moment(text: str | None) -> datetime | None:
    """A date as Harbor's portal or a script may have written it; ``None`` for anything else."""
    try:
        found = datetime.fromisoformat(AMERICAN.sub(r"\3-\1-\2", text or ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def nowhere(wiring: api.Wiring) -> ASGIApp:
    """What answers where there is nothing: a page for browsers, an error for programs."""

    async def missing(ctx: Ctx) -> View:
        raise NotFound(_("There is no page at this address."))

    op = Op(method="GET", path="/{nothing}", handler=missing, allow=anyone, page=True)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["type"] != "http" or not reads_pages(request):
            raise HTTPException(404)
        answer = await api.perform(op, request, wiring)
        await answer(scope, receive, send)

    return app


def reads_pages(request: Request) -> bool:
    path = request.scope["path"] + "/"
    accepts = "text/html" in request.headers.get("accept", "")
    return request.method in ("GET", "HEAD") and accepts and not path.startswith(MACHINES)
