"""What is shown: the files of an artifact."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote, urlencode

from msgspec import Meta

from harbor.artifacts.schemas import RepositoryName
from harbor.core import ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.errors import BadRequest, NotFound, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.oci import Reference
from harbor.core.security import project
from harbor.core.ui import Column, Filter
from harbor.explorer.schemas import MOST_PATH, File, FileList, FileQuery, Layer
from harbor.explorer.service import listing
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.opening import Address, Opened, layers_of
from harbor.explorer.service.reading import normal
from harbor.projects.service.header import may

routes = Routes(prefix="/harbor", tag="filePages", pages=True)
FILES = (
    "/projects/{project_name_or_id}/repositories/{repository_name}"
    "/artifacts-tab/artifacts/{reference}/files"
)
COLUMNS = (
    Column(later("Name")),
    Column(later("Size"), numeric=True),
    Column(later("Mode"), key="mode"),
    Column(later("Changed"), key="changed"),
    Column(later("Layer"), key="layer", numeric=True),
    Column("", narrow=True),
)
FILTERS = (Filter("search", later("Path")),)
ICONS = {"directory": "folder", "symlink": "link", "hardlink": "copy", "device": "hard-drive"}
GONE, CONTENT = {"whiteout", "opaque"}, {"file", "hardlink", "symlink"}
COLOURS = 7  # of the largest in the bar; the rest is one piece
BITS = "rwxrwxrwx"


class FilesPageQuery(Address, kw_only=True):
    """The address of a directory."""

    path: Annotated[str, Meta(max_length=MOST_PATH)] = "/"
    layer: Annotated[str, Meta(max_length=135)] = ""


class FilesPage(Opened[FileList], frozen=True, kw_only=True):
    asked: FilesPageQuery
    path: str
    may_download: bool

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The directories above, from the root."""
        parts = [part for part in self.path.split("/") if part]
        above = [("/" + "/".join(parts[: at + 1]), part) for at, part in enumerate(parts)]
        return [(self.at(path), name) for path, name in (("/", "/"), *above)][:-1]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2] or "/"

    @property
    def searches(self) -> bool:
        return bool(self.asked.text)

    def at(self, path: str) -> str:
        """The page of another directory."""
        return self.grid.at(path=path, page=1, text="")

    def content(self, file: File) -> str:
        """Where the content of a file is."""
        head = self.subject.header
        name = quote(quote(head.name, safe=""), safe="")
        asked = {"path": file.path} | ({"layer": self.asked.layer} if self.asked.layer else {})
        return (
            f"/api/v2.0/projects/{head.project_name}/repositories/{name}"
            f"/artifacts/{self.subject.line.digest}/files/content?{urlencode(asked)}"
        )

    @property
    def choices(self) -> list[tuple[str, str]]:
        numbered = enumerate(self.listed.layers, start=1)
        named = [
            (layer.digest, _("Layer %(number)s: %(digest)s") % {"number": at, "digest": of(layer)})
            for at, layer in numbered
            if layer.digest
        ]
        return [("", _("All layers, merged")), *named]

    @property
    def problems(self) -> list[tuple[int, str]]:
        """The numbers of layers that could not be read to their ends, and why."""
        numbered = enumerate(self.listed.layers, start=1)
        return [(at, layer.problem) for at, layer in numbered if layer.problem]

    @property
    def chosen(self) -> str:
        """What is shown: a layer, or all of them."""
        return dict(self.choices).get(self.asked.layer, "")

    @property
    def colours(self) -> dict[str, str]:
        """The colours of the largest in the bar, by path."""
        if self.searches:
            return {}
        files = sorted((file for file in self.listed.files if file.size), key=lambda f: -f.size)
        return {file.path: str(at) for at, file in enumerate(files[:COLOURS], start=1)}

    @property
    def slices(self) -> list[Slice]:
        """What is large here."""
        colours = self.colours
        named = [
            Slice(file.name, file.size, colours[file.path])
            for file in sorted(self.listed.files, key=lambda each: -each.size)
            if file.path in colours
        ]
        rest = sum(file.size for file in self.listed.files if file.path not in colours)
        return [*named, Slice(_("the rest"), rest, "rest")] if named and rest else named

    def downloads(self, file: File) -> bool:
        return self.may_download and not file.listable and file.kind in CONTENT

    def icon(self, file: File) -> str:
        return "ban" if file.kind in GONE else ICONS.get(file.kind, "file")

    def mode(self, file: File) -> str:
        """As ``ls -l`` writes it, without the kind."""
        bits = reversed(range(len(BITS)))
        return "".join(
            letter if file.mode >> bit & 1 else "-" for letter, bit in zip(BITS, bits, strict=True)
        )

    def changed(self, file: File) -> datetime | None:
        try:
            return datetime.fromtimestamp(file.mtime, UTC)
        except (ValueError, OverflowError, OSError):  # an archive may say any number
            return None


def of(layer: Layer) -> str:
    return layer.digest.partition(":")[2][:8]


@routes.on(
    "GET",
    FILES,
    allow=project("artifact-addition", "read"),
    fails=(NotFound, BadRequest, Unavailable),
)
async def artifact_files_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: FilesPageQuery,
) -> View:
    """Show the files of an artifact, a directory at a time."""
    subject, layers = await layers_of(ctx, repository_name, reference, "files", query)
    asked = ui.remembered(ctx.request, "files", query)
    wanted = FileQuery(
        path=asked.path,
        layer=asked.layer,
        search=asked.text[:255],
        page=asked.page,
        page_size=asked.page_size,
    )
    listed = await listing.files(ctx.the(Explorer), layers, wanted)
    page = FilesPage(
        subject=subject,
        grid=ui.grid(ctx.request, "files", asked, listed.total, COLUMNS, filters=FILTERS),
        listed=listed,
        asked=asked,
        path=normal(asked.path),
        may_download=await may(ctx, "repository", "pull", subject.header.repository.name),
    )
    return View("explorer/files.html", page)
