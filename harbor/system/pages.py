"""What is shown: what a search finds, and what this server holds."""

from typing import Annotated

from msgspec import Meta, Struct

from harbor.artifacts.schemas import Day
from harbor.artifacts.service import growth
from harbor.core import ui
from harbor.core.api import Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.i18n import gettext as _
from harbor.core.security import anyone, signed_in
from harbor.projects.schemas import Project
from harbor.projects.service.sight import sight_of
from harbor.system.schemas import SearchRepository
from harbor.system.service import search, statistics

routes = Routes(prefix="/harbor", tag="portal", pages=True)
MOST = 50  # of each kind on the page of results
DAYS = 365  # of the store's growth
MOST_IN_LIST = 6  # of each kind in the list of Ctrl-K


class Asked(Struct):
    """What is looked for."""

    q: Annotated[str, Meta(max_length=255)] = ""


class Found(Struct, frozen=True):
    """What a search finds."""

    asked: str
    projects: list[Project]
    repositories: list[SearchRepository]
    more_projects: bool
    more_repositories: bool


class Counted(Struct, frozen=True):
    """Things of one kind, by whether everybody may see them."""

    title: str
    public: int
    private: int

    @property
    def total(self) -> int:
        return self.public + self.private

    @property
    def slices(self) -> list[Slice]:
        return [Slice(_("Public"), self.public, "3"), Slice(_("Private"), self.private, "1")]


class Statistics(Struct, frozen=True):
    """What the caller may see of it."""

    counted: tuple[Counted, ...]
    nbytes: int | None  # None: only administrators are told
    days: list[Day]  # how the store grew; none for those who are not told
    alone: bool  # a page of its own, and no part of another


@routes.on("GET", "/search", allow=anyone)
async def search_page(ctx: Ctx, query: Asked) -> View:
    """Show the projects and repositories whose names hold a text."""
    in_list = ctx.request.headers.get("HX-Target") == "palette-list"
    most = MOST_IN_LIST if in_list else MOST
    text, who = query.q.strip(), ctx.principal
    asked = (ctx.session, who, text, most + 1, await sight_of(ctx.session, who))
    projects = await search.projects_with(*asked) if text else []
    found = await search.repositories_with(*asked) if text else []
    page = Found(text, projects[:most], found[:most], len(projects) > most, len(found) > most)
    return View("system/found_list.html" if in_list else "system/found.html", page)


@routes.on("GET", "/statistics", allow=signed_in)
async def show_statistics(ctx: Ctx) -> View:
    """Show how many projects and repositories there are, and to administrators their size."""
    told = await statistics.count(ctx.session, ctx.principal)
    counted = (
        Counted(_("Projects"), told.public_project_count, told.private_project_count),
        Counted(_("Repositories"), told.public_repo_count, told.private_repo_count),
    )
    nbytes = told.total_storage_consumption if ctx.principal.is_admin else None
    alone = not ui.is_fragment(ctx.request)
    told_more = alone and nbytes is not None
    days = await growth.days(ctx.session, growth.STORE, nbytes or 0, DAYS) if told_more else []
    return View("system/statistics.html", Statistics(counted, nbytes, days, alone))
