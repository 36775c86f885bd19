"""What is done: keep in mind which artifacts lists show, and how many of each repository.

An artifact is shown if it has a tag or is no child of an index, and is no accessory. Whoever
changes any of that holds the row of the repository, so no two changes miss each other, and how
many there are is exact in that row.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Integer, bindparam, exists, not_, or_, select, update

from harbor.artifacts.models import Accessory, Artifact, ArtifactReference, Repository, Tag
from harbor.core.quick import Pen, Row, among

TAGGED = exists().where(Tag.artifact_id == Artifact.id)
CHILD = exists().where(ArtifactReference.child_id == Artifact.id)
ACCESSORY = exists().where(Accessory.artifact_id == Artifact.id)
SHOWN = not_(ACCESSORY) & or_(TAGGED, not_(CHILD))
THESE = (Artifact.repository_id == bindparam("in_repository"), among(Artifact.digest, "digests"))
# What is kept of each, and what is so.
KNOWN = select(
    Artifact.digest,
    Artifact.listed,
    Artifact.tagged,
    Artifact.accessory,
    SHOWN.label("shown"),
    TAGGED.label("has_tag"),
    ACCESSORY.label("is_accessory"),
).where(*THESE)
REVIEWED = (
    update(Artifact)
    .where(*THESE)
    .values(listed=SHOWN, tagged=TAGGED, accessory=ACCESSORY)
    .execution_options(synchronize_session=False)
)
COUNTED = (
    update(Repository)
    .where(Repository.repository_id == bindparam("of", type_=Integer))
    .values(
        artifact_count=Repository.artifact_count + bindparam("more", type_=Integer),
        update_time=Repository.update_time,
    )
    .execution_options(synchronize_session=False)
)


async def review(pen: Pen, repository_id: int, digests: Collection[str], *, new: int = 0) -> None:
    """Decide again which of *digests* are shown, have tags, and are accessories.

    Count them, and that many *new* ones of which that was known when they were entered.
    """
    if digests:
        here = {"in_repository": repository_id}
        known = await pen.run(KNOWN, **here, digests=sorted(digests))
        changed = [row for row in known if row[1:4] != row[4:]]
        if changed:  # each is in four indexes, all of which would be written
            await pen.run(REVIEWED, **here, digests=[digest for digest, *_ in changed])
        new += shown(row[4:] for row in changed) - shown(row[1:] for row in changed)
    await count(pen, repository_id, new)


async def count(pen: Pen, repository_id: int, more: int) -> None:
    """Lists of the repository show so many *more* artifacts, or fewer."""
    if more:
        await pen.run(COUNTED, of=repository_id, more=more)


def shown(rows: Iterable[Row]) -> int:
    """How many of *rows* begin with yes, which says that an artifact is listed."""
    return sum(is_listed for is_listed, *_ in rows)
