"""What is done: find people who could become members."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.projects.models import PERSON, ProjectMember
from harbor.users import service as users
from harbor.users.schemas import UserQuery

MOST = 8


@dataclass(frozen=True, slots=True)
class Candidate:
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
