"""What happens unasked: configs of artifacts that an older version kept are looked at; storage is
counted, and its growth noted.
"""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, ArtifactDetails, Manifest, ProjectStorage
from harbor.artifacts.service import details, growth, storage
from harbor.artifacts.service.details import Details
from harbor.core import clock, manifests
from harbor.core.db import Database, insert_or_ignore
from harbor.core.errors import HarborError, ManifestInvalid
from harbor.core.storage.interface import Blobs
from harbor.quotas.models import Quota

SOME = 100  # artifacts in one transaction
FIRST_AFTER_S = 30
NOTE_EVERY_S = 300
NOTES_BETWEEN_COUNTS = 12
COUNT_CHANGED_AFTER = timedelta(hours=1)
COUNT_AFTER = timedelta(days=1)  # what others share with a project changes too
log = logging.getLogger(__name__)


async def describe(db: Database, store: Blobs, stopping: asyncio.Event | None = None) -> int:
    """Keep what the configs say of artifacts that have no details; return how many there were."""
    stopping = stopping or asyncio.Event()
    last, count = 0, 0
    while not stopping.is_set():
        async with db.reading() as session:
            rows = (await session.execute(undescribed(last))).all()
        if not rows:
            break
        last = rows[-1][0]
        found = {row[0]: await looked_at(store, row[1], row[2]) for row in rows}
        async with db.writing() as session:
            for artifact_id, each in found.items():
                await keep(session, artifact_id, each)
        count += len(rows)
    return count


def undescribed(last: int) -> Select[int, str, bytes]:
    return (
        select(Artifact.id, Artifact.manifest_media_type, Manifest.content)
        .join(Manifest, Manifest.digest == Artifact.digest)
        .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
        .where(Artifact.id > last, ArtifactDetails.artifact_id.is_(None))
        .order_by(Artifact.id)
        .limit(SOME)
    )


async def looked_at(store: Blobs, media_type: str, raw: bytes) -> Details:
    """What a manifest is, also one that would not be taken today."""
    try:
        return await details.read(store, manifests.parse(media_type, raw))
    except ManifestInvalid:
        return Details(details.UNKNOWN, None, None)


async def keep(session: AsyncSession, artifact_id: int, found: Details) -> None:
    """Keep *found*, unless the artifact is gone."""
    alive = await session.scalar(
        update(Artifact)
        .where(Artifact.id == artifact_id)
        .values(type=found.type, icon=found.icon)
        .returning(Artifact.id)
    )
    if alive is not None:
        row = {"artifact_id": artifact_id, "extra_attrs": found.extra_attrs}
        await session.execute(insert_or_ignore(session, ArtifactDetails, [row]))


async def watch_storage(db: Database, stopping: asyncio.Event) -> None:
    """Note now and then how much is stored; count large projects more rarely."""
    rounds = 0
    while await clock.pause(NOTE_EVERY_S if rounds else FIRST_AFTER_S, stopping):
        try:
            async with db.writing() as session:
                await growth.note(session)
            if rounds % NOTES_BETWEEN_COUNTS == 0:
                await count_storage(db, stopping)
        except (SQLAlchemyError, HarborError, OSError):
            log.exception("storage could not be counted; tried again later")
        rounds += 1


async def count_storage(db: Database, stopping: asyncio.Event | None = None) -> int:
    """Count what large projects hold where that has changed; return how many there were."""
    stopping = stopping or asyncio.Event()
    async with db.reading() as session:
        waiting = await storage.large_projects(session)
    counted = 0
    for project_id in waiting:
        if stopping.is_set():
            break
        now = clock.now()
        async with db.reading() as session:
            if not await is_due(session, project_id):
                continue
            found = await storage.counted_now(session, project_id)
        async with db.writing() as session:
            await storage.keep(session, project_id, found, now)
        counted += 1
    return counted


async def is_due(session: AsyncSession, project_id: int) -> bool:
    """Whether what was counted of a project is too old."""
    wanted = (
        select(Quota.update_time, ProjectStorage.count_time)
        .outerjoin(ProjectStorage, ProjectStorage.project_id == Quota.project_id)
        .where(Quota.project_id == project_id)
    )
    row = (await session.execute(wanted)).first()
    if row is None or row.count_time is None:
        return row is not None
    age = clock.now() - row.count_time
    is_changed = bool(row.update_time >= row.count_time)
    return age > COUNT_AFTER or (age > COUNT_CHANGED_AFTER and is_changed)
