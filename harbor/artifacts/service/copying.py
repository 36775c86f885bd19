"""What is done: copy artifacts from one repository to another. No bytes move: blobs are linked.

Source: Harbor src/controller/artifact/controller.go, ``copyDeeply``.
"""

import asyncio
import sys
from collections.abc import Sequence
from graphlib import TopologicalSorter

from msgspec import Struct, field
from sqlalchemy import bindparam, select

from harbor.artifacts.models import (
    Accessory,
    Artifact,
    ArtifactBlob,
    ArtifactDetails,
    ArtifactReference,
    Blob,
    Manifest,
    Repository,
    RepositoryBlob,
    Tag,
)
from harbor.artifacts.schemas import Place, Pushed
from harbor.artifacts.service import accessories, artifacts, blobs, entering, immutable, listed
from harbor.artifacts.service.blobs import HERE
from harbor.artifacts.service.details import Details
from harbor.artifacts.service.entering import Entered
from harbor.artifacts.service.history import Act
from harbor.artifacts.service.redirects import Refuse
from harbor.core import manifests, oci
from harbor.core.errors import BadRequest, Denied, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest, Reference
from harbor.core.quick import Pen, among
from harbor.immutability import service as immutability
from harbor.quotas import service as quotas

IDS = select(Repository.name, Repository.repository_id).where(among(Repository.name, "names"))
# Nobody deletes from the source or moves its tags before the commit.
SOURCE_HELD = (
    select(Repository.repository_id)
    .where(
        Repository.name == bindparam("repository"), Repository.project_id == bindparam("project_id")
    )
    .with_for_update(read=True)
)
INSIDE = (Artifact.repository_id == bindparam("repository_id"), among(Artifact.digest, "digests"))
IS_ACCESSORY = (
    select(Accessory.id).join(Artifact, Artifact.id == Accessory.artifact_id).where(*INSIDE)
)
CHILDREN = (
    select(Artifact.digest, ArtifactReference.child_digest)
    .join(Artifact, Artifact.id == ArtifactReference.parent_id)
    .where(*INSIDE)
)
ABOUT = (
    select(Artifact.digest, Accessory.subject_digest, Accessory.kind)
    .join(Artifact, Artifact.id == Accessory.artifact_id)
    .where(
        Accessory.repository_id == bindparam("repository_id"),
        among(Accessory.subject_digest, "digests"),
    )
    .order_by(Accessory.id)
)
SIZES = select(Artifact.digest, Artifact.manifest_size).where(*INSIDE)
NAMED = (
    select(ArtifactBlob.digest)
    .join(Artifact, Artifact.id == ArtifactBlob.artifact_id)
    .where(*INSIDE)
    .distinct()
)
LENT = (
    select(Blob.digest, Blob.size)
    .join(RepositoryBlob, RepositoryBlob.digest == Blob.digest)
    .where(*HERE, among(RepositoryBlob.digest, "digests"))
    .order_by(RepositoryBlob.digest)  # as whoever releases them takes the locks
    .with_for_update(read=True, key_share=True, of=RepositoryBlob)
)
WHOLE = (
    select(
        Artifact.manifest_media_type,
        Manifest.content,
        Artifact.type,
        Artifact.icon,
        ArtifactDetails.extra_attrs,
    )
    .join(Manifest, Manifest.digest == Artifact.digest)
    .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
    .where(
        Artifact.repository_id == bindparam("repository_id"), Artifact.digest == bindparam("digest")
    )
)
TAGS = (
    select(Tag.name, Artifact.digest)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .where(*INSIDE)
    .order_by(Tag.id)
)
MEANT = (
    select(Tag.name, Artifact.digest)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .where(Tag.repository_id == bindparam("repository_id"), among(Tag.name, "names"))
)


class Family(Struct):
    """An artifact with all that is copied with it, by digest."""

    root: str
    children: dict[str, set[str]] = field(default_factory=dict)  # of each
    about: list[tuple[str, str, str]] = field(default_factory=list)  # accessory, subject, kind

    @property
    def members(self) -> list[str]:
        """All of them, each after its children."""
        return list(TopologicalSorter(self.children).static_order())

    @property
    def tagged(self) -> list[str]:
        """Those whose tags are copied: clients find older signatures by theirs."""
        return [self.root, *(accessory for accessory, *_ in self.about)]


def parse_source(text: str) -> tuple[str, Reference]:
    """The repository and the reference in ``a/b:tag`` or ``a/b@digest``; ``BadRequest``."""
    by_digest = "@" in text
    name, _, reference = text.partition("@") if by_digest else text.rpartition(":")
    grammar = oci.DIGEST if by_digest else oci.TAG
    if (
        "/" not in name
        or len(name) > oci.MAX_NAME
        or not oci.NAME.fullmatch(name)
        or not grammar.fullmatch(reference)
    ):
        raise BadRequest(
            Phrase(
                "invalid from: %(text)s; it is project/repository:tag or project/repository@digest",
                text=oci.shown(text),
            )
        )
    return name, Reference(reference)


def missing(source: Place, reference: Reference) -> NotFound:
    return NotFound(
        Phrase(
            "artifact %(repository)s%(reference)s not found",
            repository=source.repository,
            reference=reference.joined,
        )
    )


class Asked(Struct, frozen=True):
    """What is to be copied, and to where."""

    source: Place
    reference: Reference
    target: Place


