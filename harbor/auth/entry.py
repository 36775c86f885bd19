"""Coming in and going out with a browser: what the portal's forms and ``/c/login`` share."""

from functools import partial

from harbor.auth import cookies, sessions
from harbor.auth.csrf import Csrf
from harbor.auth.service import Accounts
from harbor.auth.sessions import Client, Sessions
from harbor.core import web
from harbor.core.api import Ctx
from harbor.core.errors import Forbidden, Unauthorized
from harbor.core.quick import SessionPen
from harbor.core.security import Principal
from harbor.users import service as users
from harbor.users.models import ADMIN_ID

Header = tuple[bytes, bytes]


async def enter(ctx: Ctx, name: str, password: str, wrong: Unauthorized) -> Header | None:
    """Begin a session; return the header that gives the browser its cookie.

    If name or password are not right, *wrong* is raised. While the name is locked the answer is
    ``None``: the caller says the same, without raising, so that nothing goes into the audit log.
    There may be thousands of such requests a second.
    """
    request, accounts = ctx.request, ctx.the(Accounts)
    address = request.client.host if request.client else ""
    if accounts.is_locked(name, address):
        return None
    found = await accounts.check(name, password, address=address)
    if found is None:
        ctx.principal = Principal(name)  # as which somebody tried to sign in
        raise wrong
    ctx.principal = Principal(found.username, user_id=found.user_id, is_admin=found.is_admin)
    ctx.subject = found.username
    client = Client(
        address, request.headers.get("user-agent", ""), cookies.sent(request, cookies.SID)
    )
    life = await ctx.the(Sessions).life()
    sid = await ctx.write(partial(sessions.begin, login=found, client=client, life=life))
    ctx.the(Csrf).greet(request, sid)
    secure = cookies.is_secure(request, ctx.settings)
    return cookies.kept(cookies.SID, sid, same_site="Lax", secure=secure)


async def leave(ctx: Ctx) -> tuple[Header, Header]:
    """End the session, if there is one; return the headers that make the browser forget it."""
    if ctx.principal.known and ctx.principal.csrf:
        ctx.subject = ctx.principal.name
        await ctx.write(partial(sessions.end, sid=cookies.sent(ctx.request, cookies.SID)))
    return forgotten(ctx)


async def rename_admin(ctx: Ctx) -> tuple[Header, Header]:
    """Give the first administrator, who alone may ask, the other name, and end the session.

    ``Forbidden`` to everybody else, ``Conflict`` if somebody has the name.
    """
    if ctx.principal.user_id != ADMIN_ID:
        raise Forbidden("only the first administrator can change that name")
    ctx.subject = await users.rename_admin(ctx.session)
    await sessions.end(SessionPen(ctx.session), cookies.sent(ctx.request, cookies.SID))
    return forgotten(ctx)


def forgotten(ctx: Ctx) -> tuple[Header, Header]:
    """The headers that make the browser forget its session."""
    ctx.request.scope.pop(web.HEADERS, None)
    secure = cookies.is_secure(ctx.request, ctx.settings)
    return (
        cookies.dropped(cookies.SID, same_site="Lax", secure=secure),
        cookies.dropped(cookies.CSRF, same_site="Strict", secure=secure),
    )
