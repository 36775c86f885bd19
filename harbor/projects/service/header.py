"""What is done: say what stands above every page of a project.

A page of a project begins with ``await header.of(ctx, "members")``, named as in ``TABS``, and its
template shows that with the macro of ``projects/header.html``.
"""

from typing import cast

from msgspec import Struct

from harbor.configuration.service import Configuration
from harbor.core import rbac
from harbor.core.api import Ctx
from harbor.core.errors import NotFound
from harbor.core.i18n import Phrase, later
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.projects.service.listing import Storage, roles_in, storage
from harbor.projects.service.projects import name_of
from harbor.projects.service.standing import Standing, standing

ROLES = {
    1: later("Project admin"),
    4: later("Maintainer"),
    2: later("Developer"),
    3: later("Guest"),
    5: later("Limited guest"),
}  # by id, the strongest first; English, translated where they are shown


class Tab(Struct, frozen=True):
    """One page of a project: the end of its path, its title, and what who opens it must be allowed.

    The title is English, and translated where it is shown.
    """

    path: str
    title: str
    resource: str
    action: str


# A tab is added here when its page exists, in the room that it belongs to.
TABS = (
    Tab("summary", later("Summary"), "project", "read"),
    Tab("repositories", later("Repositories"), "repository", "list"),
    Tab("members", later("Members"), "member", "list"),
    Tab("labels", later("Labels"), "label", "create"),
    Tab("tag-strategy/immutable-tag", later("Tag immutability"), "immutable-tag", "list"),
    Tab("robot-account", later("Robot accounts"), "robot", "list"),
    Tab("trash", later("Trash"), "repository", "push"),
    Tab("logs", later("Logs"), "log", "list"),
    Tab("configs", later("Configuration"), "configuration", "read"),
)


class Header(Struct, frozen=True, kw_only=True):
    """What every page of a project shows of it."""

    project_id: int
    name: str
    is_public: bool
    role: str  # the caller's strongest, in English; "" for none
    quota: Storage | None  # None: there is none, or the caller may not know
    tabs: tuple[Tab, ...]  # those that the caller may open
    current: str  # the path of the tab that is open

    @property
    def path(self) -> str:
        """Where the pages of the project are."""
        return path_of(self.project_id)

    def path_of(self, tab: str) -> str:
        return f"{self.path}/{tab}"

    @property
    def title(self) -> str:
        """The title of the open tab."""
        return next((_(tab.title) for tab in self.tabs if tab.path == self.current), "")

    @property
    def entries(self) -> list[tuple[str, str, bool]]:
        """Address and title of each tab, and whether it is the open one."""
        current = self.current
        return [(self.path_of(tab.path), _(tab.title), tab.path == current) for tab in self.tabs]


def path_of(project_id: int) -> str:
    return f"/harbor/projects/{project_id}"


async def may(ctx: Ctx, resource: str, action: str, name: str) -> bool:
    """Whether the caller may do that in the project, or in the repository, of that name."""
    wanted = project(resource, action)
    return await ctx.wiring.may(ctx.principal, wanted, name, ctx.seen) is not None


async def name_in(ctx: Ctx) -> str | None:
    """The name of the project in the path, unless it is deleted."""
    known = ctx.seen and ctx.seen.get((Standing, ctx.known_project_id))
    return known.name if known else await name_of(ctx.session, ctx.known_project_id)


async def standing_of(ctx: Ctx) -> Standing:
    """What decides about rights in the project in the path; ``NotFound`` if it is gone."""
    if known := ctx.seen and ctx.seen.get((Standing, ctx.known_project_id)):
        return cast(Standing, known)
    name = await name_of(ctx.session, ctx.known_project_id)
    known = None if name is None else await standing(ctx.db.quick, name)
    if known is None:
        raise NotFound(Phrase("project %(project)s not found", project=ctx.known_project_id))
    return known


async def of(ctx: Ctx, current: str) -> Header:
    """The header of the project in the path, as the caller sees it; ``NotFound`` if it is gone."""
    project_id = ctx.known_project_id
    known = await standing_of(ctx)
    name = known.name
    roles = (await roles_in(ctx.session, [project_id], ctx.principal)).get(project_id, [])
    role_id = rbac.highest(frozenset(roles))
    values = await ctx.the(Configuration).current()
    quota = None
    if values.quota_per_project_enable and await may(ctx, "quota", "read", name):
        quota = await storage(ctx.session, project_id)
    return Header(
        project_id=project_id,
        name=name,
        is_public=known.is_public,
        role=ROLES[role_id] if role_id else "",
        quota=quota,
        tabs=tuple([tab for tab in TABS if await may(ctx, tab.resource, tab.action, name)]),
        current=current,
    )
