"""What is done: find the file of a chart whose repository was called otherwise."""

from collections.abc import Awaitable, Callable

from harbor.artifacts.schemas import Place
from harbor.artifacts.service import redirects
from harbor.charts.service import entries
from harbor.charts.service.versions import parts_of
from harbor.core.errors import NotFound
from harbor.core.quick import Quick


async def find(
    quick: Quick, name: str, filename: str, may: Callable[[Place], Awaitable[bool]]
) -> tuple[Place, str] | None:
    """Where the chart is now whose file was called so in *name*, a project perhaps with a folder,
    and what the file is called there; ``None`` if there is none that the caller *may* know of.
    """
    for chart, _ in parts_of(filename)[0]:
        place = await redirects.find(quick, f"{name}/{chart}", project_too=False)
        if place is None or not await may(place):
            continue
        project, _, own = place.repository.partition("/")
        folder, _, last = own.rpartition("/")
        now = last + filename.removeprefix(chart)
        try:
            found = await entries.archive(quick, project, place.project_id, now, folder)
        except NotFound:
            continue
        if found.repository == place.repository:
            return place, now
    return None
