"""What is shown: the groups of people, and who is in them."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import system
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Id, Paging
from harbor.directory import schemas
from harbor.directory.events import GroupDeleted
from harbor.directory.models import HTTP, LDAP, LOCAL, OIDC, UserGroup
from harbor.directory.service import groups
from harbor.directory.service.desk import Directory
from harbor.directory.service.groups import Known

routes = Routes(prefix="/harbor", tag="groupPages", pages=True)
HERE = "/harbor/groups"
ONE = "/groups/{group_id}"
KINDS = {LDAP: later("LDAP"), HTTP: later("HTTP"), OIDC: later("OIDC"), LOCAL: later("Local")}
COLUMNS = (
    Column(later("Name")),
    Column(later("Kind"), key="kind"),
    Column(later("Name in the directory"), key="dn"),
    Column(later("Created"), key="created"),
    Column("", narrow=True),
)
MEMBER_COLUMNS = (Column(later("Name")), Column("", narrow=True))
FILTERS = (Filter("group_name", later("Name")),)
BATCH = (Batch(f"{HERE}/delete", later("Delete"), icon="trash", danger=True),)


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class GroupForm(Struct):
    """What the dialogs of a new and of a renamed group send."""

    group_name: schemas.Name = ""


class Sought(Struct):
    """What to look for in LDAP."""

    groupname: schemas.Name = ""


class ImportForm(Struct):
    """Which group of LDAP to import."""

    ldap_group_dn: schemas.DN = ""


class Leaving(Struct):
    """Who shall leave."""

    id: Id = 0


class GroupList(Struct, frozen=True):
    grid: Grid
    groups: list[UserGroup]
    has_ldap: bool

    def kind(self, group: UserGroup) -> str:
        return _(KINDS[group.group_type])


class GroupDialog(Struct, frozen=True):
    """The form for a new group, or for another name."""

    action: str
    name: str
    is_new: bool


class Found(Struct, frozen=True):
    """The dialog that imports a group, with what was found so far."""

    sought: str
    groups: list[Known]
    wrong: str


class MemberPage(Struct, frozen=True):
    group: UserGroup
    grid: Grid
    members: list[tuple[int, str]]

    @property
    def path(self) -> str:
        return path_of(self.group.id)

    @property
    def is_local(self) -> bool:
        return self.group.group_type == LOCAL

    @property
    def kind(self) -> str:
        return _(KINDS[self.group.group_type])


class Joining(Struct, frozen=True):
    """The dialog that puts somebody into a group."""

    path: str


@routes.on("GET", "/groups", allow=system("user-group", "list"))
async def groups_page(ctx: Ctx, query: Listed) -> View:
    """Show the groups."""
    asked = ui.remembered(ctx.request, "groups", query)
    paging = Paging(page=asked.page, page_size=asked.page_size)
    found, total = await groups.search(ctx.session, paging, name=asked.text.strip()[:255])
    grid = ui.grid(ctx.request, "groups", asked, total, COLUMNS, filters=FILTERS, batch=BATCH)
    has_ldap = await ctx.the(Directory).has_ldap()
    return View("directory/groups.html", GroupList(grid, found, has_ldap))


@routes.on("GET", "/groups/new", allow=system("user-group", "create"))
async def new_group(ctx: Ctx) -> View:
    """Show the form of a new group."""
    return View("directory/group_edit.html", GroupDialog(f"{HERE}/new", "", True))


@routes.on(
    "POST",
    "/groups/new",
    allow=system("user-group", "create"),
    fails=(BadRequest, Conflict),
    audit=Audit("create", "user-group", "{form.group_name}"),
)
async def add_group(ctx: Ctx, form: GroupForm) -> Response:
    """Create a local group, from the form."""
    with ui.at_field("group_name"):
        await groups.create(ctx.session, LOCAL, Known(checked(form)))
    return ui.done(ctx.request, HERE, _("The group was created."))


@routes.on("GET", "/groups/import", allow=system("user-group", "create"), stream=True)
async def new_ldap_group(ctx: Ctx, query: Sought) -> View:
    """Look for groups in LDAP, to import one."""
    sought = query.groupname.strip()
    found: list[Known] = []
    wrong = ""
    if sought:
        try:
            found = await ctx.the(Directory).groups(sought)
        except (Unavailable, BadRequest) as error:
            wrong = error.told
    return View("directory/import.html", Found(sought, found[:100], wrong))


@routes.on(
    "POST",
    "/groups/import",
    allow=system("user-group", "create"),
    fails=(BadRequest, NotFound, Conflict, Unavailable),
    audit=Audit("create", "user-group", "{form.ldap_group_dn}"),
    stream=True,  # LDAP may take its time: the transaction begins after it
)
async def import_group(ctx: Ctx, form: ImportForm) -> Response:
    """Import a group of LDAP."""
    with ui.at_field("groupname"):
        if not form.ldap_group_dn:
            raise BadRequest(_("Choose a group."))
        known = await ctx.the(Directory).group(form.ldap_group_dn)
        async with ctx.writing() as session:
            await groups.create(session, LDAP, known)
    return ui.done(ctx.request, HERE, _("The group was imported."))


@routes.on("GET", "/groups/delete", allow=system("user-group", "delete"), fails=(NotFound,))
async def ask_to_delete_groups(ctx: Ctx, query: Chosen) -> View:
    """Ask before groups are deleted."""
    found = await chosen(ctx, query.id)
    question = Confirm(
        title=_("Delete groups"),
        action=f"{HERE}/delete",
        submit=_("Delete"),
        text=_("Their roles in projects end at once. The accounts of their members stay."),
        names=[group.group_name for group in found],
        fields=[("id", str(group.id)) for group in found],
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    "/groups/delete",
    allow=system("user-group", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "user-group", "{form.id}"),
)
async def remove_groups(ctx: Ctx, form: Chosen) -> Response:
    """Delete the chosen groups."""
    found = [(group.id, group.group_name) for group in await chosen(ctx, form.id)]
    for group_id, name in found:
        await groups.remove(ctx.session, group_id)
        await ctx.tell(GroupDeleted(group_id))
        ctx.batch.append(Done(name, True, None))
    said = ngettext("%(num)s group was deleted.", "%(num)s groups were deleted.", len(found))
    return ui.done(ctx.request, HERE, said % {"num": len(found)})


@routes.on("GET", ONE, allow=system("user-group", "read"), fails=(NotFound,))
async def group_page(ctx: Ctx, group_id: Id, query: Listed) -> View:
    """Show who is in a group."""
    group = await groups.get(ctx.session, group_id)
    asked = ui.remembered(ctx.request, "group", query)
    paging = Paging(page=asked.page, page_size=asked.page_size)
    found, total = await groups.members(ctx.session, group_id, paging)
    grid = ui.grid(ctx.request, "group", asked, total, MEMBER_COLUMNS)
    return View("directory/group.html", MemberPage(group, grid, found))


@routes.on("GET", ONE + "/edit", allow=system("user-group", "update"), fails=(NotFound,))
async def edit_group(ctx: Ctx, group_id: Id) -> View:
    """Show the form that renames a group."""
    group = await groups.get(ctx.session, group_id)
    dialog = GroupDialog(f"{path_of(group_id)}/edit", group.group_name, False)
    return View("directory/group_edit.html", dialog)


@routes.on(
    "POST",
    ONE + "/edit",
    allow=system("user-group", "update"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("update", "user-group", "{form.group_name}"),
)
async def rename_group(ctx: Ctx, group_id: Id, form: GroupForm) -> Response:
    """Give a group another name, from the form."""
    with ui.at_field("group_name"):
        await groups.rename(ctx.session, group_id, checked(form))
    return ui.done(ctx.request, HERE, _("The group was renamed."))


@routes.on("GET", ONE + "/add", allow=system("user-group", "update"), fails=(NotFound,))
async def new_group_member(ctx: Ctx, group_id: Id) -> View:
    """Show the form that puts somebody into a group."""
    await groups.get(ctx.session, group_id)
    return View("directory/join.html", Joining(path_of(group_id)))


@routes.on(
    "POST",
    ONE + "/add",
    allow=system("user-group", "update"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("update", "user-group", "{group_id}"),
)
async def join_group(ctx: Ctx, group_id: Id, form: schemas.GroupMemberReq) -> Response:
    """Put somebody into a local group, from the form."""
    with ui.at_field("username"):
        if not form.username.strip():
            raise BadRequest(_("Enter the name of a user."))
        meant = schemas.GroupMemberReq(username=form.username.strip())
        name = await groups.join(ctx.session, group_id, meant)
    ctx.subject = f"{(await groups.get(ctx.session, group_id)).group_name}: {name}"
    return ui.done(ctx.request, path_of(group_id), _("%(name)s was added.") % {"name": name})


@routes.on("GET", ONE + "/leave", allow=system("user-group", "update"), fails=(NotFound,))
async def ask_to_leave_group(ctx: Ctx, group_id: Id, query: Leaving) -> View:
    """Ask before somebody is taken out of a group."""
    group = await groups.get(ctx.session, group_id)
    name = await groups.member_name(ctx.session, group_id, query.id)
    question = Confirm(
        title=_("Remove from the group"),
        action=f"{path_of(group_id)}/leave",
        submit=_("Remove"),
        text=_("What %(name)s may do ends for them at once.") % {"name": group.group_name},
        names=[name],
        fields=[("id", str(query.id))],
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    ONE + "/leave",
    allow=system("user-group", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "user-group", "{group_id}"),
)
async def leave_group(ctx: Ctx, group_id: Id, form: Leaving) -> Response:
    """Take somebody out of a local group."""
    name = await groups.leave(ctx.session, group_id, form.id)
    ctx.subject = f"{(await groups.get(ctx.session, group_id)).group_name}: {name}"
    return ui.done(ctx.request, path_of(group_id), _("%(name)s was removed.") % {"name": name})


def path_of(group_id: int) -> str:
    return f"{HERE}/{group_id}"


def checked(form: GroupForm) -> str:
    if not form.group_name.strip():
        raise BadRequest(_("Enter a name."))
    return form.group_name.strip()


async def chosen(ctx: Ctx, ids: list[int]) -> list[UserGroup]:
    """The groups of those ids; ``NotFound`` if there is none."""
    found = await groups.several(ctx.session, ids)
    if not found:
        raise NotFound(_("None of these groups is there any more."))
    return found
