"""Changing a password: what the API and the pages share."""

from harbor.auth import cookies, sessions
from harbor.auth.service import Accounts
from harbor.configuration.service import Configuration
from harbor.core import crypto, ui
from harbor.core.api import Ctx
from harbor.core.errors import BadRequest, Forbidden
from harbor.users import service as users

SAME_PASSWORD = "New password is identical to old password"  # noqa: S105, not a password


async def change_password(ctx: Ctx, user_id: int, *, old: str, new: str) -> None:
    """Give somebody another password; every other session of that person is over.

    ``Forbidden`` if it is the caller's own and *old* is not right, ``BadRequest`` if *new* is not
    allowed, ``NotFound``. Hashing takes long: the operation's transaction begins after it.
    """
    users.refuse_robot(ctx.principal)
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, user_id, who=ctx.principal)
    async with ctx.db.reading() as session:
        user = await users.get(session, user_id)
    users.check_local(user)
    ctx.subject = user.username
    proved = None
    if user_id == ctx.principal.user_id:
        with ui.at_field("old_password"):
            proved = await prove(ctx, user.username, old)
    with ui.at_field("new_password"):
        users.check_password(new)
        is_same, _ = await crypto.verify_password(new, user.password)
        if is_same:
            raise BadRequest(SAME_PASSWORD)
    password_hash = await crypto.hash_password(new)
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
