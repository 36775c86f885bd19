"""What is shown: what a project holds, how that grew, and which repositories it is in."""

from msgspec import Struct

from harbor.artifacts.schemas import Day
from harbor.artifacts.service import addresses, growth, storage
from harbor.artifacts.service.storage import Named, Whole
from harbor.core import ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects.service import header
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="storagePages", pages=True)
DAYS = 90


class StoragePage(Struct, frozen=True):
    header: Header
    whole: Whole
    days: list[Day]
    all: bool  # whether the reader may know what other projects have
    alone: bool  # a page of its own, and no part of another

    @property
    def slices(self) -> list[Slice]:
        """What other projects have too, and what not."""
        unique = min(self.whole.unique or 0, self.whole.used)
        return [
            Slice(_("Only in this project"), unique, "1"),
            Slice(_("In other projects too"), self.whole.used - unique, "3"),
        ]

    @property
    def most(self) -> int:
        return max((each.holding.freed for each in self.whole.largest), default=0)

    def path(self, repository: Named) -> str:
        return addresses.of_info(self.header.project_id, repository.name)


@routes.on(
    "GET",
    "/projects/{project_name_or_id}/storage",
    allow=project("quota", "read"),
    fails=(NotFound,),
)
async def project_storage_page(ctx: Ctx, project_name_or_id: str) -> View:
    """Show what a project holds, and how that grew."""
    head = await header.of(ctx, "summary")
    whole = await storage.seen_by(ctx.session, ctx.principal, head.project_id)
    days = await growth.days(ctx.session, head.project_id, whole.used, DAYS)
    alone = not ui.is_fragment(ctx.request)
    page = StoragePage(head, whole, days, ctx.principal.is_admin, alone)
    return View("artifacts/storage.html", page)
