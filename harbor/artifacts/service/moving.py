"""What is done: give a repository another name, or another project. No bytes move.

Rows that hang on its id stay as they are. Those that hang on its name or its project are changed
by a few statements, however many there are, and locked in the order that ``quotas`` names.
"""

from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    Update,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import UpdateBase

from harbor.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ReleasedBlob,
    Repository,
    RepositoryBlob,
    RepositoryRedirect,
    RepositoryStorage,
    Tag,
    TagMove,
    Trash,
    Upload,
)
from harbor.artifacts.schemas import MoveReq, Place
from harbor.artifacts.service import founding, redirects, repositories
from harbor.artifacts.service.pushing import enforced
from harbor.core import clock, oci
from harbor.core.api import Ctx, Done
from harbor.core.db import Time
from harbor.core.errors import BadRequest, Conflict, Forbidden, NotFound, Precondition
from harbor.core.i18n import Phrase
from harbor.core.quick import Pen, SessionPen
from harbor.core.quick.statements import Either
from harbor.core.security import project
from harbor.immutability import service as immutability
from harbor.labels.models import Label
from harbor.quotas import service as quotas
from harbor.quotas.models import ProjectBlob

PUSH = project("repository", "push")
ID = bindparam("moved", type_=Integer)
SOURCE_ID = bindparam("source_id", type_=Integer)
TARGET_ID = bindparam("target_id", type_=Integer)
OLD, NEW = bindparam("old", type_=String), bindparam("new", type_=String)
NOW = bindparam("now", type_=Time())


async def move(ctx: Ctx, source: Place, wanted: MoveReq) -> Place:
    """Move a repository to where it is *wanted*, if the caller may push there; say where that is.

    ``Conflict`` if the name is taken. Into another project: ``Precondition`` if a tag is immutable,
    ``Denied`` if there is no room.
    """
    project_name, _, own = source.repository.partition("/")
    to = wanted.project or project_name
    name = f"{to}/{wanted.name or own}"
    ctx.subject = f"{source.repository} -> {name}"
    target_id = await ctx.wiring.may(ctx.principal, PUSH, name)
    if target_id is None:
        if ctx.principal.is_admin:
            raise NotFound(Phrase("project %(project)s not found", project=oci.shown(to)))
        raise Forbidden(
            Phrase(
                "%(name)s may not push to the project %(to)s",
                name=ctx.principal.name,
                to=oci.shown(to),
            )
        )
    target = Place(target_id, oci.parse_name(name))
    if target == source:
        raise BadRequest(Phrase("the repository is called %(name)s already", name=name))
    try:
        await change(ctx.session, source, target, limited=await enforced(ctx))
    except IntegrityError as error:
        raise taken(target) from error
    if target_id != source.project_id:
        ctx.batch += [Done(ctx.subject, True, each) for each in (source.project_id, target_id)]
    return target


async def change(session: AsyncSession, source: Place, target: Place, *, limited: bool) -> None:
    """Let what is in *source* be in *target*, with a redirect from there."""
    pen = SessionPen(session)
    repository_id = await repositories.hold(session, source)
    leaves = source.project_id != target.project_id
    if leaves:
        await refuse_immutable(session, source, repository_id)
    await founding.require_name(pen, target)
    there = select(Repository.repository_id).where(Repository.name == target.repository)
    if await session.scalar(there) is not None:
        raise taken(target)
    own = target.repository.partition("/")[2]
    await pen.run(redirects.ENDED, project_id=target.project_id, name=own)
    ids = {"moved": repository_id, "source_id": source.project_id, "target_id": target.project_id}
    names = {"old": source.repository, "new": target.repository}
    await pen.run(UPLOADS, **ids, **names)
    await pen.run(LINKS_HELD, **ids, **names)
    if leaves:
        await charge(pen, ids | names)
    for statement in (*LINKS, *RELEASED_LINKS, CALLED, *KNOWN):
        await pen.run(statement, **ids, **names)
    if leaves:
        for statement in (ARTIFACTS, LABELLED, UNLABELLED, DISCHARGED, UNCOUNTED):
            await pen.run(statement, **ids, **names)
        await quotas.recount_moved(session, source.project_id, target.project_id, enforced=limited)
    former = {"project_id": source.project_id, "name": source.repository.partition("/")[2]}
    row = former | {"repository_id": repository_id, "creation_time": clock.now()}
    await session.execute(insert(RepositoryRedirect).values(row))


