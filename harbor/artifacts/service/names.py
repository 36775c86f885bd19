"""What is done: list the names of tags and of repositories that clients of the registry ask for."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Integer, bindparam, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, Repository, RepositoryBlob, Tag
from harbor.artifacts.schemas import Place
from harbor.core.errors import NameUnknown
from harbor.core.quick import Quick
from harbor.projects.service import Sight

TAGS = (
    select(Tag.name)
    .join(Repository, Repository.repository_id == Tag.repository_id)
    .where(
        Repository.name == bindparam("repository"),
        Repository.project_id == bindparam("project_id"),
        Tag.name > bindparam("last"),
    )
    .order_by(Tag.name)
    .limit(bindparam("limit", type_=Integer))
)
PUSHED_TO = select(
    exists().where(
        Repository.name == bindparam("repository"),
        Repository.project_id == bindparam("project_id"),
    )
    | exists().where(
        RepositoryBlob.repository == bindparam("repository"),
        RepositoryBlob.project_id == bindparam("project_id"),
    )
)
ALL = 2**31 - 1


async def tags(
    quick: Quick, place: Place, *, last: str = "", limit: int | None = None
) -> list[str]:
    """The names of tags after *last*, sorted by their bytes; ``NameUnknown``.

    A repository that has blobs but no manifest yet is known, and has no tags.
    """
    here = {"repository": place.repository, "project_id": place.project_id}
    rows = await quick.fetch(TAGS, **here, last=last, limit=ALL if limit is None else limit)
    if not rows and not (await quick.fetch(PUSHED_TO, **here))[0][0]:
        raise NameUnknown(f"repository {place.repository} not found")
    return [name for (name,) in rows]


async def repositories(
    session: AsyncSession, sight: Sight, *, last: str = "", limit: int | None = None
) -> Sequence[str]:
    """The names, after *last*, of all in *sight* that hold an artifact, sorted by bytes."""
    # Said in the statement: of a limit that it does not know, PostgreSQL thinks that it is soon
    # met, and asks each of very many repositories that hold nothing.
    most = literal(ALL if limit is None else limit, Integer, literal_execute=True)
    holding = select(Artifact.repository_id).where(
        Artifact.repository_id == Repository.repository_id
    )
    query = (
        select(Repository.name)
        .where(Repository.name > last, holding.exists(), seen(sight))
        .order_by(Repository.name)
        .limit(most)
    )
    return (await session.scalars(query)).all()


async def is_repository(session: AsyncSession, sight: Sight, name: str) -> bool:
    count = select(func.count()).select_from(Repository)
    return bool(await session.scalar(count.where(Repository.name == name, seen(sight))))


def seen(sight: Sight) -> ColumnElement[bool]:
    return sight.allows(Repository.project_id, Repository.name)
