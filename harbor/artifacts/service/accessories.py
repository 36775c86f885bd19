"""What is done: artifacts that speak about others, and the list of them.

Source: OCI distribution-spec v1.1 "Listing Referrers"; Harbor src/server/middleware/subject and
src/server/middleware/cosign.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, bindparam, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from harbor.artifacts import schemas
from harbor.artifacts.models import (
    Accessory,
    Artifact,
    ArtifactReference,
    Manifest,
    Repository,
    Tag,
)
from harbor.artifacts.schemas import Place, Referrer
from harbor.artifacts.service import telling
from harbor.artifacts.service.details import ICONS, IMAGE_CONFIGS, PLAIN_ICON, icon_for
from harbor.core import clock, manifests
from harbor.core import query as q
from harbor.core.manifests import INDEXES, Document
from harbor.core.oci import COSIGN_TAG, Digest, fallback_tag
from harbor.core.query import Listing
from harbor.core.quick import Pen, put
from harbor.core.wire import Time

COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
KINDS = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature.cosign",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature.cosign",
    "application/vnd.cncf.notary.signature": "signature.notation",
    "application/vnd.goharbor.harbor.sbom.v1": "sbom.harbor",
}
SIGNATURES = ("signature.cosign", "signature.notation")
NYDUS, NYDUS_LAYER = "accelerator.nydus", "containerd.io/snapshot/nydus-bootstrap"
OTHER = "subject.accessory"


def subject_of(manifest: manifests.Manifest, tag: str | None) -> tuple[Digest | None, str]:
    """The digest that *manifest* speaks about, if any, and what kind of accessory that makes it.

    Cosign's older signatures name their subject in the tag only.
    """
    if manifest.subject is not None:
        kind = KINDS.get(manifest.artifact_type) or KINDS.get(manifest.config_type)
        return manifest.subject, kind or (NYDUS if is_nydus(manifest) else OTHER)
    signed = COSIGN_TAG.fullmatch(tag or "")
    if signed and COSIGN_LAYER in manifest.layer_types:
        return Digest(signed[1].replace("-", ":", 1)), "signature.cosign"
    return None, ""


def is_nydus(manifest: manifests.Manifest) -> bool:
    """Whether it is the same image, prepared to be run before all of it is there."""
    last = manifest.layers[-1].annotations if manifest.layers else None
    return manifest.config_type in IMAGE_CONFIGS and NYDUS_LAYER in (last or {})


ATTACHED = put(
    Accessory,
    "artifact_id",
    "repository_id",
    "subject_digest",
    "kind",
    "creation_time",
    key=["artifact_id"],
)


async def attach(
    pen: Pen, repository_id: int, artifact_id: int, subject: Digest, kind: str
) -> None:
    await pen.run(
        ATTACHED,
        artifact_id=artifact_id,
        repository_id=repository_id,
        subject_digest=subject,
        kind=kind,
        creation_time=clock.now(),
    )


async def digests_of(session: AsyncSession, repository_id: int, subject: str) -> Sequence[str]:
    """The digests of the accessories of *subject*."""
    rows = await session.scalars(
        select(Artifact.digest)
        .join(Accessory, Accessory.artifact_id == Artifact.id)
        .where(Accessory.repository_id == repository_id, Accessory.subject_digest == subject)
    )
    return rows.all()


SUBJECT = aliased(Artifact)
FIELDS: q.Fields = {
    "id": Accessory.id,
    "artifact_id": Accessory.artifact_id,
    "subject_artifact_id": SUBJECT.id,
    "subject_artifact_digest": Accessory.subject_digest,
    "digest": Artifact.digest,
    "size": Artifact.size,
    "type": Accessory.kind,
    "creation_time": Accessory.creation_time,
}


def linked() -> Select[*tuple[Any, ...]]:
    """Accessories whose subject is here, as they are shown."""
    return (
        select(
            Accessory.id,
            Accessory.artifact_id,
            SUBJECT.id.label("subject_id"),
            Accessory.subject_digest,
            Repository.name,
            Artifact.digest,
            Artifact.size,
            Accessory.kind,
            Accessory.creation_time,
        )
        .join(Artifact, Artifact.id == Accessory.artifact_id)
        .join(
            SUBJECT,
            and_(
                SUBJECT.repository_id == Accessory.repository_id,
                SUBJECT.digest == Accessory.subject_digest,
            ),
        )
        .join(Repository, Repository.repository_id == Accessory.repository_id)
    )


# As ``schemas.Accessory`` is said. No digest, no name of a repository and none of our own words
# has anything that JSON would have to quote.
SAID = telling.Worded(
    telling.words(
        '{"id":%s,"artifact_id":%s,"subject_artifact_id":%s,"subject_artifact_digest":"%s",'
        '"subject_artifact_repo":"%s","digest":"%s","size":%s,"type":"%s","icon":"%s",'
        '"creation_time":"%s"}'
    ),
    Accessory.id,
    Accessory.artifact_id,
    SUBJECT.id,
    Accessory.subject_digest,
    Repository.name,
    Artifact.digest,
    Artifact.size,
    Accessory.kind,
    case(ICONS, value=Accessory.kind, else_=PLAIN_ICON),
    telling.Moment(Accessory.creation_time),
).label("told")
EACH = (
    select(SAID)
    .select_from(Accessory)
    .join(Artifact, Artifact.id == Accessory.artifact_id)
    .join(Repository, Repository.repository_id == Accessory.repository_id)
    .where(
        Accessory.repository_id == SUBJECT.repository_id,
        Accessory.subject_digest == SUBJECT.digest,
    )
    .order_by(Accessory.id)
    .correlate(SUBJECT)
    .subquery()
)
ALL = select(func.aggregate_strings(EACH.c.told, ",")).scalar_subquery()
OF_THESE = select(SUBJECT.id, ALL).where(SUBJECT.id.in_(bindparam("ids", expanding=True)))


async def of(session: AsyncSession, artifact_ids: Sequence[int]) -> dict[int, Any]:
    """The accessories of each artifact that has any, oldest first."""
    rows = await session.execute(OF_THESE, {"ids": artifact_ids})
    return {subject: telling.listed(told) for subject, told in rows.all() if told is not None}


async def inherited(
    session: AsyncSession, artifact_ids: Sequence[int]
) -> dict[int, list[schemas.Accessory]]:
    """The signatures of the indexes that list each artifact, for those that have none of their own.

    Whoever signs an index signs all that it lists.
    """
    found: dict[int, list[schemas.Accessory]] = defaultdict(list)
    child, own = aliased(Artifact), aliased(Accessory)
    signed = exists().where(
        own.repository_id == child.repository_id,
        own.subject_digest == child.digest,
        own.kind.in_(SIGNATURES),
    )
    wanted = (
        linked()
        .add_columns(child.id.label("child_id"))
        .join(ArtifactReference, ArtifactReference.parent_id == SUBJECT.id)
        .join(child, child.id == ArtifactReference.child_id)
        .where(child.id.in_(artifact_ids), Accessory.kind.in_(SIGNATURES), ~signed)
        .order_by(Accessory.id)
        .distinct()
    )
    for row in await session.execute(wanted):
        found[row.child_id].append(shown(row))
    return found


KINDS_OF_THESE = (
    select(SUBJECT.id, Accessory.kind, func.count().label("total"))
    .join(
        SUBJECT,
        and_(
            SUBJECT.repository_id == Accessory.repository_id,
            SUBJECT.digest == Accessory.subject_digest,
        ),
    )
    .where(SUBJECT.id.in_(bindparam("ids", expanding=True)))
    .group_by(SUBJECT.id, Accessory.kind)
)


async def kinds(session: AsyncSession, artifact_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many accessories of which kind each artifact has."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for row in await session.execute(KINDS_OF_THESE, {"ids": artifact_ids}):
        found[row.id][row.kind] = row.total
    return found


async def search(
    session: AsyncSession, artifact_id: int, query: Listing
) -> tuple[list[schemas.Accessory], int]:
    """One page of the accessories of an artifact, and how many there are."""
    wanted = linked().where(SUBJECT.id == artifact_id, *q.conditions(query.q, FIELDS))
    total = await session.scalar(select(func.count()).select_from(wanted.subquery()))
    page = (
        wanted.order_by(*q.order(query.sort, FIELDS), Accessory.id)
        .limit(query.page_size)
        .offset(query.offset)
    )
    return [shown(row) for row in await session.execute(page)], total or 0


def shown(row: Row[*tuple[Any, ...]]) -> schemas.Accessory:
    return schemas.Accessory(
        id=row.id,
        artifact_id=row.artifact_id,
        subject_artifact_id=row.subject_id,
        subject_artifact_digest=row.subject_digest,
        subject_artifact_repo=row.name,
        digest=row.digest,
        size=row.size,
        type=row.kind,
        icon=icon_for(row.kind),
        creation_time=Time(row.creation_time),
    )


async def referrers(
    session: AsyncSession, place: Place, subject: Digest, artifact_type: str = ""
) -> list[Referrer]:
    """Everything in the repository that speaks about *subject*, oldest first.

    To what was pushed with a ``subject`` comes what a client without the referrers API has
    listed in the index under the fallback tag, as far as it is here.
    """
    base = (
        select(
            Artifact.manifest_media_type,
            Artifact.digest,
            Artifact.manifest_size,
            Artifact.artifact_type,
            Artifact.annotations,
        )
        .join(Repository, Repository.repository_id == Artifact.repository_id)
        .where(Repository.name == place.repository, Repository.project_id == place.project_id)
    )
    linked = base.join(Accessory, Accessory.artifact_id == Artifact.id).where(
        Accessory.subject_digest == subject
    )
    rows = (await session.execute(linked.order_by(Artifact.id))).all()
    listed = await fallback_digests(session, place, subject)
    if listed := [digest for digest in listed if digest not in {row.digest for row in rows}]:
        more = base.where(Artifact.digest.in_(listed)).order_by(Artifact.id)
        rows = [*rows, *(await session.execute(more)).all()]
    found = [Referrer(*row) for row in rows]
    return [each for each in found if not artifact_type or each.artifact_type == artifact_type]


async def fallback_digests(session: AsyncSession, place: Place, subject: Digest) -> list[str]:
    """What the index under the fallback tag of *subject* lists, if there is one."""
    content = await session.scalar(
        select(Manifest.content)
        .join(Artifact, Artifact.digest == Manifest.digest)
        .join(Tag, Tag.artifact_id == Artifact.id)
        .join(Repository, Repository.repository_id == Tag.repository_id)
        .where(
            Repository.name == place.repository,
            Repository.project_id == place.project_id,
            Tag.name == fallback_tag(subject),
            Artifact.manifest_media_type.in_(INDEXES),
        )
    )
    if content is None:
        return []
    document = msgspec.json.decode(content, type=Document)
    return [child.digest for child in document.manifests or ()][:500]
