"""What is done: keep and find artifacts and their tags."""

from collections.abc import Mapping

from sqlalchemy import bindparam, insert, select, update

from harbor.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactDetails,
    ArtifactReference,
    Manifest,
    Repository,
    Tag,
)
from harbor.artifacts.schemas import Found, Place, Pushed
from harbor.artifacts.service import (
    accessories,
    blobs,
    founding,
    history,
    immutable,
    listed,
    stored,
)
from harbor.artifacts.service.details import CNAB, Details, config_child
from harbor.artifacts.service.history import Act
from harbor.artifacts.service.redirects import Refuse
from harbor.core import clock
from harbor.core.errors import (
    ManifestBlobUnknown,
    ManifestUnknown,
)
from harbor.core.oci import Reference, is_digest
from harbor.core.quick import Pen, Quick, among, put, put_new
from harbor.quotas import service as quotas

MAX_SIZE = 2**63 - 1


async def add(
    pen: Pen, pushed: Pushed, details: Details, refuse: Refuse, *, enforced: bool, by: str = ""
) -> None:
    """Keep a manifest and point its tag at it. Pushing the same bytes twice is no error.

    *by* is the name of who pushes it, for the history of the tag. Raises ``Precondition`` if the
    tag is immutable, ``ManifestBlobUnknown`` if the manifest names a blob or a child that is not in
    the repository, and ``Denied`` if limits are *enforced* and it does not fit into the project.
    """
    place, manifest = pushed.place, pushed.manifest
    # First, for whoever removes artifacts holds it too.
    repository_id, is_ruled = await ensure_repository(pen, place, refuse)
    if is_ruled and pushed.tag is not None:
        await immutable.refuse_push(pen, place, repository_id, pushed.tag)
    recalled = await blobs.require(pen, place, manifest.blobs)
    children = await find_children(pen, repository_id, pushed)
    sizes = {**recalled, pushed.digest: len(pushed.raw)}
    async with quotas.charged(pen, place.project_id, sizes, enforced=enforced):
        for digest in recalled:
            await blobs.link(pen, place, digest)
        is_new = await pen.run(
            NEW_MANIFEST, digest=pushed.digest, content=pushed.raw, creation_time=clock.now()
        )
        artifact_id = await ensure_artifact(pen, repository_id, pushed, details, children)
        changed = {str(pushed.digest), *children}
        if pushed.tag is not None:
            act = Act(place, "push", by)
            changed |= await point(
                pen, repository_id, pushed.tag, (artifact_id, pushed.digest), act
            )
        subject, kind = accessories.subject_of(manifest, pushed.tag)
        if subject is not None:
            await accessories.attach(pen, repository_id, artifact_id, subject, kind)
        await listed.review(pen, repository_id, changed)
    if is_new:
        await stored.add(pen, place.project_id, len(pushed.raw))


PUSHED = (
    update(Repository)
    .where(Repository.name == bindparam("place"), Repository.project_id == bindparam("in_project"))
    .values(update_time=bindparam("now"))
    .returning(Repository.repository_id, immutable.RULED)
)


async def ensure_repository(pen: Pen, place: Place, refuse: Refuse) -> tuple[int, bool]:
    """The id of the repository, made if this is the first push to it, and whether it has rules that
    make tags immutable. *refuse* is asked before a former name is given again.
    """
    here = {"place": place.repository, "in_project": place.project_id}
    found = await pen.run(PUSHED, **here, now=clock.now())
    if not found:
        await founding.make(pen, place, refuse)
        found = await pen.run(PUSHED, **here, now=clock.now())
    return int(found[0][0]), bool(found[0][1])


CHILDREN = (
    select(Artifact.digest, Artifact.id, Artifact.size)
    .where(Artifact.repository_id == bindparam("repository_id"), among(Artifact.digest, "digests"))
    .with_for_update(read=True, key_share=True)
)


async def find_children(
    pen: Pen, repository_id: int, pushed: Pushed
) -> Mapping[str, tuple[int, int]]:
    """Digest → id and size of the manifests that an index lists.

    A child may also be a blob of the repository: BuildKit keeps its caches so. One that is
    neither is refused: nobody could pull it.
    """
    wanted = [child.digest for child in pushed.manifest.children]
    if not wanted:
        return {}
    rows = await pen.run(CHILDREN, repository_id=repository_id, digests=wanted)
    known = {digest: (artifact_id, size) for digest, artifact_id, size in rows}
    missing = [digest for digest in wanted if digest not in known]
    as_blobs = await blobs.present(pen, pushed.place, missing)
    for digest in missing:
        if digest not in as_blobs:
            raise ManifestBlobUnknown(
                f"manifest {digest} not found in {pushed.place.repository}",
                detail={"digest": digest},
            )
    return known


NEW_MANIFEST = put_new(
    Manifest,
    "digest",
    "content",
    "creation_time",
    returning=Manifest.digest,
    held_by=("digest",),  # whoever deletes for good what is in the trash waits, or we have waited
)
NEW_ARTIFACT = put_new(
    Artifact,
    "project_id",
    "repository_id",
    "digest",
    "manifest_media_type",
    "media_type",
    "artifact_type",
    "type",
    "icon",
    "listed",
    "tagged",
    "accessory",
    "manifest_size",
    "size",
    "annotations",
    "push_time",
    returning=Artifact.id,
)
KNOWN = select(Artifact.id).where(
    Artifact.repository_id == bindparam("repository_id"), Artifact.digest == bindparam("digest")
)


