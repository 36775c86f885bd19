"""What is done: keep in mind which artifacts lists show.

An artifact is shown if it has a tag or is no child of an index, and is no accessory. Whoever
changes any of that holds the row of the repository, so no two changes miss each other.
"""

from collections.abc import Collection

from sqlalchemy import bindparam, exists, not_, or_, update

from harbor.artifacts.models import Accessory, Artifact, ArtifactReference, Tag
from harbor.core.quick import Pen, among

TAGGED = exists().where(Tag.artifact_id == Artifact.id)
CHILD = exists().where(ArtifactReference.child_id == Artifact.id)
ACCESSORY = exists().where(Accessory.artifact_id == Artifact.id)
REVIEWED = (
    update(Artifact)
    .where(Artifact.repository_id == bindparam("in_repository"), among(Artifact.digest, "digests"))
    .values(listed=not_(ACCESSORY) & or_(TAGGED, not_(CHILD)), tagged=TAGGED, accessory=ACCESSORY)
    .execution_options(synchronize_session=False)
)


async def review(pen: Pen, repository_id: int, digests: Collection[str]) -> None:
    """Decide again which of *digests* are shown, have tags, and are accessories."""
    if digests:
        await pen.run(REVIEWED, in_repository=repository_id, digests=sorted(digests))
