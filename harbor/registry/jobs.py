"""What happens unasked: leftovers of crashes and forgotten uploads are swept away.

Nothing here is needed for a correct answer; it only frees space. A file may be removed when no
row knows it, and that is decided while nobody else may publish (``hold_files``).
"""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import bindparam, delete, select

from harbor.artifacts.models import EndedUpload, Upload
from harbor.artifacts.service import blobs, releases
from harbor.artifacts.service.upload_ids import DAY_S, oldest
from harbor.artifacts.service.uploads import remove_unrecorded
from harbor.core import clock
from harbor.core.db import Database
from harbor.core.oci import Digest
from harbor.core.quick import Pen
from harbor.core.storage.interface import Store

log = logging.getLogger(__name__)
# A file whose row is not there yet may belong to an upload that is just beginning.
YOUNG_S = 3600
SOME = 1000  # rows in one transaction


async def sweep(
    db: Database, store: Store, *, upload_idle_s: int, stopping: asyncio.Event | None = None
) -> int:
    """Remove blobs that no row knows and uploads that nobody continues; return how many."""
    stopping = stopping or asyncio.Event()
    swept = await sweep_blobs(db, store, stopping)
    if not stopping.is_set():
        swept += await sweep_uploads(db, store, upload_idle_s, stopping)
    if swept:
        log.info("leftovers removed", extra={"count": swept})
    return swept


async def sweep_blobs(db: Database, store: Store, stopping: asyncio.Event) -> int:
    swept = 0
    async for leftover in store.blobs():
        await asyncio.sleep(0)  # there may be a million, and others want to be served
        if stopping.is_set():
            break
        if await blobs.is_recorded(db.quick, leftover.name):
            continue
        swept += await remove_unrecorded(db, store, Digest(leftover.name))
    return swept


async def sweep_uploads(
    db: Database, store: Store, upload_idle_s: int, stopping: asyncio.Event
) -> int:
    swept = 0
    async with db.reading() as session:
        known = set(await session.scalars(select(Upload.id)))
    alive = set()
    async for leftover in store.uploads():
        if stopping.is_set():
            return swept
        if leftover.age_s < (upload_idle_s if leftover.name in known else YOUNG_S):
            alive.add(leftover.name)
            continue
        async with db.writing() as session:
            await session.execute(delete(Upload).where(Upload.id == leftover.name))
        await store.cancel(leftover.name)
        swept += 1
    before = clock.now() - timedelta(seconds=upload_idle_s)
    async with db.writing() as session:
        old = await session.scalars(select(Upload.id).where(Upload.started_at < before))
        for gone in set(old) - alive:
            await session.execute(delete(Upload).where(Upload.id == gone))
        await releases.forget_old(session)
    await forget_ended(db, stopping)
    return swept


OLD = select(EndedUpload.id).where(EndedUpload.id < bindparam("before")).limit(SOME)
FORGOTTEN = delete(EndedUpload).where(EndedUpload.id.in_(OLD)).returning(EndedUpload.id)


async def forget_ended(db: Database, stopping: asyncio.Event) -> None:
    """Forget the ids of uploads that would not be taken for fresh ones any more."""
    before = oldest(DAY_S)

    async def some(pen: Pen) -> int:
        return len(await pen.run(FORGOTTEN, before=before))

    while not stopping.is_set() and await db.quick.write(some) == SOME:
        pass
