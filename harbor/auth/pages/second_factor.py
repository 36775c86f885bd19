"""What is shown: the second factor of one's own account, and taking away that of somebody else."""

import io
from typing import Literal

from markupsafe import Markup
from msgspec import Struct
from starlette.responses import Response

from harbor.auth import passkeys, second_factor
from harbor.auth.entry import has_answered, not_it, question
from harbor.auth.models import Passkey
from harbor.auth.passkeys import Site
from harbor.auth.passwords import prove
from harbor.auth.schemas import Answer, Question
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.crypto import Box
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import own_credentials, system
from harbor.core.ui import Confirm
from harbor.core.wire import Id, Time
from harbor.users import service as users
from harbor.users.models import LOCAL
from harbor.users.service import Login

routes = Routes(tag="portal", pages=True)
HERE = "/account/second-factor"
OF_USER = "/harbor/users/{user_id}/second-factor"
Change = Literal["begin", "passkey", "codes", "authenticator", "off"]
GROUP = 4  # signs of the secret that are read at once


class Proof(Answer):
    """That it is they, asked again so that a browser left alone is not enough.

    Who has a second factor shows that; who has none, the password.
    """

    password: str = ""


class CodeForm(Struct):
    """A code of the authenticator, or for a lost one."""

    code: str = ""


class Key(Struct, frozen=True):
    """A passkey as a line of the list."""

    id: int
    name: str
    made: Time
    used: Time | None
    site: str  # "": the one that the browser is at


class SecondFactorPage(Struct, frozen=True):
    since: Time | None  # None: it is off
    left: int  # recovery codes
    has_authenticator: bool
    passkeys: list[Key]
    may_have: bool  # else the password is kept elsewhere
    may_have_passkeys: bool  # the browser is at a site that can have them


class Asked(Struct, frozen=True):
    """What somebody wants to do with the second factor."""

    change: Change
    asked: Question | None  # None: the password is asked for
    has_passkeys: bool


class SetUp(Struct, frozen=True):
    """What the authenticator must be told."""

    picture: Markup
    secret: str  # in groups, to be typed


class Codes(Struct, frozen=True):
    """Recovery codes, shown this once."""

    codes: list[str]


@routes.on("GET", HERE, allow=own_credentials)
async def second_factor_page(ctx: Ctx) -> View:
    """Show whether the caller's account has a second factor."""
    found = await second_factor.state(ctx.session, ctx.principal.known_id)
    site = passkeys.site_of(ctx.request, ctx.settings.external_url)
    page = SecondFactorPage(
        since=Time(found.since) if found else None,
        left=found.left if found else 0,
        has_authenticator=found is not None and found.has_authenticator,
        passkeys=[key_of(each, site) for each in found.passkeys] if found else [],
        may_have=await is_local(ctx),
        may_have_passkeys=site is not None,
    )
    return View("account/second_factor.html", page)


@routes.on("GET", f"{HERE}/{{change}}", allow=own_credentials)
async def ask_to_change_second_factor(ctx: Ctx, change: Change) -> View:
    """Ask for the second factor, or else the password, before anything of it is changed."""
    found = await second_factor.state(ctx.session, ctx.principal.known_id)
    has_passkeys = found is not None and bool(found.passkeys)
    page = Asked(change, await asked_of(ctx), has_passkeys)
    return View("account/second_factor_ask.html", page)


