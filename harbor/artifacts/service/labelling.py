"""What is done: put labels on artifacts, and take them off."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, delete, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import ArtifactLabel
from harbor.artifacts.schemas import Known
from harbor.core import clock
from harbor.core.db import insert_or_ignore
from harbor.core.errors import Conflict, NotFound
from harbor.core.i18n import Phrase
from harbor.labels import service as labels
from harbor.labels.models import NO_PROJECT, Label

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


class Choice(NamedTuple):
    """A label, as a page shows it to choose from."""

    id: int
    name: str
    description: str
    color: str
    scope: str


CHOICES = select(Label.id, Label.name, Label.description, Label.color, Label.scope)


def first(scope: str, project_id: ColumnElement[int], at: int) -> Select[*tuple[Any, ...]]:
    here = Label.scope == scope, Label.project_id == project_id
    page = CHOICES.add_columns(literal(at).label("at")).where(*here)
    return select(page.order_by(Label.name, Label.id).limit(MOST).subquery())


BOTH = union_all(
    first(labels.PROJECT, bindparam("project_id"), 1), first(labels.GLOBAL, literal(NO_PROJECT), 2)
).subquery()
OFFERED = select(*(BOTH.c[name] for name in Choice._fields)).order_by(
    BOTH.c.at, BOTH.c.name, BOTH.c.id
)


async def offered(session: AsyncSession, project_id: int) -> list[Choice]:
    """The labels that artifacts of the project may carry, its own first; of each no more than
    fit on a page.
    """
    rows = await session.execute(OFFERED, {"project_id": project_id})
    return [Choice(*row) for row in rows]


async def carried(session: AsyncSession, artifact_ids: Sequence[int]) -> list[Choice]:
    """The labels that some of the artifacts carry."""
    held = select(ArtifactLabel.label_id).where(ArtifactLabel.artifact_id.in_(artifact_ids))
    wanted = CHOICES.where(Label.id.in_(held)).order_by(Label.name, Label.id)
    return [Choice(*row) for row in await session.execute(wanted)]


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
