"""What is shown: the members of a project, and how roles are given, changed and taken."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import project
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Id
from harbor.directory.service.desk import Directory
from harbor.projects import schemas
from harbor.projects.models import PERSON
from harbor.projects.service import candidates, header, members, newcomers
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
ALL = "/projects/{project_name_or_id}/members"
COLUMNS = (
    Column(later("Name")),
    Column(later("Kind"), key="kind"),
    Column(later("Role")),
    Column("", narrow=True),
)
FILTERS = (Filter("entityname", later("Name")),)
HINTS = {
    1: later("Everything: members, settings, deleting the project."),
    4: later("Push, pull, delete and scan; labels, and rules for tags."),
    2: later("Push and pull; delete artifacts, put labels on them."),
    3: later("Pull, and see who is a member."),
    5: later("Pull, and see nothing of the members."),
}
GUEST = 3


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class RoleForm(Chosen):
    """Another role for the chosen."""

    role_id: Id = 0


class NewMember(Struct):
    """What the dialog sends."""

    username: schemas.Name = ""
    role_id: Id = GUEST


class NewGroup(Struct):
    """What the dialog for a group sends."""

    group_id: Id = 0
    role_id: Id = GUEST


class Typed(Struct):
    """What has been typed so far."""

    username: schemas.Name = ""


class Row(Struct, frozen=True):
    """A member as a line of the list."""

    id: int
    pick: int | None  # None: it cannot be selected
    name: str
    is_user: bool
    role: str
    is_caller: bool


class MemberList(Struct, frozen=True):
    header: Header
    grid: Grid
    rows: list[Row]
    may_add: bool
    may_change: bool
    may_remove: bool


class RoleChoice(Struct, frozen=True):
    """A dialog that asks for a role."""

    path: str  # of the members
    names: list[tuple[int, str]]  # ids and names of those who get it; nobody yet, if they are added
    role_id: int

    @property
    def choices(self) -> list[tuple[int, str, str]]:
        return [(n, _(title), _(HINTS[n])) for n, title in header.ROLES.items()]


class GroupChoice(RoleChoice, frozen=True):
    """A dialog that gives a group a role."""

    groups: list[tuple[int, str]]  # ids, and what is shown


class Candidates(Struct, frozen=True):
    """People whose names begin to look like what is typed."""

    found: list[candidates.Candidate]


@routes.on("GET", ALL, allow=project("member", "list"), fails=(NotFound,))
async def project_members_page(ctx: Ctx, project_name_or_id: str, query: Listed) -> View:
    """Show who has which role in the project."""
    head = await header.of(ctx, "members")
    asked = ui.remembered(ctx.request, "members", query)
    wanted = schemas.MemberQuery(
        entityname=asked.text.strip()[:255], page=asked.page, page_size=asked.page_size
    )
    found, total = await members.search(ctx.session, head.project_id, wanted)
    may_change = await header.may(ctx, "member", "update", head.name)
    may_remove = await header.may(ctx, "member", "delete", head.name)
    here = head.path_of("members")
    batch = [
        action
        for action, allowed in (
            (Batch(f"{here}/role", later("Change role"), icon="user-round"), may_change),
            (Batch(f"{here}/remove", later("Remove"), icon="trash", danger=True), may_remove),
        )
        if allowed
    ]
    page = MemberList(
        header=head,
        grid=ui.grid(ctx.request, "members", asked, total, COLUMNS, filters=FILTERS, batch=batch),
        rows=[row_of(named, ctx.principal.user_id) for named in found],
        may_add=await header.may(ctx, "member", "create", head.name),
        may_change=may_change,
        may_remove=may_remove,
    )
    return View("projects/members.html", page)


@routes.on("GET", f"{ALL}/new", allow=project("member", "create"), fails=(NotFound,))
async def new_project_member(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the form that gives somebody a role."""
    return View("projects/member_new.html", RoleChoice(here(ctx), [], GUEST))


@routes.on("GET", f"{ALL}/candidates", allow=project("member", "create"), fails=(NotFound,))
async def member_candidates(ctx: Ctx, project_name_or_id: str, query: Typed) -> View:
    """Offer people whose names hold what is typed."""
    found = await candidates.find(ctx.session, ctx.known_project_id, query.username.strip())
    return View("projects/candidates.html", Candidates(found))


@routes.on(
    "POST",
    f"{ALL}/new",
    allow=project("member", "create"),
    fails=(NotFound, BadRequest, Conflict, Unavailable),
    audit=Audit("create", "member", "{form.username}"),
    stream=True,  # who is meant may have to be looked for elsewhere
)
async def add_project_member(ctx: Ctx, project_name_or_id: str, form: NewMember) -> Response:
    """Give somebody a role, from the form."""
    name = form.username.strip()
    wanted = schemas.ProjectMember(
        role_id=form.role_id, member_user=schemas.UserEntity(username=name)
    )
    with ui.at_field("username"):
        if not name:
            raise BadRequest(_("Enter the name of a user."))
        try:
            known = await newcomers.introduce(ctx.the(Directory), ctx.db, wanted)
            async with ctx.writing() as session:
                await members.add(session, ctx.known_project_id, known)
        except Conflict as error:
            raise Conflict(_("%(name)s is a member already.") % {"name": name}) from error
    return ui.done(ctx.request, here(ctx), _("%(name)s is a member now.") % {"name": name})


