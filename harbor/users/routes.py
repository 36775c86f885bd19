"""Who may ask, and where: people."""

from harbor.configuration.service import Configuration
from harbor.core import crypto
from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound, Precondition
from harbor.core.security import OF_SYSTEM, own, signed_in, system
from harbor.core.wire import Id, Time
from harbor.users import schemas
from harbor.users import service as users
from harbor.users.events import UserDeleted
from harbor.users.models import User
from harbor.users.service import oidc

routes = Routes(prefix="/api/v2.0", tag="user")


@routes.on("GET", "/users", allow=system("user", "list"), fails=(BadRequest,))
async def list_users(ctx: Ctx, query: schemas.UserListQuery) -> Page[schemas.UserResp]:
    """List all people but the first administrator."""
    found, total = await users.listed(ctx.session, query)
    return Page([shown(user) for user in found], total)


@routes.on(
    "POST",
    "/users",
    allow=system("user", "create"),
    status=201,
    fails=(Conflict,),
    audit=Audit("create", "user", "{body.username}"),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def create_user(ctx: Ctx, body: schemas.UserCreationReq) -> Created:
    """Create a local user, or, where the setting ``self_registration`` is on, register oneself."""
    values = await ctx.the(Configuration).current()
    users.check_mode_for_new(values.auth_mode)
    users.check(body)
    users.refuse_name_of_robot(body.username, values.robot_name_prefix)
    password_hash = await crypto.hash_password(body.password)
    async with ctx.writing() as session:
        await users.refuse_address_of_another(session, body.username)
        user = await users.create(
            session,
            username=body.username,
            email=body.email,
            realname=body.realname,
            comment=body.comment,
            password_hash=password_hash,
        )
    return Created(f"/api/v2.0/users/{user.user_id}")


@routes.on("GET", "/users/current", allow=signed_in, fails=(NotFound, Precondition))
async def get_current_user_info(ctx: Ctx) -> schemas.UserResp:
    """Show the caller's own account."""
    if ctx.principal.robot is not None:
        raise Precondition("get current user not available for this security context: robot")
    user = await users.get(ctx.session, ctx.principal.known_id)
    answer = shown(user)
    settings = ctx.the(Configuration)
    if users.has_oidc(await settings.current()):
        answer.oidc_user_meta = await oidc.info(ctx.session, user.user_id, settings.box)
    return answer


@routes.on("GET", "/users/search", allow=signed_in, fails=(Forbidden,))
async def search_users(ctx: Ctx, query: schemas.UserQuery) -> Page[schemas.UserSearchRespItem]:
    """Find people by a part of their names."""
    robot = ctx.principal.robot
    if robot is not None and not robot.may(OF_SYSTEM, "user", "list"):
        raise Forbidden(f"{ctx.principal.name} may not list user")
    found, total = await users.search(ctx.session, query)
    return Page([schemas.UserSearchRespItem(user_id, name) for user_id, name in found], total)


@routes.on("GET", "/users/{user_id}", allow=own("user", "read"), fails=(NotFound,))
async def get_user(ctx: Ctx, user_id: Id) -> schemas.UserResp:
    """Show an account, to its owner and to administrators."""
    return shown(await users.get(ctx.session, user_id))


@routes.on(
    "PUT",
    "/users/{user_id}",
    allow=own("user", "update"),
    fails=(NotFound, Conflict),
    audit=Audit("update", "user", "{user_id}"),
)
async def update_user_profile(ctx: Ctx, user_id: Id, body: schemas.UserProfile) -> None:
    """Change e-mail address, real name and comment."""
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, user_id, who=ctx.principal)
    await users.spare_administrators(ctx.session, user_id, who=ctx.principal)
    ctx.subject = (await users.update_profile(ctx.session, user_id, body)).username


@routes.on(
    "DELETE",
    "/users/{user_id}",
    allow=system("user", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "user", "{user_id}"),
)
async def delete_user(ctx: Ctx, user_id: Id) -> None:
    """Delete an account; its sessions and memberships end with it."""
    await users.spare_administrators(ctx.session, user_id, who=ctx.principal)
    ctx.subject = await users.remove(ctx.session, user_id, who=ctx.principal)
    await ctx.tell(UserDeleted(user_id))


@routes.on(
    "PUT",
    "/users/{user_id}/sysadmin",
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("update", "user", "{user_id}"),
)
async def set_user_sys_admin(ctx: Ctx, user_id: Id, body: schemas.UserSysAdminFlag) -> None:
    """Make somebody an administrator, or take that away; it counts at once."""
    users.refuse_robot(ctx.principal)
    ctx.subject = await users.set_sysadmin(ctx.session, user_id, is_admin=body.sysadmin_flag)


@routes.on(
    "PUT",
    "/users/{user_id}/cli_secret",
    allow=own("user", "update"),
    fails=(NotFound, BadRequest, Precondition),
    audit=Audit("update", "user", "{user_id}"),
)
async def set_cli_secret(ctx: Ctx, user_id: Id, body: schemas.OIDCCliSecretReq) -> None:
    """Change the secret that the clients of somebody from OIDC use for a password."""
    settings = ctx.the(Configuration)
    if not users.has_oidc(await settings.current()):
        raise Precondition("there are secrets for clients only where people come from OIDC")
    ctx.subject = await oidc.set_secret(ctx.session, user_id, body.secret, settings.box)


def shown(user: User) -> schemas.UserResp:
    return schemas.UserResp(
        user_id=user.user_id,
        username=user.username,
        email=user.email,
        realname=user.realname,
        comment=user.comment,
        sysadmin_flag=user.sysadmin_flag,
        admin_role_in_auth=user.admin_role_in_auth,
        creation_time=Time(user.creation_time),
        update_time=Time(user.update_time),
    )
