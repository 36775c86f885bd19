"""What is shown: the artifacts of a repository, what an index lists, and accessories."""

from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from msgspec import Meta, Struct
from msgspec.structs import replace
from starlette.responses import RedirectResponse, Response

from harbor.artifacts import schemas
from harbor.artifacts.schemas import RepositoryName
from harbor.artifacts.service import accessories, catalogue, header, labelling, lines
from harbor.artifacts.service.header import Header
from harbor.artifacts.service.kinds import KINDS, Kind, accessory_kind
from harbor.artifacts.service.labelling import Choice
from harbor.artifacts.service.lines import Line
from harbor.core import ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.oci import Reference
from harbor.core.query import Listing
from harbor.core.security import project
from harbor.core.ui import Batch, Column, Filter, Grid, Listed
from harbor.projects.service.header import may

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
REPOSITORY = "/projects/{project_name_or_id}/repositories/{repository_name}"
ALL = f"{REPOSITORY}/artifacts-tab"
COLUMNS = (
    Column(later("Artifact"), sort="digest"),
    Column(later("Tags"), key="tags"),
    Column(later("OS/arch"), key="platform"),
    Column(later("Size"), sort="size", key="size", numeric=True),
    Column(later("Labels"), key="labels"),
    Column(later("Annotations"), key="annotations", hidden=True),
    Column(later("Pushed"), sort="push_time", key="pushed"),
    Column(later("Pulled"), sort="pull_time", key="pulled"),
    Column("", narrow=True),
)
FILTERS = (Filter("tags", later("Tag")), Filter("digest", later("Digest")))
MOST_SHOWN = 100  # accessories below a line
TAGGED = {"tagged": "tags=*", "untagged": "tags=nil"}


class ArtifactListQuery(Listed, kw_only=True):
    """The address of the list of artifacts."""

    kind: Annotated[str, Meta(max_length=64)] = ""
    tags: Literal["", "tagged", "untagged"] = ""
    label: Annotated[str, Meta(pattern="^[0-9]{0,9}$")] = ""


class ChildrenQuery(Listed, kw_only=True):
    """The address of what an index lists."""

    back: Annotated[str, Meta(max_length=2000)] = ""


class ArtifactList(Struct, frozen=True):
    header: Header
    grid: Grid
    lines: list[Line]
    asked: ArtifactListQuery
    labels: list[Choice]
    may_label: bool
    may_delete: bool

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [("", _("All kinds")), *((kind.type, _(kind.title)) for kind in KINDS)]

    @property
    def label_choices(self) -> list[tuple[str, str]]:
        return [("", _("All labels")), *((str(each.id), each.name) for each in self.labels)]

    @property
    def back(self) -> str:
        """What the breadcrumbs of the next page need to come back to this one."""
        return urlencode(self.grid.query)


class ChildList(Struct, frozen=True):
    """What an index lists."""

    header: Header
    grid: Grid
    parent: Line
    lines: list[Line]


class AccessoryList(Struct, frozen=True):
    """What speaks about an artifact; a part of another page."""

    header: Header
    found: list[schemas.Accessory]
    total: int

    def kind(self, name: str) -> Kind:
        return accessory_kind(name)


@routes.on("GET", REPOSITORY, allow=project("repository", "list"), fails=(NotFound,))
async def repository_page(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName
) -> Response:
    """Go to the artifacts of a repository."""
    head = await header.of(ctx, repository_name)
    return RedirectResponse(head.path, 303)


@routes.on("GET", ALL, allow=project("artifact", "list"), fails=(NotFound, BadRequest))
async def artifacts_page(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: ArtifactListQuery
) -> View:
    """Show the artifacts of a repository."""
    head = await header.of(ctx, repository_name, header.ARTIFACTS)
    asked = ui.remembered(ctx.request, "artifacts", query)
    wanted = replace(asked, q=filtered(asked))
    counted = None if wanted.q else head.repository.artifact_count
    found, total = await lines.of_repository(ctx.session, head.repository.id, wanted, counted)
    may_see_labels = await may(ctx, "label", "list", head.project_name)
    may_label = await may(ctx, "artifact-label", "create", head.repository.name)
    may_delete = await may(ctx, "artifact", "delete", head.repository.name)
    batch = [Batch(f"{head.path}/digests", later("Copy digests"), icon="copy")]
    batch.append(
        Batch(f"{head.path}/compare", later("Compare"), icon="columns", exactly=2, is_page=True)
    )
    if ctx.principal.known:
        batch.append(Batch(f"{head.path}/copy", later("Copy to…"), icon="share"))
    if may_label:
        batch.append(Batch(f"{head.path}/add-labels", later("Add labels"), icon="tag"))
        batch.append(Batch(f"{head.path}/remove-labels", later("Remove labels"), icon="minus"))
    if may_delete:
        batch.append(Batch(f"{head.path}/delete", later("Delete"), icon="trash", danger=True))
    page = ArtifactList(
        header=head,
        grid=ui.grid(ctx.request, "artifacts", asked, total, COLUMNS, filters=FILTERS, batch=batch),
        lines=found,
        asked=asked,
        labels=await labelling.offered(ctx.session, head.project_id) if may_see_labels else [],
        may_label=may_label,
        may_delete=may_delete,
    )
    return View("artifacts/list.html", page)


@routes.on(
    "GET", f"{ALL}/depth/{{reference}}", allow=project("artifact", "list"), fails=(NotFound,)
)
async def children_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: ChildrenQuery,
) -> View:
    """Show what an index lists."""
    head = await header.of(ctx, repository_name, back=query.back)
    known = await catalogue.find(ctx.session, head.place, reference)
    asked = ui.remembered(ctx.request, "children", query)
    found, total = await lines.of_index(ctx.session, known.id, asked)
    grid = ui.grid(ctx.request, "children", asked, total, COLUMNS)
    parent = await lines.one(ctx.session, known.id)
    return View("artifacts/children.html", ChildList(head, grid, parent, found))


@routes.on(
    "GET",
    f"{ALL}/artifacts/{{reference}}/accessories",
    allow=project("accessory", "list"),
    fails=(NotFound,),
)
async def accessories_part(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, reference: Reference
) -> View:
    """Show what speaks about an artifact: signatures, SBOMs."""
    head = await header.of(ctx, repository_name)
    known = await catalogue.find(ctx.session, head.place, reference)
    listing = Listing(page_size=MOST_SHOWN)
    found, total = await accessories.search(ctx.session, known.id, listing)
    return View("artifacts/accessories.html", AccessoryList(head, found, total))


def filtered(asked: ArtifactListQuery) -> str:
    """``q`` with what the fields above the list say."""
    parts = [ui.filter_q(asked, FILTERS)]
    if kind := asked.kind.partition(",")[0]:
        parts.append(f"type=\\{quote(kind, safe='')}")  # a plain value, whatever it begins with
    if asked.tags and "tags=" not in parts[0]:
        parts.append(TAGGED[asked.tags])
    if asked.label:
        parts.append(f"labels=({asked.label})")
    return ",".join(part for part in parts if part)
