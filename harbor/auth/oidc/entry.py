"""Coming in and going out by way of the provider: what pages and ``/c`` share."""

import contextlib
import logging
from urllib.parse import urlencode, urlsplit

from harbor.auth import cookies, sessions
from harbor.auth.entry import Header, client_of, cookie_for
from harbor.auth.oidc import client, flow
from harbor.auth.oidc.client import Given, place_of
from harbor.auth.oidc.desk import Oidc
from harbor.auth.oidc.providers import Metadata
from harbor.auth.oidc.rights import is_from
from harbor.auth.oidc.tokens import TokenInvalid
from harbor.auth.sessions import Sessions
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import origin, web
from harbor.core.api import Ctx
from harbor.core.errors import BadGateway, BadRequest
from harbor.core.i18n import gettext as _
from harbor.core.quick import SessionPen
from harbor.core.security import Principal
from harbor.directory.service.desk import asked_of
from harbor.users import service as users
from harbor.users.models import OidcUser, User
from harbor.users.service import Login, oidc

log = logging.getLogger(__name__)
CHOOSING = "harbor-oidc"  # a cookie: what a browser holds while somebody chooses a name
BEGUN = "harbor-oidc-"  # cookies: what it holds of each sign-in that it has begun
MAX_BEGUN = 8  # of one browser; the oldest one is given up then
BACK = "/c/oidc/callback"
SIGN_IN = "/account/sign-in"


def public_base(ctx: Ctx) -> str:
    """Scheme and host under which people and the provider know this registry."""
    return ctx.settings.external_url or origin.of(ctx.request, "")


async def comes_from_provider(ctx: Ctx, name: str) -> bool:
    """Whether somebody of that name has to sign in at the provider."""
    values = await ctx.the(Configuration).current()
    if not users.has_oidc(values):
        return False
    account = await users.find_login(ctx.db.quick, name)
    if account is None:  # somebody new, whom a source that takes passwords may know
        return not asked_of(values, None)
    return account.source == users.OIDC_AUTH


def hold(ctx: Ctx, value: str, name: str = CHOOSING) -> None:
    """Let the answer, whatever it will be, make the browser hold *value*, or nothing if empty."""
    scope, secure = ctx.request.scope, cookies.is_secure(ctx.request, ctx.settings)
    header = (
        cookies.kept(name, value, same_site="Lax", secure=secure, life_s=flow.LIFE_S)
        if value
        else cookies.dropped(name, same_site="Lax", secure=secure)
    )
    begins = f"{name}=".encode()
    others = [each for each in scope.get(web.HEADERS, ()) if not each[1].startswith(begins)]
    scope[web.HEADERS] = [*others, header]


def held(ctx: Ctx, name: str = CHOOSING) -> str:
    return cookies.sent(ctx.request, name)


def cookie_of(ctx: Ctx, state: str) -> str:
    """The name of the cookie with the secret of the sign-in that *state* belongs to."""
    return BEGUN + ctx.the(Oidc).flow.mark(state)


async def way_in(ctx: Ctx, values: Values, to: str) -> str:
    """The address at which somebody signs in; from there they come back to *to*."""
    ours = ctx.the(Oidc)
    metadata = await ours.providers.metadata(place_of(values))
    secret = flow.held()
    for oldest in cookies.names(ctx.request, BEGUN)[: -(MAX_BEGUN - 1)]:
        hold(ctx, "", oldest)
    hold(ctx, secret, BEGUN + flow.mark_of(secret))
    return await client.sign_in_url(
        values,
        metadata,
        back=public_base(ctx) + BACK,
        state=ours.flow.state(secret, values, to),
        nonce=ours.flow.nonce(secret),
        verifier=ours.flow.verifier(secret),
    )


