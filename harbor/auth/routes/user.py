"""Who may ask, and where: the caller's own rights and password."""

import re

from harbor.auth import cookies, schemas, sessions
from harbor.auth.rights import rights_in
from harbor.auth.service import Accounts
from harbor.configuration.service import Configuration
from harbor.core import crypto, rbac
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import BadRequest, Forbidden, NotFound
from harbor.core.security import own, signed_in
from harbor.core.wire import Id
from harbor.projects import service as projects
from harbor.users import service as users

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
    held = list(rbac.OF_SYSTEM) if scope == SYSTEM and ctx.principal.is_admin else []
    if named := PROJECT.fullmatch(scope):
        held = await held_in(ctx, named[1])
    return [
        schemas.Permission(shown(resource, scope, relative=query.relative), action)
        for resource, action in held
    ]


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
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, user_id, who=ctx.principal)
    async with ctx.db.reading() as session:
        user = await users.get(session, user_id)
    ctx.subject = user.username
    proved = None
    if user_id == ctx.principal.user_id:
        proved = await prove(ctx, user.username, body.old_password)
    users.check_password(body.new_password)
    is_same, _ = await crypto.verify_password(body.new_password, user.password)
    if is_same:
        raise BadRequest("New password is identical to old password")
    password_hash = await crypto.hash_password(body.new_password)
    sid = cookies.sent(ctx.request, cookies.SID) if ctx.principal.csrf else ""
    async with ctx.writing() as session:
        await users.replace_password(
            session, user_id, password_hash=password_hash, instead_of=proved
        )
        await sessions.keep_only(session, user_id, sid, password_hash=password_hash)


async def prove(ctx: Ctx, username: str, password: str) -> str | None:
    """The hash that matches the caller's own password; ``Forbidden`` if that is another one.

    Guessing is as slow as at sign-in.
    """
    address = ctx.request.client.host if ctx.request.client else ""
    found = await ctx.the(Accounts).check(username, password, address=address)
    if found is None:
        raise Forbidden(users.WRONG_PASSWORD)
    return found.password
