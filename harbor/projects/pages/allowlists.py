"""What is shown: the vulnerabilities that stop no pull in the whole registry.

The form of such a list is also a part of the settings of a project.
"""

import re
from datetime import date, datetime, time, timedelta

from msgspec import Struct, field
from starlette.responses import Response

from harbor.core import clock, i18n, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest
from harbor.core.i18n import gettext as _
from harbor.core.security import system
from harbor.projects import schemas
from harbor.projects.models import SYSTEM, CVEAllowlist
from harbor.projects.service import allowlists

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
HERE = "/harbor/configs/security"
BETWEEN = re.compile(r"[\s,;]+")
DAY = timedelta(days=1)
MOST = 10_000  # ids of a list
MAX_LENGTH = 128  # characters of an id
CHIPS = 500  # more than these are shown as text: a form has not that many fields


class Shown(Struct, frozen=True):
    """A list as its form shows it."""

    total: int
    cves: list[str]
    more: str  # a list that is too long for that, as text
    expires: str  # the last day, as 2006-01-02; "" for never
    is_over: bool  # it has expired, and is as good as none


class SecurityPage(Struct, frozen=True):
    """The list of the whole registry."""

    listed: Shown


class ListForm(Struct):
    """What the form of a list sends."""

    cve: list[schemas.Name] = field(default_factory=list)  # those that were there and stay
    more: str = ""  # new ones, with blanks or commas between them
    expires: schemas.Name = ""  # a day, as 2006-01-02


@routes.on("GET", "/configs/security", allow=system("configuration", "read"))
async def security_page(ctx: Ctx) -> View:
    """Show the allowlist of the whole registry."""
    page = SecurityPage(shown(await allowlists.system(ctx.session)))
    return View("projects/security.html", page)


@routes.on(
    "POST",
    "/configs/security",
    allow=system("configuration", "update"),
    fails=(BadRequest,),
    audit=Audit("update", "configuration", "CVEAllowlist"),
)
async def save_security(ctx: Ctx, form: ListForm) -> Response:
    """Replace the allowlist of the whole registry, from the form."""
    kept = await allowlists.system(ctx.session)
    await allowlists.replace(ctx.session, SYSTEM, wanted(form, kept))
    return ui.done(ctx.request, HERE, _("The list was saved."))


def shown(kept: CVEAllowlist | None) -> Shown:
    if kept is None:
        return Shown(0, [], "", "", is_over=False)
    few = len(kept.items) <= CHIPS
    return Shown(
        total=len(kept.items),
        cves=kept.items if few else [],
        more="" if few else "\n".join(kept.items),
        expires=last_day(kept.expires_at),
        is_over=allowlists.is_over(kept),
    )


def wanted(form: ListForm, kept: CVEAllowlist) -> schemas.CVEAllowlistReq:
    """The list of the form, in place of *kept*."""
    return schemas.CVEAllowlistReq(
        expires_at=end_of(form.expires, kept.expires_at), items=items_of(form)
    )


def items_of(form: ListForm) -> list[schemas.CVEAllowlistItem]:
    """The vulnerabilities of the form, each once."""
    ids = list(dict.fromkeys([*form.cve, *filter(None, BETWEEN.split(form.more))]))
    with ui.at_field("more"):
        if too_long := next((cve_id for cve_id in ids if len(cve_id) > MAX_LENGTH), ""):
            raise BadRequest(_("%(name)s is too long.") % {"name": f"{too_long[:40]}…"})
        if len(ids) > MOST:
            raise BadRequest(_("A list holds %(num)s of them at most.") % {"num": MOST})
    return [schemas.CVEAllowlistItem(cve_id) for cve_id in ids]


def end_of(day: str, kept: int | None) -> int | None:
    """When that day ends where the reader is; *kept*, if it is of that day already."""
    if not day:
        return None
    if day == last_day(kept):
        return kept
    with ui.at_field("expires"):
        try:
            following = date.fromisoformat(day) + DAY
        except (ValueError, OverflowError) as error:
            raise BadRequest(_("Enter a date.")) from error
        ends_at = datetime.combine(following, time(), i18n.reader.get().zone)
        if ends_at <= clock.now():
            raise BadRequest(_("Choose a day that is not over."))
    return int(ends_at.timestamp())


def last_day(expires_at: int | None) -> str:
    """The day that *expires_at* ends or falls into, where the reader is; "" for never."""
    if expires_at is None:
        return ""
    try:
        last = datetime.fromtimestamp(expires_at - 1, i18n.reader.get().zone)
    except (ValueError, OverflowError, OSError):  # seconds of years that no calendar has
        return ""
    return last.date().isoformat()
