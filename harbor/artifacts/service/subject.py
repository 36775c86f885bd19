"""What is done: say what stands above every page of an artifact.

Such a page begins with ``await subject.of(ctx, repository_name, reference, "layers", query)``; its
template shows that with ``subject_header`` of ``artifacts/subject.html``.
"""

from typing import Annotated, Protocol

from msgspec import Meta, Struct

from harbor.artifacts.schemas import Known, RepositoryName
from harbor.artifacts.service import additions, catalogue, header, lines
from harbor.artifacts.service.details import CNAI, IMAGE
from harbor.artifacts.service.header import Header
from harbor.artifacts.service.lines import Line
from harbor.core import oci
from harbor.core.api import Ctx
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.manifests import INDEXES
from harbor.core.oci import Reference

# Additions that have a page; English, translated where they are shown.
TITLES = {
    "readme.md": later("README"),
    "values.yaml": later("Values"),
    "license": later("License"),
    "files": later("Files"),
    "sbom": later("SBOM"),
}


class Came(Protocol):
    """What the address of a page says of where one came from."""

    back: str  # the query of the list
    parent: str  # the digest of an index


class From(Struct):
    """Where one came from."""

    back: Annotated[str, Meta(max_length=2000)] = ""
    parent: Annotated[str, Meta(max_length=135)] = ""


class Subject(Struct, frozen=True, kw_only=True):
    """What stands above every page of an artifact."""

    header: Header
    line: Line
    media_type: str
    parent: str  # the digest of the index that one came through
    tab: str

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]:
        head = self.header
        above = (*head.crumbs, (head.list_path, head.name))
        if self.parent:
            above += ((head.of_children(self.parent), lines.shortened(self.parent)),)
        return above

    @property
    def path(self) -> str:
        return self.path_of("")

    def path_of(self, tab: str) -> str:
        return self.header.of_artifact(self.line.digest, parent=self.parent, tab=tab)

    @property
    def documents(self) -> list[tuple[str, str]]:
        """What else is in it, as the ends of paths, each with its title."""
        known = additions.names(self.line.kind.type, self.media_type)
        return [(f"additions/{name}", _(title)) for name, title in TITLES.items() if name in known]

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """The pages of the artifact; an index has no layers, and no files."""
        titles = [("", _("Overview")), *self.documents]
        if self.media_type not in INDEXES:
            titles.append(("layers", _("Layers")))
            titles += [] if self.line.kind.type == CNAI else [("files", _("Files"))]
            if self.line.kind.type == IMAGE:
                titles.append(("packages", _("Packages")))
            titles.append(("compare", _("Compare")))
        titles.append(("manifest", _("Manifest")))
        return [(self.path_of(tab), title, tab == self.tab) for tab, title in titles]


async def of(
    ctx: Ctx, repository: RepositoryName, reference: Reference, tab: str, came: Came
) -> tuple[Subject, Known]:
    """What stands above a page of an artifact; ``NotFound``."""
    head = await header.of(ctx, repository, back=came.back)
    known = await catalogue.find(ctx.session, head.place, reference)
    line = await lines.one(ctx.session, known.id)
    subject = Subject(
        header=head,
        line=line,
        media_type=line.media_type,
        parent=came.parent if oci.DIGEST.fullmatch(came.parent) else "",
        tab=tab,
    )
    return subject, known
