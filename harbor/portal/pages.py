"""What is shown: the start page, preferences, and the files that pages need."""

import asyncio
import gzip
import platform
from functools import cache

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from harbor import __version__
from harbor.core import html, i18n, ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.errors import NotFound, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.security import anyone, signed_in, system
from harbor.portal import gallery, navigation, schemas
from harbor.portal.live import Live

routes = Routes(tag="portal", pages=True)
YEAR = "public, max-age=31536000, immutable"
NOT_KEPT = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
PACKED = (".css", ".js", ".svg")


@routes.on("GET", "/", allow=anyone)
async def home(ctx: Ctx) -> View | Response:
    """Say what runs here and how to push to it; who has signed in goes to the projects."""
    if ctx.principal.known:
        return RedirectResponse("/harbor/projects", 303)
    host = host_of(ctx.request)
    steps = (
        schemas.Step(_("Log in"), f"docker login {host}", _("podman, helm and oras do it alike")),
        schemas.Step(_("Name an image"), f"docker tag hello {host}/library/hello:1.0"),
        schemas.Step(_("Push it"), f"docker push {host}/library/hello:1.0"),
        schemas.Step(_("Pull it anywhere"), f"docker pull {host}/library/hello:1.0"),
    )
    secure = ctx.request.url.scheme == "https"
    return View("portal/home.html", schemas.Home(host, secure, steps))


@routes.on("GET", "/harbor", allow=anyone)
async def to_projects(ctx: Ctx) -> Response:
    """Go to the projects."""
    return RedirectResponse("/harbor/projects", 303)


@routes.on("GET", "/account/preferences", allow=anyone)
async def preferences(ctx: Ctx) -> View:
    """Show what this browser remembers: language, dates, theme, pull command."""
    told = ctx.request.headers.get("hx-current-url") or ctx.request.headers.get("referer") or "/"
    languages = tuple(i18n.offered().items())
    return View("portal/preferences.html", schemas.Preferences(languages, back_to(told)))


@routes.on("POST", "/account/preferences", allow=anyone, stream=True, read_only_ok=True)
async def keep_preferences(ctx: Ctx, form: schemas.PreferencesForm) -> Response:
    """Make this browser remember them; on the server nothing changes."""
    told = {
        "harbor-theme": "" if form.theme == "system" else form.theme,
        "harbor-lang": form.language,
        "harbor-dates": form.dates,
        "harbor-pull": form.pull_other if form.pull_with == "other" else form.pull_with,
    }
    if told["harbor-pull"] and not navigation.PROGRAM.fullmatch(told["harbor-pull"]):
        told["harbor-pull"] = ""
    back = ui.own_path(form.back, "/")
    fragment = ui.is_fragment(ctx.request)
    answer = Response(status_code=204, headers={"HX-Refresh": "true"}) if fragment else None
    answer = answer or RedirectResponse(back, 303)
    for name, value in told.items():
        if value is not None:
            ui.remember(answer, name, value[:64], secure=ctx.request.url.scheme == "https")
    return answer


@routes.on("GET", "/account/about", allow=signed_in)
async def about(ctx: Ctx) -> View:
    """Show which version runs here."""
    kind = "PostgreSQL" if ctx.settings.database.startswith("postgres") else "SQLite"
    shown = schemas.About(__version__, platform.python_version(), kind, host_of(ctx.request))
    return View("portal/about.html", shown)


@routes.on("GET", "/harbor/gallery", allow=system("configuration", "read"))
async def show_gallery(ctx: Ctx, query: gallery.Query) -> View:
    """Show every component with sample data, for those who write pages."""
    return View("portal/gallery.html", gallery.sample(ctx.request, query))


@routes.on("GET", "/harbor/gallery/dialog", allow=system("configuration", "read"))
async def gallery_dialog(ctx: Ctx) -> View:
    """Show a dialog with every kind of field."""
    return View("portal/gallery_dialog.html", gallery.FIELDS)


@routes.on("GET", "/harbor/gallery/delete", allow=system("configuration", "read"))
async def gallery_confirm(ctx: Ctx, query: gallery.Chosen) -> View:
    """Show the question before something is deleted."""
    return View("confirm.html", gallery.question(query.id))


@routes.on("GET", "/harbor/live", allow=signed_in, stream=True, fails=(Unavailable,))
async def live_events(ctx: Ctx, query: schemas.LiveQuery) -> Response:
    """Tell by server-sent events when something was changed."""
    live = ctx.the(Live)
    live.enter()
    since = ctx.request.headers.get("last-event-id") or await live.version()
    lines = live.events(since, query.wait_s)
    return StreamingResponse(lines, media_type="text/event-stream", headers=NOT_KEPT)


@routes.on("GET", "/static/{name}", allow=anyone, fails=(NotFound,))
async def static(ctx: Ctx, name: str) -> Response:
    """Fetch a file that pages need, as it is now."""
    return await sent(ctx.request, name, "max-age=3600")


@routes.on("GET", "/static/{build}/{name}", allow=anyone, fails=(NotFound,))
async def static_of_build(ctx: Ctx, build: str, name: str) -> Response:
    """Fetch a file that pages need, to be kept for good: another content has another address."""
    return await sent(ctx.request, name, YEAR if build == html.build() else "no-cache")


async def sent(request: Request, name: str, keep: str) -> Response:
    if name not in html.FILES:
        raise NotFound(_("There is no such file."))
    packed = "gzip" in request.headers.get("accept-encoding", "")
    body, headers = await asyncio.to_thread(content, name, packed=packed)
    return Response(
        body,
        media_type=html.media_type(html.FILES[name]),
        headers={"Cache-Control": keep, "X-Content-Type-Options": "nosniff", **headers},
    )


@cache
def content(name: str, *, packed: bool) -> tuple[bytes, dict[str, str]]:
    """A file, and what its answer says of its packing."""
    file = html.FILES[name]
    raw = file.read_bytes()
    if file.suffix not in PACKED:
        return raw, {}
    if not packed:
        return raw, {"Vary": "Accept-Encoding"}
    return gzip.compress(raw, mtime=0), {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"}


def host_of(request: Request) -> str:
    """The name that this browser used; templates escape it."""
    return request.headers.get("host", request.url.netloc)


def back_to(told: str) -> str:
    """The path of an address of this server."""
    _scheme, _, rest = told.partition("://")
    return ui.own_path("/" + rest.partition("/")[2] if rest else told, "/")
