"""What is shown: which roles somebody has in some repositories, and why."""

from contextlib import suppress
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.patterns import to_list
from harbor.core.security import project
from harbor.core.ui import Column, Confirm, Grid, Listed
from harbor.core.wire import MAX_ID, Id
from harbor.projects import schemas
from harbor.projects.schemas import EffectiveQuery, EffectiveRole
from harbor.projects.service import explaining, header, rules
from harbor.projects.service.header import Header
from harbor.projects.service.rules import Named, Writer

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
WHY = {
    "systemAdmin": later("Administrators of the registry may do everything."),
    "projectAdmin": later("Rules do not concern project admins."),
    "membership": later("No rule fits, so the role in the project holds."),
    "permissions": later("No rule fits, so what the robot was given in the project holds."),
    "inactive": later("The robot is disabled, or has expired."),
    "nothing": later("No rule fits, and the user is no member of the project."),
}


class Asked(Listed, kw_only=True):
    """The address of the rules: whose rights, in which repository, are to be explained."""

    user: schemas.Name = ""
    repository: schemas.Name = ""


class Move(Struct):
    """How many places later; a negative number means sooner."""

    by: Annotated[int, Meta(ge=-MAX_ID, le=MAX_ID)] = 0


class Row(Struct, frozen=True):
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


class RuleList(Struct, frozen=True):
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
        if self.found is None:
            return ""
        if self.found.decided_by == "permissions":
            return _("The permissions of the robot")
        return role_named(self.found.role_id)

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
        if rule.subject.type == "robot":
            said = _("Rule %(number)s decides: it is the first that is about the robot and fits.")
            return said % {"number": rule.position}
        said = _("Rule %(number)s decides: it is the first that is about the user and fits.")
        return said % {"number": rule.position}


@routes.on("GET", ALL, allow=project("member", "list"), fails=(NotFound,))
async def repository_rules_page(ctx: Ctx, project_name_or_id: str, query: Asked) -> View:
    """Show the rules of a project, and what they mean for somebody."""
    head = await header.of(ctx, TAB)
    may = {
        action: await header.may(ctx, "member", action, head.name)
        for action in ("create", "update", "delete")
    }
    by = await rules.writer(ctx)
    listed = await rules.listed(ctx.session, head.project_id, by)
    found, problem = await explained(ctx, query, by)
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
    by = await rules.writer(ctx)
    moved = await rules.move(ctx.session, ctx.known_project_id, rule_id, by, later=form.by)
    ctx.subject = rules.said(moved)
    return ui.done(ctx.request, here(ctx), _("The rule was moved."))


@routes.on("GET", f"{ONE}/delete", allow=project("member", "delete"), fails=(NotFound,))
async def ask_to_delete_repository_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> View:
    """Ask before a rule is deleted."""
    by = await rules.writer(ctx)
    found = await rules.get(ctx.session, ctx.known_project_id, rule_id, by)
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
    gone = await rules.remove(ctx.session, ctx.known_project_id, rule_id, await rules.writer(ctx))
    ctx.subject = rules.said(gone)
    return ui.done(ctx.request, here(ctx), _("The rule was deleted."))


def here(ctx: Ctx) -> str:
    return f"{header.path_of(ctx.known_project_id)}/{TAB}/rules"


async def explained(ctx: Ctx, asked: Asked, by: Writer) -> tuple[EffectiveRole | None, str]:
    """The role that was asked for; or, if there is none to be told, why."""
    name, repository = asked.user.strip(), asked.repository.strip()
    if not name or not repository:
        told = _("Enter a user or a robot, and a repository.")
        return None, told if name or repository else ""
    standing, by_name = await header.standing_of(ctx), []
    if name.startswith(by.prefix):
        by_name.append(EffectiveQuery(repository, robot=name))
    for wanted in (*by_name, EffectiveQuery(repository, name)):
        with suppress(NotFound):
            return await explaining.effective(ctx.session, standing, wanted, by), ""
    said = _("There is no user %(name)s.")
    if by_name:
        said = _("There is no robot %(name)s that may do anything in the project.")
    return None, said % {"name": name}


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
