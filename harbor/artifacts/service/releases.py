"""What is done: blobs leave a project with the last artifact that needs them.

Whoever pushes asks first what is there, and does not send it. If it is released before the manifest
comes, the push would fail, after gigabytes perhaps. So a released blob can no longer be read, and
is not charged; but a manifest in the same repository may name it for a day, and brings it back.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import UpdateBase

from harbor.artifacts.models import (
    Artifact,
    ArtifactBlob,
    Blob,
    ProjectStorage,
    ReleasedBlob,
    RepositoryBlob,
    RepositoryStorage,
    StorageDay,
)
from harbor.artifacts.schemas import Place
from harbor.core import clock
from harbor.core.db import Time
from harbor.core.oci import Digest
from harbor.core.quick import Pen, SessionPen, among
from harbor.core.quick.statements import Either
from harbor.projects.events import ProjectDeleted
from harbor.quotas import service as quotas
from harbor.quotas.models import ProjectBlob

RECALLED_FOR = timedelta(days=1)

PROJECT_ID = bindparam("project_id", type_=Integer)
SOME = (RepositoryBlob.project_id == PROJECT_ID, among(RepositoryBlob.digest, "digests"))
LINKS = select(RepositoryBlob.digest, RepositoryBlob.repository).where(*SOME)
LINKS_HELD = LINKS.order_by(RepositoryBlob.digest, RepositoryBlob.repository).with_for_update()
UNLINKED = delete(RepositoryBlob).where(*SOME).execution_options(synchronize_session=False)
# Begin with the digest, which few artifacts share: the sum keeps databases from going through all
# artifacts of the project.
MINE = Artifact.project_id + 0 == ProjectBlob.project_id
USED = select(ProjectBlob.digest).where(
    ProjectBlob.project_id == PROJECT_ID,
    among(ProjectBlob.digest, "digests"),
    or_(
        exists().where(
            ArtifactBlob.digest == ProjectBlob.digest, Artifact.id == ArtifactBlob.artifact_id, MINE
        ),
        exists().where(Artifact.digest == ProjectBlob.digest, MINE),
    ),
)


def _remembered(dialect: Any) -> UpdateBase:
    links = select(
        RepositoryBlob.project_id,
        RepositoryBlob.repository,
        RepositoryBlob.digest,
        bindparam("now", type_=Time()),
    ).where(*SOME)
    key = ["project_id", "repository", "digest"]
    # The table itself: a session would take what is inserted into a class for rows of values.
    insert = dialect.insert(ReleasedBlob.__table__).from_select(
        [*key, "release_time"], links, include_defaults=False
    )
    return insert.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=key, set_={"release_time": insert.excluded.release_time}
    )


REMEMBERED = Either(_remembered)
RECALLED = (
    select(Blob.digest, Blob.size)
    .join(ReleasedBlob, ReleasedBlob.digest == Blob.digest)
    .where(
        ReleasedBlob.project_id == PROJECT_ID,
        ReleasedBlob.repository == bindparam("repository"),
        among(ReleasedBlob.digest, "digests"),
        ReleasedBlob.release_time > bindparam("since", type_=Time()),
    )
    .with_for_update(read=True, key_share=True, of=Blob)
)


FORGOTTEN = tuple(
    delete(table).where(table.project_id == PROJECT_ID).execution_options(synchronize_session=False)
    for table in (RepositoryBlob, ReleasedBlob, StorageDay, RepositoryStorage, ProjectStorage)
)


async def release(session: AsyncSession, project_id: int, digests: Collection[str]) -> None:
    """Take those of *digests* out of the project that no artifact of it uses.

    A blob that somebody brings in at the same moment stays.
    """
    pen = SessionPen(session)
    locked = await pen.run(LINKS_HELD, project_id=project_id, digests=digests)
    await quotas.hold(pen, project_id, digests)
    # The locks first, then the questions. Only what is locked may go.
    links = await pen.run(LINKS, project_id=project_id, digests=digests)
    new = {digest for digest, _ in set(links).difference(locked)}
    used = {each for (each,) in await pen.run(USED, project_id=project_id, digests=digests)}
    unused = set(digests) - new - used
    if unused:
        await pen.run(REMEMBERED, project_id=project_id, digests=unused, now=clock.now())
        await pen.run(UNLINKED, project_id=project_id, digests=unused)
        await quotas.release(pen, project_id, unused)


async def release_if_unused(session: AsyncSession, project_id: int, digest: Digest) -> None:
    """Charge the project no longer for a blob that it holds, if it is in none of its repositories
    any more, nor is it a manifest.
    """
    pen, this = SessionPen(session), {"project_id": project_id, "digests": [digest]}
    if not await pen.run(LINKS, **this) and not await pen.run(USED, **this):
        await quotas.release(pen, project_id, [digest])


async def recall(pen: Pen, place: Place, digests: Collection[Digest]) -> dict[Digest, int]:
    """The sizes of those of *digests* that were released in *place* not long ago."""
    rows = await pen.run(
        RECALLED,
        project_id=place.project_id,
        repository=place.repository,
        digests=digests,
        since=clock.now() - RECALLED_FOR,
    )
    return {Digest(digest): size for digest, size in rows}


async def forget(pen: Pen, event: ProjectDeleted) -> None:
    """Take all blobs out of a deleted project, for good, and forget how many they were."""
    for statement in FORGOTTEN:
        await pen.run(statement, project_id=event.project_id)


async def forget_old(session: AsyncSession) -> None:
    """Remember no longer what cannot be recalled any more."""
    before = clock.now() - RECALLED_FOR
    await session.execute(delete(ReleasedBlob).where(ReleasedBlob.release_time <= before))
