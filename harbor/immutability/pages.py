"""What is shown: the rules of a project that make tags immutable."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.core import ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.patterns import MAX_LENGTH, from_list, to_list
from harbor.core.query import Listing
from harbor.core.security import project
from harbor.core.selectors import REPOSITORIES, TAGS, Selector, check
from harbor.core.ui import Confirm
from harbor.core.wire import Id
from harbor.immutability import schemas, service
from harbor.immutability.schemas import REPOSITORY, ImmutableRuleReq
from harbor.projects.service import header
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="immutablePages", pages=True)
TAB = "tag-strategy/immutable-tag"
ALL = f"/projects/{{project_name_or_id}}/{TAB}"
ONE = f"{ALL}/{{rule_id}}"
MOST = 15  # rules that these pages make; programs may make more
SHOWN = 100
Patterns = Annotated[str, Meta(max_length=MAX_LENGTH)]


class RuleForm(Struct):
    """What the dialogs of a new and of a changed rule send."""

    repositories_are: str = REPOSITORIES[0]
    repositories: Patterns = "**"
    tags_are: str = TAGS[0]
    tags: Patterns = "**"


class State(Struct):
    disabled: bool = False


class Choice(Struct, frozen=True):
    """What one selector says."""

    decoration: str
    patterns: list[str]

    @property
    def excludes(self) -> bool:
        return self.decoration in (REPOSITORIES[1], TAGS[1])

    @property
    def is_all(self) -> bool:
        return self.patterns == ["**"]

    @property
    def text(self) -> str:
        """As it is typed."""
        return ", ".join(self.patterns)


class Rule(Struct, frozen=True):
    id: int
    disabled: bool
    repositories: Choice
    tags: Choice


class RuleList(Struct, frozen=True):
    header: Header
    path: str
    rules: list[Rule]
    total: int
    may_create: bool
    may_update: bool
    may_delete: bool

    @property
    def is_full(self) -> bool:
        return self.total >= MOST

    @property
    def most(self) -> int:
        return MOST


class RuleDialog(Struct, frozen=True):
    """The form for a new rule, or for *rule_id*."""

    path: str  # of the list
    rule_id: int | None
    repositories: Choice
    tags: Choice

    @property
    def action(self) -> str:
        return f"{self.path}/new" if self.rule_id is None else f"{self.path}/{self.rule_id}/edit"

    @property
    def longest(self) -> int:
        return MAX_LENGTH


@routes.on("GET", ALL, allow=project("immutable-tag", "list"), fails=(NotFound,))
async def immutable_rules_page(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the rules of a project that make tags immutable."""
    head = await header.of(ctx, TAB)
    may = {
        action: await header.may(ctx, "immutable-tag", action, head.name)
        for action in ("create", "update", "delete")
    }
    found, total = await service.search(ctx.session, ctx.known_project_id, Listing(page_size=SHOWN))
    page = RuleList(
        header=head,
        path=here(ctx),
        rules=[told(rule) for rule in found],
        total=total,
        may_create=may["create"],
        may_update=may["update"],
        may_delete=may["delete"],
    )
    return View("immutability/list.html", page)


@routes.on("GET", f"{ALL}/new", allow=project("immutable-tag", "create"), fails=(NotFound,))
async def new_immutable_rule(ctx: Ctx, project_name_or_id: str) -> View:
    """Show the form of a new rule."""
    every = Choice(REPOSITORIES[0], ["**"]), Choice(TAGS[0], ["**"])
    return View("immutability/edit.html", RuleDialog(here(ctx), None, *every))


