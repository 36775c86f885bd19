"""What is done: count pulls, many in one transaction."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, Repository, Tag
from harbor.artifacts.schemas import Pull
from harbor.audit import service as audit
from harbor.core import clock


async def record(session: AsyncSession, pulls: Sequence[Pull]) -> None:
    """Pull counts, pull times and audit lines of *pulls*, which may be of things now gone."""
    now = clock.now()
    await audit.record_all(session, [pull.line for pull in pulls], now)
    # In the order of their ids, so that two processes never wait for each other in a circle.
    for repository_id, count in sorted(Counter(pull.repository_id for pull in pulls).items()):
        await session.execute(
            update(Repository)
            .where(Repository.repository_id == repository_id)
            .values(pull_count=Repository.pull_count + count, update_time=Repository.update_time)
        )
    await session.execute(
        update(Artifact)
        .where(Artifact.id.in_(sorted({pull.artifact_id for pull in pulls})[:10_000]))
        .values(pull_time=now)
    )
    for repository_id, tag in sorted({(p.repository_id, p.tag) for p in pulls if p.tag}):
        await session.execute(
            update(Tag)
            .where(Tag.repository_id == repository_id, Tag.name == tag)
            .values(pull_time=now)
        )
