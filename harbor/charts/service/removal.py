"""What is done: remove versions of charts, and charts."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, Repository, Tag
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import deletion
from harbor.artifacts.service.details import CHART
from harbor.artifacts.service.history import Act
from harbor.artifacts.service.trash import Terms
from harbor.charts.service.entries import missing
from harbor.charts.service.versions import tag_of, version_of

TAGGED = (
    select(Tag.name, Artifact.digest, Artifact.type)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .join(Repository, Repository.repository_id == Tag.repository_id)
)


async def remove_version(session: AsyncSession, place: Place, version: str, terms: Terms) -> None:
    """Remove a version, and its archive unless another tag means it too; ``NotFound``."""
    tag = tag_of(version)
    row = (await session.execute(TAGGED.where(in_(place), Tag.name == tag))).first()
    if row is None or row.type != CHART or version_of(tag) != version:
        raise missing(f"{place.repository} {version}")
    same = await session.execute(TAGGED.where(in_(place), Artifact.digest == row.digest).limit(2))
    await remove_tags(session, place, row.digest, [tag], terms, alone=len(same.all()) == 1)


async def remove(session: AsyncSession, place: Place, terms: Terms) -> None:
    """Remove all versions; and the repository, if it holds nothing else; ``NotFound``."""
    rows = (await session.execute(TAGGED.where(in_(place)))).all()
    versions = [row for row in rows if row.type == CHART and version_of(row.name) is not None]
    if not versions:
        raise missing(place.repository)
    other = select(Artifact.id).join(Repository).where(in_(place), Artifact.type != CHART).limit(1)
    if len(versions) == len(rows) and await session.scalar(other) is None:
        await deletion.remove_repository(session, place, terms)
        return
    staying = {row.digest for row in rows if version_of(row.name) is None}
    named: dict[str, list[str]] = defaultdict(list)
    for row in versions:
        named[row.digest].append(row.name)
    for digest, names in sorted(named.items()):
        await remove_tags(session, place, digest, names, terms, alone=digest not in staying)


async def remove_tags(
    session: AsyncSession,
    place: Place,
    digest: str,
    tags: Sequence[str],
    terms: Terms,
    *,
    alone: bool,
) -> None:
    """Remove tags of an archive; and the archive with them, if no other tag means it."""
    if alone:
        await deletion.remove(session, place, digest, terms)
        return
    for tag in tags:
        await deletion.remove_tag(session, Act(place, "delete", terms.by), tag)


def in_(place: Place) -> ColumnElement[bool]:
    return and_(Repository.name == place.repository, Repository.project_id == place.project_id)
