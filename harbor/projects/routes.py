"""Who may ask, and where: projects and their members."""

import msgspec

from harbor.core import rbac
from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import Conflict, Forbidden, NotFound
from harbor.core.security import anyone, project, signed_in
from harbor.core.wire import Id, Time
from harbor.projects import schemas
from harbor.projects import service as projects
from harbor.projects.service import members

routes = Routes(prefix="/api/v2.0", tag="project")


@routes.on("GET", "/projects", allow=anyone)
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
    audit=Audit("create", "project", "{body.project_name}"),
)
async def create_project(ctx: Ctx, body: schemas.ProjectReq) -> Created:
    """Create a project, owned by the caller."""
    projects.check_registry(body.registry_id, is_admin=ctx.principal.is_admin)
    created = await projects.create(
        ctx.session,
        name=body.project_name,
        owner_id=ctx.principal.known_id,
        metadata=body.told,
    )
    ctx.project_id = created.project_id
    by_name = ctx.request.headers.get("X-Resource-Name-In-Location", "").lower() == "true"
    return Created(f"/api/v2.0/projects/{created.name if by_name else created.project_id}")


@routes.on("HEAD", "/projects", allow=signed_in, fails=(NotFound,))
async def head_project(ctx: Ctx, query: schemas.ProjectProbe) -> None:
    """Tell whether there is a project of that name, whoever may see it."""
    await projects.find(ctx.session, query.project_name)


@routes.on(
    "GET", "/projects/{project_name_or_id}", allow=project("project", "read"), fails=(NotFound,)
)
async def get_project(ctx: Ctx, project_name_or_id: str) -> schemas.Project:
    """Show one project."""
    return shown(await projects.see(ctx.session, ctx.known_project_id, who=ctx.principal))


@routes.on(
    "GET",
    "/projects/{project_name_or_id}/members",
    allow=project("member", "list"),
    fails=(NotFound,),
)
async def list_project_members(
    ctx: Ctx, project_name_or_id: str, query: schemas.MemberQuery
) -> Page[schemas.ProjectMemberEntity]:
    """List the members of a project by name."""
    found, total = await members.search(ctx.session, ctx.known_project_id, query)
    return Page([entity(named) for named in found], total)


@routes.on(
    "POST",
    "/projects/{project_name_or_id}/members",
    allow=project("member", "create"),
    status=201,
    fails=(NotFound, Conflict),
    audit=Audit("create", "member", "{body.name}"),
)
async def create_project_member(
    ctx: Ctx, project_name_or_id: str, body: schemas.ProjectMember
) -> Created:
    """Give somebody a role in a project."""
    added = await members.add(ctx.session, ctx.known_project_id, body)
    ctx.subject = added.name
    return Created(f"/api/v2.0/projects/{project_name_or_id}/members/{added.member.id}")


@routes.on(
    "GET",
    "/projects/{project_name_or_id}/members/{mid}",
    allow=project("member", "read"),
    fails=(NotFound,),
)
async def get_project_member(
    ctx: Ctx, project_name_or_id: str, mid: Id
) -> schemas.ProjectMemberEntity:
    """Show one member of a project."""
    return entity(await members.get(ctx.session, ctx.known_project_id, mid))


@routes.on(
    "PUT",
    "/projects/{project_name_or_id}/members/{mid}",
    allow=project("member", "update"),
    fails=(NotFound,),
    audit=Audit("update", "member", "{mid}"),
)
async def update_project_member(
    ctx: Ctx, project_name_or_id: str, mid: Id, body: schemas.RoleRequest
) -> None:
    """Give a member another role."""
    changed = await members.change_role(
        ctx.session, ctx.known_project_id, mid, role_id=body.role_id
    )
    ctx.subject = changed.name


@routes.on(
    "DELETE",
    "/projects/{project_name_or_id}/members/{mid}",
    allow=project("member", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "member", "{mid}"),
)
async def delete_project_member(ctx: Ctx, project_name_or_id: str, mid: Id) -> None:
    """Take a member's role away."""
    removed = await members.remove(ctx.session, ctx.known_project_id, mid)
    ctx.subject = removed.name


def shown(seen: projects.Seen, *, detail: bool = True) -> schemas.Project:
    """A project as callers see it; without *detail* only what its own row says, and the counts."""
    row = seen.project
    made, changed = Time(row.creation_time), Time(row.update_time)
    plain = schemas.Project(
        project_id=row.project_id,
        owner_id=row.owner_id,
        name=row.name,
        creation_time=made,
        update_time=changed,
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
        cve_allowlist=schemas.CVEAllowlist(row.project_id, [], made, changed),
    )


def entity(named: members.Named) -> schemas.ProjectMemberEntity:
    row = named.member
    return schemas.ProjectMemberEntity(
        id=row.id,
        project_id=row.project_id,
        entity_name=named.name,
        role_name=rbac.ROLES[row.role],
        role_id=row.role,
        entity_id=row.entity_id,
        entity_type=row.entity_type,
    )
