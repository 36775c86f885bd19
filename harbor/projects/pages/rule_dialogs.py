"""What is shown: the form of a rule about repositories, and what its pattern fits."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from harbor.core.wire import Id
from harbor.projects import models, schemas
from harbor.projects.pages.repository_rules import ALL, NO_ACCESS, ONE, here
from harbor.projects.schemas import MAX_PATTERN
from harbor.projects.service import candidates, header, machines, rules

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
# In a repository a limited guest may do what a guest may.
CHOICES = (
    (4, later("Maintainer"), later("Pull, push and delete; change tags and labels.")),
    (2, later("Developer"), later("Pull and push; add tags and labels.")),
    (3, later("Guest"), later("Pull.")),
    (0, NO_ACCESS, later("The repositories are hidden.")),
)
LIMITED_GUEST = 5
DEVELOPER = 2
MOST_SHOWN = 8
FIELDS = {"user": "username", "group": "group_id", "robot": "robot_id"}  # that name the subject
Pattern = Annotated[str, Meta(max_length=MAX_PATTERN)]


class RuleForm(Struct):
    """What the dialogs of a new and of a changed rule send."""

    who: Literal["members", "user", "group", "robot"] = "user"
    username: schemas.Name = ""
    group_id: Id = 0
    robot_id: Id = 0
    pattern: Pattern = ""
    role_id: Id = DEVELOPER


class Typed(Struct):
    """What has been typed so far."""

    pattern: Pattern = ""


class RuleDialog(Struct, frozen=True):
    """The form for a new rule, or for *rule_id*."""

    path: str  # of the list
    rule_id: int | None
    form: RuleForm
    is_public: bool
    groups: list[tuple[int, str]]  # that may be chosen: ids, and what is shown
    robots: list[tuple[int, str]]

    @property
    def subjects(self) -> list[tuple[str, str]]:
        group = [("group", _("A group"))] if self.groups else []
        robot = [("robot", _("A robot"))] if self.robots else []
        return [("user", _("A user")), *group, *robot, ("members", _("Every member"))]

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


class Preview(Struct, frozen=True):
    """The repositories that a pattern fits."""

    names: list[str]
    total: int
    problem: str = ""  # "" if it is a pattern

    @property
    def more(self) -> int:
        return self.total - len(self.names)


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
        return View("projects/rule_preview.html", Preview([], 0, error.told))
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
    by = await rules.writer(ctx)
    with at_its_field(form):
        made = await rules.create(ctx.session, ctx.known_project_id, wanted(form), by)
    ctx.subject = rules.said(made)
    return ui.done(ctx.request, here(ctx), _("The rule was created."))


@routes.on("GET", f"{ONE}/edit", allow=project("member", "update"), fails=(NotFound,))
async def edit_repository_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> View:
    """Show the form that changes a rule."""
    by = await rules.writer(ctx)
    found = await rules.get(ctx.session, ctx.known_project_id, rule_id, by)
    role_id = 3 if found.rule.role == LIMITED_GUEST else found.rule.role
    form = RuleForm(pattern=", ".join(to_list(found.rule.pattern)), role_id=role_id)
    match found.rule.subject_type:
        case models.PERSON:
            form.username = found.name
        case models.GROUP:
            form.who, form.group_id = "group", found.rule.subject_id
        case models.ROBOT:
            form.who, form.robot_id = "robot", found.rule.subject_id
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
    by, project_id = await rules.writer(ctx), ctx.known_project_id
    with at_its_field(form):
        changed = await rules.change(ctx.session, project_id, rule_id, wanted(form), by)
    ctx.subject = rules.said(changed)
    return ui.done(ctx.request, here(ctx), _("The rule was saved."))


async def dialog(ctx: Ctx, rule_id: int | None, form: RuleForm) -> View:
    project_id, prefix = ctx.known_project_id, (await rules.writer(ctx)).prefix
    known = await candidates.groups_of(ctx.session, project_id, form.group_id)
    groups = [
        (group_id, name if inside else _("%(name)s, no member of the project") % {"name": name})
        for group_id, name, inside in known
    ]
    found = await machines.listed(ctx.session, project_id, prefix)
    found.sort(key=lambda each: each.robot.id != form.robot_id)
    page = RuleDialog(
        path=here(ctx),
        rule_id=rule_id,
        form=form,
        is_public=(await header.standing_of(ctx)).is_public,
        groups=groups,
        robots=[(each.robot.id, each.name) for each in found[: machines.MOST]],
    )
    return View("projects/rule_edit.html", page)


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
    elif form.who == "robot":
        subject = schemas.RuleSubject("robot", form.robot_id)
        if not subject.id:
            with ui.at_field("robot_id"):
                raise BadRequest(_("Choose a robot."))
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
        with ui.at_field(FIELDS[form.who]):
            raise BadRequest(error.told) from error
