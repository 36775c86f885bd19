"""What is shown: which roles people have in some repositories, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.patterns import to_list
from harbor.core.security import project
from harbor.core.ui import Column, Confirm, Grid, Listed
from harbor.core.wire import MAX_ID, Id
from harbor.projects import models, schemas
from harbor.projects.schemas import MAX_PATTERN, EffectiveQuery, EffectiveRole
from harbor.projects.service import candidates, header, rules
from harbor.projects.service.header import Header
from harbor.projects.service.rules import Named

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
TAB = "members"
ALL = f"/projects/{{project_name_or_id}}/{TAB}/rules"
ONE = f"{ALL}/{{rule_id}}"
COLUMNS = (
    Column(later("Who")),
    Column(later("Repositories")),
    Column(later("Role there")),
    Column("", narrow=True),
)
NO_ACCESS = later("No access")
# In a repository a limited guest may do what a guest may.
CHOICES = (
    (4, later("Maintainer"), later("Pull, push and delete; change tags and labels.")),
    (2, later("Developer"), later("Pull and push; add tags and labels.")),
    (3, later("Guest"), later("Pull.")),
    (0, NO_ACCESS, later("The repositories are hidden.")),
)
LIMITED_GUEST = 5
DEVELOPER = 2
WHY = {
    "systemAdmin": later("Administrators of the registry may do everything."),
    "projectAdmin": later("Rules do not concern project admins."),
    "membership": later("No rule fits, so the role in the project holds."),
    "nothing": later("No rule fits, and the user is no member of the project."),
}
MOST_SHOWN = 8
Pattern = Annotated[str, Meta(max_length=MAX_PATTERN)]


class Asked(Listed, kw_only=True):
    """The address of the rules: whose rights, in which repository, are to be explained."""

    user: schemas.Name = ""
    repository: schemas.Name = ""


class RuleForm(Struct):
    """What the dialogs of a new and of a changed rule send."""

    who: Literal["members", "user", "group"] = "user"
    username: schemas.Name = ""
    group_id: Id = 0
    pattern: Pattern = ""
    role_id: Id = DEVELOPER


class Move(Struct):
    """How many places later; a negative number means sooner."""

    by: Annotated[int, Meta(ge=-MAX_ID, le=MAX_ID)] = 0


class Typed(Struct):
    """What has been typed so far."""

    pattern: Pattern = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A rule as a line of the list."""

    id: int
    position: int
    kind: str  # of the subject
    name: str  # "" for every member
    patterns: list[str]
    role: str
    hides: bool
    first: bool  # of those that it can change places with
    last: bool


@dataclass(frozen=True, slots=True)
class RuleList:
    header: Header
    path: str
    grid: Grid
    rows: list[Row]
    asked: Asked
    found: EffectiveRole | None  # the answer, if something was asked
    problem: str  # why there is none
    may_add: bool
    may_change: bool
    may_remove: bool

    @property
    def role(self) -> str:
        """The role that was asked for."""
        return role_named(self.found.role_id) if self.found else ""

    @property
    def why(self) -> str:
        if self.found is None:
            return ""
        rule = self.found.rule
        if rule is None:
            return _(WHY[self.found.decided_by])
        if rule.subject.type == "group":
            said = _("Rule %(number)s decides, by way of the group %(name)s: the first that fits.")
            return said % {"number": rule.position, "name": rule.subject.name}
        said = _("Rule %(number)s decides: it is the first that is about the user and fits.")
        return said % {"number": rule.position}