async def arrived(ctx: Ctx, values: Values, *, code: str, issuer: str, secret: str) -> oidc.Told:
    """Who comes back from the provider with a code; ``BadRequest``, ``BadGateway``."""
    ours = ctx.the(Oidc)
    metadata = await ours.providers.metadata(place_of(values))
    refuse_mix_up(metadata, issuer)
    given: Given = await client.exchange(
        values,
        metadata,
        code=code,
        verifier=ours.flow.verifier(secret),
        back=public_base(ctx) + BACK,
    )
    try:
        person = await ours.identify(values, metadata, given, nonce=ours.flow.nonce(secret))
    except TokenInvalid as error:
        why = _("The provider's answer proves nothing: %(why)s") % {"why": error}
        raise BadRequest(why) from error
    return ours.told(person, given)


def refuse_mix_up(metadata: Metadata, issuer: str) -> None:
    """Raise ``BadRequest`` if another provider sent the code. Source: RFC 9207."""
    told = metadata.authorization_response_iss_parameter_supported
    if (issuer or told) and issuer != metadata.issuer:
        raise BadRequest(_("Another provider than the one configured has answered."))


async def admit(ctx: Ctx, user: User) -> Header:
    """Begin a session of somebody of whom the provider just told; the header with its cookie."""
    ctx.principal = Principal(user.username, user_id=user.user_id)
    ctx.subject = user.username
    login = Login(user.user_id, user.username, user.password, user.is_admin, user.source)
    life = await ctx.the(Sessions).life()
    pen = SessionPen(ctx.session)
    sid = await sessions.begin(pen, login, client_of(ctx), life=life)
    header = cookie_for(ctx, sid)
    hold(ctx, "")
    return header


async def onboard(ctx: Ctx, row: OidcUser, name: str) -> Header:
    """Make the account of somebody whom the provider knows, and begin their session.

    As ``oidc.onboard`` fails.
    """
    ctx.subject = name
    values = await ctx.the(Configuration).current()
    users.refuse_name_of_robot(name, values.robot_name_prefix)
    user = await oidc.onboard(ctx.session, row, name, ctx.the(Configuration).box)
    await ctx.the(Oidc).follow(ctx.session, row)
    return await admit(ctx, user)


async def way_out(ctx: Ctx) -> str:
    """Where somebody goes who signs out: to the provider's own sign-out if that is wanted."""
    values, user_id = await ctx.the(Oidc).values(), ctx.principal.user_id
    if values is None or user_id is None:
        return SIGN_IN
    async with ctx.db.reading() as session:
        row = await oidc.row_of(session, user_id)
    here = f"{SIGN_IN}?local=true" if values.primary_auth_mode else SIGN_IN
    if row is None or not values.oidc_logout or not is_from(values, row):
        return here
    with contextlib.suppress(BadGateway):
        metadata = await ctx.the(Oidc).providers.metadata(place_of(values))
        await revoke(ctx, values, metadata, row)
        return ended_at(metadata, hint(ctx, row), public_base(ctx) + SIGN_IN) or here
    return here


async def revoke(ctx: Ctx, values: Values, metadata: Metadata, row: OidcUser) -> None:
    """Let the refresh token end, here and at the provider."""
    if row.refresh_token is None or row.user_id is None:
        return
    async with ctx.db.writing() as session:
        await oidc.drop_refresh(session, row.user_id, refused=row.refresh_token)
    if metadata.revocation_endpoint:
        try:
            plain = ctx.the(Configuration).box.open(row.refresh_token)
            await client.revoke(values, metadata, plain)
        except BadGateway as error:
            log.warning("a token could not be revoked", extra={"reason": str(error)})


def hint(ctx: Ctx, row: OidcUser) -> str:
    return ctx.the(Configuration).box.open(row.id_token) if row.id_token else ""


def ended_at(metadata: Metadata, id_token: str, back: str) -> str:
    """The address at which the provider ends its own session; "" if it has none."""
    place = metadata.end_session_endpoint
    if urlsplit(place).scheme not in ("http", "https"):
        return ""
    asked = {"id_token_hint": id_token, "post_logout_redirect_uri": back}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{place}{'&' if '?' in place else '?'}{query}"
