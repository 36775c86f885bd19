"""What is shown: the trash of a project."""

from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import replace
from starlette.responses import Response

from harbor.artifacts import schemas
from harbor.artifacts.service import lines, purging, restoring, trash
from harbor.artifacts.service.kinds import Kind, kind_of
from harbor.artifacts.service.pushing import enforced
from harbor.artifacts.service.restoring import Asked
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Denied, NotFound, Precondition
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.quick import SessionPen
from harbor.core.security import project
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Id
from harbor.projects.service import header
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="trashPages", pages=True)
ALL = "/projects/{project_name_or_id}/trash"
RESTORE, DELETE = project("repository", "push"), project("repository", "delete")
COLUMNS = (
    Column(later("Name"), sort="repository_name"),
    Column(later("Tags"), key="tags"),
    Column(later("Artifacts"), sort="artifact_count", key="artifacts", numeric=True),
    Column(later("Size"), sort="size", key="size", numeric=True),
    Column(later("Deleted by"), sort="deleted_by", key="by"),
    Column(later("Deleted"), sort="deletion_time", key="deleted"),
    Column(later("Kept until"), sort="kept_until", key="until"),
    Column("", narrow=True),
)
FILTERS = (
    Filter("repository_name", later("Repository")),
    Filter("digest", later("Digest")),
    Filter("deleted_by", later("Deleted by")),
)
FEW = 3  # tags that a row shows


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class TrashList(Struct, frozen=True):
    header: Header
    path: str
    grid: Grid
    entries: list[schemas.TrashEntry]
    days: int
    may_empty: bool
    restorable: frozenset[str]  # repositories, with the project
    deletable: frozenset[str]

    def may_restore(self, entry: schemas.TrashEntry) -> bool:
        return entry.repository_name in self.restorable

    def may_delete(self, entry: schemas.TrashEntry) -> bool:
        return entry.repository_name in self.deletable

    def name(self, entry: schemas.TrashEntry) -> str:
        return entry.repository_name.partition("/")[2]

    def short(self, entry: schemas.TrashEntry) -> str:
        return lines.shortened(entry.digest or "")

    def kind(self, entry: schemas.TrashEntry) -> Kind:
        return kind_of(entry.type, entry.manifest_media_type)

    def tags(self, entry: schemas.TrashEntry) -> list[str]:
        return entry.tags[:FEW]


@routes.on("GET", ALL, allow=RESTORE, fails=(NotFound, BadRequest))
async def trash_page(ctx: Ctx, project_name_or_id: str, query: Listed) -> View:
    """Show what was deleted in a project and can be restored."""
    head = await header.of(ctx, "trash")
    asked = ui.remembered(ctx.request, "trash", query)
    wanted = replace(asked, q=ui.filter_q(asked, FILTERS))
    found, total = await trash.search(ctx.session, ctx.principal, head.project_id, wanted)
    may_empty = await header.may(ctx, "repository", "delete", head.name)
    path = here(ctx)
    batch = [Batch(f"{path}/restore", later("Restore"), icon="history")]
    if may_empty:
        title = later("Delete forever")
        batch.append(Batch(f"{path}/delete", title, icon="trash", danger=True))
    page = TrashList(
        header=head,
        path=path,
        grid=ui.grid(ctx.request, "trash", asked, total, COLUMNS, filters=FILTERS, batch=batch),
        entries=found,
        days=(await ctx.the(Configuration).current()).trash_days,
        may_empty=may_empty,
        restorable=await trash.open_to(ctx, found, RESTORE),
        deletable=await trash.open_to(ctx, found, DELETE),
    )
    return View("trash/list.html", page)


