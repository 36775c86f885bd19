"""What is done: keep and find artifacts and their tags."""

from collections.abc import Mapping

from sqlalchemy import bindparam, select, update

from harbor.artifacts.models import (
    Artifact,
    Manifest,
    Repository,
    Tag,
)
from harbor.artifacts.schemas import Found, Place, Pushed
from harbor.artifacts.service import (
    accessories,
    blobs,
    entering,
    founding,
    history,
    immutable,
    listed,
    stored,
)
from harbor.artifacts.service.details import Details
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
        entered = await entering.enter(pen, repository_id, pushed, details, children)
        changed = set(children) if entered.is_new else {str(pushed.digest), *children}
        if pushed.tag is not None:
            act = Act(place, "push", by)
            changed |= await point(pen, repository_id, pushed.tag, (entered.id, pushed.digest), act)
        subject, kind = accessories.subject_of(manifest, pushed.tag)
        if subject is not None:
            await accessories.attach(pen, repository_id, entered.id, subject, kind)
        await listed.review(pen, repository_id, changed, new=entered.appears)
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