@routes.on(
    "POST",
    f"{HERE}/begin",
    allow=own_credentials,
    fails=(BadRequest, Conflict, Forbidden),
    audit=Audit("update", "user", ""),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def begin_second_factor(ctx: Ctx, form: Proof) -> View:
    """Make a secret for the caller's authenticator, and show it."""
    await check_again(ctx, form)
    async with ctx.writing() as session:
        secret = await second_factor.begin(session, ctx.the(Box), ctx.principal.known_id)
    issuer = f"Harbor {ctx.request.headers.get('host', '')}".replace(":", " ").strip()
    told = second_factor.address_of(secret, ctx.principal.name, issuer)
    groups = " ".join(secret[at : at + GROUP] for at in range(0, len(secret), GROUP))
    return View("account/second_factor_new.html", SetUp(drawn(told), groups))


@routes.on(
    "POST",
    f"{HERE}/confirm",
    allow=own_credentials,
    fails=(Forbidden, NotFound),
    audit=Audit("update", "user", ""),
)
async def confirm_second_factor(ctx: Ctx, form: CodeForm) -> View | Response:
    """Ask for the codes of the authenticator from now on, if it shows the right one."""
    ctx.subject = ctx.principal.name
    with ui.at_field("code"):
        try:
            codes = await second_factor.confirm(
                ctx.session, ctx.the(Box), ctx.principal.known_id, form.code
            )
        except Forbidden as error:
            raise Forbidden(not_it(Answer(form.code))) from error
    return told(ctx, codes, _("Your authenticator is set up."))


@routes.on(
    "POST",
    f"{HERE}/codes",
    allow=own_credentials,
    fails=(Forbidden,),
    audit=Audit("update", "user", ""),
    stream=True,  # a wrong code makes wait: the transaction begins after it
)
async def renew_recovery_codes(ctx: Ctx, form: Answer) -> View:
    """Make new recovery codes; those from before are worth nothing."""
    await check_answer(ctx, form)
    async with ctx.writing() as session:
        codes = await second_factor.renew_codes(session, ctx.principal.known_id)
    return View("account/recovery_codes.html", Codes(codes))


@routes.on(
    "POST",
    f"{HERE}/authenticator",
    allow=own_credentials,
    fails=(Forbidden, NotFound),
    audit=Audit("update", "user", ""),
    stream=True,  # a wrong code makes wait: the transaction begins after it
)
async def remove_authenticator(ctx: Ctx, form: Answer) -> Response:
    """Remove the caller's authenticator; passkeys and recovery codes stay."""
    await check_answer(ctx, form)
    async with ctx.writing() as session:
        await second_factor.remove_authenticator(session, ctx.principal.known_id)
    return ui.done(ctx.request, HERE, _("The authenticator was removed."))


@routes.on(
    "POST",
    f"{HERE}/off",
    allow=own_credentials,
    fails=(Forbidden, NotFound),
    audit=Audit("update", "user", ""),
    stream=True,  # a wrong code makes wait: the transaction begins after it
)
async def switch_second_factor_off(ctx: Ctx, form: Answer) -> Response:
    """Switch the second factor off; it is needed for that, too."""
    await check_answer(ctx, form)
    async with ctx.writing() as session:
        await second_factor.remove(session, ctx.principal.known_id)
    return ui.done(ctx.request, HERE, _("Two-factor sign-in is off."))


@routes.on("GET", OF_USER, allow=system("user", "update"), fails=(NotFound,))
async def ask_to_reset_second_factor(ctx: Ctx, user_id: Id) -> View:
    """Ask before somebody's second factor is taken away."""
    user = await users.get(ctx.session, user_id)
    asked = Confirm(
        title=_("Reset two-factor sign-in of %(name)s") % {"name": user.username},
        action=OF_USER.format(user_id=user_id),
        submit=_("Reset"),
        text=_(
            "The password alone opens the account again, until they set it up anew. Make sure "
            "that it is they who ask."
        ),
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    OF_USER,
    allow=system("user", "update"),
    fails=(NotFound,),
    audit=Audit("update", "user", "{user_id}"),
)
async def reset_second_factor(ctx: Ctx, user_id: Id) -> Response:
    """Take away somebody's second factor."""
    user = await users.get(ctx.session, user_id)
    ctx.subject = user.username
    try:
        await second_factor.remove(ctx.session, user_id)
    except NotFound as error:
        raise NotFound(_("%(name)s has no second factor.") % {"name": user.username}) from error
    said = _("%(name)s signs in by password alone now.") % {"name": user.username}
    return ui.done(ctx.request, "/harbor/users", said)


async def caller(ctx: Ctx) -> Login:
    """The caller's account. ``NotFound`` if it was deleted a moment ago."""
    found = await users.find_login(ctx.db.quick, ctx.principal.name)
    if found is None:
        raise NotFound("the account is gone")
    return found


async def is_local(ctx: Ctx) -> bool:
    """Whether the caller's password is kept here."""
    who = await caller(ctx)
    return who.source == LOCAL and who.password is not None


async def asked_of(ctx: Ctx) -> Question | None:
    """What the caller has to show before a change; ``None`` for the password."""
    if not await second_factor.is_on(ctx.db.quick, ctx.principal.known_id):
        return None
    return await question(ctx, await caller(ctx), second_factor.CHANGE)


async def check_again(ctx: Ctx, form: Proof) -> None:
    """Raise ``Forbidden`` unless the caller proves to be whose the session is.

    ``BadRequest`` if nothing can be added to that account.
    """
    ctx.subject = ctx.principal.name
    if not await is_local(ctx):
        raise BadRequest(_("Your password is kept in another directory; so is what goes with it."))
    if await second_factor.is_on(ctx.db.quick, ctx.principal.known_id):
        await check_answer(ctx, form)
        return
    with ui.at_field("password"):
        try:
            await prove(ctx, ctx.principal.name, form.password)
        except Forbidden as error:
            raise Forbidden(_("That is not your current password.")) from error


async def check_answer(ctx: Ctx, answer: Answer) -> None:
    ctx.subject = ctx.principal.name
    with ui.at_field("code"):
        if not await has_answered(ctx, await caller(ctx), answer, second_factor.CHANGE):
            raise Forbidden(not_it(answer))


def told(ctx: Ctx, codes: list[str], said: str) -> View | Response:
    """The answer where something was added: the first time, with recovery codes."""
    if codes:
        return View("account/recovery_codes.html", Codes(codes))
    return ui.done(ctx.request, HERE, said)


def key_of(passkey: Passkey, site: Site | None) -> Key:
    return Key(
        id=passkey.id,
        name=passkey.name,
        made=Time(passkey.creation_time),
        used=Time(passkey.last_used) if passkey.last_used else None,
        site="" if site and site.host == passkey.site else passkey.site,
    )


def drawn(text: str) -> Markup:
    """A QR code as a picture within the page; nobody else is asked to draw it."""
    import segno  # noqa: PLC0415, it takes memory, and few ask for it

    out = io.BytesIO()
    segno.make(text, micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=3, light="#fff"
    )
    return Markup(out.getvalue().decode())  # noqa: S704, made of squares alone
