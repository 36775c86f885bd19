"""What is shown: the labels of the registry and those of a project, on pages that are alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.both import Both
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Id
from harbor.labels import schemas
from harbor.labels import service as labels
from harbor.labels.models import NO_PROJECT, Label
from harbor.projects.service import header
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="labelPages", pages=True)
GLOBAL = "/labels"
on = Both(routes, "label", GLOBAL, "/projects/{project_name_or_id}/labels").on
COLUMNS = (
    Column(later("Label"), sort="name"),
    Column(later("Description"), key="description"),
    Column(later("Created"), sort="creation_time", key="created"),
    Column("", narrow=True),
)
FILTERS = (Filter("name", later("Name")),)
COLOR = "#0065AB"


class LabelForm(Struct):
    """What the dialogs of a new and of a changed label send."""

    name: schemas.Name = ""
    description: schemas.Description = ""
    color: Annotated[str, Meta(max_length=16)] = ""

    @property
    def wanted(self) -> schemas.LabelReq:
        return schemas.LabelReq(self.name.strip(), self.description.strip(), self.color)


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class LabelList(Struct, frozen=True):
    header: Header | None  # None: the labels of the registry
    path: str
    grid: Grid
    labels: list[Label]
    may_create: bool
    may_update: bool
    may_delete: bool


class LabelDialog(Struct, frozen=True):
    """The form for a new label, or for *label_id*."""

    path: str  # of the list
    label_id: int | None
    name: str
    description: str
    color: str

    @property
    def action(self) -> str:
        return f"{self.path}/new" if self.label_id is None else f"{self.path}/{self.label_id}/edit"


@on("GET", "", "list")
async def labels_page(ctx: Ctx, query: Listed) -> View:
    """Show the labels."""
    head = await header.of(ctx, "labels") if ctx.project_id else None
    may = {action: await allowed(ctx, action, head) for action in ("create", "update", "delete")}
    return await listed(ctx, query, head, may)


@on("GET", "/new", "create")
async def new_label(ctx: Ctx) -> View:
    """Show the form of a new label."""
    return View("labels/edit.html", LabelDialog(here(ctx), None, "", "", COLOR))


@on(
    "POST",
    "/new",
    "create",
    fails=(BadRequest, Conflict),
    audit=Audit("create", "label", "{form.name}"),
)
async def add_new_label(ctx: Ctx, form: LabelForm) -> Response:
    """Create a label, from the form."""
    with at_name():
        await labels.create(ctx.session, ctx.project_id or NO_PROJECT, form.wanted)
    return ui.done(ctx.request, here(ctx), _("The label was created."))


@on("GET", "/{label_id}/edit", "update", fails=(NotFound,))
async def edit_label(ctx: Ctx, label_id: Id) -> View:
    """Show the form that changes a label."""
    label = await belonging(ctx, label_id)
    known = (label.id, label.name, label.description, label.color)
    return View("labels/edit.html", LabelDialog(here(ctx), *known))


@on(
    "POST",
    "/{label_id}/edit",
    "update",
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("update", "label", "{form.name}"),
)
async def save_label(ctx: Ctx, label_id: Id, form: LabelForm) -> Response:
    """Change a label, from the form."""
    label = await belonging(ctx, label_id, hold=True)
    with at_name():
        await labels.change(ctx.session, label, form.wanted)
    return ui.done(ctx.request, here(ctx), _("The label was saved."))


@on("GET", "/delete", "delete", fails=(NotFound,))
async def ask_to_delete_labels(ctx: Ctx, query: Chosen) -> View:
    """Ask before labels are deleted."""
    found = await labels.several(ctx.session, ctx.project_id or NO_PROJECT, query.id)
    asked = Confirm(
        title=_("Delete labels"),
        action=f"{here(ctx)}/delete",
        submit=_("Delete"),
        text=_("They disappear from everything that carries them."),
        names=[label.name for label in found],
        fields=[("id", str(label.id)) for label in found],
    )
    return View("confirm.html", asked)


@on("POST", "/delete", "delete", fails=(NotFound,), audit=Audit("delete", "label", "{form.id}"))
async def remove_labels(ctx: Ctx, form: Chosen) -> Response:
    """Delete the chosen labels."""
    found = await labels.several(ctx.session, ctx.project_id or NO_PROJECT, form.id, hold=True)
    for label in found:
        await labels.remove(ctx.session, label)
        ctx.batch.append(Done(label.name, True, ctx.project_id))
    said = ngettext("%(num)s label was deleted.", "%(num)s labels were deleted.", len(found))
    return ui.done(ctx.request, here(ctx), said % {"num": len(found)})


@contextmanager
def at_name() -> Iterator[None]:
    """Say at the field of the name what is wrong with the label."""
    with ui.at_field("name"):
        try:
            yield
        except Conflict as error:
            raise Conflict(_("There is a label of that name already.")) from error


async def allowed(ctx: Ctx, action: str, head: Header | None) -> bool:
    """Whether the caller, who may see the labels, may do that to them."""
    return head is None or await header.may(ctx, "label", action, head.name)


def here(ctx: Ctx) -> str:
    """The address of the list that the request is about."""
    if ctx.project_id is None:
        return f"{routes.prefix}{GLOBAL}"
    return f"{header.path_of(ctx.project_id)}/labels"


async def listed(ctx: Ctx, query: Listed, head: Header | None, may: dict[str, bool]) -> View:
    asked = ui.remembered(ctx.request, "labels", query)
    wanted = schemas.LabelQuery(
        page=asked.page,
        page_size=asked.page_size,
        sort=asked.sort or "name",
        name=asked.text.strip()[:128],
    )
    found, total = await labels.search(ctx.session, ctx.project_id or NO_PROJECT, wanted)
    path = here(ctx)
    delete = Batch(f"{path}/delete", later("Delete"), icon="trash", danger=True)
    page = LabelList(
        header=head,
        path=path,
        grid=ui.grid(
            ctx.request,
            "labels",
            asked,
            total,
            COLUMNS,
            filters=FILTERS,
            batch=(delete,) if may["delete"] else (),
        ),
        labels=found,
        may_create=may["create"],
        may_update=may["update"],
        may_delete=may["delete"],
    )
    return View("labels/list.html", page)


async def belonging(ctx: Ctx, label_id: int, *, hold: bool = False) -> Label:
    """The label of that id, if it is one of those that the request is about."""
    label = await labels.get(ctx.session, label_id, hold=hold)
    if label.project_id != (ctx.project_id or NO_PROJECT):
        raise NotFound(f"label {label_id} not found")
    return label
