"""What is done: count pulls, many in one transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, update

from harbor.artifacts.models import Artifact, Repository, Tag
from harbor.artifacts.schemas import Pull
from harbor.audit.service import AuditTrail
from harbor.configuration.service import Configuration
from harbor.core import clock
from harbor.core.later import Later
from harbor.core.quick import Pen

COUNTED = (
    update(Repository)
    .where(Repository.repository_id == bindparam("id"))
    .values(
        pull_count=Repository.pull_count + bindparam("count"), update_time=Repository.update_time
    )
)
PULLED = update(Artifact).where(Artifact.id == bindparam("of")).values(pull_time=bindparam("now"))
PULLED_BY_TAG = (
    update(Tag)
    .where(Tag.repository_id == bindparam("of"), Tag.name == bindparam("tag"))
    .values(pull_time=bindparam("now"))
)


class Pulls:
    """Takes pulls in at once, and writes down a second later what follows from them."""

    def __init__(self, later: Later, trail: AuditTrail, configuration: Configuration) -> None:
        self._later, self._trail, self._configuration = later, trail, configuration

    def add(self, pull: Pull) -> None:
        self._later.add(self._record, pull)

    async def _record(self, pen: Pen, pulls: Sequence[Pull]) -> None:
        now, values = clock.now(), await self._configuration.current()
        if not values.pull_count_update_disable:
            await count(pen, pulls)
        if not values.pull_time_update_disable:
            await date(pen, pulls, now)
        # Last, as in every transaction, or two could wait for each other in a circle.
        await self._trail.record_all(pen, [pull.line for pull in pulls], now)


# Both in the order of their ids, so that two processes never wait for each other in a circle.
async def count(pen: Pen, pulls: Sequence[Pull]) -> None:
    """Count *pulls*, which may be of repositories now gone."""
    counts = sorted(Counter(pull.repository_id for pull in pulls).items())
    await pen.run_many(COUNTED, [{"id": each, "count": count} for each, count in counts])


async def date(pen: Pen, pulls: Sequence[Pull], now: datetime) -> None:
    """Write down when artifacts and tags were pulled, which may be gone now."""
    artifacts = sorted({pull.artifact_id for pull in pulls})
    await pen.run_many(PULLED, [{"of": each, "now": now} for each in artifacts])
    tags = sorted({(pull.repository_id, pull.tag) for pull in pulls if pull.tag})
    await pen.run_many(PULLED_BY_TAG, [{"of": of, "tag": tag, "now": now} for of, tag in tags])
