"""What may be asked, and by whom: labels.

No path names a project: who may do what follows from where the label belongs.
"""

from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from harbor.core.security import anyone, signed_in
from harbor.core.wire import Id, show
from harbor.labels import schemas
from harbor.labels import service as labels
from harbor.labels.models import NO_PROJECT, Label
from harbor.projects import service as projects

routes = Routes(prefix="/api/v2.0", tag="label")


@routes.on(
    "GET",
    "/labels",
    allow=anyone,
    fails=(BadRequest, Unauthorized, Forbidden, NotFound),
    id="ListLabels",
)
async def list_labels(ctx: Ctx, query: schemas.LabelQuery) -> Page[schemas.Label]:
    """List the global labels, for anybody, or those of a project."""
    project_id = labels.place(query.scope, query.project_id)
    if project_id != NO_PROJECT:
        await projects.require(ctx, "label", "list", project_id)
    found, total = await labels.search(ctx.session, project_id, query)
    return Page([show(schemas.Label, label) for label in found], total)


@routes.on(
    "POST",
    "/labels",
    allow=signed_in,
    status=201,
    fails=(Forbidden, NotFound, Conflict),
    audit=Audit("create", "label", "{body.name}"),
    id="CreateLabel",
)
async def create_label(ctx: Ctx, body: schemas.LabelReq) -> Created:
    """Create a label, of the whole registry or of one project."""
    project_id = labels.place(body.scope, body.project_id)
    await projects.require(ctx, "label", "create", project_id)
    label = await labels.create(ctx.session, project_id, body)
    return Created(f"/api/v2.0/labels/{label.id}")


@routes.on(
    "GET",
    "/labels/{label_id}",
    allow=anyone,
    fails=(Unauthorized, Forbidden, NotFound),
    id="GetLabelByID",
)
async def get_label(ctx: Ctx, label_id: Id) -> schemas.Label:
    """Show one label."""
    return show(schemas.Label, await reach(ctx, label_id, "read"))


@routes.on(
    "PUT",
    "/labels/{label_id}",
    allow=signed_in,
    fails=(Forbidden, NotFound, Conflict),
    audit=Audit("update", "label", "{label_id}"),
    id="UpdateLabel",
)
async def update_label(ctx: Ctx, label_id: Id, body: schemas.LabelReq) -> None:
    """Change name, description or colour of a label."""
    label = await reach(ctx, label_id, "update", hold=True)
    await labels.change(ctx.session, label, body)


@routes.on(
    "DELETE",
    "/labels/{label_id}",
    allow=signed_in,
    fails=(Forbidden, NotFound),
    audit=Audit("delete", "label", "{label_id}"),
    id="DeleteLabel",
)
async def delete_label(ctx: Ctx, label_id: Id) -> None:
    """Delete a label, and take it from every artifact that carries it."""
    label = await reach(ctx, label_id, "delete", hold=True)
    await labels.remove(ctx.session, label)


async def reach(ctx: Ctx, label_id: int, action: str, *, hold: bool = False) -> Label:
    """The label of that id, if the caller may do *action* with it."""
    label = await labels.get(ctx.session, label_id, hold=hold)
    await projects.require(ctx, "label", action, label.project_id)
    ctx.subject = label.name
    return label
