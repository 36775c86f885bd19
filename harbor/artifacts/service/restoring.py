"""What is done: bring back what was deleted, as far as it is still possible."""

import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    Integer,
    Select,
    bindparam,
    case,
    delete,
    exists,
    false,
    null,
    select,
    update,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import UpdateBase

from harbor.artifacts.models import (
    Accessory,
    Artifact,
    ArtifactBlob,
    ArtifactDetails,
    ArtifactLabel,
    ArtifactReference,
    Blob,
    Repository,
    RepositoryBlob,
    Tag,
    Trash,
    TrashArtifact,
    TrashBlob,
    TrashLabel,
    TrashReference,
    TrashTag,
)
from harbor.artifacts.schemas import Place, Restored
from harbor.artifacts.service import artifacts, history, listed, redirects
from harbor.artifacts.service.copying import IDS
from harbor.artifacts.service.history import Act
from harbor.artifacts.service.redirects import Refuse
from harbor.artifacts.service.trash import ARTIFACT, TRASH_ID
from harbor.core import clock
from harbor.core.api import Ctx
from harbor.core.db import Table
from harbor.core.db import Time as Moment
from harbor.core.errors import NotFound, Precondition
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest
from harbor.core.quick import Pen
from harbor.core.quick.statements import Either
from harbor.quotas import service as quotas

NOW = bindparam("now", type_=Moment())
REPOSITORY_ID = bindparam("repository_id", type_=Integer)
PROJECT_ID = bindparam("project_id", type_=Integer)
ENTRY = (
    select(Trash.repository, Trash.digest, Trash.description, Trash.pull_count)
    .where(Trash.id == TRASH_ID, Trash.project_id == PROJECT_ID, Trash.kept_until > NOW)
    .with_for_update()
)
MANIFESTS = (
    select(TrashArtifact.digest, TrashArtifact.manifest_size)
    .where(TrashArtifact.trash_id == TRASH_ID)
    .order_by(TrashArtifact.digest)
)
BLOBS = (
    select(Blob.digest, Blob.size)
    .where(Blob.digest.in_(select(TrashBlob.digest).where(TrashBlob.trash_id == TRASH_ID)))
    .order_by(Blob.digest)
)
CHILDREN = select(TrashReference.child_digest).where(TrashReference.trash_id == TRASH_ID).distinct()
TAGS = select(TrashTag.name, TrashTag.digest).where(TrashTag.trash_id == TRASH_ID)
# Tags that mean something else by now.
TAKEN = (
    select(TrashTag.name)
    .join(Tag, Tag.name == TrashTag.name)
    .join(Artifact, Artifact.id == Tag.artifact_id)
    .where(
        TrashTag.trash_id == TRASH_ID,
        Tag.repository_id == REPOSITORY_ID,
        Artifact.digest != TrashTag.digest,
    )
    .order_by(TrashTag.name)
)
MISSING = (
    select(TrashReference.child_digest)
    .where(
        TrashReference.trash_id == TRASH_ID,
        ~exists().where(
            Artifact.repository_id == REPOSITORY_ID,
            Artifact.digest == TrashReference.child_digest,
        ),
    )
    .limit(1)
)
EMPTIED = delete(Trash).where(Trash.id == TRASH_ID).execution_options(synchronize_session=False)
DESCRIBED = (
    update(Repository)
    .where(Repository.repository_id == bindparam("of", type_=Integer))
    .values(
        pull_count=Repository.pull_count + bindparam("pulls", type_=Integer),
        description=case(
            (Repository.description == "", bindparam("told")), else_=Repository.description
        ),
        update_time=NOW,
    )
    .execution_options(synchronize_session=False)
)


def back(
    table: type[Table],
    names: Sequence[str],
    rows: Select[*tuple[Any, ...]],
    returning: str = "",
) -> Either:
    """An INSERT of what *rows* finds; what is there already stays as it is."""

    def worded(dialect: Any) -> UpdateBase:
        insert = dialect.insert(table.__table__)
        made = insert.from_select(names, rows, include_defaults=False).on_conflict_do_nothing()
        return made.returning(table.__table__.c[returning]) if returning else made  # type: ignore[no-any-return]

    return Either(worded)


def restored() -> Any:
    """Rows of the trash, each with its artifact as it is here again."""
    return (Artifact.repository_id == REPOSITORY_ID) & (Artifact.digest == TrashArtifact.digest)


