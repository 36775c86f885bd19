"""What is done: put labels on artifacts, and take them off."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import ArtifactLabel
from harbor.artifacts.schemas import Known
from harbor.core import clock
from harbor.core.db import insert_or_ignore
from harbor.core.errors import Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.labels import service as labels
from harbor.labels.models import NO_PROJECT, Label
from harbor.labels.schemas import LabelQuery

MOST = 100  # labels to choose from, of the project and of the registry each
SOME = 1_000  # rows in one statement


async def add(session: AsyncSession, artifact: Known, project_id: int, label_id: int) -> None:
    """Let an artifact of the project carry a label, of its own project or of the whole registry.

    ``NotFound`` if there is none of that id, ``Conflict`` if it is there already.
    """
    label = await labels.get(session, label_id, hold=True)
    if label.project_id not in (NO_PROJECT, project_id):
        raise NotFound(Phrase("label %(label_id)s not found", label_id=label_id))
    carried = select(ArtifactLabel.label_id).where(
        ArtifactLabel.artifact_id == artifact.id, ArtifactLabel.label_id == label_id
    )
    if await session.scalar(carried) is not None:
        raise Conflict(
            Phrase(
                "label %(label_id)s is already added to the artifact %(digest)s",
                label_id=label_id,
                digest=artifact.digest,
            )
        )
    session.add(ArtifactLabel(artifact_id=artifact.id, label_id=label_id))
    await session.flush()


async def offered(session: AsyncSession, project_id: int) -> list[Label]:
    """The labels that artifacts of the project may carry, its own first; of each no more than
    fit on a page.
    """
    query = LabelQuery(sort="name", page_size=MOST)
    own, _ = await labels.search(session, project_id, query)
    of_registry, _ = await labels.search(session, NO_PROJECT, query)
    return [*own, *of_registry]


async def carried(session: AsyncSession, artifact_ids: Sequence[int]) -> list[Label]:
    """The labels that some of the artifacts carry."""
    held = select(ArtifactLabel.label_id).where(ArtifactLabel.artifact_id.in_(artifact_ids))
    wanted = select(Label).where(Label.id.in_(held)).order_by(Label.name, Label.id)
    return list(await session.scalars(wanted))


async def add_to_all(
    session: AsyncSession, artifact_ids: Sequence[int], project_id: int, label_ids: Sequence[int]
) -> None:
    """Let each of the artifacts of the project carry each of the labels; ``NotFound``."""
    wanted = select(Label.id).where(
        Label.id.in_(label_ids), Label.project_id.in_((NO_PROJECT, project_id))
    )
    known = set(await session.scalars(wanted.with_for_update()))
    if missing := set(label_ids) - known:
        raise NotFound(Phrase("label %(label_id)s not found", label_id=min(missing)))
    rows = [
        {"artifact_id": artifact_id, "label_id": label_id, "creation_time": clock.now()}
        for artifact_id in artifact_ids
        for label_id in sorted(known)
    ]
    for start in range(0, len(rows), SOME):
        await session.execute(insert_or_ignore(session, ArtifactLabel, rows[start : start + SOME]))


async def remove_from_all(
    session: AsyncSession, artifact_ids: Sequence[int], label_ids: Sequence[int]
) -> None:
    """Take the labels off all of the artifacts that carry them."""
    await session.execute(
        delete(ArtifactLabel).where(
            ArtifactLabel.artifact_id.in_(artifact_ids), ArtifactLabel.label_id.in_(label_ids)
        )
    )


async def remove(session: AsyncSession, artifact: Known, label_id: int) -> None:
    """Take a label off an artifact; ``NotFound`` if it carries no such label."""
    gone = await session.scalar(
        delete(ArtifactLabel)
        .where(ArtifactLabel.artifact_id == artifact.id, ArtifactLabel.label_id == label_id)
        .returning(ArtifactLabel.label_id)
    )
    if gone is None:
        raise NotFound(
            Phrase(
                "label %(label_id)s not found on the artifact %(digest)s",
                label_id=label_id,
                digest=artifact.digest,
            )
        )
