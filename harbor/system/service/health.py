"""What is done: look whether everything works."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Awaitable
from contextlib import suppress

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from harbor.core.db import Database
from harbor.core.errors import HarborError
from harbor.core.settings import Settings
from harbor.core.storage.interface import Store, UploadMissing
from harbor.system.schemas import ComponentHealthStatus, OverallHealthStatus

log = logging.getLogger(__name__)
CHECK_S = 10.0  # a component that needs longer is not healthy
NO_UPLOAD = "0" * 32
FAILURES = (SQLAlchemyError, HarborError, OSError)  # a timeout is an OSError


class Parts(Struct, frozen=True):
    """What can break."""

    db: Database
    store: Store
    settings: Settings


async def health(parts: Parts) -> OverallHealthStatus:
    """The state of each component. Causes are logged, not told: anyone may ask.

    Of the components that Harbor names, these are in this process and can be tried. What is not
    here (redis, jobservice, registryctl, trivy) is not told of; clients read the whole status.
    """
    components = [
        await check("core", working()),
        await check("database", answer(parts.db)),
        await check("portal", working()),
        await check("registry", take_bytes(parts)),
    ]
    all_well = all(component.status == "healthy" for component in components)
    return OverallHealthStatus("healthy" if all_well else "unhealthy", components)


async def check(name: str, trial: Awaitable[str]) -> ComponentHealthStatus:
    """How the component does: *trial* returns what is wrong, or nothing, or it fails."""
    try:
        async with asyncio.timeout(CHECK_S):
            error = await trial
    except FAILURES:
        log.warning("a component is unhealthy", exc_info=True, extra={"component": name})
        error = f"the {name} does not work; the log says why"
    return ComponentHealthStatus(name, "unhealthy" if error else "healthy", error)


async def working() -> str:
    """Nothing is wrong with a part of this very process: it is just answering."""
    return ""


async def answer(db: Database) -> str:
    async with db.reading() as session:
        await session.execute(select(1))
    return ""


async def take_bytes(parts: Parts) -> str:
    """Whether a push could be kept: the store answers, and the data folder takes a file."""
    with suppress(UploadMissing):
        await parts.store.size(NO_UPLOAD)
    free = await asyncio.to_thread(try_disk, parts.settings)
    return "" if free > parts.settings.disk_reserve else "the disk is full"


def try_disk(settings: Settings) -> int:
    """Write a file that never gets a name; return how many bytes are free."""
    with tempfile.TemporaryFile(dir=settings.data) as file:
        file.write(b"?")
        file.flush()
    return shutil.disk_usage(settings.data).free
