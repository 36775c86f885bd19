"""What is done: find people who could become members."""

from msgspec import Struct
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.directory.models import UserGroup
from harbor.projects.models import GROUP, PERSON, ProjectMember
from harbor.users import service as users
from harbor.users.schemas import UserQuery

MOST = 8
MOST_GROUPS = 1_000


class Candidate(Struct, frozen=True):
    username: str
    is_member: bool


async def find(session: AsyncSession, project_id: int, text: str) -> list[Candidate]:
    """A few people whose names hold *text*, the shortest names first; nobody for no text."""
    if not text:
        return []
    found, _total = await users.search(session, UserQuery(username=text, page_size=MOST))
    joined = select(ProjectMember.entity_id).where(
        ProjectMember.project_id == project_id,
        ProjectMember.entity_type == PERSON,
        ProjectMember.entity_id.in_([user_id for user_id, _name in found]),
    )
    there = set(await session.scalars(joined))
    return [Candidate(name, user_id in there) for user_id, name in found]


async def groups_outside(session: AsyncSession, project_id: int) -> list[tuple[int, str]]:
    """Ids and names of the groups that have no role here, by name; a DN tells equal names apart."""
    inside = select(ProjectMember.entity_id).where(
        ProjectMember.project_id == project_id, ProjectMember.entity_type == GROUP
    )
    wanted = (
        select(UserGroup.id, UserGroup.group_name, UserGroup.ldap_group_dn)
        .where(UserGroup.id.not_in(inside))
        .order_by(UserGroup.group_name, UserGroup.id)
        .limit(MOST_GROUPS)
    )
    rows = await session.execute(wanted)
    return [(group_id, told_apart(name, dn)) for group_id, name, dn in rows]


async def groups_of(
    session: AsyncSession, project_id: int, chosen: int
) -> list[tuple[int, str, bool]]:
    """Ids and names of groups, and whether they have a role here; the *chosen* one comes first."""
    there = and_(
        ProjectMember.project_id == project_id,
        ProjectMember.entity_type == GROUP,
        ProjectMember.entity_id == UserGroup.id,
    )
    outside = ProjectMember.id.is_(None)
    wanted = (
        select(UserGroup.id, UserGroup.group_name, UserGroup.ldap_group_dn, ~outside)
        .outerjoin(ProjectMember, there)
        .order_by(UserGroup.id != chosen, outside, UserGroup.group_name, UserGroup.id)
        .limit(MOST_GROUPS)
    )
    rows = await session.execute(wanted)
    return [(group_id, told_apart(name, dn), bool(inside)) for group_id, name, dn, inside in rows]


def told_apart(name: str, dn: str) -> str:
    return f"{name} ({dn})" if dn else name
