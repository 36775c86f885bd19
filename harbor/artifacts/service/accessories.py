"""What is done: artifacts that speak about others, and the list of them.

Source: OCI distribution-spec v1.1 "Listing Referrers"; Harbor src/server/middleware/subject and
src/server/middleware/cosign.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Accessory, Artifact, Manifest, Repository, Tag
from harbor.artifacts.schemas import Place, Referrer
from harbor.core import clock, manifests
from harbor.core.manifests import INDEXES, Document
from harbor.core.oci import COSIGN_TAG, Digest, fallback_tag
from harbor.core.quick import Pen, put

COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
KINDS = {
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature.cosign",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature.cosign",
    "application/vnd.cncf.notary.signature": "signature.notation",
    "application/vnd.goharbor.harbor.sbom.v1": "sbom.harbor",
}
OTHER = "subject.accessory"


def subject_of(manifest: manifests.Manifest, tag: str | None) -> tuple[Digest | None, str]:
    """The digest that *manifest* speaks about, if any, and what kind of accessory that makes it.

    Cosign's older signatures name their subject in the tag only.
    """
    if manifest.subject is not None:
        kind = KINDS.get(manifest.artifact_type) or KINDS.get(manifest.config_type) or OTHER
        return manifest.subject, kind
    signed = COSIGN_TAG.fullmatch(tag or "")
    if signed and COSIGN_LAYER in manifest.layer_types:
        return Digest(signed[1].replace("-", ":", 1)), "signature.cosign"
    return None, ""


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