@routes.on("GET", f"{ALL}/new-group", allow=project("member", "create"), fails=(NotFound,))
async def new_project_group(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the form that gives a group a role."""
    found = await candidates.groups_outside(ctx.session, ctx.known_project_id)
    return View("projects/group_new.html", GroupChoice(here(ctx), [], GUEST, found))


@routes.on(
    "POST",
    f"{ALL}/new-group",
    allow=project("member", "create"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("create", "member", "group {form.group_id}"),
)
async def add_project_group(ctx: Ctx, project_name_or_id: str, form: NewGroup) -> Response:
    """Give a group a role, from the form."""
    meant = schemas.UserGroup(id=form.group_id)
    with ui.at_field("group_id"):
        if not form.group_id:
            raise BadRequest(_("Choose a group."))
        wanted = schemas.ProjectMember(role_id=form.role_id, member_group=meant)
        added = await members.add(ctx.session, ctx.known_project_id, wanted)
    ctx.subject = added.name
    return ui.done(ctx.request, here(ctx), _("%(name)s is a member now.") % {"name": added.name})


@routes.on("GET", f"{ALL}/role", allow=project("member", "update"), fails=(NotFound,))
async def ask_for_member_role(ctx: Ctx, project_name_or_id: str, query: Chosen) -> View:
    """Ask which role the chosen members shall have."""
    found = await chosen(ctx, query.id)
    roles = {named.member.role for named in found}
    role_id = roles.pop() if len(roles) == 1 else GUEST
    names = [(named.member.id, named.name) for named in found]
    return View("projects/member_role.html", RoleChoice(here(ctx), names, role_id))


@routes.on(
    "POST",
    f"{ALL}/role",
    allow=project("member", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "member", "{form.id}"),
)
async def change_member_roles(ctx: Ctx, project_name_or_id: str, form: RoleForm) -> Response:
    """Give the chosen members another role."""
    for named in await chosen(ctx, form.id):
        await members.change_role(ctx.session, ctx.known_project_id, named.member.id, form.role_id)
        ctx.batch.append(Done(named.name, True, ctx.project_id))
    return ui.done(ctx.request, here(ctx), _("The role was changed."))


@routes.on("GET", f"{ALL}/remove", allow=project("member", "delete"), fails=(NotFound,))
async def ask_to_remove_members(ctx: Ctx, project_name_or_id: str, query: Chosen) -> View:
    """Ask before roles are taken."""
    found = await chosen(ctx, query.id)
    question = Confirm(
        title=_("Remove members"),
        action=f"{here(ctx)}/remove",
        submit=_("Remove"),
        text=_(
            "They lose their role in this project, and the repository rules about them. "
            "Their accounts stay."
        ),
        names=[named.name for named in found],
        fields=[("id", str(named.member.id)) for named in found],
    )
    return View("confirm.html", question)


@routes.on(
    "POST",
    f"{ALL}/remove",
    allow=project("member", "delete"),
    fails=(NotFound, BadRequest),
    audit=Audit("delete", "member", "{form.id}"),
)
async def remove_members(ctx: Ctx, project_name_or_id: str, form: Chosen) -> Response:
    """Take the roles of the chosen members."""
    found = await chosen(ctx, form.id)
    for named in found:
        await members.remove(ctx.session, ctx.known_project_id, named.member.id)
        ctx.batch.append(Done(named.name, True, ctx.project_id))
    said = ngettext("%(num)s member was removed.", "%(num)s members were removed.", len(found))
    return ui.done(ctx.request, here(ctx), said % {"num": len(found)})


def here(ctx: Ctx) -> str:
    return f"{header.path_of(ctx.known_project_id)}/members"


async def chosen(ctx: Ctx, ids: list[int]) -> list[members.Named]:
    """The members of those ids; ``BadRequest`` if the caller is one of them, or there is none."""
    found = await members.several(ctx.session, ctx.known_project_id, ids)
    if any(is_caller(named, ctx.principal.user_id) for named in found):
        raise BadRequest(_("You cannot change or take your own role."))
    if not found:
        raise NotFound(_("None of them is a member any more."))
    return found


def row_of(named: members.Named, user_id: int | None) -> Row:
    member, own = named.member, is_caller(named, user_id)
    return Row(
        id=member.id,
        pick=None if own else member.id,
        name=named.name,
        is_user=member.entity_type == PERSON,
        role=header.ROLES[member.role],
        is_caller=own,
    )


def is_caller(named: members.Named, user_id: int | None) -> bool:
    return named.member.entity_type == PERSON and named.member.entity_id == user_id
