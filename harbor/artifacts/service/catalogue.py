"""What is done: list artifacts, and show each with what belongs to it.

A page takes one statement for each kind of thing that is shown with its artifacts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Raw
from sqlalchemy import (
    Row,
    Select,
    and_,
    bindparam,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts import schemas
from harbor.artifacts.models import (
    Artifact,
    ArtifactDetails,
    ArtifactLabel,
    ArtifactReference,
    Manifest,
    Repository,
    Tag,
)
from harbor.artifacts.schemas import ArtifactQuery, Known, Place
from harbor.artifacts.service import (
    accessories,
    additions,
    filters,
    immutable,
    paging,
    repositories,
    telling,
)
from harbor.artifacts.service.additions import Stored
from harbor.artifacts.service.details import icon_for
from harbor.core import query as q
from harbor.core.errors import BadRequest, NotFound
from harbor.core.oci import Reference, is_digest, shown
from harbor.core.security import Principal
from harbor.core.wire import Time, show
from harbor.labels import schemas as label_schemas
from harbor.labels.models import Label
from harbor.projects import service as projects

Found = Row[*tuple[Any, ...]]  # of ``described``, and perhaps more
Said = Mapping[int, Any]  # by the ids of artifacts


async def of_repository(
    session: AsyncSession, place: Place, query: ArtifactQuery
) -> tuple[list[schemas.Artifact], int]:
    """One page of the artifacts of a repository, and how many there are; ``NotFound``."""
    repository_id, counted = await repositories.find_counted(session, place)
    wanted = await filters.in_one(session, query.q, repository_id)
    return await page_of(session, wanted, query, None if query.q else counted)


async def of_project(
    session: AsyncSession, who: Principal, project_id: int, query: ArtifactQuery, *, latest: bool
) -> tuple[list[schemas.Artifact], int]:
    """One page of the artifacts of a project that *who* may see; the *latest* of each
    repository, or all.

    ``BadRequest`` unless the latest are those of one media type or one artifact type.
    """
    sight = await projects.sight_of(session, who, [project_id], ("artifact", "list"))
    seen = sight.allows(Repository.project_id, Repository.name)
    inside = select(Repository.repository_id).where(Repository.project_id == project_id, seen)
    around = filters.Around(
        filters.OTHER.project_id == project_id,
        Tag.repository_id.in_(inside),
        Repository.project_id == project_id,
    )
    around = await filters.looked_for(session, query.q, around)
    if not latest:
        own = filters.place(Artifact.project_id, query.q, around) == project_id
        here = and_(own, Artifact.repository_id.in_(inside)) if sight.visible else own
        counted = None
        if not query.q:
            visible = and_(Repository.project_id == project_id, seen)
            counted = await repositories.count_artifacts(session, visible)
        return await page_of(session, filters.wanted(query.q, around, here), query, counted)
    keys = {q.folded(match.key) for match in q.parse(query.q)}
    if len(keys & {"mediatype", "artifacttype"}) != 1:
        raise BadRequest("latest_in_repository needs either media_type or artifact_type in q")
    newest = (
        select(Artifact.id)
        .where(
            Artifact.repository_id == Repository.repository_id,
            *filters.conditions(query.q, around),
        )
        .order_by(Artifact.push_time.desc(), Artifact.id.desc())
        .limit(1)
        .correlate(Repository)
        .scalar_subquery()
    )
    of_each = select(newest).where(Repository.project_id == project_id, seen)
    wanted = filters.Wanted(Artifact.id.in_(of_each), filters.is_sought(query.q, around))
    return await page_of(session, wanted, query)


async def page_of(
    session: AsyncSession,
    wanted: filters.Wanted,
    query: ArtifactQuery,
    counted: int | None = None,
) -> tuple[list[schemas.Artifact], int]:
    rows, total = await paging.page_of(session, described(), wanted, query, counted)
    return await assembled(session, rows, query), total


def described() -> Select[*tuple[Artifact, str, str | None]]:
    """Artifacts with the names of their repositories and what their configs say."""
    return (
        select(Artifact, Repository.name, ArtifactDetails.extra_attrs)
        .join(Repository, Repository.repository_id == Artifact.repository_id)
        .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
    )


async def find(session: AsyncSession, place: Place, reference: str) -> Known:
    """The artifact that a tag or a digest names; ``NotFound``."""
    wanted = select(Artifact.id, Artifact.repository_id, Artifact.digest)
    return Known(*await one(session, wanted, place, reference))


async def stored(session: AsyncSession, place: Place, reference: str) -> Stored:
    """What is kept of an artifact; ``NotFound``."""
    wanted = select(Artifact.type, Artifact.manifest_media_type, Manifest.content).join(
        Manifest, Manifest.digest == Artifact.digest
    )
    return Stored(*await one(session, wanted, place, reference))


async def one(
    session: AsyncSession, wanted: Select[*tuple[Any, ...]], place: Place, reference: str
) -> Row[*tuple[Any, ...]]:
    """What is *wanted* of the artifact that a tag or a digest names; ``NotFound``."""
    wanted = wanted.join(Repository, Repository.repository_id == Artifact.repository_id).where(
        *repositories.at(place)
    )
    if is_digest(reference):
        wanted = wanted.where(Artifact.digest == reference)
    else:
        wanted = wanted.join(Tag, Tag.artifact_id == Artifact.id).where(
            Tag.repository_id == Repository.repository_id, Tag.name == reference
        )
    row = (await session.execute(wanted)).first()
    if row is None:
        named = shown(f"{place.repository}{Reference(reference).joined}")
        raise NotFound(f"artifact {named} not found")
    return row


async def see(
    session: AsyncSession, place: Place, reference: str, query: ArtifactQuery
) -> schemas.Artifact:
    """One artifact; ``NotFound``."""
    known = await find(session, place, reference)
    rows = (await session.execute(described().where(Artifact.id == known.id))).all()
    (found,) = await assembled(session, rows, query)
    return found


async def assembled(
    session: AsyncSession, rows: Sequence[Found], query: ArtifactQuery
) -> list[schemas.Artifact]:
    """Artifacts with all that was asked for."""
    ids = [artifact.id for artifact, *_ in rows]
    named = await tags_of(session, rows, query) if query.with_tag and rows else {}
    labelled = await labels_of(session, ids) if query.with_label else {}
    about = await accessories.of(session, ids) if query.with_accessory else {}
    wanted = query.with_inherited_accessory
    inherited = await accessories.inherited(session, ids) if wanted else {}
    children = await references_of(session, ids)
    return [
        schemas.Artifact(
            id=row.id,
            type=row.type,
            media_type=row.media_type,
            manifest_media_type=row.manifest_media_type,
            artifact_type=row.artifact_type,
            project_id=row.project_id,
            repository_id=row.repository_id,
            repository_name=name,
            digest=row.digest,
            size=row.size,
            icon=row.icon or icon_for(row.type),
            push_time=Time(row.push_time),
            pull_time=Time(row.pull_time or filters.NEVER),
            extra_attrs=None if said is None else Raw(said.encode()),
            annotations=row.annotations or None,
            references=children.get(row.id),
            tags=named.get(row.id),
            addition_links=additions.links(row, name),
            labels=labelled.get(row.id),
            accessories=about.get(row.id),
            inherited_accessories=inherited.get(row.id, UNSET),
        )
        for row, name, said, *_ in rows
    ]


async def tags_of(session: AsyncSession, rows: Sequence[Found], query: ArtifactQuery) -> Said:
    """The tags of each artifact, as they are said."""
    if query.with_immutable_status:
        # All are of one project.
        rules = await immutable.rules_of(session, rows[0][0].project_id)
        if rules:
            places = {row.id: name for row, name, *_ in rows}
            return await telling.ruled_tags(session, places, rules)
    return await telling.tags(session, [row.id for row, *_ in rows])


LABELS = (
    select(
        ArtifactLabel.artifact_id,
        *(getattr(Label, name) for name in label_schemas.Label.__struct_fields__),
    )
    .join(Label, Label.id == ArtifactLabel.label_id)
    .where(ArtifactLabel.artifact_id.in_(bindparam("ids", expanding=True)))
    .order_by(Label.name, Label.id)
)


async def labels_of(
    session: AsyncSession, artifact_ids: Sequence[int]
) -> dict[int, list[label_schemas.Label]]:
    """The labels of each artifact, in the order of their names."""
    found: dict[int, list[label_schemas.Label]] = defaultdict(list)
    for row in await session.execute(LABELS, {"ids": artifact_ids}):
        found[row.artifact_id].append(show(label_schemas.Label, row))
    return found


REFERENCES = (
    select(
        ArtifactReference.parent_id,
        ArtifactReference.child_id,
        ArtifactReference.child_digest,
        ArtifactReference.platform,
        ArtifactReference.annotations,
        ArtifactReference.urls,
    )
    .where(ArtifactReference.parent_id.in_(bindparam("ids", expanding=True)))
    .order_by(ArtifactReference.id)
)


async def references_of(
    session: AsyncSession, artifact_ids: Sequence[int]
) -> dict[int, list[schemas.Reference]]:
    """What each index lists, in its order."""
    found: dict[int, list[schemas.Reference]] = defaultdict(list)
    for row in await session.execute(REFERENCES, {"ids": artifact_ids}):
        found[row.parent_id].append(schemas.Reference(*row))
    return found
