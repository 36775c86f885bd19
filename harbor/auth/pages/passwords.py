"""What is shown: changing one's own password, a forgotten one, and that of somebody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.auth import passwords
from harbor.auth.csrf import Csrf
from harbor.auth.forgotten import LATE, Forgotten, Letter, set_password
from harbor.auth.pages.account import here
from harbor.auth.tickets import MAX_TICKET
from harbor.configuration.service import Configuration
from harbor.core import crypto, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import anyone, own_credentials, system
from harbor.core.wire import Id
from harbor.users import service as users
from harbor.users.service import forms

routes = Routes(tag="portal", pages=True)
FORGOTTEN = "/account/forgotten"
NEW = "/account/new-password"
OF_USER = "/harbor/users/{user_id}/password"


class NewPassword(Struct):
    """A password as entered, twice; of one's own, also the one before."""

    new_password: str = ""
    confirm: str = ""
    old_password: str = ""


class PasswordDialog(Struct, frozen=True):
    action: str
    name: str  # whose it is; "" for one's own


class WhoForm(Struct):
    """Who has forgotten a password."""

    principal: Annotated[str, Meta(max_length=users.MAX_NAME)] = ""


class TicketForm(Struct):
    """What the link that was sent says, and the password as entered."""

    ticket: Annotated[str, Meta(max_length=MAX_TICKET)] = ""
    new_password: str = ""
    confirm: str = ""


class ForgottenPage(Struct, frozen=True):
    is_sent: bool = False
    is_late: bool = False  # a link was followed that is good for nothing any more


class NewPasswordPage(Struct, frozen=True):
    name: str
    ticket: str


@routes.on("GET", "/account/password", allow=own_credentials, fails=(Forbidden,))
async def password(ctx: Ctx) -> View:
    """Show the form of another password of one's own."""
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, ctx.principal.known_id, who=ctx.principal)
    users.check_local(await users.get(ctx.session, ctx.principal.known_id))
    return View("account/password.html", PasswordDialog("/account/password", ""))


@routes.on(
    "POST",
    "/account/password",
    allow=own_credentials,
    fails=(Forbidden, BadRequest, NotFound),
    audit=Audit("update", "user", ""),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def change_own_password(ctx: Ctx, form: NewPassword) -> Response:
    """Change one's own password, from the form; every other session is over."""
    ctx.subject = ctx.principal.name
    forms.check_passwords(form.new_password, form.confirm, at="new_password")
    with worded():
        await passwords.change_password(
            ctx, ctx.principal.known_id, old=form.old_password, new=form.new_password
        )
    return ui.done(ctx.request, here(ctx), _("Your password was changed."))


@routes.on("GET", OF_USER, allow=system("user", "update"), fails=(NotFound,))
async def ask_for_password(ctx: Ctx, user_id: Id) -> View:
    """Show the form of another password for somebody."""
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, user_id, who=ctx.principal)
    user = await users.get(ctx.session, user_id)
    users.check_local(user)
    action = OF_USER.format(user_id=user_id)
    return View("account/password.html", PasswordDialog(action, user.username))


@routes.on(
    "POST",
    OF_USER,
    allow=system("user", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "user", "{user_id}"),
    stream=True,
)
async def reset_password(ctx: Ctx, user_id: Id, form: NewPassword) -> Response:
    """Set somebody's password, from the form; all sessions of that person are over."""
    forms.check_passwords(form.new_password, form.confirm, at="new_password")
    if user_id == ctx.principal.user_id:
        raise BadRequest(_("Change your own password in the menu of your account."))
    with worded():
        await passwords.change_password(ctx, user_id, old="", new=form.new_password)
    said = _("The password of %(name)s was set.") % {"name": ctx.subject}
    return ui.done(ctx.request, "/harbor/users", said)


@routes.on("GET", FORGOTTEN, allow=anyone, fails=(Forbidden,))
async def forgotten_password_page(ctx: Ctx) -> View:
    """Ask whose password was forgotten."""
    await require_open(ctx)
    return View("account/forgotten.html", ForgottenPage())


@routes.on(
    "POST",
    FORGOTTEN,
    allow=anyone,
    fails=(Forbidden,),
    audit=Audit("create", "password-link", "{form.principal}"),
)
async def ask_for_link(ctx: Ctx, form: WhoForm) -> View:
    """Have a link sent to whoever that is; the answer is the same if it is nobody."""
    await require_open(ctx)
    ctx.the(Csrf).check_page(ctx.request)
    letter = Letter(
        subject=_("Choose a new password"),
        text=_(
            "Hello %(name)s,\n\nsomebody, hopefully you, asked for a new password. Choose it "
            "within half an hour:\n\n%(link)s\n\nOtherwise ignore this message: your password "
            "stays as it is."
        ),
    )
    ctx.the(Forgotten).ask(form.principal.strip(), letter)
    return View("account/forgotten.html", ForgottenPage(is_sent=True))


@routes.on("GET", NEW, allow=anyone, fails=(Forbidden,))
async def new_password_page(ctx: Ctx, query: TicketForm) -> View:
    """Ask who followed a link for another password."""
    try:
        login = await ctx.the(Forgotten).whose(query.ticket)
    except Forbidden as error:
        await require_open(ctx)
        return View("account/forgotten.html", ForgottenPage(is_late=True), error.status)
    return View("account/new_password.html", NewPasswordPage(login.username, query.ticket))


@routes.on(
    "POST",
    NEW,
    allow=anyone,
    fails=(Forbidden, BadRequest),
    audit=Audit("update", "user", ""),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def set_new_password(ctx: Ctx, form: TicketForm) -> Response:
    """Set the password of whoever followed a link, once; all sessions of that person are over."""
    ctx.the(Csrf).check_page(ctx.request)
    with late():
        login = await ctx.the(Forgotten).whose(form.ticket)
        ctx.subject = login.username
        forms.check_passwords(form.new_password, form.confirm, at="new_password")
        password_hash = await crypto.hash_password(form.new_password)
        async with ctx.writing() as session:
            await set_password(session, login, password_hash)
    said = _("Your password was changed. Sign in with the new one.")
    return ui.done(ctx.request, "/account/sign-in", said)


async def require_open(ctx: Ctx) -> None:
    if not ctx.the(Forgotten).is_open(await ctx.the(Configuration).current()):
        raise Forbidden(_("No e-mail is sent here; ask an administrator for a new password."))


@contextmanager
def late() -> Iterator[None]:
    """Say in the reader's words that a link is good for nothing any more."""
    try:
        yield
    except Forbidden as error:
        if str(error) != LATE:
            raise
        raise Forbidden(_("This link was used before, or is too old. Ask for another.")) from error


@contextmanager
def worded() -> Iterator[None]:
    """Say in the reader's words what a form can be told."""
    try:
        yield
    except (BadRequest, Forbidden) as error:
        words = {
            users.WRONG_PASSWORD: _("That is not your current password."),
            passwords.SAME_PASSWORD: _("That is the password as it is."),
        }.get(str(error))
        if words is None:
            raise
        told = type(error)(words)
        told.field = error.field
        raise told from error
