"""What is shown: lists of robots, and what is done with those that are there."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.configuration.service import Configuration
from harbor.core import machines, ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.both import Both
from harbor.core.errors import BadRequest, Conflict, Denied, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.query import Listing
from harbor.core.security import OF_SYSTEM, system
from harbor.core.ui import Batch, Column, Confirm, Filter, Listed
from harbor.core.wire import Id
from harbor.projects.service import header
from harbor.robots import schemas
from harbor.robots import service as robots
from harbor.robots.service import Named, forms, names, permissions, trust_forms, trusts
from harbor.robots.service.forms import Chosen, Group, GroupQuery, RobotDialog, RobotForm
from harbor.robots.service.robots import Home, name_of
from harbor.robots.service.trust_forms import TrustDialog, TrustForm, TrustGone

routes = Routes(prefix="/harbor", tag="robotPages", pages=True)
GLOBAL = "/robot-accounts"
TAB = "robot-account"
on = Both(routes, "robot", GLOBAL, f"/projects/{{project_name_or_id}}/{TAB}").on
COLUMNS = (
    Column(later("Name"), sort="name"),
    Column(later("State"), key="state"),
    Column(later("Permissions"), key="permissions"),
    Column(later("Created"), sort="creation_time", key="created"),
    Column(later("Expires"), sort="expires_at", key="expires"),
    Column(later("Description"), key="description"),
    Column("", narrow=True),
)
FILTERS = (Filter("name", later("Name")),)


class State(Struct):
    disabled: bool = False


class Several(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


def here(ctx: Ctx) -> str:
    """The address of the list that the request is about."""
    if not ctx.project_id:
        return f"/harbor{GLOBAL}"
    return f"{header.path_of(ctx.project_id)}/{TAB}"


@on("GET", "", "list")
async def robots_page(ctx: Ctx, query: Listed) -> View:
    """Show the robots."""
    head = await header.of(ctx, TAB) if ctx.project_id else None
    may = {
        action: head is None or await header.may(ctx, "robot", action, head.name)
        for action in ("create", "update", "delete")
    }
    asked = ui.remembered(ctx.request, "robots", query)
    wanted = Listing(
        page=asked.page,
        page_size=asked.page_size,
        sort=asked.sort or "name",
        q=ui.filter_q(asked, FILTERS),
    )
    found, total = await robots.search(ctx.session, place(ctx), wanted)
    kept = await trusts.of(ctx.session, [each.robot.id for each in found])
    prefix, path = await prefix_of(ctx), here(ctx)
    batch = (Batch(f"{path}/delete", later("Delete"), icon="trash", danger=True),)
    page = forms.RobotList(
        header=head,
        path=path,
        grid=ui.grid(
            ctx.request,
            "robots",
            asked,
            total,
            COLUMNS,
            filters=FILTERS,
            batch=batch if may["delete"] else (),
        ),
        robots=[forms.row_of(each, prefix, kept[each.robot.id]) for each in found],
        may_create=may["create"],
        may_update=may["update"],
        may_delete=may["delete"],
    )
    return View("robots/list.html", page)


@on("GET", "/new", "create")
async def new_robot(ctx: Ctx) -> View:
    """Show the form of a new robot."""
    values = await ctx.the(Configuration).current()
    days = str(min(values.robot_token_duration, names.MAX_DURATION))
    project_name = await name_of(ctx.session, place(ctx))
    before = f"{values.robot_name_prefix}{machines.stored('', project_name)}"
    told = ("", "", days, Chosen(), project_name is None)
    return View("robots/edit.html", RobotDialog(here(ctx), None, before, *told))


@on(
    "POST",
    "/new",
    "create",
    fails=(BadRequest, Conflict, Denied),
    audit=Audit("create", "robot", "{form.name}"),
)
async def add_new_robot(ctx: Ctx, form: RobotForm) -> View:
    """Create a robot, from the form, and show its secret this once."""
    home = Home(place(ctx), await name_of(ctx.session, place(ctx)))
    wanted = schemas.RobotCreate(
        name=forms.checked_name(form, home.project_name),
        description=form.description.strip(),
        level=robots.PROJECT if home.project_name else robots.SYSTEM,
        duration=forms.duration_in(form),
        permissions=forms.permissions_in(form, home.project_name),
    )
    permissions.check(wanted.permissions, wanted.level)
    prefix = await prefix_of(ctx)
    with forms.at_fields(form):
        made, secret = await robots.create(
            ctx.session, home, wanted, who=ctx.principal, prefix=prefix
        )
    ctx.subject = robots.displayed(prefix, made.stored)
    return View("robots/secret.html", forms.SecretDialog(here(ctx), ctx.subject, secret, True))


@routes.on("GET", f"{GLOBAL}/new/group", allow=system("robot", "create"))
async def more_projects(ctx: Ctx, query: GroupQuery) -> View:
    """Show the fields for some more projects, in which a robot may do something else."""
    return View("robots/group.html", Group(len(query.projects)))


@on("GET", "/{robot_id}/edit", "update", fails=(NotFound,))
async def edit_robot(ctx: Ctx, robot_id: Id) -> View:
    """Show the form that changes a robot."""
    found = await forms.belonging(ctx, robot_id)
    robot, chosen = found.robot, forms.chosen_of(found)
    days = "" if robot.duration == machines.NEVER else str(robot.duration)
    page = RobotDialog(
        here(ctx),
        robot.id,
        "",
        robots.displayed(await prefix_of(ctx), found.stored),
        robot.description,
        days,
        chosen or Chosen(),
        found.project_name is None,
        is_plain=chosen is not None,
    )
    return View("robots/edit.html", page)


@on(
    "POST",
    "/{robot_id}/edit",
    "update",
    fails=(NotFound, BadRequest, Denied),
    audit=Audit("update", "robot", "{robot_id}"),
)
async def save_robot(ctx: Ctx, robot_id: Id, form: RobotForm) -> Response:
    """Change a robot, from the form. What the form cannot say of its permissions stays."""
    found = await reach(ctx, robot_id)
    plain = forms.chosen_of(found) is not None
    wanted = schemas.RobotReq(
        name=ctx.subject or "",
        description=form.description.strip(),
        level=found.level,
        duration=forms.duration_in(form),
        disable=found.robot.disabled,
        permissions=(
            forms.permissions_in(form, found.project_name) if plain else found.permissions
        ),
    )
    with forms.at_fields(form):
        await robots.change(
            ctx.session, found, wanted, who=ctx.principal, prefix=await prefix_of(ctx)
        )
    return ui.done(ctx.request, here(ctx), _("The robot was saved."))


@on(
    "POST",
    "/{robot_id}/state",
    "update",
    fails=(NotFound,),
    audit=Audit("update", "robot", "{robot_id}"),
)
async def switch_robot(ctx: Ctx, robot_id: Id, form: State) -> Response:
    """Disable a robot, or enable it again."""
    found = await reach(ctx, robot_id)
    robots.refuse_inherited(found.robot)
    found.robot.disabled = form.disabled
    said = _("The robot was disabled.") if form.disabled else _("The robot was enabled.")
    return ui.done(ctx.request, here(ctx), said)


@on("GET", "/{robot_id}/secret", "update", fails=(NotFound,))
async def ask_to_refresh_robot(ctx: Ctx, robot_id: Id) -> View:
    """Show the form that gives a robot another secret."""
    found = await forms.belonging(ctx, robot_id)
    name = robots.displayed(await prefix_of(ctx), found.stored)
    action = f"{here(ctx)}/{robot_id}/secret"
    return View("robots/refresh.html", forms.RefreshDialog(here(ctx), action, name))


@on(
    "POST",
    "/{robot_id}/secret",
    "update",
    fails=(NotFound, BadRequest),
    audit=Audit("update", "robot", "{robot_id}"),
    stream=True,  # hashing takes long: the transaction begins after it
)
async def refresh_robot(ctx: Ctx, robot_id: Id, form: forms.SecretForm) -> View | Response:
    """Give a robot another secret: the one that was entered, or a new one, shown this once."""

    async def reached(hold: bool) -> Named:
        return await reach(ctx, robot_id, hold=hold)

    forms.check_secret(form)
    secret = await robots.renew(ctx, form.secret, reached)
    if not secret:
        return ui.done(ctx.request, here(ctx), _("The secret was replaced."))
    page = forms.SecretDialog(here(ctx), ctx.subject or "", secret, False)
    return View("robots/secret.html", page)


@on("GET", "/{robot_id}/trusts", "update", fails=(NotFound,))
async def robot_trusts(ctx: Ctx, robot_id: Id) -> View:
    """Show whose tokens a robot signs in with, and the form that adds another issuer."""
    found = await forms.belonging(ctx, robot_id)
    kept = await trusts.of(ctx.session, [robot_id])
    values = await ctx.the(Configuration).current()
    page = TrustDialog(
        here(ctx),
        robot_id,
        robots.displayed(values.robot_name_prefix, found.stored),
        [trusts.told(each) for each in kept[robot_id]],
        trust_forms.listed(values),
        ctx.principal.is_admin,
    )
    return View("robots/trusts.html", page)


@on(
    "POST",
    "/{robot_id}/trusts",
    "update",
    fails=(NotFound, BadRequest, Denied),
    audit=Audit("update", "robot", "{robot_id}"),
)
async def trust_by_robot(ctx: Ctx, robot_id: Id, form: TrustForm) -> Response:
    """Let a robot sign in with tokens of another issuer, from the form."""
    found = await reach(ctx, robot_id)
    values = await ctx.the(Configuration).current()
    with trust_forms.at_fields():
        wanted = trust_forms.trust_in(form)
        await trusts.add(ctx.session, found, wanted, who=ctx.principal, values=values)
    return ui.done(ctx.request, here(ctx), _("The robot signs in with such tokens now."))


@on(
    "POST",
    "/{robot_id}/trusts/remove",
    "update",
    fails=(NotFound,),
    audit=Audit("update", "robot", "{robot_id}"),
)
async def distrust_by_robot(ctx: Ctx, robot_id: Id, form: TrustGone) -> Response:
    """Believe such tokens no more."""
    found = await reach(ctx, robot_id)
    await trusts.remove(ctx.session, found, form.trust_id, who=ctx.principal)
    return ui.done(ctx.request, here(ctx), _("Such tokens are refused from now on."))


@on("GET", "/delete", "delete", fails=(NotFound,))
async def ask_to_delete_robots(ctx: Ctx, query: Several) -> View:
    """Ask before robots are deleted."""
    prefix = await prefix_of(ctx)
    found = [await forms.belonging(ctx, each) for each in query.id]
    asked = Confirm(
        title=_("Delete robots"),
        action=f"{here(ctx)}/delete",
        submit=_("Delete"),
        text=_("Whatever signs in with them is refused at once."),
        names=[robots.displayed(prefix, each.stored) for each in found],
        fields=[("id", str(each.robot.id)) for each in found],
    )
    return View("confirm.html", asked)


@on(
    "POST",
    "/delete",
    "delete",
    fails=(NotFound,),
    audit=Audit("delete", "robot", "{form.id}"),
)
async def remove_robots(ctx: Ctx, form: Several) -> Response:
    """Delete the chosen robots."""
    for each in form.id:
        found = await reach(ctx, each)
        await robots.remove(ctx.session, found)
        ctx.batch.append(Done(ctx.subject or "", True, ctx.project_id or None))
    count = len(form.id)
    said = ngettext("%(num)s robot was deleted.", "%(num)s robots were deleted.", count)
    return ui.done(ctx.request, here(ctx), said % {"num": count})


def place(ctx: Ctx) -> int:
    return ctx.project_id or OF_SYSTEM


async def prefix_of(ctx: Ctx) -> str:
    return (await ctx.the(Configuration).current()).robot_name_prefix


async def reach(ctx: Ctx, robot_id: int, *, hold: bool = True) -> Named:
    """The robot of that id, held, if the request is about it; the audit line names it."""
    found = await forms.belonging(ctx, robot_id, hold=hold)
    ctx.subject = robots.displayed(await prefix_of(ctx), found.stored)
    return found
