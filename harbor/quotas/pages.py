"""What is shown: how much each project stores and may store."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.configuration import service as configuration
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.security import system
from harbor.core.ui import Column, Filter, Grid, Listed
from harbor.core.wire import Id
from harbor.projects.service import MAX_STORAGE, header
from harbor.quotas import schemas
from harbor.quotas import service as quotas
from harbor.quotas.models import STORAGE, UNLIMITED

routes = Routes(prefix="/harbor", tag="quotaPages", pages=True)
HERE = "/harbor/project-quotas"
UNITS = {"TiB": 1024**4, "GiB": 1024**3, "MiB": 1024**2, "KiB": 1024, "B": 1}  # bytes
NONE = "none"  # the unit of no limit
NUMBER = re.compile("0*[1-9][0-9]{0,15}")
COLUMNS = (
    Column(later("Project")),
    Column(later("Owner"), key="owner"),
    Column(later("Storage"), sort="used.storage"),
    Column(later("Limit"), sort="hard.storage", key="limit", numeric=True),
    Column("", narrow=True),
)
FILTERS = (Filter("name", later("Project")),)


class LimitForm(Struct):
    """A limit as it is entered."""

    storage: Annotated[str, Meta(max_length=32)] = ""
    storage_unit: Literal["B", "KiB", "MiB", "GiB", "TiB", "none"] = "GiB"

    @property
    def nbytes(self) -> int:
        """The limit in bytes, -1 for none; ``BadRequest`` at its field."""
        if self.storage_unit == NONE:
            return UNLIMITED
        text = self.storage.strip()
        with ui.at_field("storage"):
            if not NUMBER.fullmatch(text):
                raise BadRequest(_("Enter a whole number that is larger than 0."))
            nbytes = int(text) * UNITS[self.storage_unit]
            if nbytes > MAX_STORAGE:
                raise BadRequest(_("More than 1024 TiB cannot be set."))
        return nbytes


class Row(Struct, frozen=True):
    """A project as a line of the list."""

    id: int  # of the quota
    name: str
    path: str
    owner_name: str
    used: int
    hard: int


class QuotaList(Struct, frozen=True):
    grid: Grid
    rows: list[Row]
    usual: int  # the limit of a new project, in bytes; -1 for none
    enforced: bool


class LimitDialog(Struct, frozen=True):
    """The form of a limit: of one project, or of every new one."""

    action: str
    name: str  # of the project; "" for new ones
    used: int
    value: str
    unit: str


@routes.on("GET", "/project-quotas", allow=system("quota", "list"), fails=(BadRequest,))
async def quotas_page(ctx: Ctx, query: Listed) -> View:
    """Show what each project stores."""
    values = await ctx.the(Configuration).current()
    asked = ui.remembered(ctx.request, "quotas", query)
    wanted = schemas.QuotaQuery(
        page=asked.page,
        page_size=asked.page_size,
        sort=asked.sort or "-used.storage",
        q=ui.filter_q(asked, FILTERS),
    )
    found, total = await quotas.search(ctx.session, wanted)
    page = QuotaList(
        grid=ui.grid(ctx.request, "quotas", asked, total, COLUMNS, filters=FILTERS),
        rows=[row_of(each) for each in found],
        usual=values.storage_per_project,
        enforced=values.quota_per_project_enable,
    )
    return View("quotas/list.html", page)


@routes.on("GET", "/project-quotas/default", allow=system("configuration", "read"))
async def edit_default_quota(ctx: Ctx) -> View:
    """Show the form of the limit that new projects get."""
    usual = (await ctx.the(Configuration).current()).storage_per_project
    return View("quotas/edit.html", LimitDialog(f"{HERE}/default", "", 0, *entered(usual)))


@routes.on(
    "POST",
    "/project-quotas/default",
    allow=system("configuration", "update"),
    fails=(BadRequest, Forbidden),
    audit=Audit("update", "configuration", "storage_per_project"),
)
async def save_default_quota(ctx: Ctx, form: LimitForm) -> Response:
    """Set the limit that new projects get, from the form."""
    settings = ctx.the(Configuration)
    nbytes = form.nbytes
    with ui.at_field("storage"):
        changes = configuration.accepted(settings, {"storage_per_project": nbytes})
    await configuration.update(ctx.session, settings, changes)
    return ui.done(ctx.request, HERE, _("New projects get this limit from now on."))


@routes.on("GET", "/project-quotas/{id}", allow=system("quota", "read"), fails=(NotFound,))
async def edit_quota(ctx: Ctx, id: Id) -> View:  # noqa: A002, so it is called in the path
    """Show the form of a project's limit."""
    known = await quotas.get(ctx.session, id)
    quota = known.quota
    dialog = LimitDialog(f"{HERE}/{id}", known.name, quota.used, *entered(quota.hard))
    return View("quotas/edit.html", dialog)


@routes.on(
    "POST",
    "/project-quotas/{id}",
    allow=system("quota", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "quota", "{id}"),
)
async def save_quota(ctx: Ctx, id: Id, form: LimitForm) -> Response:  # noqa: A002
    """Set a project's limit, from the form."""
    nbytes = form.nbytes
    with ui.at_field("storage"):
        wanted = schemas.QuotaUpdateReq({STORAGE: nbytes})
        changed = await quotas.change(ctx.session, id, wanted)
    ctx.subject, ctx.project_id = changed.name, changed.quota.project_id
    return ui.done(ctx.request, HERE, _("The limit was saved."))


def row_of(known: quotas.Known) -> Row:
    quota = known.quota
    path = header.path_of(quota.project_id)
    return Row(quota.id, known.name, path, known.owner_name, quota.used, quota.hard)


def entered(nbytes: int) -> tuple[str, str]:
    """A limit as number and unit, in the largest unit in which it is whole."""
    if nbytes == UNLIMITED:
        return "", NONE
    unit = next(unit for unit, size in UNITS.items() if nbytes % size == 0)
    return str(nbytes // UNITS[unit]), unit