def taken(target: Place) -> Conflict:
    return Conflict(
        Phrase("there is a repository %(repository)s already", repository=target.repository)
    )


async def refuse_immutable(session: AsyncSession, source: Place, repository_id: int) -> None:
    """``Precondition`` if a tag must stay where it is: what keeps it from being deleted keeps it
    from leaving the project.
    """
    rules = await immutability.in_force(SessionPen(session), source.project_id)
    if not rules:
        return
    tags = await session.scalars(
        select(Tag.name).where(Tag.repository_id == repository_id).order_by(Tag.name)
    )
    if held := await rules.held(source.repository, tags.all()):
        raise Precondition(
            Phrase(
                "the tag %(tag)s is immutable, so %(repository)s stays in its project",
                tag=held[0],
                repository=source.repository,
            )
        )


async def charge(pen: Pen, values: dict[str, Any]) -> None:
    """Let both projects have what moves, until it has moved; the project of the lower id first,
    so that nobody waits in a circle.
    """
    steps: list[tuple[int, Select[Any] | Either]] = [
        (values["source_id"], CHARGES_HELD),
        (values["target_id"], CHARGED),
    ]
    for _, statement in sorted(steps, key=lambda step: step[0]):
        await pen.run(statement, **values, now=clock.now())


OLD_LINKS = (RepositoryBlob.project_id == SOURCE_ID, RepositoryBlob.repository == OLD)
LINKS_HELD = select(func.count()).select_from(
    select(RepositoryBlob.digest)
    .where(*OLD_LINKS)
    .order_by(RepositoryBlob.digest)
    .with_for_update()
    .subquery()
)


def renamed(table: type[Upload] | type[Trash] | type[TagMove]) -> Update:
    """The rows of the old name have the new one."""
    return (
        update(table)
        .where(table.project_id == SOURCE_ID, table.repository == OLD)
        .values(project_id=TARGET_ID, repository=NEW)
        .execution_options(synchronize_session=False)
    )


UPLOADS = renamed(Upload)
KNOWN = (renamed(Trash), renamed(TagMove))  # what was deleted there, and what tags have meant


def moved(
    table: type[RepositoryBlob] | type[ReleasedBlob], *rest: Any
) -> tuple[Either, UpdateBase]:
    """Rows of the old name under the new one, where some may be; and the old ones gone."""
    here = (table.project_id == SOURCE_ID, table.repository == OLD)
    columns = ["project_id", "repository", "digest", *(column.key for column in rest)]

    def worded(dialect: Any) -> UpdateBase:
        # The table itself: a session would take what is inserted into a class for rows of values.
        found = select(TARGET_ID, NEW, table.digest, *rest).where(*here).order_by(table.digest)
        made = dialect.insert(table.__table__).from_select(columns, found, include_defaults=False)
        return made.on_conflict_do_nothing()  # type: ignore[no-any-return]

    gone = delete(table).where(*here).execution_options(synchronize_session=False)
    return Either(worded), gone


