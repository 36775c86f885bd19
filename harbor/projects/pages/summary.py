"""What is shown: a project at a glance."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from harbor.core.api import Ctx, Routes, View
from harbor.core.charts import Slice
from harbor.core.errors import NotFound
from harbor.core.i18n import gettext as _
from harbor.core.security import project
from harbor.core.wire import Time
from harbor.projects import service as projects
from harbor.projects.service import header, members
from harbor.projects.service.header import Header

routes = Routes(prefix="/harbor", tag="projectPages", pages=True)
ONE = "/projects/{project_name_or_id}"


@dataclass(frozen=True, slots=True)
class Push:
    """How to push to a project with one program."""

    title: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a project holds, and how to put more into it."""

    header: Header
    owner: str
    created: Time
    repositories: int
    members: list[Slice] | None  # by role; None: the caller may not know
    pushes: tuple[Push, ...]  # none for who may not push
    pull: str  # where to pull from

    @property
    def member_count(self) -> int:
        return sum(int(each.value) for each in self.members or ())


@routes.on("GET", ONE, allow=project("project", "read"), fails=(NotFound,))
async def project_page(ctx: Ctx, project_name_or_id: str) -> Response:
    """Go to the first page of the project."""
    return RedirectResponse(f"{header.path_of(ctx.known_project_id)}/summary", 303)


@routes.on("GET", f"{ONE}/summary", allow=project("project", "read"), fails=(NotFound,))
async def project_summary_page(ctx: Ctx, project_name_or_id: str) -> View:
    """Show what a project holds, who works in it, and how to push to it."""
    head = await header.of(ctx, "summary")
    seen = await projects.see(ctx.session, head.project_id, who=ctx.principal)
    host = ctx.request.headers.get("host", ctx.request.url.netloc)
    place = f"{host}/{head.name}"
    may_push = await header.may(ctx, "repository", "push", head.name)
    page = Summary(
        header=head,
        owner=seen.owner_name,
        created=Time(seen.project.creation_time),
        repositories=seen.repo_count,
        members=await by_role(ctx, head),
        pushes=pushes(host, place) if may_push else (),
        pull=place,
    )
    return View("projects/summary.html", page)


async def by_role(ctx: Ctx, head: Header) -> list[Slice] | None:
    """How many members have which role, if the caller may know."""
    if not await header.may(ctx, "member", "list", head.name):
        return None
    counts = await members.count(ctx.session, head.project_id)
    roles = enumerate(header.ROLES.items(), start=1)
    return [Slice(_(title), counts.get(role_id, 0), str(n)) for n, (role_id, title) in roles]


def pushes(host: str, place: str) -> tuple[Push, ...]:
    """Commands to be copied; what is in capitals is for the reader to fill in."""
    image = f"{place}/REPOSITORY:TAG"
    return (
        Push("Docker", (f"docker tag IMAGE:TAG {image}", f"docker push {image}")),
        Push("Podman", (f"podman push IMAGE:TAG {image}",)),
        Push("Helm", ("helm package CHART", f"helm push CHART.tgz oci://{place}")),
        Push("ORAS", (f"oras push {image} FILE",)),
    )
