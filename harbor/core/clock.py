"""The time. Tests replace ``now``; everything else calls it."""

import asyncio
import contextlib
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


async def pause(seconds: float, stopping: asyncio.Event) -> bool:
    """Wait; return whether to go on. Work that is told to stop ends between two steps, not in one.

    A task that is cancelled in the middle of a query would leave its connection behind.
    """
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
    return not stopping.is_set()
