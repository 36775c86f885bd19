"""Who may ask, and where: people."""

from harbor.core import crypto
from harbor.core.api import Audit, Created, Ctx, Routes
from harbor.core.errors import Conflict, NotFound
from harbor.core.security import signed_in, system
from harbor.core.wire import Time
from harbor.users import schemas
from harbor.users import service as users

routes = Routes(prefix="/api/v2.0", tag="user")


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
    """Create a local user."""
    users.check(body)
    password_hash = await crypto.hash_password(body.password)
    async with ctx.writing() as session:
        user = await users.create(
            session,
            username=body.username,
            email=body.email,
            realname=body.realname,
            comment=body.comment,
            password_hash=password_hash,
        )
    return Created(f"/api/v2.0/users/{user.user_id}")


@routes.on("GET", "/users/current", allow=signed_in, fails=(NotFound,))
async def get_current_user_info(ctx: Ctx) -> schemas.UserResp:
    """Show the caller's own account."""
    user = await users.get(ctx.session, ctx.principal.known_id)
    return schemas.UserResp(
        user_id=user.user_id,
        username=user.username,
        email=user.email,
        realname=user.realname,
        comment=user.comment,
        sysadmin_flag=user.sysadmin_flag,
        admin_role_in_auth=False,
        creation_time=Time(user.creation_time),
        update_time=Time(user.update_time),
    )
