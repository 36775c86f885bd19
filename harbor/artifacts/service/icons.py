"""What is done: find the picture that stands for an artifact."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, Repository
from harbor.artifacts.service.details import ICONS, MOST_DRAWN, PLAIN_ICON
from harbor.core.oci import Digest
from harbor.core.security import Principal
from harbor.core.storage.interface import BlobMissing, Blobs
from harbor.projects import service as projects
from harbor.projects.models import Project

T = TypeVar("T")
READ = ("artifact", "read")
OURS = frozenset((*ICONS.values(), PLAIN_ICON))
thread = ThreadPoolExecutor(1, "picture")  # one at a time: each takes some memory


async def is_seen(session: AsyncSession, who: Principal, digest: Digest) -> bool:
    """Whether it is the icon of an artifact that *who* may see."""
    visible = true() if who.is_admin else projects.visible_to(who, READ)
    inside = select(Project.project_id).where(Project.deleted.is_(False), visible)
    wanted = select(Artifact.id).where(Artifact.icon == digest, Artifact.project_id.in_(inside))
    sight = await projects.sight_of(session, who, None, READ)
    if sight.visible:
        wanted = wanted.join(Repository, Repository.repository_id == Artifact.repository_id).where(
            sight.allows(Repository.project_id, Repository.name)
        )
    return await session.scalar(wanted.limit(1)) is not None


async def built_in(digest: Digest) -> bytes | None:
    """The picture of a kind of artifacts, as PNG; ``None`` if that is no digest of one."""
    return await in_thread(drawn, digest) if digest in OURS else None


async def of_layer(store: Blobs, digest: Digest) -> bytes | None:
    """The picture in a layer, as a small PNG; ``None`` if it cannot be shown."""
    try:
        async with store.open(digest) as blob:
            if blob.size > MOST_DRAWN:
                return None
            raw = b"".join([piece async for piece in blob.read(0, blob.size)])
    except BlobMissing:
        return None
    return await in_thread(shrunk, raw)


async def in_thread(work: Callable[[T], bytes | None], given: T) -> bytes | None:
    return await asyncio.get_running_loop().run_in_executor(thread, work, given)


# The library takes some megabytes, so it comes when it is needed.


def drawn(digest: Digest) -> bytes | None:
    from harbor.artifacts.service import pictures  # noqa: PLC0415

    return pictures.built_in(digest)


def shrunk(raw: bytes) -> bytes | None:
    from harbor.artifacts.service import pictures  # noqa: PLC0415

    return pictures.shrunk(raw)
