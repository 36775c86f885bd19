"""What is done: let a tag mean again what it meant before."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, Repository, TagMove
from harbor.artifacts.schemas import Place, RollbackReq
from harbor.artifacts.service import artifacts, history, immutable, listed, repositories
from harbor.artifacts.service.history import Act
from harbor.core.errors import BadRequest, NotFound, Precondition
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.core.quick import SessionPen


async def roll_back(
    session: AsyncSession, place: Place, tag: str, wanted: RollbackReq, by: str
) -> str:
    """Let *tag* mean what *wanted* of its history says; return the digest of that.

    ``NotFound`` if there is no such entry or the artifact is gone, ``Precondition`` if it is in the
    trash or the tag is immutable, ``BadRequest`` if the entry says that the tag was removed.
    """
    digest = await meant(session, place, tag, wanted)
    pen = SessionPen(session)
    repository_id = await repositories.touch(session, place)
    found = select(Artifact.id).where(
        Artifact.repository_id == repository_id, Artifact.digest == digest
    )
    artifact_id = None if repository_id is None else await session.scalar(found)
    if repository_id is None or artifact_id is None:
        trashed = select(TagMove.id).where(
            history.of_tag(place, tag), TagMove.digest == digest, history.in_trash()
        )
        if await session.scalar(trashed.limit(1)) is not None:
            raise Precondition(
                Phrase(
                    "artifact %(repository)s@%(digest)s is in the trash; restore it first",
                    repository=place.repository,
                    digest=digest,
                )
            )
        raise NotFound(
            Phrase(
                "artifact %(repository)s@%(digest)s is gone",
                repository=place.repository,
                digest=digest,
            )
        )
    former = await pen.run(artifacts.FORMER, repository_id=repository_id, name=tag)
    if former == [(digest,)]:
        return digest
    is_ruled = select(immutable.RULED).where(Repository.repository_id == repository_id)
    if await session.scalar(is_ruled):
        await immutable.refuse_push(pen, place, repository_id, tag)
    act = Act(place, "rollback", by)
    changed = await artifacts.point(pen, repository_id, tag, (artifact_id, digest), act)
    await listed.review(pen, repository_id, {digest, *changed})
    return digest


async def meant(session: AsyncSession, place: Place, tag: str, wanted: RollbackReq) -> str:
    """The digest that an entry of the history names."""
    if (wanted.id is None) == (wanted.digest is None):
        raise BadRequest(Phrase("say either the id or the digest of an entry of the history"))
    this: ColumnElement[bool] = (
        TagMove.digest == wanted.digest if wanted.id is None else TagMove.id == wanted.id
    )
    row = (
        await session.execute(
            select(TagMove.digest).where(history.of_tag(place, tag), this).limit(1)
        )
    ).first()
    if row is None:
        raise NotFound(Phrase("the history of tag %(tag)s has no such entry", tag=shown(tag)))
    if row.digest is None:
        raise BadRequest(Phrase("that entry of the history says that the tag was removed"))
    return str(row.digest)
