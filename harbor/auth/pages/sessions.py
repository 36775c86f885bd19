"""What is shown: where somebody is signed in."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.auth import cookies, sessions
from harbor.auth.models import Session
from harbor.auth.sessions import Sessions
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import own_credentials, system
from harbor.core.ui import Batch, Column, Confirm, Grid, Listed
from harbor.core.wire import Id, Time
from harbor.users import service as users

routes = Routes(tag="portal", pages=True)
HERE = "/account/sessions"
OF_USER = "/harbor/users/{user_id}/sessions"
COLUMNS = (
    Column(later("Browser")),
    Column(later("Address"), key="address"),
    Column(later("Signed in"), key="begun"),
    Column(later("Last seen"), key="seen"),
    Column("", narrow=True),
)
BATCH = (Batch(f"{HERE}/end", later("Sign out"), icon="log-out", danger=True),)
# What tells browsers and systems apart, the most particular first.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
SHOWN = 60  # characters of what a client calls itself


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = field(
        default_factory=list
    )


class Row(Struct, frozen=True):
    """A session as a line of the list."""

    pick: str | None  # None: the one that asks, which is ended by signing out
    name: str
    agent: str
    address: str
    begun: Time
    seen: Time


class SessionList(Struct, frozen=True):
    grid: Grid
    rows: list[Row]


@routes.on("GET", HERE, allow=own_credentials, fails=(NotFound,))
async def sessions_page(ctx: Ctx, query: Listed) -> View:
    """Show where the caller is signed in."""
    asked = ui.remembered(ctx.request, "sessions", query)
    found = await open_ones(ctx, ctx.principal.known_id)
    here = sessions.hashed(cookies.sent(ctx.request, cookies.SID)) if ctx.principal.csrf else ""
    page = SessionList(
        grid=ui.grid(ctx.request, "sessions", asked, len(found), COLUMNS, batch=BATCH),
        rows=[row_of(each, here) for each in found[asked.offset :][: asked.page_size]],
    )
    return View("account/sessions.html", page)


@routes.on("GET", f"{HERE}/end", allow=own_credentials, fails=(NotFound,))
async def ask_to_end_sessions(ctx: Ctx, query: Chosen) -> View:
    """Ask before sessions of the caller's are ended."""
    found = await chosen(ctx, query.id)
    asked = Confirm(
        title=_("Sign out"),
        action=f"{HERE}/end",
        submit=_("Sign out"),
        text=_("Whoever uses these browsers must sign in again."),
        names=[described(each) for each in found],
        fields=[("id", each.id) for each in found],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{HERE}/end",
    allow=own_credentials,
    fails=(NotFound,),
    audit=Audit("delete", "session", "{form.id}"),
)
async def end_chosen_sessions(ctx: Ctx, form: Chosen) -> Response:
    """End the chosen sessions of the caller's."""
    found = await chosen(ctx, form.id)
    ctx.subject = ctx.principal.name
    for each in found:
        await sessions.end_one(ctx.session, ctx.principal.known_id, each.id)
    said = ngettext("%(num)s session was ended.", "%(num)s sessions were ended.", len(found))
    return ui.done(ctx.request, HERE, said % {"num": len(found)})


@routes.on("GET", OF_USER, allow=system("user", "update"), fails=(NotFound,))
async def ask_to_sign_out(ctx: Ctx, user_id: Id) -> View:
    """Show where somebody is signed in, and ask before that is ended."""
    user = await users.get(ctx.session, user_id)
    found = await open_ones(ctx, user_id)
    asked = Confirm(
        title=_("Sign out %(name)s everywhere") % {"name": user.username},
        action=OF_USER.format(user_id=user_id),
        submit=_("Sign out everywhere"),
        text=_("Every browser must sign in again. Access tokens are not touched.")
        if found
        else _("There is no browser in which this account is signed in."),
        names=[described(each) for each in found],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    OF_USER,
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "session", "all of {user_id}"),
)
async def sign_out_everywhere(ctx: Ctx, user_id: Id) -> Response:
    """End all sessions of somebody's."""
    user = await users.get(ctx.session, user_id)
    ctx.subject = user.username
    await sessions.end_all(ctx.session, user_id)
    said = _("%(name)s is signed out everywhere.") % {"name": user.username}
    return ui.done(ctx.request, "/harbor/users", said)


async def open_ones(ctx: Ctx, user_id: int) -> list[Session]:
    life = await ctx.the(Sessions).life()
    return list(await sessions.owned_by(ctx.session, user_id, life=life))


async def chosen(ctx: Ctx, ids: list[str]) -> list[Session]:
    """Those of the caller's sessions that have these ids; ``NotFound`` if none is left."""
    found = [each for each in await open_ones(ctx, ctx.principal.known_id) if each.id in ids]
    if not found:
        raise NotFound(_("None of these sessions is open any more."))
    return found


def row_of(session: Session, here: str) -> Row:
    return Row(
        pick=None if session.id == here else session.id,
        name=named(session.user_agent),
        agent=session.user_agent,
        address=session.address,
        begun=Time(session.creation_time),
        seen=Time(session.last_seen),
    )


def described(session: Session) -> str:
    return " · ".join(part for part in (named(session.user_agent), session.address) if part)


def named(agent: str) -> str:
    """What a browser calls itself, as its owner would call it."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system_name = next((name for sign, name in SYSTEMS if sign in agent), "")
    if browser and system_name:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system_name}
    return browser or agent[:SHOWN] or _("Unknown browser")
