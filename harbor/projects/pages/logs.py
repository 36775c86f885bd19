"""What is shown: the audit log, as a whole and of one project."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from harbor.audit import service as audit
from harbor.audit.models import AuditLog
from harbor.core import ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.query import Listing
from harbor.core.security import project, signed_in
from harbor.core.ui import Column, Filter, Grid, Listed
from harbor.projects.service import header
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
COLUMNS = (
    Column(later("When"), sort="op_time", narrow=True),
    Column(later("Who"), key="username"),
    Column(later("Operation"), key="operation"),
    Column(later("Kind"), key="resource_type"),
    Column(later("Resource")),
    Column(later("Description"), key="description", hidden=True),
    Column(later("Result"), key="result", narrow=True),
)
FILTERS = (
    Filter("resource", later("Resource")),
    Filter("username", later("Who")),
    Filter("resource_type", later("Kind")),
    Filter("operation", later("Operation")),
)
OPERATIONS = {
    "create": later("Create"),
    "update": later("Update"),
    "delete": later("Delete"),
    "pull": later("Pull"),
    "login": later("Sign in"),
    "logout": later("Sign out"),
}
KINDS = {"create": "good", "delete": "bad", "update": "warn"}  # of badges
Day = Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]


class LogQuery(Listed, kw_only=True):
    """Which lines: from a day to a day, both included, in UTC; and those that failed."""

    since: Day = ""
    until: Day = ""
    result: Literal["", "true", "false"] = ""

    @property
    def narrowed(self) -> str:
        """All that is asked for, as ``q``."""
        parts = [ui.filter_q(self, FILTERS)]
        if self.since or self.until:
            begin = f"{self.since}T00:00:00" if self.since else ""
            end = f"{self.until}T23:59:59" if self.until else ""
            parts.append(f"op_time=[{begin}~{end}]")
        if self.result:
            parts.append(f"op_result={self.result}")
        return ",".join(part for part in parts if part)


class LogPage(Struct, frozen=True):
    header: Header | None  # None: of everything that the caller may know
    grid: Grid
    lines: list[AuditLog]
    since: str
    until: str
    result: str

    @property
    def results(self) -> list[tuple[str, str]]:
        return [("", _("All results")), ("true", _("Succeeded")), ("false", _("Failed"))]

    def operation(self, name: str) -> str:
        return _(OPERATIONS[name]) if name in OPERATIONS else name

    def kind(self, name: str) -> str:
        return KINDS.get(name, "")


@routes.on("GET", "/logs", allow=signed_in, fails=(BadRequest,))
async def logs_page(ctx: Ctx, query: LogQuery) -> View:
    """Show what was done: everything, or what was done in the projects that the caller leads."""
    return await listed(ctx, query, audit.visible_to(ctx.principal), None)


@routes.on(
    "GET",
    "/projects/{project_name_or_id}/logs",
    allow=project("log", "list"),
    fails=(NotFound, BadRequest),
)
async def project_logs_page(ctx: Ctx, project_name_or_id: str, query: LogQuery) -> View:
    """Show what was done in the project."""
    head = await header.of(ctx, "logs")
    return await listed(ctx, query, audit.of_project(head.project_id), head)


async def listed(
    ctx: Ctx, query: LogQuery, within: audit.Within | None, head: Header | None
) -> View:
    asked = ui.remembered(ctx.request, "logs", query)
    wanted = Listing(page=asked.page, page_size=asked.page_size, sort=asked.sort, q=asked.narrowed)
    lines, total = await audit.search(ctx.session, wanted, within=within)
    grid = ui.grid(ctx.request, "logs", asked, total, COLUMNS, filters=FILTERS)
    told = msgspec.structs.asdict(asked)
    days = {name: str(told[name]) for name in ("since", "until", "result")}
    return View("projects/logs.html", LogPage(head, grid, lines, **days))
