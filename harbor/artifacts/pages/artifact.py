"""What is shown: one artifact, its tags, its layers and its manifest."""

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from markupsafe import Markup
from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.artifacts import schemas
from harbor.artifacts.schemas import RepositoryName, TagQuery
from harbor.artifacts.service import accessories, catalogue, config, header, layers, lines, tags
from harbor.artifacts.service import subject as subjects
from harbor.artifacts.service.config import Told
from harbor.artifacts.service.header import Header
from harbor.artifacts.service.kinds import BY_TYPE, Kind, accessory_kind, version_of
from harbor.artifacts.service.layers import Layer, Layers
from harbor.artifacts.service.lines import Line
from harbor.artifacts.service.subject import From, Subject
from harbor.core import highlight, origin, ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import later
from harbor.core.manifests import INDEXES
from harbor.core.oci import Reference
from harbor.core.query import Listing
from harbor.core.security import project
from harbor.core.ui import Batch, Column, Filter, Grid, Listed
from harbor.projects.service.header import may

routes = Routes(prefix="/harbor", tag="artifactPages", pages=True)
ONE = (
    "/projects/{project_name_or_id}/repositories/{repository_name}"
    "/artifacts-tab/artifacts/{reference}"
)
TAG_COLUMNS = (
    Column(later("Name"), sort="name"),
    Column(later("Pushed"), sort="push_time", key="pushed"),
    Column(later("Pulled"), sort="pull_time", key="pulled"),
    Column("", narrow=True),
)
TAG_FILTERS = (Filter("name", later("Name")),)
MOST_SHOWN = 100  # accessories, and children, on the page itself
MOST_READ = 256 * 1024  # bytes of a manifest that is shown
SERIES = 8  # colours


class ArtifactPageQuery(Listed, kw_only=True):
    """The address of the page of an artifact: which tags, and where one came from."""

    back: Annotated[str, Meta(max_length=2000)] = ""
    parent: Annotated[str, Meta(max_length=135)] = ""


class Overview(Struct, frozen=True, kw_only=True):
    subject: Subject
    grid: Grid
    tags: list[schemas.Tag]
    told: Told
    children: list[Line]
    found: list[schemas.Accessory]
    total: int  # of the accessories
    may_tag: bool
    may_untag: bool
    origin: str  # of this registry
    config: Markup  # of a kind that nobody here knows: all of it

    @property
    def header(self) -> Header:
        return self.subject.header

    @property
    def line(self) -> Line:
        return self.subject.line

    @property
    def tags_path(self) -> str:
        return self.header.of_artifact(self.line.digest, tab="tags")

    def kind(self, name: str) -> Kind:
        return accessory_kind(name)

    def install(self) -> str:
        """How a chart is installed."""
        name = self.told.name or "RELEASE"
        return f"helm install {name} oci://{self.header.image}{self._version}"

    def install_classic(self) -> list[str]:
        """The same out of the index of the project, if the chart is listed there."""
        name, repository = self.told.name, self.header.project_name
        if name != self.header.name or self.told.version not in map(version_of, self.line.tags):
            return []
        return [
            f"helm repo add {repository} {self.origin}/chartrepo/{repository}",
            f"helm install {name} {repository}/{name}{self._version}",
        ]

    @property
    def _version(self) -> str:
        return f" --version {self.told.version}" if self.told.version else ""


class LayerPage(Struct, frozen=True):
    subject: Subject
    layers: Layers

    @property
    def slices(self) -> list[Slice]:
        return [Slice(f"{n}", layer.size, self.colour(layer)) for n, layer in self.made]

    @property
    def made(self) -> list[tuple[int, Layer]]:
        return [(layer.number, layer) for layer in self.layers.found if layer.number]

    def colour(self, layer: Layer) -> str:
        return str((layer.number - 1) % SERIES + 1)

    @property
    def has_files(self) -> bool:
        """Whether there is a page of the files in them."""
        return self.files_path in [path for path, _title, _is_open in self.subject.tabs]

    @property
    def files_path(self) -> str:
        return self.subject.path_of("files")

    def files(self, layer: Layer) -> str:
        path = self.files_path
        return f"{path}{'&' if '?' in path else '?'}{urlencode({'layer': layer.digest})}"

    def share(self, layer: Layer) -> float:
        return layer.size / self.layers.size * 100 if self.layers.size else 0.0


