"""What is shown: the repositories of a project, how to push to them, and how they are deleted."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.artifacts import schemas
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import (
    addresses,
    deletion,
    freeing,
    notices,
    repositories,
    storage,
    trash,
)
from harbor.core import markdown, ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later, ngettext
from harbor.core.security import project
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Id, Time
from harbor.projects.service import commands, header
from harbor.projects.service.header import Header
from harbor.projects.service.projects import name_of

routes = Routes(prefix="/harbor", tag="repositoryPages", pages=True)
PROJECT = "/projects/{project_name_or_id}"
ALL = f"{PROJECT}/repositories"
# Below the list every name is a repository's.
DELETE = f"{PROJECT}/delete-repositories"
PUSH = f"{PROJECT}/push-commands"
MAY_DELETE, MAY_PUSH = project("repository", "delete"), project("repository", "push")
COLUMNS = (
    Column(later("Name"), sort="name"),
    Column(later("Artifacts"), key="artifacts", numeric=True),
    Column(later("Pulls"), sort="pull_count", key="pulls", numeric=True),
    Column(later("Last modified"), sort="update_time", key="modified"),
    Column(later("Created"), sort="creation_time", key="created", hidden=True),
    Column("", narrow=True),
)
FILTERS = (Filter("name", later("Name")),)
SUMMARY = 140  # characters of a description on a card
MAX_NAME = 255


class RepositoryListQuery(Listed, kw_only=True):
    """The address of the list of repositories."""

    view: Literal["", "list", "cards"] = ""


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class PushQuery(Struct):
    """To which repository; its name without the project."""

    repository: Annotated[str, Meta(max_length=MAX_NAME)] = ""


class Row(Struct, frozen=True):
    """A repository as a line of the list, or a card."""

    id: int | None  # of one that the reader may delete
    path: str
    name: str  # without the project
    may_push: bool
    image: str  # as clients name it
    description: str
    artifacts: int
    pulls: int
    modified: Time
    created: Time


class RepositoryList(Struct, frozen=True):
    header: Header
    grid: Grid
    rows: list[Row]
    view: str
    may_push: bool  # somewhere in the project


class PushCommands(Struct, frozen=True):
    """A dialog with commands to copy."""

    place: str
    pushes: tuple[commands.Push, ...]


@routes.on("GET", ALL, allow=project("repository", "list"), fails=(NotFound, BadRequest))
async def project_repositories_page(
    ctx: Ctx, project_name_or_id: str, query: RepositoryListQuery
) -> View:
    """Show the repositories of a project."""
    head = await header.of(ctx, "repositories")
    asked = ui.remembered(ctx.request, "repositories", query)
    found, total = await repositories.of_project(
        ctx.session, ctx.principal, head.project_id, asked, containing=asked.text.strip()[:MAX_NAME]
    )
    names = [each.name for each in found]
    deletable = await ctx.wiring.may_in(ctx.principal, MAY_DELETE, names)
    pushable = await ctx.wiring.may_in(ctx.principal, MAY_PUSH, names)
    delete = Batch(head.path_of("delete-repositories"), later("Delete"), icon="trash", danger=True)
    host = commands.host_of(ctx)
    view = asked.view or ui.choices(ctx.request, "repositories").get("view", "")
    page = RepositoryList(
        header=head,
        grid=ui.grid(
            ctx.request,
            "repositories",
            asked,
            total,
            () if view == "cards" else COLUMNS,
            filters=FILTERS,
            batch=(delete,) if deletable else (),
        ),
        rows=[row_of(each, host, pushable, deletable) for each in found],
        view="cards" if view == "cards" else "list",
        may_push=await header.may(ctx, "repository", "push", head.name),
    )
    return View("artifacts/repositories.html", page)


@routes.on("GET", PUSH, allow=MAY_PUSH, fails=(NotFound,))
async def push_commands(ctx: Ctx, project_name_or_id: str, query: PushQuery) -> View:
    """Show how to push to the project, or to one of its repositories."""
    host, name = commands.host_of(ctx), await project_name(ctx)
    pushes = commands.pushes(host, name, query.repository or "REPOSITORY")
    return View("artifacts/push.html", PushCommands(query.repository or name, pushes))


@routes.on("GET", DELETE, allow=MAY_DELETE, fails=(NotFound,))
async def ask_to_delete_repositories(ctx: Ctx, project_name_or_id: str, query: Chosen) -> View:
    """Ask before repositories are deleted."""
    found = await chosen(ctx, query.id)
    count = sum(each.artifact_count for each in found)
    lost = ngettext("%(num)s artifact is deleted too.", "%(num)s artifacts are deleted too.", count)
    these = [(each.id, each.name) for each in found]
    freed = await storage.of_repositories(ctx.session, ctx.known_project_id, these)
    asked = Confirm(
        title=_("Delete repositories"),
        action=f"{header.path_of(ctx.known_project_id)}/delete-repositories",
        submit=_("Delete"),
        text=f"{lost % {'num': count}} {notices.beforehand(await trash.terms(ctx))}",
        note=freeing.sentences(freed, everything=ctx.principal.is_admin),
        names=[each.name for each in found],
        fields=[("id", str(each.id)) for each in found],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    DELETE,
    allow=MAY_DELETE,
    fails=(NotFound,),
    audit=Audit("delete", "repository", "{form.id}"),
)
async def delete_repositories(ctx: Ctx, project_name_or_id: str, form: Chosen) -> Response:
    """Delete the chosen repositories with all that is in them."""
    project_id = ctx.known_project_id
    found = await chosen(ctx, form.id)
    terms = await trash.terms(ctx)
    for each in found:
        await deletion.remove_repository(ctx.session, Place(project_id, each.name), terms)
        ctx.batch.append(Done(each.name, True, project_id))
    said = ngettext(
        "%(num)s repository was deleted.", "%(num)s repositories were deleted.", len(found)
    )
    told, link = notices.afterwards(project_id, said % {"num": len(found)}, terms)
    return ui.done(ctx.request, addresses.of_project(project_id), told, link=link)


async def chosen(ctx: Ctx, ids: list[int]) -> list[schemas.Repository]:
    """The repositories of those ids; ``NotFound`` unless the caller may delete each.

    Which of them are there, and hidden, is not told.
    """
    found = await repositories.several(ctx.session, ctx.known_project_id, ids)
    names = {each.name for each in found}
    if names - await ctx.wiring.may_in(ctx.principal, MAY_DELETE, names):
        raise NotFound(_("You may not delete one of these repositories."))
    return found


def row_of(
    found: schemas.Repository, host: str, pushable: frozenset[str], deletable: frozenset[str]
) -> Row:
    return Row(
        id=found.id if found.name in deletable else None,
        path=addresses.of_repository(found.project_id, found.name),
        name=found.name.partition("/")[2],
        may_push=found.name in pushable,
        image=f"{host}/{found.name}",
        description=markdown.beginning(repositories.as_written(found.description), SUMMARY),
        artifacts=found.artifact_count,
        pulls=found.pull_count,
        modified=found.update_time,
        created=found.creation_time,
    )


async def project_name(ctx: Ctx) -> str:
    """The name of the project in the path; ``NotFound`` if it is gone."""
    name = await name_of(ctx.session, ctx.known_project_id)
    if name is None:
        raise NotFound(f"project {ctx.known_project_id} not found")
    return name
