"""What is shown: the list of projects, and how they are deleted."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.configuration.service import Configuration
from harbor.core import rbac, ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Forbidden, Precondition
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import Principal, anyone, signed_in
from harbor.core.ui import Batch, Column, Filter, Grid, Listed
from harbor.core.wire import Id, Time
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.events import ProjectDeleted
from harbor.projects.models import OPEN
from harbor.projects.service import header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
COLUMNS = (
    Column(later("Name"), sort="name"),
    Column(later("Access"), key="access"),
    Column(later("Your role"), key="role"),
    Column(later("Type"), key="type", hidden=True),
    Column(later("Owner"), key="owner"),
    Column(later("Repositories"), key="repositories", numeric=True),
    Column(later("Created"), sort="creation_time", key="created"),
)
FILTERS = (Filter("name", later("Name")), Filter("owner", later("Owner")))
BATCH = (Batch("/harbor/projects/delete", later("Delete"), icon="trash", danger=True),)


class ProjectListQuery(Listed, kw_only=True):
    """The address of the list of projects."""

    access: Literal["", "private", "public"] = ""

    @property
    def public(self) -> bool | None:
        return self.access == "public" if self.access else None


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class Row(Struct, frozen=True):
    """A project as a line of the list."""

    id: int | None  # None: the caller may not delete it
    path: str
    name: str
    is_public: bool
    role: str
    owner: str
    repositories: int
    created: Time


class ProjectList(Struct, frozen=True):
    """The projects that the caller may see."""

    grid: Grid
    rows: list[Row]
    access: str
    may_create: bool


class Deletion(Struct, frozen=True):
    """Projects that are to be deleted, and those that cannot be."""

    going: list[Row]
    staying: list[tuple[str, str]]  # name, and why


class Deleted(Struct, frozen=True):
    """What became of each."""

    gone: list[str]
    staying: list[tuple[str, str]]


@routes.on("GET", "/projects", allow=anyone, fails=(BadRequest,))
async def list_projects_page(ctx: Ctx, query: ProjectListQuery) -> View:
    """Show the projects that the caller may see."""
    asked = ui.remembered(ctx.request, "projects", query)
    wanted = schemas.ProjectQuery(
        q=ui.filter_q(asked, FILTERS),
        sort=asked.sort,
        page=asked.page,
        page_size=asked.page_size,
        public=asked.public,
    )
    found, total = await projects.search(ctx.session, who=ctx.principal, query=wanted)
    rows = [row_of(seen, ctx.principal) for seen in found]
    batch = BATCH if any(row.id is not None for row in rows) else ()
    grid = ui.grid(ctx.request, "projects", asked, total, COLUMNS, filters=FILTERS, batch=batch)
    return View("projects/list.html", ProjectList(grid, rows, asked.access, await may_create(ctx)))


@routes.on("GET", "/projects/delete", allow=signed_in)
async def ask_to_delete_projects(ctx: Ctx, query: Chosen) -> View:
    """Ask before projects are deleted, and say which cannot be."""
    ids = " ".join(map(str, query.id))
    wanted = schemas.ProjectQuery(q=f"project_id={{{ids}}}", page_size=100)
    found, _total = await projects.search(ctx.session, who=ctx.principal, query=wanted)
    rows = [row_of(seen, ctx.principal) for seen in found]
    going = [row for row in rows if row.id is not None and not row.repositories]
    staying = [row for row in rows if row not in going]
    return View("projects/delete.html", Deletion(going, [(row.name, why(row)) for row in staying]))


@routes.on(
    "POST",
    "/projects/delete",
    allow=signed_in,
    fails=(Forbidden, BadRequest),
    audit=Audit("delete", "project", "{form.id}"),
)
async def delete_projects(ctx: Ctx, form: Chosen) -> View | Response:
    """Delete projects that have no repositories; say of the others why they stay."""
    if not form.id:
        raise BadRequest(_("No project was selected."))
    gone: list[str] = []
    staying: list[tuple[str, str]] = []
    for project_id in sorted(set(form.id)):
        name = await projects.name_of(ctx.session, project_id)
        if name is None or not await header.may(ctx, "project", "delete", name):
            raise Forbidden(_("You may not delete one of these projects."))
        held = await projects.hold(ctx.session, project_id)
        try:
            await projects.remove(ctx.session, held)
        except Precondition:
            staying.append((name, _("It has repositories; delete them first.")))
        else:
            await ctx.tell(ProjectDeleted(project_id))
            gone.append(name)
        ctx.batch.append(Done(name, name in gone, project_id))
    if staying:
        return View("projects/deleted.html", Deleted(gone, staying))
    said = ngettext("%(num)s project was deleted.", "%(num)s projects were deleted.", len(gone))
    return ui.done(ctx.request, "/harbor/projects", said % {"num": len(gone)})


async def may_create(ctx: Ctx) -> bool:
    """Whether the caller may create projects."""
    try:
        values = await ctx.the(Configuration).current()
        projects.check_creator(values, is_admin=ctx.principal.is_admin)
    except Forbidden:
        return False
    return ctx.principal.known


def row_of(seen: projects.Seen, who: Principal) -> Row:
    """A project as a line of the list."""
    row, roles = seen.project, frozenset(seen.role_ids)
    role_id = rbac.highest(roles)
    may_delete = who.is_admin or rbac.role_allows(roles, "project", "delete")
    return Row(
        id=row.project_id if may_delete else None,
        path=header.path_of(row.project_id),
        name=row.name,
        is_public=seen.metadata.get("public") in OPEN,
        role=header.ROLES[role_id] if role_id else "",
        owner=seen.owner_name,
        repositories=seen.repo_count,
        created=Time(row.creation_time),
    )


def why(row: Row) -> str:
    """Why the project cannot be deleted."""
    if row.id is None:
        return _("You may not delete it.")
    found = ngettext("It has %(num)s repository.", "It has %(num)s repositories.", row.repositories)
    return found % {"num": row.repositories}
