"""What is done: enter an artifact into a repository, with all that its manifest names."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select

from harbor.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactDetails,
    ArtifactReference,
)
from harbor.artifacts.schemas import Pushed
from harbor.artifacts.service import accessories
from harbor.artifacts.service.details import CNAB, Details, config_child
from harbor.core import clock
from harbor.core.quick import Pen, put_new

MAX_SIZE = 2**63 - 1
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


class Entered(NamedTuple):
    """An artifact that is in a repository."""

    id: int
    is_new: bool
    appears: bool  # it is new, and lists show it


async def enter(
    pen: Pen,
    repository_id: int,
    pushed: Pushed,
    details: Details,
    children: Mapping[str, tuple[int, int]],
) -> Entered:
    """Make the artifact with all its references, if it is new here.

    What lists are to know of a new one is known by now: no index has it, for all that an index
    lists was there before. The caller gives it its tag, makes it the accessory that it is, and has
    it counted if it *appears*.
    """
    now = clock.now()
    manifest = pushed.manifest
    subject, _ = accessories.subject_of(manifest, pushed.tag)
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
        listed=subject is None,
        tagged=pushed.tag is not None,
        accessory=subject is not None,
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
        return Entered(artifact_id, is_new=True, appears=subject is None)
    found = await pen.run(KNOWN, repository_id=repository_id, digest=pushed.digest)
    return Entered(int(found[0][0]), is_new=False, appears=False)


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