async def ensure_artifact(
    pen: Pen,
    repository_id: int,
    pushed: Pushed,
    details: Details,
    children: Mapping[str, tuple[int, int]],
) -> int:
    """The id of the artifact, made with all its references if it is new here."""
    now = clock.now()
    manifest = pushed.manifest
    children_size = sum(size for _, size in children.values())
    made = await pen.run(
        NEW_ARTIFACT,
        project_id=pushed.place.project_id,
        repository_id=repository_id,
        digest=pushed.digest,
        manifest_media_type=manifest.media_type,
        media_type=manifest.config_type,
        artifact_type=manifest.artifact_type,
        type=details.type,
        icon=details.icon,
        listed=True,  # this and the next two are decided once all is known
        tagged=False,
        accessory=False,
        manifest_size=len(pushed.raw),
        # The sizes are what the client says, and may add up to more than a column holds.
        size=min(len(pushed.raw) + manifest.content_size + children_size, MAX_SIZE),
        annotations=manifest.annotations,
        push_time=now,
    )
    if made:
        artifact_id = int(made[0][0])
        await add_references(pen, artifact_id, pushed, children)
        extra_attrs = details.extra_attrs
        if details.type == CNAB:
            extra_attrs = await said_by_child(pen, pushed, children)
        await pen.run(DETAILED, artifact_id=artifact_id, extra_attrs=extra_attrs)
        return artifact_id
    found = await pen.run(KNOWN, repository_id=repository_id, digest=pushed.digest)
    return int(found[0][0])


DETAILED = insert(ArtifactDetails).values(
    artifact_id=bindparam("artifact_id"), extra_attrs=bindparam("extra_attrs")
)
SAID = select(ArtifactDetails.extra_attrs).where(
    ArtifactDetails.artifact_id == bindparam("artifact_id")
)


async def said_by_child(
    pen: Pen, pushed: Pushed, children: Mapping[str, tuple[int, int]]
) -> str | None:
    """What the config of an application bundle says, which is the config of a child."""
    child = children.get(config_child(pushed.manifest) or "")
    rows = await pen.run(SAID, artifact_id=child[0]) if child else []
    return rows[0][0] if rows else None


NAMED = insert(ArtifactBlob).values(
    artifact_id=bindparam("artifact_id"), digest=bindparam("digest")
)
LISTED = insert(ArtifactReference).values(
    {
        name: bindparam(name)
        for name in ("parent_id", "child_id", "child_digest", "platform", "annotations", "urls")
    }
)


async def add_references(
    pen: Pen, artifact_id: int, pushed: Pushed, children: Mapping[str, tuple[int, int]]
) -> None:
    """Record what a new artifact names: blobs, children, and children that are blobs."""
    manifest = pushed.manifest
    loose = [child.digest for child in manifest.children if child.digest not in children]
    digests = dict.fromkeys([*manifest.blobs, *loose])
    named = [{"artifact_id": artifact_id, "digest": digest} for digest in digests]
    listed = [
        {
            "parent_id": artifact_id,
            "child_id": children[child.digest][0],
            "child_digest": child.digest,
            "platform": child.platform,
            "annotations": child.annotations,
            "urls": child.urls,
        }
        for child in manifest.children
        if child.digest in children
    ]
    await pen.run_many(NAMED, named)
    await pen.run_many(LISTED, listed)


POINTED = put(
    Tag,
    "repository_id",
    "name",
    "artifact_id",
    "push_time",
    key=["repository_id", "name"],
    where=lambda new: Tag.artifact_id != new.artifact_id,
)


FORMER = (
    select(Artifact.digest)
    .join(Tag, Tag.artifact_id == Artifact.id)
    .where(Tag.repository_id == bindparam("repository_id"), Tag.name == bindparam("name"))
)


async def point(
    pen: Pen, repository_id: int, tag: str, artifact: tuple[int, str], act: Act
) -> set[str]:
    """Let *tag* mean the artifact of that id and digest; return the digest of what it meant before,
    if anything.

    ``push_time`` says when the tag last moved: pushing the same again leaves it alone.
    """
    former = await pen.run(FORMER, repository_id=repository_id, name=tag)
    await pen.run(
        POINTED,
        repository_id=repository_id,
        name=tag,
        artifact_id=artifact[0],
        push_time=clock.now(),
    )
    if former != [(artifact[1],)]:
        await history.note(pen, act, {tag: artifact[1]})
    return {digest for (digest,) in former}


FOUND = (
    select(
        Artifact.id,
        Artifact.repository_id,
        Artifact.digest,
        Artifact.manifest_media_type,
        Manifest.content,
    )
    .join(Manifest, Manifest.digest == Artifact.digest)
    .join(Repository, Repository.repository_id == Artifact.repository_id)
    .where(
        Repository.name == bindparam("repository"),
        Repository.project_id == bindparam("project_id"),
    )
)
BY_DIGEST = FOUND.where(Artifact.digest == bindparam("reference"))
BY_TAG = FOUND.join(Tag, Tag.artifact_id == Artifact.id).where(
    Tag.repository_id == Repository.repository_id, Tag.name == bindparam("reference")
)


async def find(quick: Quick, place: Place, reference: str) -> Found:
    """The manifest that a tag or a digest names; ``ManifestUnknown`` if there is none."""
    rows = await quick.fetch(
        BY_DIGEST if is_digest(reference) else BY_TAG,
        repository=place.repository,
        project_id=place.project_id,
        reference=str(reference),
    )
    if not rows:
        raise unknown(place, reference)
    return Found(*rows[0])


def unknown(place: Place, reference: str) -> ManifestUnknown:
    return ManifestUnknown(f"artifact {place.repository}{Reference(reference).joined} not found")
