"""What is done: keep what a deletion takes, so that it can be restored for a while.

Rows are moved to tables of their own, so nothing that serves, lists or counts artifacts can find
them; manifests and blobs stay in the store, because those tables name them by foreign key.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import UpdateBase

from harbor.artifacts import schemas
from harbor.artifacts.models import (
    Accessory,
    Artifact,
    ArtifactBlob,
    ArtifactDetails,
    ArtifactLabel,
    ArtifactReference,
    Blob,
    Repository,
    Tag,
    Trash,
    TrashArtifact,
    TrashBlob,
    TrashLabel,
    TrashReference,
    TrashTag,
)
from harbor.artifacts.schemas import Place
from harbor.configuration.service import Configuration
from harbor.core import clock
from harbor.core import query as q
from harbor.core.api import Ctx
from harbor.core.db import Table
from harbor.core.errors import Forbidden, NotFound
from harbor.core.i18n import Phrase
from harbor.core.query import Listing
from harbor.core.quick import Pen, among
from harbor.core.quick.statements import Either
from harbor.core.security import Permission, Principal
from harbor.core.wire import Time
from harbor.projects import service as projects
from harbor.projects.events import ProjectDeleted

DELETE = ("artifact", "delete")
FEW = 10  # tags that an entry shows
MAX_USERNAME = 255


class Terms(Struct, frozen=True):
    """Who deletes something, and for how many days it can be restored; 0: not at all."""

    by: str
    days: int


async def terms(ctx: Ctx) -> Terms:
    """The terms on which the caller deletes."""
    values = await ctx.the(Configuration).current()
    return Terms(ctx.principal.name, values.trash_days)


class Taken(Struct, frozen=True):
    """What a deletion is about: an artifact with all that goes with it, or a repository."""

    place: Place
    repository_id: int
    digest: str | None  # None: the repository


TRASH_ID = bindparam("trash_id", type_=Integer)
INSIDE = (
    Artifact.repository_id == bindparam("repository_id", type_=Integer),
    among(Artifact.digest, "digests"),
)


def moved(table: type[Table], names: Sequence[str], rows: Select[*tuple[Any, ...]]) -> Either:
    """An INSERT of what *rows* finds into the columns *names*."""

    def worded(dialect: Any) -> UpdateBase:
        # The table itself: a session would take what is inserted into a class for rows of values.
        insert = dialect.insert(table.__table__)
        return insert.from_select(names, rows, include_defaults=False)  # type: ignore[no-any-return]

    return Either(worded)


ARTIFACT = (
    "digest",
    "manifest_media_type",
    "media_type",
    "artifact_type",
    "type",
    "icon",
    "manifest_size",
    "size",
    "annotations",
    "push_time",
    "pull_time",
)
KEPT = (
    moved(
        TrashArtifact,
        ["trash_id", *ARTIFACT, "extra_attrs", "subject_digest", "kind", "attached_time"],
        select(
            TRASH_ID,
            *(getattr(Artifact, name) for name in ARTIFACT),
            ArtifactDetails.extra_attrs,
            Accessory.subject_digest,
            Accessory.kind,
            Accessory.creation_time,
        )
        .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
        .outerjoin(Accessory, Accessory.artifact_id == Artifact.id)
        .where(*INSIDE),
    ),
    moved(
        TrashBlob,
        ["trash_id", "artifact_digest", "digest"],
        select(TRASH_ID, Artifact.digest, ArtifactBlob.digest)
        .join(ArtifactBlob, ArtifactBlob.artifact_id == Artifact.id)
        .join(Blob, Blob.digest == ArtifactBlob.digest)
        .where(*INSIDE),
    ),
    moved(
        TrashReference,
        ["trash_id", "parent_digest", "child_digest", "platform", "annotations", "urls"],
        select(
            TRASH_ID,
            Artifact.digest,
            ArtifactReference.child_digest,
            ArtifactReference.platform,
            ArtifactReference.annotations,
            ArtifactReference.urls,
        )
        .join(ArtifactReference, ArtifactReference.parent_id == Artifact.id)
        .where(*INSIDE)
        .order_by(ArtifactReference.id),
    ),
    moved(
        TrashTag,
        ["trash_id", "name", "digest", "push_time", "pull_time", "expires_at"],
        select(TRASH_ID, Tag.name, Artifact.digest, Tag.push_time, Tag.pull_time, Tag.expires_at)
        .join(Artifact, Artifact.id == Tag.artifact_id)
        .where(*INSIDE),
    ),
    moved(
        TrashLabel,
        ["trash_id", "digest", "label_id"],
        select(TRASH_ID, Artifact.digest, ArtifactLabel.label_id)
        .join(ArtifactLabel, ArtifactLabel.artifact_id == Artifact.id)
        .where(*INSIDE),
    ),
)
ENTRY = (
    "project_id",
    "repository",
    "digest",
    "type",
    "media_type",
    "description",
    "pull_count",
    "artifact_count",
    "size",
    "username",
    "deletion_time",
    "kept_until",
)


def _entered(dialect: Any) -> UpdateBase:
    table = Trash.__table__
    made = dialect.insert(table).values({name: bindparam(name) for name in ENTRY})
    return made.returning(table.c.id)  # type: ignore[no-any-return]


ENTERED = Either(_entered)
ROOT = select(Artifact.type, Artifact.manifest_media_type).where(*INSIDE)
DESCRIBED = select(Repository.description, Repository.pull_count).where(
    Repository.repository_id == bindparam("repository_id")
)
OF_BLOBS = (
    select(func.coalesce(func.sum(Blob.size), 0))
    .where(Blob.digest.in_(select(TrashBlob.digest).where(TrashBlob.trash_id == TRASH_ID)))
    .scalar_subquery()
)
OF_MANIFESTS = (
    select(func.coalesce(func.sum(TrashArtifact.manifest_size), 0))
    .where(TrashArtifact.trash_id == TRASH_ID)
    .scalar_subquery()
)
MEASURED = (
    update(Trash)
    .where(Trash.id == TRASH_ID)
    .values(size=OF_BLOBS + OF_MANIFESTS)
    .execution_options(synchronize_session=False)
)


async def keep(pen: Pen, taken: Taken, digests: Collection[str], terms: Terms) -> None:
    """Keep what is about to be deleted, as the terms say."""
    if not terms.days:
        return
    here = {"repository_id": taken.repository_id}
    entry: dict[str, object] = {"type": "", "media_type": "", "description": "", "pull_count": 0}
    if taken.digest is None:
        ((entry["description"], entry["pull_count"]),) = await pen.run(DESCRIBED, **here)
    else:
        found = await pen.run(ROOT, **here, digests=[taken.digest])
        ((entry["type"], entry["media_type"]),) = found
    now = clock.now()
    ((trash_id,),) = await pen.run(
        ENTERED,
        project_id=taken.place.project_id,
        repository=taken.place.repository,
        digest=taken.digest,
        **entry,
        artifact_count=len(digests),
        size=0,
        username=terms.by[:MAX_USERNAME],
        deletion_time=now,
        kept_until=now + timedelta(days=terms.days),
    )
    for statement in KEPT:
        await pen.run(statement, trash_id=trash_id, **here, digests=list(digests))
    await pen.run(MEASURED, trash_id=trash_id)


FIELDS: q.Fields = {
    "id": Trash.id,
    "repository_name": Trash.repository,
    "digest": Trash.digest,
    "type": Trash.type,
    "size": Trash.size,
    "artifact_count": Trash.artifact_count,
    "deleted_by": Trash.username,
    "deletion_time": Trash.deletion_time,
    "kept_until": Trash.kept_until,
}


async def search(
    session: AsyncSession, who: Principal, project_id: int, query: Listing
) -> tuple[list[schemas.TrashEntry], int]:
    """One page of what can be restored in a project, and how much there is.

    Whom rules keep from a repository of the project sees what was in those that are there.
    """
    sight = await projects.sight_of(session, who, [project_id], DELETE)
    wanted = and_(
        Trash.project_id == project_id,
        sight.allows(Trash.project_id, Trash.repository),
        Trash.kept_until > clock.now(),
        *q.conditions(query.q, FIELDS),
    )
    total = await session.scalar(select(func.count()).select_from(Trash).where(wanted))
    page = (
        select(Trash)
        .where(wanted)
        .order_by(*q.order(query.sort, FIELDS), Trash.deletion_time.desc(), Trash.id.desc())
        .limit(query.page_size)
        .offset(query.offset)
    )
    return await shown(session, list(await session.scalars(page))), total or 0


async def several(
    session: AsyncSession, project_id: int, ids: Sequence[int]
) -> list[schemas.TrashEntry]:
    """Those of *ids* that can be restored in the project; ``NotFound`` if none can."""
    wanted = select(Trash).where(
        Trash.project_id == project_id, Trash.id.in_(ids), Trash.kept_until > clock.now()
    )
    rows = list(await session.scalars(wanted.order_by(Trash.id)))
    if not rows:
        raise NotFound(Phrase("nothing of this is in the trash any more"))
    return await shown(session, rows)


async def chosen(
    ctx: Ctx, session: AsyncSession, ids: Sequence[int], wanted: Permission
) -> list[schemas.TrashEntry]:
    """The same, if the caller may do *wanted* in the repository of each; else ``NotFound``."""
    found = await several(session, ctx.known_project_id, ids)
    if {entry.repository_name for entry in found} - await open_to(ctx, found, wanted):
        raise NotFound(Phrase("nothing of this is in the trash any more"))
    return found


async def open_to(
    ctx: Ctx, entries: Sequence[schemas.TrashEntry], wanted: Permission
) -> frozenset[str]:
    """Those repositories of *entries* in which the caller may do *wanted*."""
    names = {entry.repository_name for entry in entries}
    return await ctx.wiring.may_in(ctx.principal, wanted, names)


async def require_all(ctx: Ctx, wanted: Permission) -> None:
    """``Forbidden`` unless the caller may do *wanted* in all repositories that have trash."""
    if ctx.principal.is_admin:
        return
    named = select(Trash.repository).where(Trash.project_id == ctx.known_project_id).distinct()
    async with ctx.db.reading() as session:
        names = (await session.scalars(named)).all()
    if set(names) - await ctx.wiring.may_in(ctx.principal, wanted, names):
        raise Forbidden(Phrase("some of the trash is of repositories that are not yours to delete"))


async def shown(session: AsyncSession, rows: Sequence[Trash]) -> list[schemas.TrashEntry]:
    """Entries with the names of the newest tags of each: two statements for any number."""
    ranked = (
        select(
            TrashTag.trash_id,
            TrashTag.name,
            func.row_number()
            .over(
                partition_by=TrashTag.trash_id, order_by=(TrashTag.push_time.desc(), TrashTag.name)
            )
            .label("at"),
            func.count().over(partition_by=TrashTag.trash_id).label("total"),
        )
        .join(Trash, Trash.id == TrashTag.trash_id)
        .where(TrashTag.trash_id.in_([row.id for row in rows]), TrashTag.digest == Trash.digest)
        .subquery()
    )
    names: dict[int, list[str]] = defaultdict(list)
    totals: dict[int, int] = {}
    tags = select(ranked).where(ranked.c.at <= FEW).order_by(ranked.c.trash_id, ranked.c.at)
    for trash_id, name, _at, total in await session.execute(tags):
        names[trash_id].append(name)
        totals[trash_id] = total
    return [
        schemas.TrashEntry(
            id=row.id,
            kind="repository" if row.digest is None else "artifact",
            repository_name=row.repository,
            digest=row.digest,
            type=row.type,
            manifest_media_type=row.media_type,
            tags=names[row.id],
            tag_count=totals.get(row.id, 0),
            artifact_count=row.artifact_count,
            size=row.size,
            deleted_by=row.username,
            deletion_time=Time(row.deletion_time),
            kept_until=Time(row.kept_until),
        )
        for row in rows
    ]


FORGOTTEN = (
    delete(Trash)
    .where(Trash.project_id == bindparam("of"))
    .execution_options(synchronize_session=False)
)


async def forget(pen: Pen, event: ProjectDeleted) -> None:
    """Nothing of a deleted project can be restored."""
    await pen.run(FORGOTTEN, of=event.project_id)
