"""What is shown: how an artifact differs from another one."""

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlencode

from msgspec import Meta, Struct, field
from starlette.responses import RedirectResponse, Response

from harbor.artifacts.schemas import Place, RepositoryName
from harbor.artifacts.service import addresses, catalogue, header, lines, repositories
from harbor.artifacts.service import subject as subjects
from harbor.artifacts.service.lines import Line
from harbor.artifacts.service.subject import Subject
from harbor.core import i18n, ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.errors import BadRequest, NotFound, Unavailable
from harbor.core.i18n import gettext as _
from harbor.core.i18n import later
from harbor.core.oci import Reference, shown
from harbor.core.query import Listing
from harbor.core.security import project
from harbor.core.ui import Column, Filter, Grid
from harbor.core.wire import Id
from harbor.explorer.schemas import Change, CompareQuery, Comparison, FileChange, PackageChange
from harbor.explorer.service import comparing, listing
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.matching import alike, pair
from harbor.explorer.service.opening import Address

routes = Routes(prefix="/harbor", tag="filePages", pages=True)
READ = project("artifact-addition", "read")
ALL = "/projects/{project_name_or_id}/repositories/{repository_name}/artifacts-tab"
COMPARE = f"{ALL}/artifacts/{{reference}}/compare"
COLUMNS = (
    Column(later("Path")),
    Column(later("Change"), key="change"),
    Column(later("Before"), numeric=True),
    Column(later("After"), numeric=True),
)
FILTERS = (Filter("search", later("Path")),)
OFFERED = 15  # artifacts to compare with, the newest
MANY = 100  # repositories to choose from
MOST_PACKAGES = 500  # that changed, on the page
TWO = 2
TITLES = {"added": later("added"), "removed": later("removed"), "changed": later("changed")}
KINDS = {"added": "good", "removed": "bad", "changed": "warn"}


class Chosen(Struct):
    """The rows of a selection."""

    id: Annotated[list[Id], Meta(max_length=100)] = field(default_factory=list)


class ComparePageQuery(Address, kw_only=True):
    """The address of a comparison: with what, and which files."""

    base: Annotated[str, Meta(max_length=255)] = ""
    repository: Annotated[str, Meta(max_length=255)] = ""
    change: Literal["", "added", "removed", "changed"] = ""


class Choice(Struct, frozen=True, kw_only=True):
    """What it could be compared with."""

    subject: Subject
    repository: str  # without the project
    repositories: Sequence[str]
    offered: Sequence[Line]
    asked: ComparePageQuery

    @property
    def path(self) -> str:
        return self.subject.path_of("compare").partition("?")[0]

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(name, name) for name in self.repositories]

    def at(self, base: str) -> str:
        """The comparison with another one."""
        query = {"base": base, "repository": self.repository}
        if self.repository == self.subject.header.name:
            del query["repository"]
        kept = {"back": self.subject.header.back, "parent": self.subject.parent}
        return f"{self.path}?{urlencode(query | {k: v for k, v in kept.items() if v})}"


class ComparePage(Struct, frozen=True, kw_only=True):
    subject: Subject
    base: Line
    base_place: Place
    grid: Grid
    found: Comparison
    asked: ComparePageQuery

    @property
    def again(self) -> str:
        return self.grid.at()

    @property
    def percent(self) -> float:
        return listing.percent([*self.found.before.layers, *self.found.after.layers])

    @property
    def problems(self) -> list[tuple[str, int, str]]:
        """The layers that could not be read to their ends: of which artifact, which, and why."""
        found = ((self.base, self.found.before), (self.subject.line, self.found.after))
        return [
            (line.name, number, layer.problem)
            for line, side in found
            for number, layer in enumerate(side.layers, start=1)
            if layer.problem
        ]

    @property
    def base_path(self) -> str:
        place = self.base_place
        return addresses.of_artifact(place.project_id, place.repository, self.base.digest)

    @property
    def base_repository(self) -> str:
        """Without the project; "" if both are of one repository."""
        name = self.base_place.repository.partition("/")[2]
        return "" if name == self.subject.header.name else name

    @property
    def others(self) -> str:
        """Where something else is chosen."""
        return self.subject.path_of("compare")

    @property
    def swapped(self) -> str:
        """The same seen from the other side."""
        query = {"base": self.subject.line.digest}
        if self.base_repository:
            query["repository"] = self.subject.header.name
        return f"{self.base_path}/compare?{urlencode(query)}"

    @property
    def sides(self) -> list[tuple[str, str, int, int]]:
        """Title, name, shared and own bytes of each, as they are packed."""
        added = self.bytes_of("added")
        removed = self.bytes_of("removed")
        old, new = self.found.before.size, self.found.after.size
        return [
            (_("Before"), self.base.name, old - removed, removed),
            (_("After"), self.subject.line.name, new - added, added),
        ]

    @property
    def widest(self) -> int:
        return max(self.found.before.size, self.found.after.size, 1)

    def bytes_of(self, change: Change) -> int:
        return sum(layer.size for layer in self.found.layers if layer.change == change)

    @property
    def shared(self) -> int:
        """Layers that both have."""
        return sum(layer.change is None for layer in self.found.layers)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """Of each kind of change: its key, its title, how many files."""
        found = self.found
        numbers = {"added": found.added, "removed": found.removed, "changed": found.changed}
        return [(key, _(title), numbers[key]) for key, title in TITLES.items()]

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [("", _("All changes")), *((key, _(title)) for key, title in TITLES.items())]

    @property
    def package_counts(self) -> list[tuple[str, str, int]]:
        kinds: list[str] = [change_of(each.before, each.after) for each in self.found.packages]
        return [(key, _(title), kinds.count(key)) for key, title in TITLES.items()]

    @property
    def packages(self) -> Sequence[PackageChange]:
        return self.found.packages[:MOST_PACKAGES]

    @property
    def packages_more(self) -> int:
        return max(0, len(self.found.packages) - MOST_PACKAGES)

    def kind(self, change: str) -> str:
        return KINDS[change]

    def title(self, change: str) -> str:
        return _(TITLES[change])

    def change(self, before: str | None, after: str | None) -> str:
        return change_of(before, after)

    def delta(self, before: int, after: int) -> str:
        """By how much it grew or shrank; "" if it did neither."""
        if before == after:
            return ""
        return ("+" if after > before else "−") + i18n.size(abs(after - before))  # noqa: RUF001

    def directory(self, file: FileChange) -> str:
        """The page of the directory that a file is in, or was."""
        above = self.base_path if file.change == "removed" else self.subject.path.partition("?")[0]
        directory = file.path.rpartition("/")[0] or "/"
        return f"{above}/files?{urlencode({'path': directory})}"