async def copy(pen: Pen, asked: Asked, refuse: Refuse, *, enforced: bool, by: str) -> None:
    """Let the target have the artifact too, with its children, its accessories and all its tags.

    ``NotFound`` if it is not there, ``Denied`` if it is an accessory, or if limits are *enforced*
    and it does not fit into the project, ``Precondition`` if an immutable tag would move.
    """
    source, reference, target = asked.source, asked.reference, asked.target
    source_id, target_id, is_ruled = await hold(pen, source, reference, target, refuse)
    family = await family_of(pen, source_id, await root_of(pen, source_id, source, reference))
    members = family.members
    tags: dict[str, str] = dict(await pen.run(TAGS, repository_id=source_id, digests=family.tagged))
    former: dict[str, str] = dict(await pen.run(MEANT, repository_id=target_id, names=list(tags)))
    moving = {name: digest for name, digest in tags.items() if former.get(name) != digest}
    if is_ruled:
        await refuse_moves(pen, target, [name for name in moving if name in former])
    named = await pen.run(NAMED, repository_id=source_id, digests=members)
    here = {"project_id": source.project_id, "repository": source.repository}
    lent: dict[Digest, int] = dict(
        await pen.run(LENT, **here, digests=[digest for (digest,) in named])
    )
    sizes = lent | dict(await pen.run(SIZES, repository_id=source_id, digests=members))
    async with quotas.charged(pen, target.project_id, sizes, enforced=enforced):
        for blob in lent:
            await blobs.link(pen, target, blob)
        copies: dict[str, Entered] = {}
        for member in members:
            await asyncio.sleep(0)  # there may be thousands, and others want to be answered
            copies[member] = await copy_one(pen, source_id, target_id, target, Digest(member))
        for accessory, subject, kind in family.about:
            await accessories.attach(pen, target_id, copies[accessory].id, Digest(subject), kind)
        for name, digest in moving.items():
            act = Act(target, "copy", by)
            await artifacts.point(pen, target_id, name, (copies[digest].id, digest), act)
        new = sum(each.appears for each in copies.values())
        await listed.review(pen, target_id, {*members, *former.values()}, new=new)


async def hold(
    pen: Pen, source: Place, reference: Reference, target: Place, refuse: Refuse
) -> tuple[int, int, bool]:
    """The ids of both repositories, and whether rules make tags of the target immutable.

    Both are held, the older one first, as everybody holds several: nobody waits in a circle.
    """
    ids: dict[str, int] = dict(await pen.run(IDS, names=[source.repository, target.repository]))
    made: tuple[int, bool] | None = None
    if ids.get(target.repository, sys.maxsize) <= ids.get(source.repository, 0):
        made = await artifacts.ensure_repository(pen, target, refuse)
    here = {"project_id": source.project_id, "repository": source.repository}
    found = await pen.run(SOURCE_HELD, **here)
    if not found:
        raise missing(source, reference)
    target_id, is_ruled = made or await artifacts.ensure_repository(pen, target, refuse)
    return found[0][0], target_id, is_ruled


async def root_of(pen: Pen, source_id: int, source: Place, reference: Reference) -> str:
    """The digest of the artifact that *reference* names; ``NotFound``, ``Denied``."""
    if oci.is_digest(reference):
        rows = await pen.run(SIZES, repository_id=source_id, digests=[reference])
    else:
        rows = await pen.run(artifacts.FORMER, repository_id=source_id, name=reference)
    if not rows:
        raise missing(source, reference)
    digest = str(rows[0][0])
    if await pen.run(IS_ACCESSORY, repository_id=source_id, digests=[digest]):
        raise Denied(
            Phrase(
                "the accessory %(repository)s@%(digest)s is copied with its subject only",
                repository=source.repository,
                digest=digest,
            )
        )
    return digest


async def family_of(pen: Pen, source_id: int, root: str) -> Family:
    """All that is copied with *root*: children, accessories, and theirs."""
    family = Family(root)
    waiting = {root}
    while waiting:
        here = {"repository_id": source_id, "digests": sorted(waiting)}
        family.children |= {digest: set() for digest in waiting}
        for parent, child in await pen.run(CHILDREN, **here):
            family.children[parent].add(child)
        about = await pen.run(ABOUT, **here)
        family.about += [(accessory, subject, kind) for accessory, subject, kind in about]
        near = {child for parent in waiting for child in family.children[parent]}
        waiting = (near | {accessory for accessory, *_ in about}) - family.children.keys()
    return family


async def refuse_moves(pen: Pen, target: Place, tags: Sequence[str]) -> None:
    """``Precondition`` if one of *tags*, which are there, is immutable."""
    rules = await immutability.in_force(pen, target.project_id)
    for tag in await rules.held(target.repository, tags):
        raise immutable.moved(target, tag)


async def copy_one(
    pen: Pen, source_id: int, target_id: int, target: Place, digest: Digest
) -> Entered:
    """The copy of one artifact, whose blobs and children are there already."""
    ((media_type, raw, *said),) = await pen.run(WHOLE, repository_id=source_id, digest=digest)
    pushed = Pushed(target, digest, manifests.parse(media_type, raw), raw, None)
    children = await artifacts.find_children(pen, target_id, pushed)
    return await entering.enter(pen, target_id, pushed, Details(*said), children)
