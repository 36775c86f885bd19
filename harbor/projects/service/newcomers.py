"""What is done: make known here who shall be a member and is only known elsewhere so far."""

from msgspec.structs import replace
from sqlalchemy import select

from harbor.core.db import Database
from harbor.core.errors import NotFound
from harbor.directory.models import HTTP, LDAP, OIDC
from harbor.directory.service import groups
from harbor.directory.service.desk import Directory
from harbor.directory.service.groups import Known
from harbor.projects import schemas
from harbor.users.models import User


async def introduce(
    directory: Directory, db: Database, wanted: schemas.ProjectMember
) -> schemas.ProjectMember:
    """The same, with the name that the account or the group has here.

    Who is not found elsewhere either is left to be refused. ``BadRequest``, ``Conflict``,
    ``NotFound`` of a group, ``Unavailable``.
    """
    user, group = wanted.user, wanted.group
    if user.user_id or group.id:
        return wanted
    if user.username:
        name = await account_of(directory, db, user.username)
        return replace(wanted, member_user=schemas.UserEntity(username=name))
    if group.ldap_group_dn and group.group_type in (None, 0, LDAP):
        await directory.bring_group(group.ldap_group_dn)
    elif group.group_name and (
        group.group_type == OIDC or (group.group_type == HTTP and await directory.believes())
    ):
        known = Known(group.group_name)
        async with db.writing() as session:
            if not await groups.ids(session, group.group_type, [known.identity]):
                await groups.create(session, group.group_type, known)
    return wanted


async def account_of(directory: Directory, db: Database, name: str) -> str:
    """The name of the account: from elsewhere, if there is none here and one there."""
    async with db.reading() as session:
        there = select(User.user_id).where(User.username == name, User.deleted.is_(False))
        if await session.scalar(there) is not None:
            return name
    if await directory.has_ldap():
        try:
            return await directory.bring(name)
        except NotFound:
            pass
    return await directory.presume(name) if await directory.believes() else name