LINKED = back(
    RepositoryBlob,
    ["project_id", "repository", "digest", "creation_time"],
    select(
        PROJECT_ID,
        bindparam("repository", type_=RepositoryBlob.repository.type),
        TrashBlob.digest,
        NOW,
    )
    .where(TrashBlob.trash_id == TRASH_ID)
    .distinct()
    .order_by(TrashBlob.digest),
)
ARTIFACTS = back(
    Artifact,
    ["project_id", "repository_id", "listed", "tagged", "accessory", *ARTIFACT],
    select(
        PROJECT_ID,
        REPOSITORY_ID,
        *(false(), false(), false()),  # all three are looked at once the rest is here
        *(getattr(TrashArtifact, name) for name in ARTIFACT),
    ).where(TrashArtifact.trash_id == TRASH_ID),
)
OF = TrashArtifact.trash_id == TRASH_ID
PARENT, CHILD, OTHER = aliased(Artifact), aliased(Artifact), aliased(ArtifactReference)
PARTS = (
    back(
        ArtifactDetails,
        ["artifact_id", "extra_attrs"],
        select(Artifact.id, TrashArtifact.extra_attrs).join(TrashArtifact, restored()).where(OF),
    ),
    back(
        ArtifactBlob,
        ["artifact_id", "digest"],
        select(Artifact.id, TrashBlob.digest)
        .join(TrashBlob, TrashBlob.artifact_digest == Artifact.digest)
        .where(TrashBlob.trash_id == TRASH_ID, Artifact.repository_id == REPOSITORY_ID),
    ),
    back(
        Accessory,
        ["artifact_id", "repository_id", "subject_digest", "kind", "creation_time"],
        select(
            Artifact.id,
            REPOSITORY_ID,
            TrashArtifact.subject_digest,
            TrashArtifact.kind,
            TrashArtifact.attached_time,
        )
        .join(TrashArtifact, restored())
        .where(OF, TrashArtifact.subject_digest.is_not(None)),
    ),
    back(
        ArtifactLabel,
        ["artifact_id", "label_id", "creation_time"],
        select(Artifact.id, TrashLabel.label_id, NOW)
        .join(TrashLabel, TrashLabel.digest == Artifact.digest)
        .where(TrashLabel.trash_id == TRASH_ID, Artifact.repository_id == REPOSITORY_ID),
    ),
    back(
        ArtifactReference,
        ["parent_id", "child_id", "child_digest", "platform", "annotations", "urls"],
        select(
            PARENT.id,
            CHILD.id,
            TrashReference.child_digest,
            TrashReference.platform,
            TrashReference.annotations,
            TrashReference.urls,
        )
        .join(PARENT, PARENT.digest == TrashReference.parent_digest)
        .join(CHILD, CHILD.digest == TrashReference.child_digest)
        .where(
            TrashReference.trash_id == TRASH_ID,
            PARENT.repository_id == REPOSITORY_ID,
            CHILD.repository_id == REPOSITORY_ID,
            ~exists().where(OTHER.parent_id == PARENT.id),
        )
        .order_by(TrashReference.id),
    ),
)
# One whose time came meanwhile stays: it was just asked for.
LASTING = case((TrashTag.expires_at > NOW, TrashTag.expires_at), else_=null())
NAMED = back(
    Tag,
    ["repository_id", "artifact_id", "name", "push_time", "pull_time", "expires_at"],
    select(
        REPOSITORY_ID,
        Artifact.id,
        TrashTag.name,
        TrashTag.push_time,
        TrashTag.pull_time,
        LASTING,
    )
    .join(TrashTag, TrashTag.digest == Artifact.digest)
    .where(TrashTag.trash_id == TRASH_ID, Artifact.repository_id == REPOSITORY_ID),
    returning="name",
)


class Asked(Struct, frozen=True):
    """Which entries of which project's trash are to be restored."""

    project_id: int
    trash_ids: Collection[int]
    by: str
    refusing: Callable[[Place], Refuse]  # if the repository is called otherwise now


class Entry(Struct, frozen=True):
    """What one deletion took, and what of it is only known from the entry."""

    trash_id: int
    place: Place
    digest: Digest | None
    description: str
    pull_count: int


def refusing(ctx: Ctx) -> Callable[[Place], Refuse]:
    return partial(redirects.refusing, ctx)