def change_of(before: object, after: object) -> Change:
    return "added" if before is None else "removed" if after is None else "changed"


@routes.on("GET", f"{ALL}/compare", allow=project("artifact", "list"), fails=(NotFound, BadRequest))
async def compare_chosen_artifacts(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, query: Chosen
) -> Response:
    """Go to the comparison of two chosen artifacts; of two indexes, to that of two of their images.

    The older one is what was before.
    """
    place = await header.place_of(ctx, repository_name)
    repository_id = await repositories.find(ctx.session, place)
    found = await lines.several(ctx.session, repository_id, query.id)
    if len(found) != TWO:
        raise BadRequest(_("Choose two artifacts to compare."))
    after, before = await pair(ctx.session, *found)
    path = addresses.of_artifact(place.project_id, place.repository, after)
    return RedirectResponse(f"{path}/compare?{urlencode({'base': before})}", 303)


@routes.on(
    "GET",
    COMPARE,
    allow=READ,
    fails=(NotFound, BadRequest, Unavailable),
)
async def compare_artifacts_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: ComparePageQuery,
) -> View:
    """Show how an artifact differs from another one, or offer some to compare it with."""
    subject, known = await subjects.of(ctx, repository_name, reference, "compare", query)
    after = await listing.subject_of(ctx.session, subject.header.place, known.digest)
    name = query.repository.strip() or subject.header.name
    place = Place(subject.header.project_id, f"{subject.header.project_name}/{name}")
    # What the caller may not see is not there.
    if await ctx.wiring.may(ctx.principal, READ, place.repository) is None:
        raise NotFound(f"repository {shown(place.repository)} not found")
    if not query.base.strip():
        return View("explorer/compare_with.html", await choice(ctx, subject, place, query))
    there = await catalogue.find(ctx.session, place, query.base.strip())
    base = await alike(ctx.session, await lines.one(ctx.session, there.id), subject.line)
    before = await listing.subject_of(ctx.session, place, base.digest)
    asked = ui.remembered(ctx.request, "compare", query)
    explorer = ctx.the(Explorer)
    old, new = await listing.explored(explorer, before, after, patience_s=listing.GLANCE_S)
    wanted = CompareQuery(
        base=base.digest,
        repository=name,
        change=asked.change or None,
        search=asked.text[:255],
        page=asked.page,
        page_size=asked.page_size,
    )
    found = await comparing.compare(explorer, old, new, wanted)
    page = ComparePage(
        subject=subject,
        base=base,
        base_place=place,
        grid=ui.grid(ctx.request, "compare", asked, found.total, COLUMNS, filters=FILTERS),
        found=found,
        asked=asked,
    )
    return View("explorer/compare.html", page)


async def choice(ctx: Ctx, subject: Subject, place: Place, asked: ComparePageQuery) -> Choice:
    """The newest artifacts of a repository, and the repositories there are."""
    all_of_them = Listing(page_size=MANY, sort="name")
    known, _total = await repositories.of_project(
        ctx.session, ctx.principal, place.project_id, all_of_them
    )
    names = [each.name.partition("/")[2] for each in known]
    repository_id = await repositories.find(ctx.session, place)
    newest = Listing(page_size=OFFERED + 1)
    found, _count = await lines.of_repository(ctx.session, repository_id, newest)
    return Choice(
        subject=subject,
        repository=place.repository.partition("/")[2],
        repositories=sorted({*names, place.repository.partition("/")[2]}),
        offered=[line for line in found if line.id != subject.line.id][:OFFERED],
        asked=asked,
    )
