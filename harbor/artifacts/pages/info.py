"""What is shown: what a repository says of itself, and how that is written."""

from collections.abc import Sequence
from typing import Annotated

from markupsafe import Markup
from msgspec import Meta, Struct
from starlette.responses import Response

from harbor.artifacts.schemas import RepositoryName
from harbor.artifacts.service import header, redirects, repositories, storage
from harbor.artifacts.service.header import Header
from harbor.artifacts.service.repositories import MAX_DESCRIPTION
from harbor.artifacts.service.storage import Holding
from harbor.core import markdown, ui
from harbor.core.api import Audit, Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects.service.header import may

routes = Routes(prefix="/harbor", tag="repositoryPages", pages=True)
INFO = "/projects/{project_name_or_id}/repositories/{repository_name}/info-tab"


class DescriptionForm(Struct):
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION)] = ""


class Info(Struct, frozen=True):
    header: Header
    description: Markup  # "" for none
    may_edit: bool
    former: Sequence[str]  # names that still lead here, with their projects
    holding: Holding | None  # None: not counted yet
    all: bool  # whether the reader may know what other projects have

    @property
    def slices(self) -> list[Slice]:
        """What is in it by where else it is."""
        if self.holding is None:
            return []
        elsewhere = self.holding.freed - self.holding.unique if self.all else 0
        here = Slice(_("Only here"), self.holding.freed - elsewhere, "1")
        inside = self.holding.nbytes - self.holding.freed
        shared = [
            Slice(_("In other repositories of the project too"), inside, "2"),
            Slice(_("In other projects too"), elsewhere, "3"),
        ]
        return [here, *(each for each in shared if each.value)]


class DescriptionDialog(Struct, frozen=True):
    path: str
    description: str


@routes.on("GET", INFO, allow=project("repository", "list"), fails=(NotFound,))
async def repository_info_page(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName
) -> View:
    """Show what a repository says of itself."""
    head = await header.of(ctx, repository_name, header.INFO)
    text = repositories.as_written(head.repository.description)
    may_edit = await may(ctx, "repository", "update", head.repository.name)
    former = await redirects.names(ctx.session, head.repository.id)
    this = [(head.repository.id, head.repository.name)]
    holding = await storage.of_repositories(ctx.session, head.project_id, this)
    shown = await markdown.to_html(text)
    page = Info(head, shown, may_edit, former, holding, ctx.principal.is_admin)
    return View("artifacts/info.html", page)


@routes.on("GET", f"{INFO}/edit", allow=project("repository", "update"), fails=(NotFound,))
async def edit_repository_info(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName
) -> View:
    """Show the form of the description."""
    head = await header.of(ctx, repository_name)
    text = repositories.as_written(head.repository.description)
    return View("artifacts/info_edit.html", DescriptionDialog(head.info, text))


@routes.on(
    "POST",
    f"{INFO}/edit",
    allow=project("repository", "update"),
    fails=(NotFound, BadRequest),
    audit=Audit("update", "repository", "{project_name_or_id}/{repository_name}"),
)
async def save_repository_info(
    ctx: Ctx, project_name_or_id: str, repository_name: RepositoryName, form: DescriptionForm
) -> Response:
    """Give a repository another description, from the form."""
    place = await header.place_of(ctx, repository_name)
    ctx.subject = place.repository
    with ui.at_field("description"):
        await repositories.describe(ctx.session, place, form.description.strip())
    head = await header.of(ctx, repository_name)
    return ui.done(ctx.request, head.info, _("The description was saved."))