class ManifestPage(Struct, frozen=True):
    subject: Subject
    text: str  # "": too large to be shown
    coloured: Markup
    size: int


@routes.on("GET", ONE, allow=project("artifact", "read"), fails=(NotFound, BadRequest))
async def artifact_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: ArtifactPageQuery,
) -> View:
    """Show an artifact: its tags, what it says of itself, what it lists, what speaks about it."""
    subject, known = await subjects.of(ctx, repository_name, reference, "", query)
    asked = ui.remembered(ctx.request, "tags", query)
    wanted = TagQuery(
        q=ui.filter_q(asked, TAG_FILTERS),
        sort=asked.sort,
        page=asked.page,
        page_size=asked.page_size,
    )
    line = subject.line
    counted = None if wanted.q else line.tag_count
    named, tag_count = await tags.search(ctx.session, known.id, wanted, counted)
    found, total, children = await around(ctx, line)
    name = subject.header.repository.name
    may_untag = await may(ctx, "tag", "delete", name)
    remove = Batch(
        subject.header.of_artifact(known.digest, tab="tags/delete"),
        later("Remove"),
        icon="trash",
        danger=True,
    )
    page = Overview(
        subject=subject,
        grid=ui.grid(
            ctx.request,
            "tags",
            asked,
            tag_count,
            TAG_COLUMNS,
            filters=TAG_FILTERS,
            batch=(remove,) if may_untag else (),
        ),
        tags=named,
        told=config.told(line.kind.type, line.said),
        children=children,
        found=found,
        total=total,
        may_tag=await may(ctx, "tag", "create", name),
        may_untag=may_untag,
        origin=origin.of(ctx.request, ctx.settings.external_url),
        config=Markup("") if is_told(subject) else await asyncio.to_thread(both_of, line.said),
    )
    return View("artifacts/artifact.html", page)


@routes.on("GET", f"{ONE}/layers", allow=project("artifact", "read"), fails=(NotFound,))
async def artifact_layers_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: From,
) -> View:
    """Show the layers of an artifact, and what made them."""
    subject, known = await subjects.of(ctx, repository_name, reference, "layers", query)
    raw = await layers.content(ctx.session, known.digest)
    found = await layers.of(ctx.store, subject.media_type, raw)
    return View("artifacts/layers.html", LayerPage(subject, found))


@routes.on("GET", f"{ONE}/manifest", allow=project("artifact", "read"), fails=(NotFound,))
async def artifact_manifest_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: From,
) -> View:
    """Show the manifest of an artifact."""
    subject, known = await subjects.of(ctx, repository_name, reference, "manifest", query)
    raw = await layers.content(ctx.session, known.digest)
    shown = await asyncio.to_thread(both, raw) if len(raw) <= MOST_READ else ("", Markup(""))
    return View("artifacts/manifest.html", ManifestPage(subject, *shown, len(raw)))


@routes.on("GET", f"{ONE}/manifest.json", allow=project("artifact", "read"), fails=(NotFound,))
async def artifact_manifest_file(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, reference: Reference
) -> Response:
    """Send the manifest of an artifact as a file, byte for byte."""
    place = await header.place_of(ctx, repository_name)
    known = await catalogue.find(ctx.session, place, reference)
    raw = await layers.content(ctx.session, known.digest)
    name = f"manifest-{lines.shortened(known.digest)}.json"
    told = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(raw, 200, told | {"X-Content-Type-Options": "nosniff"}, "application/json")


async def around(ctx: Ctx, line: Line) -> tuple[list[schemas.Accessory], int, list[Line]]:
    """What speaks about an artifact and how much that is, and what it lists: asked for only where
    its line says that there is something.
    """
    first = Listing(page_size=MOST_SHOWN)
    found, total = (
        await accessories.search(ctx.session, line.id, first) if line.accessories else ([], 0)
    )
    children = (await lines.of_index(ctx.session, line.id, first))[0] if line.child_count else []
    return found, total, children


def is_told(subject: Subject) -> bool:
    """Whether the page says in words what is in the config."""
    return subject.line.kind.type in BY_TYPE or subject.media_type in INDEXES


def both_of(said: str | None) -> Markup:
    return both(said.encode())[1] if said and said != "{}" else Markup("")


def both(raw: bytes) -> tuple[str, Markup]:
    text = highlight.indented(raw)
    return text, highlight.coloured(text)
