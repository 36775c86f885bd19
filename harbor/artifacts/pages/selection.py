"""What is shown: what can be done with the selected artifacts of a repository."""

from typing import Annotated

from msgspec import Meta, Struct, field
from starlette.responses import Response

from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import (
    addresses,
    deletion,
    freeing,
    header,
    labelling,
    lines,
    notices,
    repositories,
    trash,
)
from harbor.artifacts.service.labelling import Choice
from harbor.artifacts.service.lines import Line
from harbor.core import ui
from harbor.core.api import Audit, Ctx, Done, Routes, View
from harbor.core.errors import BadRequest, NotFound, ReferencedByOthers
from harbor.core.i18n import gettext as _
from harbor.core.i18n import ngettext
from harbor.core.security import project
from harbor.core.ui import Confirm
from harbor.core.wire import Id

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
ALL = "/projects/{project_name_or_id}/repositories/{repository_name}/artifacts-tab"
MOST = 100
Ids = Annotated[list[Id], Meta(max_length=MOST)]
MANY_LABELS = 200


class Chosen(Struct):
    """The rows of a selection."""

    id: Ids = field(default_factory=list)


class LabelsForm(Chosen):
    """Labels for the chosen."""

    label: Annotated[list[Id], Meta(max_length=MANY_LABELS)] = field(default_factory=list)


class LabelChoice(Struct, frozen=True):
    """A dialog that asks for labels."""

    path: str  # of the list
    lines: list[Line]
    labels: list[Choice]
    adding: bool

    @property
    def action(self) -> str:
        return f"{self.path}/{'add' if self.adding else 'remove'}-labels"


class Digests(Struct, frozen=True):
    """A dialog with digests to copy."""

    lines: list[Line]

    @property
    def all(self) -> str:
        return "\n".join(line.digest for line in self.lines)


class Deleted(Struct, frozen=True):
    """What became of each."""

    path: str
    gone: list[str]
    staying: list[str]


@routes.on("GET", f"{ALL}/digests", allow=project("artifact", "list"), fails=(NotFound,))
async def artifact_digests(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Chosen
) -> View:
    """Show the digests of the chosen artifacts, to be copied."""
    _place, found = await chosen(ctx, repository_name, query.id)
    return View("artifacts/digests.html", Digests(found))


@routes.on("GET", f"{ALL}/delete", allow=project("artifact", "delete"), fails=(NotFound,))
async def ask_to_delete_artifacts(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Chosen
) -> View:
    """Ask before artifacts are deleted."""
    place, found = await chosen(ctx, repository_name, query.id)
    repository_id = await repositories.find(ctx.session, place)
    these = {line.id: line.digest for line in found}
    freed = await freeing.of_artifacts(ctx.session, place.project_id, repository_id, these)
    asked = Confirm(
        title=_("Delete artifacts"),
        action=f"{here(place)}/delete",
        submit=_("Delete"),
        text=_("Their tags, signatures and other accessories go with them.")
        + " "
        + notices.beforehand(await trash.terms(ctx)),
        note=freeing.sentences(freed, everything=ctx.principal.is_admin),
        names=[named(line) for line in found],
        fields=[("id", str(line.id)) for line in found],
    )
    return View("confirm.html", asked)


@routes.on(
    "POST",
    f"{ALL}/delete",
    allow=project("artifact", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "artifact", "{form.id}"),
)
async def delete_artifacts(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: Chosen
) -> View | Response:
    """Delete the chosen artifacts; say of those that an index lists why they stay."""
    place, found = await chosen(ctx, repository_name, form.id, hold=True)
    gone: list[str] = []
    staying: list[str] = []
    terms = await trash.terms(ctx)
    for line in found:
        try:
            await deletion.remove(ctx.session, place, line.digest, terms)
        except ReferencedByOthers:
            staying.append(named(line))
        else:
            gone.append(named(line))
        deleted = named(line) in gone
        ctx.batch.append(Done(f"{place.repository}@{line.digest}", deleted, place.project_id))
    if staying:
        return View("artifacts/deleted.html", Deleted(here(place), gone, staying))
    said = ngettext("%(num)s artifact was deleted.", "%(num)s artifacts were deleted.", len(gone))
    told, link = notices.afterwards(place.project_id, said % {"num": len(gone)}, terms)
    return ui.done(ctx.request, here(place), told, link=link)


@routes.on("GET", f"{ALL}/add-labels", allow=project("artifact-label", "create"), fails=(NotFound,))
async def choose_labels_to_add(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Chosen
) -> View:
    """Ask which labels the chosen artifacts shall carry."""
    place, found = await chosen(ctx, repository_name, query.id)
    labels = await labelling.offered(ctx.session, place.project_id)
    return View("artifacts/labels.html", LabelChoice(here(place), found, labels, adding=True))


@routes.on(
    "POST",
    f"{ALL}/add-labels",
    allow=project("artifact-label", "create"),
    fails=(NotFound, BadRequest),
    audit=Audit("create", "label", "{form.id}"),
)
async def add_labels(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: LabelsForm
) -> Response:
    """Put labels on the chosen artifacts."""
    place, found = await chosen(ctx, repository_name, form.id, hold=True)
    ids = [line.id for line in found]
    refuse_none(form)
    await labelling.add_to_all(ctx.session, ids, place.project_id, form.label)
    return labelled(ctx, place, found, _("The labels were added."))


@routes.on(
    "GET", f"{ALL}/remove-labels", allow=project("artifact-label", "delete"), fails=(NotFound,)
)
async def choose_labels_to_remove(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Chosen
) -> View:
    """Ask which labels are to be taken off the chosen artifacts."""
    place, found = await chosen(ctx, repository_name, query.id)
    labels = await labelling.carried(ctx.session, [line.id for line in found])
    return View("artifacts/labels.html", LabelChoice(here(place), found, labels, adding=False))


@routes.on(
    "POST",
    f"{ALL}/remove-labels",
    allow=project("artifact-label", "delete"),
    fails=(NotFound, BadRequest),
    audit=Audit("delete", "label", "{form.id}"),
)
async def remove_labels_here(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: LabelsForm
) -> Response:
    """Take labels off the chosen artifacts."""
    place, found = await chosen(ctx, repository_name, form.id, hold=True)
    refuse_none(form)
    await labelling.remove_from_all(ctx.session, [line.id for line in found], form.label)
    return labelled(ctx, place, found, _("The labels were removed."))


def refuse_none(form: LabelsForm) -> None:
    if not form.label:
        raise BadRequest(_("Choose at least one label."))


def labelled(ctx: Ctx, place: Place, found: list[Line], said: str) -> Response:
    """The answer, with a line in the audit log for each artifact."""
    for line in found:
        resource = f"{place.repository}@{line.digest}"
        ctx.batch.append(Done(resource, True, place.project_id))
    return ui.done(ctx.request, here(place), said)


async def chosen(
    ctx: Ctx, repository: RepositoryName, ids: list[int], *, hold: bool = False
) -> tuple[Place, list[Line]]:
    """The repository, and the artifacts of those ids in it; ``NotFound`` if none is there."""
    place = await header.place_of(ctx, repository)
    find = repositories.hold if hold else repositories.find
    repository_id = await find(ctx.session, place)
    return place, await lines.several(ctx.session, repository_id, ids)


def here(place: Place) -> str:
    return addresses.of_repository(place.project_id, place.repository)


def named(line: Line) -> str:
    """An artifact in a list of names: with its tags, as far as they are known."""
    tags = ", ".join(line.tags) + (", …" if line.tag_count > len(line.tags) else "")
    return f"{line.short} ({tags})" if tags else line.short
