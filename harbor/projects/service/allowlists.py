"""What is done: keep the vulnerabilities that do not stop a pull.

The whole registry has a list (``SYSTEM``) and each project one of its own.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import clock
from harbor.core.errors import BadRequest
from harbor.core.wire import Time
from harbor.projects import schemas
from harbor.projects.models import SYSTEM, CVEAllowlist, ProjectMetadata
from harbor.projects.service.metadata import FALSE

REUSE = "reuse_sys_cve_allowlist"


async def of(session: AsyncSession, project_ids: list[int]) -> dict[int, CVEAllowlist]:
    """The list of each of the projects."""
    wanted = select(CVEAllowlist).where(CVEAllowlist.project_id.in_(project_ids))
    return {row.project_id: row for row in await session.scalars(wanted)}


async def system(session: AsyncSession) -> CVEAllowlist:
    """The list of the whole registry; the first migration to know it made it."""
    wanted = select(CVEAllowlist).where(CVEAllowlist.project_id == SYSTEM)
    return (await session.scalars(wanted)).one()


def add(session: AsyncSession, project_id: int) -> None:
    """Give a new project its empty list."""
    now = clock.now()
    session.add(CVEAllowlist(project_id=project_id, items=[], creation_time=now, update_time=now))


async def replace(session: AsyncSession, project_id: int, wanted: schemas.CVEAllowlistReq) -> None:
    """Put a list in place of the old one; ``BadRequest`` if an id is blank or there twice."""
    kept = select(CVEAllowlist).where(CVEAllowlist.project_id == project_id).with_for_update()
    row = (await session.scalars(kept)).one()
    row.items = checked(wanted.cve_ids)
    row.expires_at = wanted.expires_at
    row.update_time = clock.now()  # also of a list that was replaced by its like


async def remove(session: AsyncSession, project_id: int) -> None:
    await session.execute(delete(CVEAllowlist).where(CVEAllowlist.project_id == project_id))


def checked(cve_ids: Sequence[str]) -> list[str]:
    """*cve_ids* without the blanks around them.

    Source: Harbor src/pkg/allowlist/validator.go.
    """
    found: dict[str, None] = {}
    for cve_id in map(str.strip, cve_ids):
        if not cve_id:
            raise BadRequest("empty or whitespace-only CVE ID in allowlist")
        if cve_id in found:
            raise BadRequest(f"duplicate CVE ID in allowlist: {cve_id}")
        found[cve_id] = None
    return list(found)


async def in_force(session: AsyncSession, project_id: int) -> frozenset[str]:
    """The vulnerabilities that stop no pull in a project now.

    A project follows the whole registry's list until it is told not to; an expired list is as
    good as none.
    """
    told = select(ProjectMetadata.value).where(
        ProjectMetadata.project_id == project_id, ProjectMetadata.name == REUSE
    )
    own = await session.scalar(told) in FALSE
    wanted = select(CVEAllowlist).where(CVEAllowlist.project_id == (project_id if own else SYSTEM))
    row = (await session.scalars(wanted)).one()
    return frozenset(() if is_over(row) else row.items)


def is_over(row: CVEAllowlist) -> bool:
    """Whether the list has expired."""
    return row.expires_at is not None and row.expires_at <= clock.now().timestamp()


def shown(row: CVEAllowlist) -> schemas.CVEAllowlist:
    return schemas.CVEAllowlist(
        id=row.id,
        project_id=row.project_id,
        items=[schemas.CVEAllowlistItem(cve_id) for cve_id in row.items],
        creation_time=Time(row.creation_time),
        update_time=Time(row.update_time),
        expires_at=row.expires_at,
    )