@routes.on(
    "POST",
    f"{ALL}/new",
    allow=project("immutable-tag", "create"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("create", "immutable", "{project_name_or_id}"),
)
async def add_new_immutable_rule(ctx: Ctx, project_name_or_id: str, form: RuleForm) -> Response:
    """Make tags immutable, from the form."""
    _found, total = await service.search(ctx.session, ctx.known_project_id, Listing(page_size=1))
    if total >= MOST:
        raise BadRequest(_("The project has %(most)s rules, which is the most.") % {"most": MOST})
    rule = wanted(form)
    with at_tags():
        await service.create(ctx.session, ctx.known_project_id, rule)
    return ui.done(ctx.request, here(ctx), _("The rule was created."))


@routes.on("GET", f"{ONE}/edit", allow=project("immutable-tag", "update"), fails=(NotFound,))
async def edit_immutable_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> View:
    """Show the form that changes a rule."""
    rule = told(await shown(ctx, rule_id))
    dialog = RuleDialog(here(ctx), rule.id, rule.repositories, rule.tags)
    return View("immutability/edit.html", dialog)


@routes.on(
    "POST",
    f"{ONE}/edit",
    allow=project("immutable-tag", "update"),
    fails=(NotFound, BadRequest, Conflict),
    audit=Audit("update", "immutable", "{project_name_or_id}/{rule_id}"),
)
async def save_immutable_rule(
    ctx: Ctx, project_name_or_id: str, rule_id: Id, form: RuleForm
) -> Response:
    """Change a rule, from the form."""
    rule = await service.get(ctx.session, ctx.known_project_id, rule_id)
    changed = wanted(form)
    changed.disabled, changed.priority = rule.disabled, rule.priority
    with at_tags():
        await service.change(ctx.session, rule, changed)
    return ui.done(ctx.request, here(ctx), _("The rule was saved."))


@routes.on(
    "POST",
    f"{ONE}/state",
    allow=project("immutable-tag", "update"),
    fails=(NotFound,),
    audit=Audit("update", "immutable", "{project_name_or_id}/{rule_id}"),
)
async def switch_immutable_rule(
    ctx: Ctx, project_name_or_id: str, rule_id: Id, form: State
) -> Response:
    """Switch a rule on or off."""
    rule = await service.get(ctx.session, ctx.known_project_id, rule_id)
    rule.disabled = form.disabled
    said = _("The rule was switched off.") if form.disabled else _("The rule was switched on.")
    return ui.done(ctx.request, here(ctx), said)


@routes.on("GET", f"{ONE}/delete", allow=project("immutable-tag", "delete"), fails=(NotFound,))
async def ask_to_delete_immutable_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> View:
    """Ask before a rule is deleted."""
    rule = told(await shown(ctx, rule_id))
    asked = Confirm(
        title=_("Delete the rule"),
        action=f"{here(ctx)}/{rule.id}/delete",
        submit=_("Delete"),
        text=_("Tags that only this rule protects can be moved and deleted again."),
        names=[f"{rule.repositories.text} : {rule.tags.text}"],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{ONE}/delete",
    allow=project("immutable-tag", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "immutable", "{project_name_or_id}/{rule_id}"),
)
async def remove_immutable_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> Response:
    """Delete a rule."""
    rule = await service.get(ctx.session, ctx.known_project_id, rule_id)
    await service.remove(ctx.session, rule)
    return ui.done(ctx.request, here(ctx), _("The rule was deleted."))


def here(ctx: Ctx) -> str:
    return f"{header.path_of(ctx.known_project_id)}/{TAB}"


async def shown(ctx: Ctx, rule_id: int) -> schemas.ImmutableRule:
    """The rule, if the project has it; ``NotFound``."""
    return service.shown_rule(await service.get(ctx.session, ctx.known_project_id, rule_id))


def told(rule: schemas.ImmutableRule) -> Rule:
    repositories, tags = rule.scope_selectors[REPOSITORY][0], rule.tag_selectors[0]
    return Rule(rule.id, rule.disabled, choice(repositories), choice(tags))


def choice(selector: Selector) -> Choice:
    return Choice(selector.decoration, to_list(selector.pattern))


def wanted(form: RuleForm) -> ImmutableRuleReq:
    """The rule that the form describes; ``BadRequest`` at the field that is wrong."""
    repositories = Selector(decoration=form.repositories_are, pattern=from_list(form.repositories))
    tags = Selector(decoration=form.tags_are, pattern=from_list(form.tags))
    for name, selector, decorations in (
        ("repositories", repositories, REPOSITORIES),
        ("tags", tags, TAGS),
    ):
        with ui.at_field(name):
            check(selector, decorations)
    return ImmutableRuleReq(tag_selectors=[tags], scope_selectors={REPOSITORY: [repositories]})


@contextmanager
def at_tags() -> Iterator[None]:
    """Say at the last field that there is such a rule already."""
    with ui.at_field("tags"):
        try:
            yield
        except Conflict as error:
            raise Conflict(_("There is a rule that says the same already.")) from error
