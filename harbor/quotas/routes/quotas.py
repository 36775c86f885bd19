"""What may be asked, and by whom: quotas."""

from harbor.core.api import Audit, Ctx, Page, Routes
from harbor.core.errors import BadRequest, NotFound
from harbor.core.security import system
from harbor.core.wire import Id, Time
from harbor.quotas import schemas
from harbor.quotas import service as quotas
from harbor.quotas.models import STORAGE

routes = Routes(prefix="/api/v2.0", tag="quota")


@routes.on("GET", "/quotas", allow=system("quota", "list"), fails=(BadRequest,))
async def list_quotas(ctx: Ctx, query: schemas.QuotaQuery) -> Page[schemas.Quota]:
    """List the quotas of all projects."""
    found, total = await quotas.search(ctx.session, query)
    return Page([shown(each) for each in found], total)


@routes.on("GET", "/quotas/{id}", allow=system("quota", "read"), fails=(NotFound,))
async def get_quota(ctx: Ctx, id: Id) -> schemas.Quota:  # noqa: A002, so it is called in the path
    """Show one quota."""
    return shown(await quotas.get(ctx.session, id))


@routes.on(
    "PUT",
    "/quotas/{id}",
    allow=system("quota", "update"),
    fails=(NotFound,),
    audit=Audit("update", "quota", "{id}"),
)
async def update_quota(ctx: Ctx, id: Id, body: schemas.QuotaUpdateReq) -> None:  # noqa: A002
    """Set the limit of a quota."""
    changed = await quotas.change(ctx.session, id, body)
    ctx.subject, ctx.project_id = changed.name, changed.quota.project_id


def shown(known: quotas.Known) -> schemas.Quota:
    row = known.quota
    return schemas.Quota(
        id=row.id,
        ref=schemas.QuotaRefObject(row.project_id, known.name, known.owner_name),
        hard={STORAGE: row.hard},
        used={STORAGE: row.used},
        creation_time=Time(row.creation_time),
        update_time=Time(row.update_time),
    )
