"""Who may ask, and where: what is in LDAP."""

import msgspec
from starlette.responses import Response

from harbor.core import wire
from harbor.core.api import Audit, Ctx, Routes
from harbor.core.errors import BadRequest, NotFound, Unavailable
from harbor.core.security import system
from harbor.directory import schemas
from harbor.directory.models import LDAP
from harbor.directory.service.desk import Directory

routes = Routes(prefix="/api/v2.0", tag="Ldap")


@routes.on(
    "POST",
    "/ldap/ping",
    allow=system("configuration", "read"),
    fails=(BadRequest,),
    stream=True,  # the server may take its time
    read_only_ok=True,
)
async def ping_ldap(ctx: Ctx, body: schemas.LdapConf) -> schemas.LdapPingResult:
    """Try LDAP settings; what is left out is as it is stored."""
    return await ctx.the(Directory).ping(body)


@routes.on(
    "GET",
    "/ldap/users/search",
    allow=system("ldap-user", "list"),
    fails=(BadRequest, Unavailable),
    stream=True,
)
async def search_ldap_user(ctx: Ctx, query: schemas.LdapUserQuery) -> list[schemas.LdapUser]:
    """Find people in LDAP by their name; everybody for no name."""
    found = await ctx.the(Directory).people(query.username)
    return [schemas.LdapUser(each.username, each.realname, each.email) for each in found]


@routes.on(
    "POST",
    "/ldap/users/import",
    allow=system("ldap-user", "create"),
    fails=(BadRequest, NotFound),
    failing=(404, list[schemas.LdapFailedImportUser]),
    audit=Audit("create", "user", "LDAP"),
    stream=True,
)
async def import_ldap_user(ctx: Ctx, body: schemas.LdapImportUsers) -> Response:
    """Give people of LDAP accounts here; 404 lists those who got none, and why."""
    uids = list(dict.fromkeys(body.ldap_uid_list))
    failed = await ctx.the(Directory).bring_all(uids)
    gone = {each.uid for each in failed}
    ctx.subject = ", ".join(uid for uid in uids if uid not in gone)[:1024]
    async with ctx.writing():
        pass  # the line of the audit log
    if failed:
        raw = msgspec.json.encode(failed)
        return Response(raw, status_code=404, media_type=wire.JSON)
    return Response()


@routes.on(
    "GET",
    "/ldap/groups/search",
    allow=system("ldap-user", "list"),
    fails=(BadRequest, NotFound, Unavailable),
    stream=True,
)
async def search_ldap_group(ctx: Ctx, query: schemas.LdapGroupQuery) -> list[schemas.UserGroup]:
    """Find groups in LDAP, by a part of the name or by the DN."""
    directory = ctx.the(Directory)
    if not query.groupname and not query.groupdn:
        raise BadRequest("either groupname or groupdn must be given")
    found = (
        [await directory.group(query.groupdn)]
        if query.groupdn
        else await directory.groups(query.groupname)
    )
    if not found:
        raise NotFound(f"no LDAP group is named {query.groupname}")
    return [schemas.UserGroup(0, each.name, LDAP, each.dn) for each in found]
