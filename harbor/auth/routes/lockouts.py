"""Who may ask, and where: who has to wait after wrong passwords."""

from harbor.auth import schemas
from harbor.auth.service import Accounts
from harbor.core.api import Audit, Ctx, Page, Routes
from harbor.core.errors import NotFound
from harbor.core.quick import SessionPen
from harbor.core.security import system
from harbor.core.wire import Paging, Time

routes = Routes(prefix="/api/v2.0", tag="user")


@routes.on("GET", "/users/lockouts", allow=system("user", "list"))
async def list_lockouts(ctx: Ctx, query: Paging) -> Page[schemas.LockoutResp]:
    """List who has to wait, or has given many wrong passwords within the hour, the latest first.

    It is what all processes have seen, up to a second ago.
    """
    counted = ctx.the(Accounts).lockout
    page, total = await counted.listed(offset=query.offset, limit=query.page_size)
    return Page(
        [
            schemas.LockoutResp(
                each.name, each.address, each.wrong, Time(each.last), Time(each.until)
            )
            for each in page
        ],
        total,
    )


@routes.on(
    "DELETE",
    "/users/lockouts",
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("delete", "lockout", "{query.name} {query.address}"),
)
async def release_lockout(ctx: Ctx, query: schemas.LockoutQuery) -> None:
    """Forget the wrong passwords of a name, an address, or both, so that nobody waits for them.

    All processes have forgotten them within five seconds.
    """
    counted, pen = ctx.the(Accounts).lockout, SessionPen(ctx.session)
    if not await counted.release(pen, query.name, query.address):
        raise NotFound("no wrong passwords are counted there")
