"""What is done: remember how many bytes projects, and the store, held at the end of each day.

Who writes bytes does nothing for it: a quota knows when it was last changed, so what was missed,
also while nobody was running, is noted under the day on which it happened.
"""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import StorageDay
from harbor.artifacts.schemas import Day
from harbor.artifacts.service import stored
from harbor.core import clock
from harbor.core.quick import SessionPen, put
from harbor.quotas.models import Quota

STORE = 0  # in the place of a project's id
NOTED = put(
    StorageDay,
    "project_id",
    "day",
    "nbytes",
    key=["project_id", "day"],
    where=lambda new: StorageDay.nbytes != new.nbytes,
)


async def note(session: AsyncSession) -> None:
    """Note what has changed since this was last done; as often as one likes."""
    today = clock.now().date()
    last = await session.scalar(
        select(func.max(StorageDay.day)).where(StorageDay.project_id == STORE)
    )
    changed = select(Quota.project_id, Quota.update_time, Quota.used)
    if last is not None:
        changed = changed.where(Quota.update_time >= datetime.combine(last, time(), UTC))
    rows = [
        {"project_id": project_id, "day": min(moment.date(), today), "nbytes": used}
        for project_id, moment, used in await session.execute(changed)
    ]
    rows.append({"project_id": STORE, "day": today, "nbytes": await stored.total(session)})
    await SessionPen(session).run_many(NOTED, rows)


async def days(session: AsyncSession, project_id: int, now: int, most: int) -> list[Day]:
    """The last days of a project, or of the store, to today, when it holds *now*; none is left out
    but those before anything is known.
    """
    today = clock.now().date()
    first = today - timedelta(days=most - 1)
    mine = StorageDay.project_id == project_id
    before = select(func.max(StorageDay.day)).where(mine, StorageDay.day <= first)
    since = await session.scalar(before) or first
    wanted = select(StorageDay.day, StorageDay.nbytes).where(mine, StorageDay.day >= since)
    known = {row.day: row.nbytes for row in await session.execute(wanted)} | {today: now}
    return filled(known, first, today)


def filled(known: dict[date, int], first: date, last: date) -> list[Day]:
    """Each day from *first* to *last*: one that is not *known* is like the one before it."""
    found: list[Day] = []
    earlier = [day for day in known if day <= first]
    nbytes = known[max(earlier)] if earlier else None
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        nbytes = known.get(day, nbytes)
        if nbytes is not None:
            found.append(Day(day, nbytes))
    return found
