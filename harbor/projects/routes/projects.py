"""What may be asked, and by whom: projects."""

import msgspec

from harbor.configuration.service import Configuration
from harbor.core import rbac
from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound, Precondition
from harbor.core.security import anyone, project, signed_in
from harbor.core.wire import Time
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.events import ProjectCreated, ProjectDeleted
from harbor.projects.service import allowlists, members

routes = Routes(prefix="/api/v2.0", tag="project")
ONE = "/projects/{project_name_or_id}"
STORAGE = "storage"  # the only resource that has quotas
COUNTS = {
    1: "project_admin_count",
    2: "developer_count",
    3: "guest_count",
    4: "maintainer_count",
    5: "limited_guest_count",
}


@routes.on("GET", "/projects", allow=anyone, fails=(BadRequest,))
async def list_projects(ctx: Ctx, query: schemas.ProjectQuery) -> Page[schemas.Project]:
    """List the projects that the caller may see."""
    found, total = await projects.search(ctx.session, who=ctx.principal, query=query)
    return Page([shown(seen, detail=query.with_detail) for seen in found], total)


@routes.on(
    "POST",
    "/projects",
    allow=signed_in,
    status=201,
    fails=(Forbidden, Conflict),
    audit=Audit("create", "project", "{body.name}"),
)
async def create_project(ctx: Ctx, body: schemas.ProjectReq) -> Created:
    """Create a project, owned by the caller."""
    values = await ctx.the(Configuration).current()
    owner_id, is_admin = await projects.owner_of_new(ctx.session, ctx.principal)
    projects.check_creator(values, is_admin=is_admin)
    projects.check_registry(body.registry_id, is_admin=is_admin)
    limit = projects.storage_limit(body.storage_limit, values, is_admin=is_admin)
    created = await projects.create(
        ctx.session,
        name=body.name,
        owner_id=owner_id,
        metadata=body.told_of_new,
    )
    ctx.project_id = created.project_id
    await ctx.tell(ProjectCreated(created.project_id, limit))
    by_name = ctx.request.headers.get("X-Resource-Name-In-Location", "").lower() == "true"
    return Created(f"/api/v2.0/projects/{created.name if by_name else created.project_id}")


@routes.on("HEAD", "/projects", allow=signed_in, fails=(NotFound,))
async def head_project(ctx: Ctx, query: schemas.ProjectProbe) -> None:
    """Tell whether there is a project of that name, whoever may see it."""
    await projects.find(ctx.session, query.project_name)


@routes.on("GET", ONE, allow=project("project", "read"), fails=(NotFound,))
async def get_project(ctx: Ctx, project_name_or_id: str) -> schemas.Project:
    """Show one project."""
    return shown(await projects.see(ctx.session, ctx.known_project_id, who=ctx.principal))


@routes.on(
    "PUT",
    ONE,
    allow=project("project", "update"),
    fails=(NotFound,),
    audit=Audit("update", "project", "{project_name_or_id}"),
)
async def update_project(ctx: Ctx, project_name_or_id: str, body: schemas.ProjectReq) -> None:
    """Change a project's metadata and its allowlist; what is not told stays as it is."""
    held = await projects.hold(ctx.session, ctx.known_project_id)
    ctx.subject = held.name
    await projects.change(ctx.session, held, body)


@routes.on(
    "DELETE",
    ONE,
    allow=project("project", "delete"),
    fails=(NotFound, Precondition),
    audit=Audit("delete", "project", "{project_name_or_id}"),
)
async def delete_project(ctx: Ctx, project_name_or_id: str) -> None:
    """Delete a project that has no repositories."""
    held = await projects.hold(ctx.session, ctx.known_project_id)
    ctx.subject = held.name
    await projects.remove(ctx.session, held)
    await ctx.tell(ProjectDeleted(held.project_id))


@routes.on("GET", f"{ONE}/_deletable", allow=project("project", "delete"), fails=(NotFound,))
async def get_project_deletable(ctx: Ctx, project_name_or_id: str) -> schemas.ProjectDeletable:
    """Say whether a project can be deleted, and if not, why."""
    reason = await projects.why_it_stays(ctx.session, ctx.known_project_id)
    return schemas.ProjectDeletable(reason is None, str(reason or ""))


@routes.on("GET", f"{ONE}/summary", allow=project("project", "read"), fails=(NotFound,))
async def get_project_summary(ctx: Ctx, project_name_or_id: str) -> schemas.ProjectSummary:
    """Say how much a project holds, and how many members have which role."""
    seen = await projects.see(ctx.session, ctx.known_project_id, who=ctx.principal)
    project_id, name = seen.project.project_id, seen.project.name
    counts: dict[int, int] = {}
    quota = None
    if await ctx.wiring.may(ctx.principal, project("member", "list"), name) is not None:
        counts = await members.count(ctx.session, project_id)
    values = await ctx.the(Configuration).current()
    may_see = await ctx.wiring.may(ctx.principal, project("quota", "read"), name) is not None
    if values.quota_per_project_enable and may_see:
        quota = await projects.storage(ctx.session, project_id)
    return schemas.ProjectSummary(
        repo_count=seen.repo_count,
        quota=quota and schemas.ProjectSummaryQuota(*({STORAGE: nbytes} for nbytes in quota)),
        **{COUNTS[role_id]: count for role_id, count in counts.items()},
    )


def shown(seen: projects.Seen, *, detail: bool = True) -> schemas.Project:
    """A project as callers see it; without *detail* only what its own row says, and the counts."""
    row = seen.project
    plain = schemas.Project(
        project_id=row.project_id,
        owner_id=row.owner_id,
        name=row.name,
        creation_time=Time(row.creation_time),
        update_time=Time(row.update_time),
        repo_count=seen.repo_count,
        current_user_role_id=rbac.highest(frozenset(seen.role_ids)) or 0,
        current_user_role_ids=seen.role_ids,
    )
    if not detail:
        return plain
    return msgspec.structs.replace(
        plain,
        owner_name=seen.owner_name,
        metadata=msgspec.convert(seen.metadata, schemas.ProjectMetadata),
        cve_allowlist=seen.cve_allowlist and allowlists.shown(seen.cve_allowlist),
    )
