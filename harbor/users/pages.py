"""What is shown: the people of the registry, for those who administer it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.configuration.service import Configuration
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import system
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Id, Time
from harbor.users import schemas
from harbor.users import service as users
from harbor.users.events import UserDeleted
from harbor.users.models import User
from harbor.users.service import forms

routes = Routes(prefix="/harbor", tag="userPages", pages=True)
HERE = "/harbor/users"
Change = Literal["give", "revoke"]
COLUMNS = (
    Column(later("Name"), sort="username"),
    Column(later("Full name"), sort="realname", key="realname"),
    Column(later("Administrator"), sort="sysadmin_flag"),
    Column(later("E-mail address"), sort="email", key="email"),
    Column(later("Registered"), sort="creation_time", key="created"),
    Column("", narrow=True),
)
FILTERS = (
    Filter("username_or_email", later("Name or address")),
    Filter("realname", later("Full name")),
)
BATCH = (
    Batch(f"{HERE}/sysadmin/give", later("Make administrator"), icon="shield-check"),
    Batch(f"{HERE}/sysadmin/revoke", later("Revoke administrator"), icon="shield-off"),
    Batch(f"{HERE}/delete", later("Delete"), icon="trash", danger=True),
)


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class Row(Struct, frozen=True):
    """A person as a line of the list."""

    id: int
    pick: int | None  # nobody deletes or demotes themselves
    name: str
    realname: str
    email: str
    is_admin: bool
    by_flag: bool  # an administrator because one was made here
    is_local: bool  # the password is kept here
    is_caller: bool
    created: Time


class UserList(Struct, frozen=True):
    grid: Grid
    rows: list[Row]
    local: bool  # accounts are made here, and have their passwords here
    has_ldap: bool


class NewUser(Struct, frozen=True):
    """The empty form."""

    action: str


@routes.on("GET", "/users", allow=system("user", "list"), fails=(BadRequest,))
async def users_page(ctx: Ctx, query: Listed) -> View:
    """Show the people of the registry."""
    asked = ui.remembered(ctx.request, "users", query)
    wanted = schemas.UserListQuery(
        q=ui.filter_q(asked, FILTERS), sort=asked.sort, page=asked.page, page_size=asked.page_size
    )
    found, total = await users.listed(ctx.session, wanted)
    values = await ctx.the(Configuration).current()
    page = UserList(
        grid=ui.grid(ctx.request, "users", asked, total, COLUMNS, filters=FILTERS, batch=BATCH),
        rows=[row_of(user, ctx.principal.user_id) for user in found],
        local=values.auth_mode == users.DB_AUTH,
        has_ldap="ldap_auth" in values.sources,
    )
    return View("users/list.html", page)


@routes.on("GET", "/users/new", allow=system("user", "create"), fails=(Forbidden,))
async def new_user(ctx: Ctx) -> View:
    """Show the form of a new account."""
    users.check_mode_for_new((await ctx.the(Configuration).current()).auth_mode)
    return View("users/new.html", NewUser(f"{HERE}/new"))


@routes.on("GET", "/users/new/check", allow=system("user", "create"))
async def check_new_user(ctx: Ctx, query: schemas.NameQuery) -> View:
    """Say below the field what is wrong with a name or an address, while it is typed."""
    wrong = await forms.wrong_with(ctx, username=query.username, email=query.email)
    return View("users/check.html", schemas.Check(wrong))


@routes.on(
    "POST",
    "/users/new",
    allow=system("user", "create"),
    fails=(BadRequest, Conflict, Forbidden),
    audit=Audit("create", "user", "{form.username}"),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def add_user(ctx: Ctx, form: schemas.NewPerson) -> Response:
    """Create an account from the form."""
    await forms.register(ctx, form)
    return ui.done(
        ctx.request, HERE, _("The account %(name)s was created.") % {"name": form.username}
    )


@routes.on("GET", "/users/sysadmin/{change}", allow=system("user", "update"), fails=(NotFound,))
async def ask_to_change_admins(ctx: Ctx, change: Change, query: Chosen) -> View:
    """Ask before people become administrators, or cease to be."""
    found = await chosen(ctx, query.id)
    gives = change == "give"
    question = Confirm(
        title=_("Make administrators") if gives else _("Revoke administrators"),
        action=f"{HERE}/sysadmin/{change}",
        submit=_("Make administrators") if gives else _("Revoke"),
        text=(
            _("They may do everything: with every project, every account and every setting.")
            if gives
            else _("From now on they may do what their roles in projects allow.")
        ),
        names=[user.username for user in found],
        fields=[("id", str(user.user_id)) for user in found],
        danger=not gives,
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    "/users/sysadmin/{change}",
    allow=system("user", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "user", "{form.id}"),
)
async def change_admins(ctx: Ctx, change: Change, form: Chosen) -> Response:
    """Make the chosen people administrators, or take that away; it counts at once."""
    found = await chosen(ctx, form.id)
    for user in found:
        name = await users.set_sysadmin(ctx.session, user.user_id, is_admin=change == "give")
        ctx.batch.append(Done(name, True, None))
    said = (
        ngettext("%(num)s administrator more.", "%(num)s administrators more.", len(found))
        if change == "give"
        else ngettext("%(num)s administrator less.", "%(num)s administrators less.", len(found))
    )
    return ui.done(ctx.request, HERE, said % {"num": len(found)})


@routes.on("GET", "/users/delete", allow=system("user", "delete"), fails=(NotFound,))
async def ask_to_delete_users(ctx: Ctx, query: Chosen) -> View:
    """Ask before accounts are deleted."""
    found = await chosen(ctx, query.id)
    question = Confirm(
        title=_("Delete accounts"),
        action=f"{HERE}/delete",
        submit=_("Delete"),
        text=_(
            "They are signed out and lose their roles at once. What they pushed and the projects "
            "that they own stay. This cannot be undone."
        ),
        names=[user.username for user in found],
        fields=[("id", str(user.user_id)) for user in found],
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    "/users/delete",
    allow=system("user", "delete"),
    fails=(NotFound, BadRequest),
    audit=Audit("delete", "user", "{form.id}"),
)
async def remove_users(ctx: Ctx, form: Chosen) -> Response:
    """Delete the chosen accounts."""
    found = await chosen(ctx, form.id)
    for user in found:
        name = await users.remove(ctx.session, user.user_id, who=ctx.principal)
        await ctx.tell(UserDeleted(user.user_id))
        ctx.batch.append(Done(name, True, None))
    said = ngettext("%(num)s account was deleted.", "%(num)s accounts were deleted.", len(found))
    return ui.done(ctx.request, HERE, said % {"num": len(found)})


async def chosen(ctx: Ctx, ids: list[int]) -> list[User]:
    """The people of those ids; ``BadRequest`` if the caller is one of them, or there is none."""
    if ctx.principal.user_id in ids:
        raise BadRequest(_("You cannot do that to your own account."))
    found = await users.several(ctx.session, ids)
    if not found:
        raise NotFound(_("None of these accounts is there any more."))
    return found


def row_of(user: User, caller_id: int | None) -> Row:
    own = user.user_id == caller_id
    return Row(
        id=user.user_id,
        pick=None if own else user.user_id,
        name=user.username,
        realname=user.realname,
        email=user.email or "",
        is_admin=user.is_admin,
        by_flag=user.sysadmin_flag,
        is_local=not user.source,
        is_caller=own,
        created=Time(user.creation_time),
    )
