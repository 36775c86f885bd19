"""What is done: remove tags when their time has come.

The artifact stays, under its digest, as it does whenever a tag is removed.
"""

import asyncio
import logging
from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Repository, Tag
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import deletion, repositories
from harbor.artifacts.service.history import Act
from harbor.audit.service import AuditTrail
from harbor.core import clock
from harbor.core.api import AuditLine
from harbor.core.db import Database
from harbor.core.errors import BadRequest, HarborError, NotFound, Precondition
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.core.quick import SessionPen
from harbor.core.security import Principal
from harbor.immutability import service as immutability

log = logging.getLogger(__name__)
MOST = timedelta(days=3650)
SOME = 500  # tags that are looked up together
# No account has such a name: a colon would end it in Basic credentials.
SYSTEM = Principal("system:tag-expiry")


async def set_expiry(
    session: AsyncSession, place: Place, tag: str, expires_at: datetime | None
) -> None:
    """Let a tag be removed at that moment, or not at all.

    ``NotFound``; ``BadRequest`` for a moment that has passed; ``Precondition`` if it is immutable.
    """
    now = clock.now()
    if expires_at is not None and not now < expires_at <= now + MOST:
        raise BadRequest(
            Phrase("expires_at must be in the future, and within %(days)s days", days=MOST.days)
        )
    repository_id = await repositories.hold(session, place)
    row = await session.scalar(
        select(Tag).where(Tag.repository_id == repository_id, Tag.name == tag)
    )
    if row is None:
        raise NotFound(
            Phrase(
                "tag %(tag)s not found in %(repository)s",
                tag=shown(tag),
                repository=place.repository,
            )
        )
    if expires_at is not None:
        rules = await immutability.in_force(SessionPen(session), place.project_id)
        if await rules.held(place.repository, [tag]):
            raise Precondition(
                Phrase("the tag %(tag)s configured as immutable, cannot be deleted", tag=tag)
            )
    row.expires_at = expires_at


async def remove_due(db: Database, trail: AuditTrail, stopping: asyncio.Event) -> int:
    """Remove all tags whose time has come, but for immutable ones; return how many.

    Another process may do the same at the same moment: each tag is removed once.
    """
    now, last, count = clock.now(), 0, 0
    due = (
        select(Tag.id, Tag.name, Repository.project_id, Repository.name.label("repository"))
        .join(Repository, Repository.repository_id == Tag.repository_id)
        .where(Tag.expires_at <= now)
        .order_by(Tag.id)
        .limit(SOME)
    )
    while not stopping.is_set():
        named: dict[Place, list[str]] = defaultdict(list)
        async with db.reading() as session:
            rows = (await session.execute(due.where(Tag.id > last))).all()
            for row in rows:
                named[Place(row.project_id, row.repository)].append(row.name)
            removable = [
                (place, tag)
                for place, tags in named.items()
                for tag in await free(session, place, tags)
            ]
        for place, tag in removable:
            count += await remove_one(db, trail, place, tag, now)
        if len(rows) < SOME:
            break
        last = rows[-1].id
    if count:
        log.info("tags expired", extra={"count": count})
    return count


async def free(session: AsyncSession, place: Place, tags: list[str]) -> list[str]:
    """Those of *tags* that are not immutable."""
    rules = await immutability.in_force(SessionPen(session), place.project_id)
    held = set(await rules.held(place.repository, tags))
    return [tag for tag in tags if tag not in held]


async def remove_one(
    db: Database, trail: AuditTrail, place: Place, tag: str, now: datetime
) -> bool:
    """Remove a tag, unless somebody else did, or gave it more time, or made it immutable."""
    act = Act(place, "expire", SYSTEM.name)
    line = AuditLine(SYSTEM, "delete", "tag", f"{place.repository}:{tag}", True, place.project_id)
    try:
        async with db.writing() as session:
            await deletion.remove_tag(session, act, tag, due=now)
            await trail.record(SessionPen(session), line)
    except HarborError:
        return False
    return True
