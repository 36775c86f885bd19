"""What is shown: a project at a glance."""

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from harbor.core.api import Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.core.wire import Time
from harbor.projects import service as projects
from harbor.projects.service import commands, header, members
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
ONE = "/projects/{project_name_or_id}"


class Summary(Struct, frozen=True, kw_only=True):
    """What a project holds, and how to put more into it."""

    header: Header
    owner: str
    created: Time
    repositories: int
    members: list[Slice] | None  # by role; None: the caller may not know
    pushes: tuple[commands.Push, ...]  # none for who may not push
    pull: str  # where to pull from
    may_see_storage: bool

    @property
    def member_count(self) -> int:
        return sum(int(each.value) for each in self.members or ())


@routes.on("GET", ONE, allow=project("project", "read"), fails=(NotFound,))
async def project_page(ctx: Ctx, project_name_or_id: str) -> Response:
    """Go to the page of the project that is looked at most."""
    return RedirectResponse(f"{header.path_of(ctx.known_project_id)}/repositories", 303)


@routes.on("GET", f"{ONE}/summary", allow=project("project", "read"), fails=(NotFound,))
async def project_summary_page(ctx: Ctx, project_name_or_id: str) -> View:
    """Show what a project holds, who works in it, and how to push to it."""
    head = await header.of(ctx, "summary")
    seen = await projects.see(ctx.session, head.project_id, who=ctx.principal)
    host = commands.host_of(ctx)
    may_push = await header.may(ctx, "repository", "push", head.name)
    page = Summary(
        header=head,
        owner=seen.owner_name,
        created=Time(seen.project.creation_time),
        repositories=seen.repo_count,
        members=await by_role(ctx, head),
        pushes=commands.pushes(host, head.name) if may_push else (),
        pull=f"{host}/{head.name}",
        may_see_storage=await header.may(ctx, "quota", "read", head.name),
    )
    return View("projects/summary.html", page)


async def by_role(ctx: Ctx, head: Header) -> list[Slice] | None:
    """How many members have which role, if the caller may know."""
    if not await header.may(ctx, "member", "list", head.name):
        return None
    counts = await members.count(ctx.session, head.project_id)
    roles = enumerate(header.ROLES.items(), start=1)
    return [Slice(_(title), counts.get(role_id, 0), str(n)) for n, (role_id, title) in roles]
