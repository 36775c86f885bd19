"""What is shown: the packages in an image."""

from typing import Annotated
from urllib.parse import urlencode

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
from harbor.explorer.schemas import Installed, PackageList, PackageQuery
from harbor.explorer.service import installed
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.opening import Address, Opened, layers_of

routes = Routes(prefix="/harbor", tag="filePages", pages=True)
PACKAGES = (
    "/projects/{project_name_or_id}/repositories/{repository_name}"
    "/artifacts-tab/artifacts/{reference}/packages"
)
COLUMNS = (
    Column(later("Package")),
    Column(later("Version")),
    Column(later("Ecosystem"), key="ecosystem"),
    Column(later("Listed in"), key="path"),
    Column(later("Layer"), key="layer", numeric=True),
)
FILTERS = (Filter("q", later("Name")),)
TITLES = {
    "deb": "Debian (dpkg)",
    "apk": "Alpine (apk)",
    "rpm": "RPM",
    "python": "Python",
    "npm": "npm",
    "go": "Go",
}


class PackagesPageQuery(Address, kw_only=True):
    """The address of the packages of an image."""

    ecosystem: Annotated[str, Meta(max_length=32)] = ""


class PackagesPage(Opened[PackageList], frozen=True, kw_only=True):
    asked: PackagesPageQuery

    @property
    def total(self) -> int:
        """All packages, whatever is asked for."""
        return sum(each.packages for each in self.listed.ecosystems)

    @property
    def bars(self) -> list[Slice]:
        numbered = enumerate(self.listed.ecosystems, start=1)
        return [Slice(self.title(each.name), each.packages, str(at)) for at, each in numbered]

    @property
    def choices(self) -> list[tuple[str, str]]:
        known = [(each.name, self.title(each.name)) for each in self.listed.ecosystems]
        return [("", _("All ecosystems")), *known]

    def title(self, ecosystem: str) -> str:
        return TITLES.get(ecosystem, ecosystem)

    def colour(self, ecosystem: str) -> str:
        names = [each.name for each in self.listed.ecosystems]
        return str(names.index(ecosystem) + 1)

    def file(self, package: Installed) -> str:
        """The page of the directory that holds the file which lists a package."""
        directory = package.path.rpartition("/")[0] or "/"
        path = self.subject.path_of("files")
        return f"{path}{'&' if '?' in path else '?'}{urlencode({'path': directory})}"


@routes.on(
    "GET",
    PACKAGES,
    allow=project("artifact-addition", "read"),
    fails=(NotFound, BadRequest, Unavailable),
)
async def artifact_packages_page(
    ctx: Ctx,
    project_name_or_id: str,
    repository_name: RepositoryName,
    reference: Reference,
    query: PackagesPageQuery,
) -> View:
    """Show the packages that are installed in an image."""
    subject, layers = await layers_of(ctx, repository_name, reference, "packages", query)
    asked = ui.remembered(ctx.request, "packages", query)
    wanted = PackageQuery(
        q=asked.text[:255],
        ecosystem=asked.ecosystem,
        page=asked.page,
        page_size=asked.page_size,
    )
    listed = await installed.packages(ctx.the(Explorer), layers, wanted)
    page = PackagesPage(
        subject=subject,
        grid=ui.grid(ctx.request, "packages", asked, listed.total, COLUMNS, filters=FILTERS),
        listed=listed,
        asked=asked,
    )
    return View("explorer/packages.html", page)
