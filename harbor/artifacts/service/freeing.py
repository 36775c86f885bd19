"""What is done: say what deleting artifacts would free, before anybody deletes them."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, bindparam, exists, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from harbor.artifacts.models import Accessory, Artifact, ArtifactBlob, ArtifactReference, Tag
from harbor.artifacts.service.storage import ELSEWHERE, Holding, total
from harbor.core.i18n import ago, size
from harbor.core.i18n import gettext as _
from harbor.core.quick import SessionPen, among
from harbor.quotas.models import ProjectBlob

MANY = 500  # SQLite takes a limited number of parameters
MOST = 1_000  # artifacts that are looked at while somebody waits

# A digest may be in very many artifacts: the first that stays answers the question.
User, Same = aliased(Artifact), aliased(Artifact)


def staying(artifact: type[Artifact]) -> ColumnElement[bool]:
    """An artifact of the project that is not among those that go."""
    return (artifact.project_id + 0 == ProjectBlob.project_id) & not_(
        (artifact.repository_id + 0 == bindparam("repository_id")) & among(artifact.digest, "going")
    )


USED = or_(
    exists().where(
        ArtifactBlob.digest == ProjectBlob.digest,
        User.id == ArtifactBlob.artifact_id,
        staying(User),
    ),
    exists().where(Same.digest == ProjectBlob.digest, staying(Same)),
)
FREED = select(total(), total(not_(USED)), total(not_(USED) & not_(ELSEWHERE))).where(
    ProjectBlob.project_id == bindparam("project_id"), among(ProjectBlob.digest, "digests")
)


async def of_artifacts(
    session: AsyncSession, project_id: int, repository_id: int, chosen: Mapping[int, str]
) -> Holding:
    """What deleting the artifacts *chosen* (id → digest) of a repository frees: with them go their
    accessories, and the children that nothing else needs.
    """
    going, whole = await with_all(session, repository_id, chosen)
    if not going:
        return Holding(0, 0, 0)
    named: set[str] = set()
    ids = list(going)
    for start in range(0, len(ids), MANY):
        named |= await named_by(session, ids[start : start + MANY])
    digests = set(going.values())
    rows = await SessionPen(session).run(
        FREED,
        project_id=project_id,
        repository_id=repository_id,
        going=sorted(digests),
        digests=sorted(digests | named),
    )
    nbytes, freed, unique = map(int, rows[0])
    return Holding(nbytes, freed, unique, at_least=not whole)


async def with_all(
    session: AsyncSession, repository_id: int, chosen: Mapping[int, str]
) -> tuple[dict[int, str], bool]:
    """Id → digest of all that goes with the artifacts *chosen*, and whether that is all of it.

    What an index lists that stays is not deleted, so it is not counted.
    """
    going: dict[int, str] = {}
    waiting, children = dict(chosen), dict[int, str]()
    while waiting:
        listed = await parents_of(session, list(waiting))
        after = {*going, *waiting}
        new = {
            each: digest
            for each, digest in waiting.items()
            if each not in going and listed.get(each, set()) <= after
        }
        if len(going) + len(new) > MOST:
            return going | dict(list(new.items())[: MOST - len(going)]), False
        going |= new
        children |= await children_of(session, list(new))
        held = await holding(session, list(children), going)
        alone = {child: its for child, its in children.items() if child not in {*held, *going}}
        waiting = alone | await accessories_of(session, repository_id, new.values())
        waiting = {each: digest for each, digest in waiting.items() if each not in going}
        if not new:
            break
    return going, True


async def parents_of(session: AsyncSession, ids: list[int]) -> dict[int, set[int]]:
    """Which indexes list each artifact."""
    found: dict[int, set[int]] = {}
    for start in range(0, len(ids), MANY):
        wanted = select(ArtifactReference.child_id, ArtifactReference.parent_id).where(
            ArtifactReference.child_id.in_(ids[start : start + MANY])
        )
        for child, parent in await session.execute(wanted):
            found.setdefault(child, set()).add(parent)
    return found


async def children_of(session: AsyncSession, artifact_ids: Sequence[int]) -> dict[int, str]:
    """Id → digest of what the artifacts list."""
    children: dict[int, str] = {}
    for start in range(0, len(artifact_ids), MANY):
        rows = await session.execute(
            select(ArtifactReference.child_id, ArtifactReference.child_digest).where(
                ArtifactReference.parent_id.in_(artifact_ids[start : start + MANY])
            )
        )
        children |= {row.child_id: row.child_digest for row in rows}
    return children


async def holding(
    session: AsyncSession, artifact_ids: Sequence[int], going: Collection[int]
) -> set[int]:
    """Those of the artifacts that have a tag, or a parent that is not *going*."""
    held: set[int] = set()
    for start in range(0, len(artifact_ids), MANY):
        some = artifact_ids[start : start + MANY]
        held |= set(await session.scalars(select(Tag.artifact_id).where(Tag.artifact_id.in_(some))))
        parents = select(ArtifactReference.child_id, ArtifactReference.parent_id).where(
            ArtifactReference.child_id.in_(some)
        )
        held |= {child for child, parent in await session.execute(parents) if parent not in going}
    return held


async def named_by(session: AsyncSession, artifact_ids: Collection[int]) -> set[str]:
    """The digests of the blobs that the artifacts name."""
    rows = await session.scalars(
        select(ArtifactBlob.digest).where(ArtifactBlob.artifact_id.in_(artifact_ids))
    )
    return set(rows)


ABOUT = (
    select(Artifact.id, Artifact.digest)
    .join(Accessory, Accessory.artifact_id == Artifact.id)
    .where(
        Accessory.repository_id == bindparam("repository_id"),
        among(Accessory.subject_digest, "digests"),
    )
)


async def accessories_of(
    session: AsyncSession, repository_id: int, digests: Collection[str]
) -> dict[int, str]:
    """Id → digest of what speaks about any of *digests*."""
    if not digests:
        return {}
    pen = SessionPen(session)
    rows = await pen.run(ABOUT, repository_id=repository_id, digests=sorted(digests))
    return dict(rows)


def sentences(found: Holding | None, *, everything: bool) -> str:
    """What is freed, in the reader's language; *everything*: also what other projects have."""
    if found is None:
        return _("How much this frees was not counted yet.")
    first = _("This frees at least %(size)s.") if found.at_least else _("This frees %(size)s.")
    told = [first % {"size": size(found.freed)}]
    if found.nbytes > found.freed:
        kept = {"size": size(found.nbytes - found.freed)}
        told.append(_("%(size)s stay: something else in the project needs them.") % kept)
    if everything and found.freed > found.unique:
        kept = {"size": size(found.freed - found.unique)}
        told.append(_("%(size)s stay in the store: other projects have them too.") % kept)
    if found.counted is not None:
        told.append(_("Counted %(ago)s.") % {"ago": ago(found.counted)})
    return " ".join(told)