LINKS = moved(RepositoryBlob, RepositoryBlob.creation_time)
RELEASED_LINKS = moved(ReleasedBlob, ReleasedBlob.release_time)
CALLED = (
    update(Repository)
    .where(Repository.repository_id == ID)
    .values(name=NEW, project_id=TARGET_ID, update_time=Repository.update_time)
    .execution_options(synchronize_session=False)
)
ARTIFACTS = (
    update(Artifact)
    .where(Artifact.repository_id == ID)
    .values(project_id=TARGET_ID)
    .execution_options(synchronize_session=False)
)
# What it holds there must be counted anew.
UNCOUNTED = (
    delete(RepositoryStorage)
    .where(RepositoryStorage.repository_id == ID)
    .execution_options(synchronize_session=False)
)
MANIFESTS = select(Artifact.digest).where(Artifact.repository_id == ID)
MOVING = select(RepositoryBlob.digest).where(*OLD_LINKS).union(MANIFESTS)
CHARGES = (ProjectBlob.project_id == SOURCE_ID, ProjectBlob.digest.in_(MOVING))
CHARGES_HELD = select(func.count()).select_from(
    select(ProjectBlob.digest)
    .where(*CHARGES)
    .order_by(ProjectBlob.digest)
    .with_for_update()
    .subquery()
)


def _charged(dialect: Any) -> UpdateBase:
    found = (
        select(TARGET_ID, ProjectBlob.digest, ProjectBlob.size, NOW)
        .where(*CHARGES)
        .order_by(ProjectBlob.digest)
    )
    columns = ["project_id", "digest", "size", "creation_time"]
    made = dialect.insert(ProjectBlob.__table__).from_select(columns, found, include_defaults=False)
    # What the target has already is locked, so that it does not go before the commit.
    return made.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["project_id", "digest"], set_={"size": made.excluded.size}, where=false()
    )


CHARGED = Either(_charged)
MOVED = (
    select(RepositoryBlob.digest)
    .where(RepositoryBlob.project_id == TARGET_ID, RepositoryBlob.repository == NEW)
    .union(MANIFESTS)
)
# As in ``releases``: the sum keeps databases from going through all artifacts of the project.
STAYING = Artifact.project_id + 0 == SOURCE_ID
DISCHARGED = (
    delete(ProjectBlob)
    .where(
        ProjectBlob.project_id == SOURCE_ID,
        ProjectBlob.digest.in_(MOVED),
        ~or_(
            exists().where(
                RepositoryBlob.digest == ProjectBlob.digest,
                RepositoryBlob.project_id == SOURCE_ID,
            ),
            exists().where(Artifact.digest == ProjectBlob.digest, STAYING),
            exists().where(
                ArtifactBlob.digest == ProjectBlob.digest,
                Artifact.id == ArtifactBlob.artifact_id,
                STAYING,
            ),
        ),
    )
    .execution_options(synchronize_session=False)
)
OURS = select(Artifact.id).where(Artifact.repository_id == ID)
IN_PROJECT = "p"  # the scope of a label


def _labelled(dialect: Any) -> UpdateBase:
    """A label of the old project becomes the one of the same name in the new one."""
    theirs = Label.__table__.alias("theirs")
    found = (
        select(ArtifactLabel.artifact_id, theirs.c.id, ArtifactLabel.creation_time)
        .join(Label, Label.id == ArtifactLabel.label_id)
        .join(theirs, theirs.c.name == Label.name)
        .where(
            ArtifactLabel.artifact_id.in_(OURS),
            Label.scope == IN_PROJECT,
            theirs.c.scope == IN_PROJECT,
            theirs.c.project_id == TARGET_ID,
        )
    )
    columns = ["artifact_id", "label_id", "creation_time"]
    made = dialect.insert(ArtifactLabel.__table__).from_select(
        columns, found, include_defaults=False
    )
    return made.on_conflict_do_nothing()  # type: ignore[no-any-return]


LABELLED = Either(_labelled)
FOREIGN = select(Label.id).where(Label.scope == IN_PROJECT, Label.project_id != TARGET_ID)
UNLABELLED = (
    delete(ArtifactLabel)
    .where(ArtifactLabel.artifact_id.in_(OURS), ArtifactLabel.label_id.in_(FOREIGN))
    .execution_options(synchronize_session=False)
)
