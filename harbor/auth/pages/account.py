"""What is shown: one's own account."""

from msgspec import Struct
from starlette.responses import Response

from harbor.auth.entry import rename_admin
from harbor.auth.pages.session import gone_to
from harbor.configuration.schemas import Values
from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import own_credentials, signed_in, system
from harbor.core.ui import Confirm
from harbor.core.wire import Time
from harbor.users import schemas
from harbor.users import service as users
from harbor.users.models import ADMIN_ID
from harbor.users.service import forms, oidc

routes = Routes(prefix="/account", tag="portal", pages=True)


class Profile(Struct, frozen=True):
    """The dialog of one's own account."""

    username: str
    email: str
    realname: str
    comment: str
    is_admin: bool
    created: Time
    back: str
    may_change: bool  # else it comes from elsewhere
    may_rename: bool  # the first administrator, once
    has_secret: bool  # their clients use one, since their password is the provider's


@routes.on("GET", "/profile", allow=signed_in, fails=(NotFound,))
async def profile(ctx: Ctx) -> View:
    """Show what is known of the caller, to be changed."""
    user = await users.get(ctx.session, ctx.principal.known_id)
    values = await ctx.the(Configuration).current()
    is_first = user.user_id == ADMIN_ID
    page = Profile(
        username=user.username,
        email=user.email or "",
        realname=user.realname,
        comment=user.comment,
        is_admin=user.is_admin,
        created=Time(user.creation_time),
        back=here(ctx),
        may_change=(values.auth_mode == users.DB_AUTH or is_first) and not user.source,
        may_rename=is_first and user.username != users.RENAMED_ADMIN,
        has_secret=await has_secret(ctx, user.user_id, values),
    )
    return View("account/profile.html", page)


async def has_secret(ctx: Ctx, user_id: int, values: Values) -> bool:
    return users.has_oidc(values) and await oidc.row_of(ctx.session, user_id) is not None


@routes.on(
    "POST",
    "/profile",
    allow=own_credentials,
    fails=(Forbidden, NotFound, BadRequest, Conflict),
    audit=Audit("update", "user", ""),
)
async def save_profile(ctx: Ctx, form: schemas.UserProfile) -> Response:
    """Change the caller's own profile, from the form."""
    ctx.subject, user_id = ctx.principal.name, ctx.principal.known_id
    values = await ctx.the(Configuration).current()
    users.check_mode(values.auth_mode, user_id, who=ctx.principal)
    await forms.save_profile(ctx.session, user_id, form)
    return ui.done(ctx.request, here(ctx), _("Your profile was saved."))


@routes.on("GET", "/rename", allow=system("user", "update"))
async def ask_to_rename_admin(ctx: Ctx) -> View:
    """Ask before the first administrator gets the other name."""
    name = {"name": users.RENAMED_ADMIN}
    question = Confirm(
        title=_("Change the user name"),
        action="/account/rename",
        submit=_("Change the user name"),
        text=_(
            "Your user name becomes %(name)s, and cannot be changed back. You are signed out, and "
            "sign in under the new name with the same password, also in docker and scripts."
        )
        % name,
        danger=False,
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    "/rename",
    allow=system("user", "update"),
    fails=(Conflict,),
    audit=Audit("update", "user", ""),
)
async def rename_admin_here(ctx: Ctx) -> Response:
    """Give the first administrator, who alone may ask, the other name; and sign out."""
    headers = await rename_admin(ctx)
    answer = gone_to(ctx, "/account/sign-in")
    answer.raw_headers.extend(headers)
    return answer


def here(ctx: Ctx) -> str:
    """The page over which the dialog stands."""
    told = ctx.request.headers.get("hx-current-url", "")
    return ui.own_path("/" + told.partition("://")[2].partition("/")[2])
