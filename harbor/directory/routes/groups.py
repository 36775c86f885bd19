"""Who may ask, and where: groups."""

from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, NotFound, Unavailable
from harbor.core.security import signed_in, system
from harbor.core.wire import Id, Paging, show
from harbor.directory import schemas
from harbor.directory.events import GroupDeleted
from harbor.directory.models import LDAP
from harbor.directory.service import groups
from harbor.directory.service.desk import Directory
from harbor.directory.service.groups import Known

routes = Routes(prefix="/api/v2.0", tag="usergroup")
ALL = "/usergroups"
ONE = "/usergroups/{group_id}"


@routes.on("GET", ALL, allow=system("user-group", "list"))
async def list_user_groups(ctx: Ctx, query: schemas.GroupQuery) -> Page[schemas.UserGroup]:
    """List the groups by name, whatever they come from."""
    dn, part = query.ldap_group_dn, query.group_name
    found, total = await groups.search(ctx.session, query, name=part, dn=dn)
    return Page([show(schemas.UserGroup, group) for group in found], total)


@routes.on(
    "POST",
    ALL,
    allow=system("user-group", "create"),
    status=201,
    fails=(BadRequest, NotFound, Conflict, Unavailable),
    audit=Audit("create", "user-group", "{body.group_name}"),
    stream=True,  # LDAP may take its time: the transaction begins after it
)
async def create_user_group(ctx: Ctx, body: schemas.UserGroupReq) -> Created:
    """Create a local group, or one that a source of people will name."""
    kind = groups.checked_type(body.group_type)
    known = Known(groups.checked_name(body.group_name))
    if kind == LDAP:
        there = await ctx.the(Directory).group(body.ldap_group_dn)
        known = Known(known.name, there.dn)
    async with ctx.writing() as session:
        group = await groups.create(session, kind, known)
    return Created(f"{routes.prefix}{ALL}/{group.id}")


@routes.on("GET", "/usergroups/search", allow=signed_in)
async def search_user_groups(
    ctx: Ctx, query: schemas.GroupNameQuery
) -> Page[schemas.UserGroupSearchItem]:
    """Find groups by a part of their names."""
    found, total = await groups.search(ctx.session, query, name=query.groupname)
    return Page([show(schemas.UserGroupSearchItem, group) for group in found], total)


@routes.on("GET", ONE, allow=system("user-group", "read"), fails=(NotFound,))
async def get_user_group(ctx: Ctx, group_id: Id) -> schemas.UserGroup:
    """Show a group."""
    return show(schemas.UserGroup, await groups.get(ctx.session, group_id))


@routes.on(
    "PUT",
    ONE,
    allow=system("user-group", "update"),
    fails=(BadRequest, NotFound, Conflict),
    audit=Audit("update", "user-group", "{body.group_name}"),
)
async def update_user_group(ctx: Ctx, group_id: Id, body: schemas.UserGroupReq) -> None:
    """Give a group another name."""
    await groups.rename(ctx.session, group_id, body.group_name)


@routes.on(
    "DELETE",
    ONE,
    allow=system("user-group", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "user-group", "{group_id}"),
)
async def delete_user_group(ctx: Ctx, group_id: Id) -> None:
    """Delete a group; its roles in projects end with it."""
    ctx.subject = await groups.remove(ctx.session, group_id)
    await ctx.tell(GroupDeleted(group_id))


@routes.on("GET", ONE + "/members", allow=system("user-group", "read"), fails=(NotFound,))
async def list_user_group_members(
    ctx: Ctx, group_id: Id, query: Paging
) -> Page[schemas.GroupMember]:
    """List the people in a group: of one that comes from elsewhere, who has signed in."""
    await groups.get(ctx.session, group_id)
    found, total = await groups.members(ctx.session, group_id, query)
    return Page([schemas.GroupMember(user_id, name) for user_id, name in found], total)


@routes.on(
    "POST",
    ONE + "/members",
    allow=system("user-group", "update"),
    fails=(BadRequest, NotFound, Conflict),
    audit=Audit("update", "user-group", "{group_id}"),
)
async def add_user_group_member(ctx: Ctx, group_id: Id, body: schemas.GroupMemberReq) -> None:
    """Put somebody into a local group."""
    group = await groups.get(ctx.session, group_id)
    name = await groups.join(ctx.session, group_id, body)
    ctx.subject = f"{group.group_name}: {name}"


@routes.on(
    "DELETE",
    ONE + "/members/{user_id}",
    allow=system("user-group", "update"),
    fails=(BadRequest, NotFound),
    audit=Audit("update", "user-group", "{group_id}"),
)
async def remove_user_group_member(ctx: Ctx, group_id: Id, user_id: Id) -> None:
    """Take somebody out of a local group."""
    group = await groups.get(ctx.session, group_id)
    name = await groups.leave(ctx.session, group_id, user_id)
    ctx.subject = f"{group.group_name}: {name}"
