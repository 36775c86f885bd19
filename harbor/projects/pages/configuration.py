"""What is shown: the settings of a project."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from msgspec import Struct, field
from starlette.responses import Response

from harbor.core import clock, i18n, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.models import CVEAllowlist
from harbor.projects.service import allowlists, header, metadata
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
ONE = "/projects/{project_name_or_id}/configs"
BETWEEN = re.compile(r"[\s,;]+")
DAY = timedelta(days=1)
MOST = 10_000  # ids of a list
MAX_LENGTH = 128  # characters of an id
CHIPS = 500  # more than these are shown as text: a form has not that many fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings as the form shows them."""

    header: Header
    may_change: bool
    on: frozenset[str]  # the names of the metadata that are true
    severity: str
    own_list: bool  # the project has an allowlist of its own
    cves: list[str]
    more: str  # a list that is too long for that, as text
    expires: str  # the last day of the own list, as 2006-01-02; "" for never
    system: CVEAllowlist


@dataclass(frozen=True, slots=True)
class Copied:
    """The allowlist of the whole registry, to be taken over."""

    cves: list[str]


class SettingsForm(Struct):
    """What the form sends."""

    public: bool = False
    enable_content_trust_cosign: bool = False
    enable_content_trust: bool = False
    prevent_vul: bool = False
    severity: Literal["none", "low", "medium", "high", "critical"] = "low"
    auto_scan: bool = False
    auto_sbom_generation: bool = False
    allowlist: Literal["system", "project"] = "system"
    cve: list[schemas.Name] = field(default_factory=list)  # those that were there and stay
    more: str = ""  # new ones, with blanks or commas between them
    expires: schemas.Name = ""  # a day, as 2006-01-02


SWITCHES = (
    "public",
    "enable_content_trust_cosign",
    "enable_content_trust",
    "prevent_vul",
    "auto_scan",
    "auto_sbom_generation",
)


@routes.on("GET", ONE, allow=project("configuration", "read"), fails=(NotFound,))
async def project_settings_page(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the settings of the project; who may not change them only reads."""
    head = await header.of(ctx, "configs")
    seen = await projects.see(ctx.session, head.project_id, who=ctx.principal)
    own = seen.cve_allowlist
    listed = own.items if own else []
    page = Settings(
        header=head,
        may_change=await header.may(ctx, "configuration", "update", head.name),
        on=frozenset(name for name, value in seen.metadata.items() if value in metadata.TRUE),
        severity=seen.metadata.get("severity", "low"),
        own_list=seen.metadata.get(allowlists.REUSE) in metadata.FALSE,
        cves=listed if len(listed) <= CHIPS else [],
        more="" if len(listed) <= CHIPS else "\n".join(listed),
        expires=last_day(own.expires_at if own else None),
        system=await allowlists.system(ctx.session),
    )
    return View("projects/configuration.html", page)


@routes.on(
    "GET", f"{ONE}/system-allowlist", allow=project("configuration", "update"), fails=(NotFound,)
)
async def copy_system_allowlist(ctx: Ctx, project_name_or_id: str) -> View:
    """Offer the ids of the registry's allowlist, for the project's own."""
    return View("projects/cves.html", Copied((await allowlists.system(ctx.session)).items))


@routes.on(
    "POST",
    ONE,
    allow=project("configuration", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "project", "{project_name_or_id}"),
)
async def change_project_settings(
    ctx: Ctx, project_name_or_id: str, form: SettingsForm
) -> Response:
    """Keep the settings of the form."""
    held = await projects.hold(ctx.session, ctx.known_project_id)
    ctx.subject = held.name
    told = {name: str(getattr(form, name)).lower() for name in SWITCHES}
    told |= {"severity": form.severity, allowlists.REUSE: str(form.allowlist == "system").lower()}
    wanted = schemas.ProjectReq(metadata=schemas.ProjectMetadata(**told))
    if form.allowlist == "project":
        own = (await allowlists.of(ctx.session, [held.project_id]))[held.project_id]
        wanted.cve_allowlist = schemas.CVEAllowlistReq(
            expires_at=end_of(form.expires, own.expires_at), items=items_of(form)
        )
    await projects.change(ctx.session, held, wanted)
    return ui.done(ctx.request, f"{header.path_of(held.project_id)}/configs", _("Saved."))


def items_of(form: SettingsForm) -> list[schemas.CVEAllowlistItem]:
    """The allowlist of the form, each id once."""
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