async def restore(pen: Pen, asked: Asked, *, enforced: bool) -> list[Restored]:
    """Bring back all that deletions took, the latest first, as they were done; all or nothing.

    ``NotFound`` if one is not in the trash any more; ``Denied``, before anything is restored, if
    limits are *enforced* and all together does not fit into the project; ``Precondition`` if an
    index lists what is no longer here. Tags that mean something else by now stay as they are, and
    are told.
    """
    entries = [
        await entry(pen, asked.project_id, each)
        for each in sorted(set(asked.trash_ids), reverse=True)
    ]
    ids = await repositories_of(pen, asked, entries)
    manifests: dict[int, dict[Digest, int]] = {}
    sizes: dict[Digest, int] = {}
    for each in entries:
        this = {"trash_id": each.trash_id}
        manifests[each.trash_id] = dict(await pen.run(MANIFESTS, **this))
        sizes |= manifests[each.trash_id] | dict(await pen.run(BLOBS, **this))
    done = []
    async with quotas.charged(pen, asked.project_id, sizes, enforced=enforced, ask_first=True):
        for each in entries:
            here = {"trash_id": each.trash_id, "repository_id": ids[each.place.repository]}
            digests = manifests[each.trash_id].keys()
            left_out = await bring_back(pen, each, here, digests, asked.by)
            done.append(Restored(each.place.repository, each.digest, len(digests), left_out))
    return done


async def entry(pen: Pen, project_id: int, trash_id: int) -> Entry:
    """An entry, which nobody else restores or deletes before the commit; ``NotFound``."""
    found = await pen.run(ENTRY, trash_id=trash_id, project_id=project_id, now=clock.now())
    if not found:
        raise NotFound(Phrase("there is no entry %(trash_id)s in the trash", trash_id=trash_id))
    repository, *rest = found[0]
    return Entry(trash_id, Place(project_id, repository), *rest)


async def repositories_of(pen: Pen, asked: Asked, entries: Sequence[Entry]) -> dict[str, int]:
    """The ids of all their repositories, each made if it is gone.

    All are held, the older ones first, as everybody holds several: nobody waits in a circle.
    """
    places = {each.place.repository: each.place for each in entries}
    known: dict[str, int] = dict(await pen.run(IDS, names=list(places)))
    ids: dict[str, int] = {}
    for name in sorted(places, key=lambda name: (known.get(name, sys.maxsize), name)):
        place = places[name]
        ids[name], _ = await artifacts.ensure_repository(pen, place, asked.refusing(place))
    return ids


async def bring_back(
    pen: Pen, entry: Entry, here: dict[str, int], digests: Collection[Digest], by: str
) -> list[str]:
    """Restore what one deletion took; return the tags that mean something else by now."""
    place, now = entry.place, clock.now()
    all_here = here | {
        "project_id": place.project_id,
        "repository": place.repository,
        "now": now,
    }
    await pen.run(LINKED, **all_here)
    await pen.run(ARTIFACTS, **all_here)
    if missing := await pen.run(MISSING, **here):
        raise Precondition(
            Phrase(
                "%(missing)s, which an index lists, is not in %(repository)s any "
                "more; restore it first",
                missing=missing[0][0],
                repository=place.repository,
            )
        )
    for part in PARTS:
        await pen.run(part, **all_here)
    left_out = await tag(pen, Act(place, "restore", by), here)
    await pen.run(
        DESCRIBED,
        of=here["repository_id"],
        pulls=entry.pull_count,
        told=entry.description,
        now=now,
    )
    this = {"trash_id": entry.trash_id}
    children = [child for (child,) in await pen.run(CHILDREN, **this)]
    await listed.review(pen, here["repository_id"], {*digests, *children})
    await pen.run(EMPTIED, **this)
    return left_out


async def tag(pen: Pen, act: Act, here: dict[str, int]) -> list[str]:
    """Give artifacts their tags again; return those that mean something else by now."""
    this = {"trash_id": here["trash_id"]}
    meaning: dict[str, str] = dict(await pen.run(TAGS, **this))
    left_out = [name for (name,) in await pen.run(TAKEN, **here)]
    named = await pen.run(NAMED, **here, now=clock.now())
    if named:
        await history.note(pen, act, {name: meaning[name] for (name,) in named})
    return left_out
