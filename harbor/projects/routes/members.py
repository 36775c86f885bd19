"""What may be asked, and by whom: the members of a project."""

from harbor.core import rbac
from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import Conflict, NotFound, Unavailable
from harbor.core.security import project
from harbor.core.wire import Id
from harbor.directory.service.desk import Directory
from harbor.projects import schemas
from harbor.projects.service import members, newcomers

routes = Routes(prefix="/api/v2.0", tag="member")
ALL = "/projects/{project_name_or_id}/members"
ONE = f"{ALL}/{{mid}}"


@routes.on("GET", ALL, allow=project("member", "list"), fails=(NotFound,))
async def list_project_members(
    ctx: Ctx, project_name_or_id: str, query: schemas.MemberQuery
) -> Page[schemas.ProjectMemberEntity]:
    """List the members of a project by name."""
    found, total = await members.search(ctx.session, ctx.known_project_id, query)
    return Page([entity(named) for named in found], total)


@routes.on(
    "POST",
    ALL,
    allow=project("member", "create"),
    status=201,
    fails=(NotFound, Conflict, Unavailable),
    audit=Audit("create", "member", "{body.name}"),
    stream=True,  # who is meant may have to be looked for elsewhere
)
async def create_project_member(
    ctx: Ctx, project_name_or_id: str, body: schemas.ProjectMember
) -> Created:
    """Give a person or a group a role in a project."""
    members.checked_role(body.role_id)
    known = await newcomers.introduce(ctx.the(Directory), ctx.db, body)
    async with ctx.writing() as session:
        added = await members.add(session, ctx.known_project_id, known)
        ctx.subject = added.name
        mid = added.member.id
    return Created(f"/api/v2.0/projects/{project_name_or_id}/members/{mid}")


@routes.on("GET", ONE, allow=project("member", "read"), fails=(NotFound,))
async def get_project_member(
    ctx: Ctx, project_name_or_id: str, mid: Id
) -> schemas.ProjectMemberEntity:
    """Show one member of a project."""
    return entity(await members.get(ctx.session, ctx.known_project_id, mid))


@routes.on(
    "PUT",
    ONE,
    allow=project("member", "update"),
    fails=(NotFound,),
    audit=Audit("update", "member", "{mid}"),
)
async def update_project_member(
    ctx: Ctx, project_name_or_id: str, mid: Id, body: schemas.RoleRequest
) -> None:
    """Give a member another role."""
    changed = await members.change_role(ctx.session, ctx.known_project_id, mid, body.role_id)
    ctx.subject = changed.name


@routes.on(
    "DELETE",
    ONE,
    allow=project("member", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "member", "{mid}"),
)
async def delete_project_member(ctx: Ctx, project_name_or_id: str, mid: Id) -> None:
    """Take a member's role away."""
    removed = await members.remove(ctx.session, ctx.known_project_id, mid)
    ctx.subject = removed.name


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
