"""Who may ask, and where: robots.

No path names a project: who may do what follows from where the robot belongs.
"""

from starlette.responses import Response

from harbor.configuration.service import Configuration
from harbor.core import wire
from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, Denied, Forbidden, NotFound
from harbor.core.query import Listing
from harbor.core.security import signed_in
from harbor.core.wire import Id, Time
from harbor.projects import service as projects
from harbor.robots import schemas
from harbor.robots import service as robots
from harbor.robots.service import Named, trusts

routes = Routes(prefix="/api/v2.0", tag="robot")


@routes.on(
    "GET",
    "/robots",
    allow=signed_in,
    fails=(BadRequest, Forbidden, NotFound),
    id="ListRobot",
)
async def list_robots(ctx: Ctx, query: Listing) -> Page[schemas.Robot]:
    """List the robots of the system, or with ``q=Level=project,ProjectID=7`` of a project."""
    project_id = robots.place_of(query.q)
    await projects.require(ctx, "robot", "list", project_id)
    found, total = await robots.search(ctx.session, project_id, query)
    before = await prefix(ctx)
    return Page([robots.told(each, before) for each in found], total)


@routes.on(
    "POST",
    "/robots",
    allow=signed_in,
    status=201,
    fails=(Forbidden, Denied, NotFound, Conflict),
    audit=Audit("create", "robot", "{body.name}"),
    id="CreateRobot",
)
async def create_robot(ctx: Ctx, body: schemas.RobotCreate) -> Response:
    """Create a robot, of the system or of a project; its secret is told this once."""
    try:
        home = await robots.home_of(ctx.session, body)
    except NotFound:
        if ctx.principal.is_admin:
            raise
        raise Forbidden(f"{ctx.principal.name} may not create robot") from None
    await projects.require(ctx, "robot", "create", home.project_id)
    before = await prefix(ctx)
    made, secret = await robots.create(ctx.session, home, body, who=ctx.principal, prefix=before)
    ctx.subject = robots.displayed(before, made.stored)
    answer = schemas.RobotCreated(
        made.robot.id,
        ctx.subject,
        secret,
        Time(made.robot.creation_time),
        made.robot.expires_at,
    )
    headers = {"Location": f"/api/v2.0/robots/{made.robot.id}", "Cache-Control": "no-store"}
    return Response(wire.encode(answer), 201, headers, wire.JSON)


@routes.on(
    "GET", "/robots/{robot_id}", allow=signed_in, fails=(Forbidden, NotFound), id="GetRobotByID"
)
async def get_robot(ctx: Ctx, robot_id: Id) -> schemas.Robot:
    """Show one robot."""
    found = await reach(ctx, robot_id, "read")
    return robots.told(found, await prefix(ctx))


@routes.on(
    "PUT",
    "/robots/{robot_id}",
    allow=signed_in,
    fails=(Forbidden, Denied, NotFound, Conflict),
    audit=Audit("update", "robot", "{robot_id}"),
    id="UpdateRobot",
)
async def update_robot(ctx: Ctx, robot_id: Id, body: schemas.RobotReq) -> None:
    """Change description, life and permissions of a robot, or disable it; it counts at once."""
    found = await reach(ctx, robot_id, "update", hold=True)
    before = await prefix(ctx)
    await robots.change(ctx.session, found, body, who=ctx.principal, prefix=before)


@routes.on(
    "PATCH",
    "/robots/{robot_id}",
    allow=signed_in,
    fails=(Forbidden, NotFound),
    audit=Audit("update", "robot", "{robot_id}"),
    stream=True,  # hashing takes long: the transaction begins after it
    id="RefreshSec",
)
async def refresh_secret(ctx: Ctx, robot_id: Id, body: schemas.RobotSec) -> schemas.RobotSec:
    """Give a robot another secret: a chosen one, or else a new one, which is told this once."""

    async def reached(hold: bool) -> Named:
        return await reach(ctx, robot_id, "update", hold=hold)

    return schemas.RobotSec(await robots.renew(ctx, body.secret, reached))


@routes.on(
    "DELETE",
    "/robots/{robot_id}",
    allow=signed_in,
    fails=(Forbidden, NotFound),
    audit=Audit("delete", "robot", "{robot_id}"),
    id="DeleteRobot",
)
async def delete_robot(ctx: Ctx, robot_id: Id) -> None:
    """Delete a robot; its tokens stop working at once."""
    found = await reach(ctx, robot_id, "delete", hold=True)
    await robots.remove(ctx.session, found)


@routes.on("GET", "/robots/{robot_id}/trusts", allow=signed_in, fails=(Forbidden, NotFound))
async def list_robot_trusts(ctx: Ctx, robot_id: Id) -> list[schemas.RobotTrust]:
    """List whose tokens a robot may sign in with, in place of its secret."""
    await reach(ctx, robot_id, "read")
    found = await trusts.of(ctx.session, [robot_id])
    return [trusts.told(each) for each in found[robot_id]]


@routes.on(
    "POST",
    "/robots/{robot_id}/trusts",
    allow=signed_in,
    status=201,
    fails=(Forbidden, Denied, NotFound),
    audit=Audit("update", "robot", "{robot_id}"),
)
async def add_robot_trust(ctx: Ctx, robot_id: Id, body: schemas.Trust) -> Created:
    """Let a robot sign in with tokens of an issuer that the setting workload_issuers lists."""
    found = await reach(ctx, robot_id, "update", hold=True)
    values = await ctx.the(Configuration).current()
    made = await trusts.add(ctx.session, found, body, who=ctx.principal, values=values)
    return Created(f"/api/v2.0/robots/{robot_id}/trusts/{made.id}")


@routes.on(
    "DELETE",
    "/robots/{robot_id}/trusts/{trust_id}",
    allow=signed_in,
    fails=(Forbidden, NotFound),
    audit=Audit("update", "robot", "{robot_id}"),
)
async def remove_robot_trust(ctx: Ctx, robot_id: Id, trust_id: Id) -> None:
    """Believe such tokens no more; what was issued for them ends at once."""
    found = await reach(ctx, robot_id, "update", hold=True)
    await trusts.remove(ctx.session, found, trust_id, who=ctx.principal)


async def prefix(ctx: Ctx) -> str:
    return (await ctx.the(Configuration).current()).robot_name_prefix


async def reach(ctx: Ctx, robot_id: int, action: str, *, hold: bool = False) -> Named:
    """The robot of that id, if the caller may do *action* with it."""
    found = await robots.get(ctx.session, robot_id, hold=hold)
    await projects.require(ctx, "robot", action, found.robot.project_id)
    ctx.subject = robots.displayed(await prefix(ctx), found.stored)
    return found
