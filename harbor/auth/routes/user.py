"""Who may ask, and where: the caller's own rights and password."""

import re

from harbor.auth import schemas
from harbor.auth.passwords import change_password
from harbor.auth.rights import rights_in
from harbor.core import grantable, rbac
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import NotFound
from harbor.core.security import OF_SYSTEM, Principal, own, signed_in
from harbor.core.wire import Id
from harbor.projects import service as projects

routes = Routes(prefix="/api/v2.0", tag="user")
SYSTEM = "/system"
PROJECT = re.compile(r"/project/([0-9]{1,10})")
ITSELF = "project"  # the resource that stands for the project as a whole


@routes.on("GET", "/users/current/permissions", allow=signed_in)
async def get_current_user_permissions(
    ctx: Ctx, query: schemas.PermissionQuery
) -> list[schemas.Permission]:
    """Tell what the caller may do in one project or in the system; the portal shows no more."""
    scope = query.scope.rstrip("/")
    held = held_of_system(ctx.principal) if scope == SYSTEM else []
    if named := PROJECT.fullmatch(scope):
        held = await held_in(ctx, named[1])
    return [
        schemas.Permission(shown(resource, scope, relative=query.relative), action)
        for resource, action in held
    ]


def held_of_system(who: Principal) -> list[tuple[str, str]]:
    if who.robot is None:
        return list(rbac.OF_SYSTEM) if who.is_admin else []
    return [pair for pair in grantable.pairs(grantable.SYSTEM) if who.robot.may(OF_SYSTEM, *pair)]


async def held_in(ctx: Ctx, project_id: str) -> list[tuple[str, str]]:
    """Resources and actions; none where there is no such project."""
    try:
        found = await projects.find_by_reference(ctx.session, project_id, is_name=False)
    except NotFound:
        return []
    standing = await projects.standing(ctx.db.quick, found.name)
    if standing is None:
        return []
    rights = await rights_in(ctx.db.quick, ctx.principal, standing)
    return [
        (resource, action) for resource, action in rbac.ALLOWED if rights.allow(resource, action)
    ]


def shown(resource: str, scope: str, *, relative: bool) -> str:
    """The resource as its path, or what the path adds to that of the scope."""
    itself = resource == ITSELF and scope != SYSTEM
    if relative:
        return "." if itself else resource
    return scope if itself else f"{scope}/{resource}"


@routes.on(
    "PUT",
    "/users/{user_id}/password",
    allow=own("user", "update"),
    fails=(NotFound,),
    audit=Audit("update", "user", "{user_id}"),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def update_user_password(ctx: Ctx, user_id: Id, body: schemas.PasswordReq) -> None:
    """Change a password; every other session of that person is over."""
    await change_password(ctx, user_id, old=body.old_password, new=body.new_password)
