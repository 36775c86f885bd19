"""Coming in and going out with a browser: what the portal's forms and ``/c/login`` share."""

from functools import partial

from harbor.auth import cookies, passkeys, second_factor, sessions, tickets
from harbor.auth.csrf import Csrf
from harbor.auth.passkeys import Challenge
from harbor.auth.schemas import Answer, Question
from harbor.auth.service import Accounts
from harbor.auth.sessions import Client, Sessions
from harbor.core import web
from harbor.core.api import Ctx
from harbor.core.crypto import Box
from harbor.core.errors import Forbidden, Unauthorized
from harbor.core.i18n import gettext as _
from harbor.core.quick import SessionPen
from harbor.core.security import Principal
from harbor.users import service as users
from harbor.users.models import ADMIN_ID
from harbor.users.service import Login

Header = tuple[bytes, bytes]
OF_CODES = "#code"  # no name has that sign
BY_PASSKEY = "#passkey"
STRANGER = Login(0, "", None, False)  # whom a ticket is for that anybody gets


async def enter(
    ctx: Ctx, name: str, password: str, wrong: Unauthorized, *, code: str = ""
) -> Header | None:
    """Begin a session; return the header that gives the browser its cookie.

    As ``prove``; *wrong* is also raised if the account has a second factor, and *code* is no code
    of that.
    """
    found = await prove(ctx, name, password, wrong)
    if found is None:
        return None
    if await second_factor.is_on(ctx.db.quick, found.user_id):
        await check_answer(ctx, found, Answer(code), wrong)
    return await open_session(ctx, found)


async def prove(ctx: Ctx, name: str, password: str, wrong: Unauthorized) -> Login | None:
    """Whose name and password that are.

    If they are not right, *wrong* is raised. While the name is locked the answer is ``None``: the
    caller says the same, without raising, so that nothing goes into the audit log. There may be
    thousands of such requests a second.
    """
    accounts, address = ctx.the(Accounts), address_of(ctx)
    if await accounts.lockout.is_locked(name, address):
        return None
    found = await accounts.check(name, password, address=address)
    if found is None:
        ctx.principal = Principal(name)  # as which somebody tried to sign in
        raise wrong
    return found


async def check_answer(ctx: Ctx, who: Login, answer: Answer, wrong: Unauthorized) -> None:
    """Raise *wrong*, after a wait, unless that is an answer of the second factor of *who*.

    Guessing codes is as slow as guessing passwords, and counted apart: a right password, which
    whoever comes here has, makes up for no wrong code.
    """
    ctx.principal = Principal(who.username)
    if not await has_answered(ctx, who, answer, second_factor.PURPOSE):
        raise wrong


def not_it(answer: Answer) -> str:
    """What to say of an answer that is not right."""
    if answer.passkey and not answer.code:
        return _("That passkey is not accepted. Try again, or enter a code.")
    return _("That is not the code, or it was used before.")


async def question(ctx: Ctx, who: Login, purpose: str) -> Question:
    """What to ask somebody for, who has a second factor."""
    ticket = tickets.make(ctx.the(Box), purpose, who, second_factor.TICKET_S)
    challenge = challenge_of(ctx, who, purpose, ticket)
    async with ctx.db.reading() as session:
        kept = await second_factor.state(session, who.user_id)
        options = await passkeys.to_sign(session, who.user_id, challenge) if challenge else ""
    return Question(ticket, options, kept is not None and kept.has_authenticator)


def challenge_of(ctx: Ctx, who: Login, purpose: str, ticket: str) -> Challenge | None:
    """What a passkey is to sign, if that ticket is theirs, and the browser has passkeys."""
    site = passkeys.site_of(ctx.request, ctx.settings.external_url)
    read = tickets.read(ctx.the(Box), purpose, ticket)
    if site is None or read is None or not tickets.is_still_right(read, who):
        return None
    life_s = second_factor.life_of(purpose)
    return passkeys.challenge_of(ctx.the(Box), site, ticket, read, life_s=life_s)


async def has_answered(ctx: Ctx, who: Login, answer: Answer, purpose: str) -> bool:
    """Whether that is an answer of somebody's second factor; ``False`` after a wait.

    It must not be asked within a transaction, which would keep others waiting too.
    """
    accounts, address = ctx.the(Accounts), address_of(ctx)
    counted = who.username + OF_CODES
    if not (answer.code or answer.passkey):
        return False
    turn = await accounts.lockout.enter(counted, address)
    if turn is None:
        return False
    if answer.code:
        async with ctx.db.writing() as session:
            right = await second_factor.accepts(session, ctx.the(Box), who.user_id, answer.code)
    else:
        challenge = challenge_of(ctx, who, purpose, answer.ticket)
        found = challenge and await passkeys.signer(
            ctx.db, challenge, answer.passkey, user_id=who.user_id
        )
        right = found == who.user_id
    if right:
        await accounts.lockout.right(counted, address, turn)
    else:
        await accounts.refuse(counted, address)
    return right


async def enter_by_passkey(ctx: Ctx, answer: Answer, wrong: Unauthorized) -> Header:
    """Begin a session of somebody whose passkey is all that is asked for; *wrong* after a wait."""
    accounts, address = ctx.the(Accounts), address_of(ctx)
    turn = await accounts.lockout.enter(BY_PASSKEY, address)
    if turn is None:
        raise wrong
    challenge = challenge_of(ctx, STRANGER, second_factor.ALONE, answer.ticket)
    user_id = challenge and await passkeys.signer(ctx.db, challenge, answer.passkey)
    found = await users.find_local(ctx.db.quick, user_id) if user_id else None
    if found is None:
        await accounts.refuse(BY_PASSKEY, address)
        raise wrong
    await accounts.lockout.right(BY_PASSKEY, address, turn)
    return await open_session(ctx, found)


def way_by_passkey(ctx: Ctx) -> Question:
    """What to ask a stranger for, who may have a passkey."""
    ticket = tickets.make(ctx.the(Box), second_factor.ALONE, STRANGER, second_factor.ALONE_S)
    challenge = challenge_of(ctx, STRANGER, second_factor.ALONE, ticket)
    return Question(ticket, passkeys.to_enter(challenge) if challenge else "", False)


async def open_session(ctx: Ctx, who: Login) -> Header:
    """Begin a session of somebody who has proved to be *who*; return the header as ``enter``."""
    ctx.principal = Principal(who.username, user_id=who.user_id, is_admin=who.is_admin)
    ctx.subject = who.username
    life, client = await ctx.the(Sessions).life(), client_of(ctx)
    sid = await ctx.write(partial(sessions.begin, login=who, client=client, life=life))
    return cookie_for(ctx, sid)


def client_of(ctx: Ctx) -> Client:
    """Where somebody signs in."""
    request = ctx.request
    agent = request.headers.get("user-agent", "")
    return Client(address_of(ctx), agent, cookies.sent(request, cookies.SID))


def cookie_for(ctx: Ctx, sid: str) -> Header:
    """The header that gives the browser the cookie of a session that has just begun."""
    request = ctx.request
    ctx.the(Csrf).greet(request, sid)
    secure = cookies.is_secure(request, ctx.settings)
    return cookies.kept(cookies.SID, sid, same_site="Lax", secure=secure)


def address_of(ctx: Ctx) -> str:
    return ctx.request.client.host if ctx.request.client else ""


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
    if ctx.principal.user_id != ADMIN_ID or ctx.principal.limits is not None:
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