@routes.on("GET", f"{ALL}/restore", allow=RESTORE, fails=(NotFound,))
async def ask_to_restore(ctx: Ctx, project_name_or_id: str, query: Chosen) -> View:
    """Ask before something is restored."""
    found = await trash.chosen(ctx, ctx.session, query.id, RESTORE)
    asked = Confirm(
        title=_("Restore"),
        action=f"{here(ctx)}/restore",
        submit=_("Restore"),
        text=_(
            "All that the deletion took comes back: tags, labels, signatures. "
            "A tag that means something else by now stays as it is."
        ),
        names=[named(entry) for entry in found],
        fields=[("id", str(entry.id)) for entry in found],
        danger=False,
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{ALL}/restore",
    allow=RESTORE,
    fails=(NotFound, Denied, Precondition),
    audit=Audit("restore", "artifact", "{form.id}"),
)
async def restore_from_trash(ctx: Ctx, project_name_or_id: str, form: Chosen) -> Response:
    """Restore the chosen, all or none."""
    project_id, pen = ctx.known_project_id, SessionPen(ctx.session)
    await trash.chosen(ctx, ctx.session, form.id, RESTORE)
    asked = Asked(project_id, form.id, ctx.principal.name, restoring.refusing(ctx))
    found = await restoring.restore(pen, asked, enforced=await enforced(ctx))
    ctx.batch = [Done(address(each), True, project_id) for each in found]
    said = _("Restored: %(names)s.") % {"names": ", ".join(map(address, found[:FEW]))}
    if len(found) > FEW:
        said = ngettext("%(num)s entry was restored.", "%(num)s entries were restored.", len(found))
        said %= {"num": len(found)}
    if left_out := [tag for each in found for tag in each.tags_left_out]:
        told = _("These tags mean something else by now: %(tags)s.")
        said += " " + told % {"tags": ", ".join(left_out[:10])}
    return ui.done(ctx.request, here(ctx), said)


@routes.on("GET", f"{ALL}/delete", allow=DELETE, fails=(NotFound,))
async def ask_to_delete_forever(ctx: Ctx, project_name_or_id: str, query: Chosen) -> View:
    """Ask before something is deleted for good."""
    found = await trash.chosen(ctx, ctx.session, query.id, DELETE)
    asked = Confirm(
        title=_("Delete forever"),
        action=f"{here(ctx)}/delete",
        submit=_("Delete forever"),
        text=_("This cannot be undone."),
        names=[named(entry) for entry in found],
        fields=[("id", str(entry.id)) for entry in found],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{ALL}/delete",
    allow=DELETE,
    fails=(NotFound,),
    stream=True,
    audit=Audit("delete", "trash", "{form.id}"),
)
async def delete_forever(ctx: Ctx, project_name_or_id: str, form: Chosen) -> Response:
    """Delete the chosen for good."""
    project_id = ctx.known_project_id
    async with ctx.writing() as session:
        found = await trash.chosen(ctx, session, form.id, DELETE)
        purged = await purging.purge(session, project_id, [entry.id for entry in found])
        ctx.batch = [Done(address(entry), True, project_id) for entry in found]
    await purged.finish(ctx.db, ctx.store)
    said = ngettext(
        "%(num)s entry was deleted forever.", "%(num)s entries were deleted forever.", len(found)
    )
    return ui.done(ctx.request, here(ctx), said % {"num": len(found)})


@routes.on("GET", f"{ALL}/empty", allow=DELETE, fails=(NotFound,))
async def ask_to_empty_trash(ctx: Ctx, project_name_or_id: str) -> View:
    """Ask before the trash is emptied."""
    asked = Confirm(
        title=_("Empty the trash"),
        action=f"{here(ctx)}/empty",
        submit=_("Empty the trash"),
        text=_("Nothing in it can be restored then. This cannot be undone."),
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{ALL}/empty",
    allow=DELETE,
    fails=(NotFound,),
    stream=True,
    audit=Audit("delete", "trash", "{project_name_or_id}/trash"),
)
async def empty_trash_here(ctx: Ctx, project_name_or_id: str) -> Response:
    """Delete for good all that is in the trash of a project."""
    await trash.require_all(ctx, DELETE)
    await purging.empty(ctx.db, ctx.store, ctx.known_project_id)
    async with ctx.writing():
        pass  # nothing but the audit line is left to write
    return ui.done(ctx.request, here(ctx), _("The trash is empty."))


def here(ctx: Ctx) -> str:
    return f"{header.path_of(ctx.known_project_id)}/trash"


def named(entry: schemas.TrashEntry) -> str:
    """An entry in a list of names."""
    if entry.digest is None:
        return _("Repository %(name)s") % {"name": entry.repository_name}
    tags = ", ".join(entry.tags[:FEW]) + (", …" if entry.tag_count > FEW else "")
    name = f"{entry.repository_name}@{lines.shortened(entry.digest)}"
    return f"{name} ({tags})" if tags else name


def address(found: schemas.TrashEntry | schemas.Restored) -> str:
    """What was deleted, as the audit log names it."""
    return f"{found.repository_name}@{found.digest}" if found.digest else found.repository_name
