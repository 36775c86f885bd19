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
THESE = (Artifact.repository_id == bindparam("in_repository"), among(Artifact.digest, "digests"))
LISTED = select(Artifact.listed).where(*THESE)
REVIEWED = (
    update(Artifact)
    .where(*THESE)
    .values(listed=not_(ACCESSORY) & or_(TAGGED, not_(CHILD)), tagged=TAGGED, accessory=ACCESSORY)
    .returning(Artifact.listed)
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
        these = {"in_repository": repository_id, "digests": sorted(digests)}
        before = shown(await pen.run(LISTED, **these))
        new += shown(await pen.run(REVIEWED, **these)) - before
    await count(pen, repository_id, new)


async def count(pen: Pen, repository_id: int, more: int) -> None:
    """Lists of the repository show so many *more* artifacts, or fewer."""
    if more:
        await pen.run(COUNTED, of=repository_id, more=more)


def shown(rows: Iterable[Row]) -> int:
    """How many of *rows*, which say whether artifacts are listed, say that they are."""
    return sum(is_listed for (is_listed,) in rows)
