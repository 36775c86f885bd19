"""What is done: choose which of the images that indexes list are to be compared."""

from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.service import lines
from harbor.artifacts.service.lines import Line
from harbor.core.errors import BadRequest
from harbor.core.i18n import gettext as _
from harbor.core.query import Listing

MOST_IMAGES = 100  # of an index
OF_PLATFORM = 2  # parts that must be the same: os and architecture


async def pair(session: AsyncSession, one: Line, other: Line) -> tuple[str, str]:
    """The digests of two images; of an index the one whose platform the other one has too.

    ``BadRequest`` if there is none.
    """
    if not one.child_count and not other.child_count:
        return one.digest, other.digest
    others = await images(session, other)
    for image in await images(session, one):
        for candidate in others:
            if same(image, candidate):
                return image.digest, candidate.digest
    raise BadRequest(_("They have no platform in common."))


async def alike(session: AsyncSession, line: Line, image: Line) -> Line:
    """*line*, or if that is an index, what it lists for the platform of *image*; ``BadRequest``."""
    if not line.child_count:
        return line
    for candidate in await images(session, line):
        if same(candidate, image):
            return candidate
    raise BadRequest(_("The index lists no image for this platform."))


async def images(session: AsyncSession, line: Line) -> list[Line]:
    """What an index lists; of anything else itself."""
    if not line.child_count:
        return [line]
    found, _total = await lines.of_index(session, line.id, Listing(page_size=MOST_IMAGES))
    return found


def same(one: Line, other: Line) -> bool:
    """Whether both are for one platform, whatever its variant."""
    platforms = [tuple(p.split("/")[:OF_PLATFORM]) for p in (*one.platforms, *other.platforms)]
    return len(platforms) == len((one, other)) and len(set(platforms)) == 1
