"""What is shown: who has to wait after wrong passwords."""

from typing import Annotated
from urllib.parse import urlencode

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.auth.guesses import WITHIN_S
from harbor.auth.lockout import Lock
from harbor.auth.service import Accounts
from harbor.core import clock, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.quick import SessionPen
from harbor.core.security import system
from harbor.core.ui import Column, Confirm, Grid, Listed
from harbor.core.wire import Time

routes = Routes(prefix="/harbor/users", tag="portal", pages=True)
HERE = "/harbor/users/locked"
COLUMNS = (
    Column(later("Name")),
    Column(later("Address"), key="address"),
    Column(later("Wrong passwords"), key="wrong"),
    Column(later("Last tried"), key="last"),
    Column(later("Waits until"), key="until"),
    Column("", narrow=True),
)


class Which(Struct):
    """A name, an address, or a name at an address."""

    name: Annotated[str, Meta(max_length=300)] = ""
    address: Annotated[str, Meta(max_length=255)] = ""


class Row(Struct, frozen=True):
    """Somebody who guesses, as a line of the list."""

    name: str
    address: str
    wrong: int
    last: Time
    until: Time | None  # None: may try again
    release: str  # path


class LockoutList(Struct, frozen=True):
    grid: Grid
    rows: list[Row]


@routes.on("GET", "/locked", allow=system("user", "list"))
async def lockouts_page(ctx: Ctx, query: Listed) -> View:
    """Show who has to wait, or has guessed a lot within the hour."""
    asked = ui.remembered(ctx.request, "lockouts", query)
    counted = ctx.the(Accounts).lockout
    found, total = await counted.listed(offset=asked.offset, limit=asked.page_size)
    page = LockoutList(
        grid=ui.grid(ctx.request, "lockouts", asked, total, COLUMNS),
        rows=[row_of(each) for each in found],
    )
    return View("users/locked.html", page)


@routes.on("GET", "/locked/release", allow=system("user", "update"))
async def ask_to_release(ctx: Ctx, query: Which) -> View:
    """Ask before wrong passwords are forgotten."""
    asked = Confirm(
        title=_("Forget wrong passwords"),
        action=f"{HERE}/release",
        submit=_("Forget them"),
        text=_(
            "Whoever guesses may go on guessing. Make sure that it was a mistake. Every process of "
            "the registry has forgotten them within %(num)s seconds."
        )
        % {"num": WITHIN_S},
        names=[" · ".join(part for part in (query.name, query.address) if part)],
        fields=[("name", query.name), ("address", query.address)],
        danger=False,
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    "/locked/release",
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "lockout", "{form.name} {form.address}"),
)
async def release_here(ctx: Ctx, form: Which) -> Response:
    """Forget the wrong passwords of a name, an address, or both, so that nobody waits for them."""
    counted, pen = ctx.the(Accounts).lockout, SessionPen(ctx.session)
    if not await counted.release(pen, form.name, form.address):
        raise NotFound(_("No wrong passwords are counted there any more."))
    return ui.done(ctx.request, HERE, _("They may sign in again."))


def row_of(lock: Lock) -> Row:
    which = urlencode({"name": lock.name, "address": lock.address})
    return Row(
        name=lock.name,
        address=lock.address,
        wrong=lock.wrong,
        last=Time(lock.last),
        until=Time(lock.until) if lock.until > clock.now() else None,
        release=f"{HERE}/release?{which}",
    )