@dataclass(frozen=True, slots=True)
class RuleDialog:
    """The form for a new rule, or for *rule_id*."""

    path: str  # of the list
    rule_id: int | None
    form: RuleForm
    is_public: bool
    groups: list[tuple[int, str]]  # that may be chosen: ids, and what is shown

    @property
    def subjects(self) -> list[tuple[str, str]]:
        group = [("group", _("A group"))] if self.groups else []
        return [("user", _("A user")), *group, ("members", _("Every member"))]

    @property
    def action(self) -> str:
        return f"{self.path}/new" if self.rule_id is None else f"{self.path}/{self.rule_id}/edit"

    @property
    def choices(self) -> list[tuple[int, str, str]]:
        return [(role_id, _(title), _(hint)) for role_id, title, hint in CHOICES]

    @property
    def members(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def longest(self) -> int:
        return MAX_PATTERN


@dataclass(frozen=True, slots=True)
class Preview:
    """The repositories that a pattern fits."""

    names: list[str]
    total: int
    problem: str = ""  # "" if it is a pattern

    @property
    def more(self) -> int:
        return self.total - len(self.names)


@routes.on("GET", ALL, allow=project("member", "list"), fails=(NotFound,))
async def repository_rules_page(ctx: Ctx, project_name_or_id: str, query: Asked) -> View:
    """Show the rules of a project, and what they mean for somebody."""
    head = await header.of(ctx, TAB)
    may = {
        action: await header.may(ctx, "member", action, head.name)
        for action in ("create", "update", "delete")
    }
    listed = await rules.listed(ctx.session, head.project_id)
    found, problem = await explained(ctx, query)
    asked = Asked(page_size=rules.MOST_RULES, user=query.user, repository=query.repository)
    page = RuleList(
        header=head,
        path=here(ctx),
        grid=ui.grid(ctx.request, "rules", asked, len(listed), COLUMNS),
        rows=[row_of(each, listed) for each in listed],
        asked=asked,
        found=found,
        problem=problem,
        may_add=may["create"],
        may_change=may["update"],
        may_remove=may["delete"],
    )
    return View("projects/rules.html", page)


@routes.on("GET", f"{ALL}/new", allow=project("member", "create"), fails=(NotFound,))
async def new_repository_rule(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the form of a new rule."""
    return await dialog(ctx, None, RuleForm())


@routes.on("GET", f"{ALL}/preview", allow=project("member", "create"), fails=(NotFound,))
async def preview_repository_rule(ctx: Ctx, project_name_or_id: str, query: Typed) -> View:
    """Show which repositories a pattern fits."""
    if not query.pattern.strip():
        return View("projects/rule_preview.html", Preview([], 0))
    try:
        pattern = rules.checked_pattern(query.pattern)
    except BadRequest as error:
        return View("projects/rule_preview.html", Preview([], 0, str(error)))
    found = await rules.matching(ctx.session, ctx.known_project_id, pattern, MOST_SHOWN)
    return View("projects/rule_preview.html", Preview(*found))


@routes.on(
    "POST",
    f"{ALL}/new",
    allow=project("member", "create"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("create", "repository-rule", "{form.pattern}"),
)
async def add_repository_rule(ctx: Ctx, project_name_or_id: str, form: RuleForm) -> Response:
    """Make a rule, from the form."""
    with at_its_field(form):
        made = await rules.create(ctx.session, ctx.known_project_id, wanted(form))
    ctx.subject = rules.said(made)
    return ui.done(ctx.request, here(ctx), _("The rule was created."))


@routes.on("GET", f"{ONE}/edit", allow=project("member", "update"), fails=(NotFound,))
async def edit_repository_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> View:
    """Show the form that changes a rule."""
    found = await rules.get(ctx.session, ctx.known_project_id, rule_id)
    role_id = 3 if found.rule.role == LIMITED_GUEST else found.rule.role
    form = RuleForm(pattern=", ".join(to_list(found.rule.pattern)), role_id=role_id)
    match found.rule.subject_type:
        case models.PERSON:
            form.username = found.name
        case models.GROUP:
            form.who, form.group_id = "group", found.rule.subject_id
        case _:
            form.who = "members"
    return await dialog(ctx, rule_id, form)


@routes.on(
    "POST",
    f"{ONE}/edit",
    allow=project("member", "update"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("update", "repository-rule", "{rule_id}"),
)
async def save_repository_rule(
    ctx: Ctx, project_name_or_id: str, rule_id: Id, form: RuleForm
) -> Response:
    """Change a rule, from the form."""
    with at_its_field(form):
        changed = await rules.change(ctx.session, ctx.known_project_id, rule_id, wanted(form))
    ctx.subject = rules.said(changed)
    return ui.done(ctx.request, here(ctx), _("The rule was saved."))


@routes.on(
    "POST",
    f"{ONE}/move",
    allow=project("member", "update"),
    fails=(NotFound,),
    audit=Audit("update", "repository-rule", "{rule_id}"),
)
async def move_repository_rule(
    ctx: Ctx, project_name_or_id: str, rule_id: Id, form: Move
) -> Response:
    """Let a rule be asked sooner or later."""
    moved = await rules.move(ctx.session, ctx.known_project_id, rule_id, by=form.by)
    ctx.subject = rules.said(moved)
    return ui.done(ctx.request, here(ctx), _("The rule was moved."))


@routes.on("GET", f"{ONE}/delete", allow=project("member", "delete"), fails=(NotFound,))
async def ask_to_delete_repository_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> View:
    """Ask before a rule is deleted."""
    found = await rules.get(ctx.session, ctx.known_project_id, rule_id)
    who = found.name or _("Every member")
    asked = Confirm(
        title=_("Delete the rule"),
        action=f"{here(ctx)}/{rule_id}/delete",
        submit=_("Delete"),
        text=_("Then the next rule that fits decides, or else the role in the project."),
        names=[f"{who}: {role_named(found.rule.role)}, {', '.join(to_list(found.rule.pattern))}"],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{ONE}/delete",
    allow=project("member", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "repository-rule", "{rule_id}"),
)
async def remove_repository_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> Response:
    """Delete a rule, from the dialog."""
    gone = await rules.remove(ctx.session, ctx.known_project_id, rule_id)
    ctx.subject = rules.said(gone)
    return ui.done(ctx.request, here(ctx), _("The rule was deleted."))


async def dialog(ctx: Ctx, rule_id: int | None, form: RuleForm) -> View:
    public = (await header.standing_of(ctx)).is_public
    known = await candidates.groups_of(ctx.session, ctx.known_project_id, form.group_id)
    groups = [
        (group_id, name if inside else _("%(name)s, no member of the project") % {"name": name})
        for group_id, name, inside in known
    ]
    return View("projects/rule_edit.html", RuleDialog(here(ctx), rule_id, form, public, groups))


def here(ctx: Ctx) -> str:
    return f"{header.path_of(ctx.known_project_id)}/{TAB}/rules"


async def explained(ctx: Ctx, asked: Asked) -> tuple[EffectiveRole | None, str]:
    """The role that was asked for; or, if there is none to be told, why."""
    user, repository = asked.user.strip(), asked.repository.strip()
    if not user or not repository:
        return None, _("Enter a user and a repository.") if user or repository else ""
    try:
        standing = await header.standing_of(ctx)
        wanted = EffectiveQuery(repository=repository, user=user)
        return await rules.effective(ctx.session, standing, wanted), ""
    except NotFound:
        return None, _("There is no user %(name)s.") % {"name": user}


def row_of(named: Named, listed: list[Named]) -> Row:
    alike = [each for each in listed if each.rule.subject_type == named.rule.subject_type]
    return Row(
        id=named.rule.id,
        position=named.position,
        kind=named.rule.subject_type,
        name=named.name,
        patterns=to_list(named.rule.pattern),
        role=role_named(named.rule.role),
        hides=not named.rule.role,
        first=named is alike[0],
        last=named is alike[-1],
    )


def role_named(role_id: int) -> str:
    return _(header.ROLES[role_id]) if role_id else _(NO_ACCESS)


def wanted(form: RuleForm) -> schemas.RepositoryRuleReq:
    """The rule that the form describes; ``BadRequest`` at the field that is wrong."""
    subject = schemas.RuleSubject("members")
    if form.who == "user":
        subject = schemas.RuleSubject("user", name=form.username.strip())
        if not subject.name:
            with ui.at_field("username"):
                raise BadRequest(_("Enter a user name."))
    elif form.who == "group":
        subject = schemas.RuleSubject("group", form.group_id)
        if not subject.id:
            with ui.at_field("group_id"):
                raise BadRequest(_("Choose a group."))
    if not form.pattern.strip():
        with ui.at_field("pattern"):
            raise BadRequest(_("Name at least one repository."))
    with ui.at_field("pattern"):
        pattern = rules.checked_pattern(form.pattern)
    return schemas.RepositoryRuleReq(subject, pattern, form.role_id)


@contextmanager
def at_its_field(form: RuleForm) -> Iterator[None]:
    """Say what is wrong at the field that it is about."""
    try:
        yield
    except Conflict as error:
        with ui.at_field("pattern"):
            raise Conflict(_("There is a rule about the same already.")) from error
    except BadRequest as error:
        if error.field or form.who == "members":
            raise
        with ui.at_field("username" if form.who == "user" else "group_id"):
            raise BadRequest(str(error)) from error
