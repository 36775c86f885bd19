"""What is shown: changing one's own password, and resetting that of somebody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from msgspec import Struct
from starlette.responses import Response

from harbor.auth import passwords
from harbor.auth.pages.account import here
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import signed_in, system
from harbor.core.wire import Id
from harbor.users import service as users
from harbor.users.service import forms

routes = Routes(tag="portal", pages=True)
OF_USER = "/harbor/users/{user_id}/password"


class NewPassword(Struct):
    """A password as entered, twice; of one's own, also the one before."""

    new_password: str = ""
    confirm: str = ""
    old_password: str = ""


@dataclass(frozen=True, slots=True)
class PasswordDialog:
    action: str
    name: str  # whose it is; "" for one's own


@routes.on("GET", "/account/password", allow=signed_in, fails=(Forbidden,))
async def password(ctx: Ctx) -> View:
    """Show the form of another password of one's own."""
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, ctx.principal.known_id, who=ctx.principal)
    return View("account/password.html", PasswordDialog("/account/password", ""))


@routes.on(
    "POST",
    "/account/password",
    allow=signed_in,
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
