"""What is shown: the page on which people make accounts for themselves, where they may."""

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from harbor.auth.csrf import Csrf
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Conflict, Forbidden
from harbor.core.i18n import gettext as _
from harbor.core.security import anyone
from harbor.users import schemas
from harbor.users.service import DB_AUTH, forms

routes = Routes(prefix="/account", tag="portal", pages=True)
HERE = "/account/sign-up"


class SignUpPage(Struct, frozen=True):
    """What the page shows on which one signs up."""

    host: str
    action: str = HERE


@routes.on("GET", "/sign-up", allow=anyone, fails=(Forbidden,))
async def sign_up_page(ctx: Ctx) -> View | Response:
    """Ask for what a new account needs; who has signed in has one."""
    if ctx.principal.known:
        return RedirectResponse("/harbor/projects", 303)
    await require_open(ctx)
    return View("account/sign_up.html", SignUpPage(ctx.request.headers.get("host", "")))


@routes.on("GET", "/sign-up/check", allow=anyone, fails=(Forbidden,))
async def check_sign_up(ctx: Ctx, query: schemas.NameQuery) -> View:
    """Say below the field what is wrong with a name or an address, while it is typed."""
    await require_open(ctx)
    wrong = await forms.wrong_with(ctx, username=query.username, email=query.email)
    return View("users/check.html", schemas.Check(wrong))


@routes.on(
    "POST",
    "/sign-up",
    allow=anyone,
    fails=(Forbidden, BadRequest, Conflict),
    audit=Audit("create", "user", "{form.username}"),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def sign_up(ctx: Ctx, form: schemas.NewPerson) -> Response:
    """Make an account of one's own, and go to the sign-in."""
    await require_open(ctx)
    ctx.the(Csrf).check_page(ctx.request)
    await forms.register(ctx, form)
    said = _("Your account is ready. Sign in with your new password.")
    return ui.done(ctx.request, "/account/sign-in", said)


def is_open(values: Values) -> bool:
    """Whether people may make accounts for themselves."""
    return values.self_registration and values.auth_mode == DB_AUTH


async def require_open(ctx: Ctx) -> None:
    if not is_open(await ctx.the(Configuration).current()):
        raise Forbidden(_("Accounts are made by administrators here; ask one of them."))
