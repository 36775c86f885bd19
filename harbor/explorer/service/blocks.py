"""What is done: what is looked at is kept in blocks, of which whoever looks reads a few."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from msgspec import Struct
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core.db import Database
from harbor.core.errors import Unavailable
from harbor.core.i18n import Phrase
from harbor.core.settings import MIB
from harbor.explorer.models import FileView, FileViewBlock

HEAD, NODES, LINES, PACKAGES = range(4)  # parts of a view
MOST_KEPT = 1024 * MIB  # bytes of all views
MOST_VIEWS = 10_000
Blocks = Mapping[tuple[int, int], bytes]  # by part and number


class Source(Struct, frozen=True):
    """What a view is of: an image, one and its base, or a layer alone."""

    manifest: str | None = None
    base: str | None = None
    layer: str | None = None

    @property
    def key(self) -> str:
        return " ".join(digest for digest in (self.manifest, self.base, self.layer) if digest)


class Shelf(Protocol):
    """Where the blocks of one view are."""

    async def take(self, part: int, numbers: Iterable[int]) -> dict[int, bytes]:
        """The blocks with these numbers; ``Unavailable`` if they are no longer there."""


class Memory:
    """For a view that is not kept, or not yet."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    async def take(self, part: int, numbers: Iterable[int]) -> dict[int, bytes]:
        return {number: self._blocks[part, number] for number in numbers}


class Kept:
    """For a view in the database."""

    def __init__(self, db: Database, view_id: int) -> None:
        self._db, self._view_id = db, view_id

    async def take(self, part: int, numbers: Iterable[int]) -> dict[int, bytes]:
        wanted = set(numbers)
        statement = select(FileViewBlock.number, FileViewBlock.content).where(
            FileViewBlock.view_id == self._view_id,
            FileViewBlock.part == part,
            FileViewBlock.number.in_(wanted),
        )
        async with self._db.reading() as session:
            rows = (await session.execute(statement)).all()
        found = {row.number: row.content for row in rows}
        if len(found) < len(wanted):  # it made room for others meanwhile
            raise Unavailable(Phrase("the list of files was made anew meanwhile, try again"))
        return found


async def find(db: Database, source: Source) -> Kept | None:
    wanted = select(FileView.id).where(FileView.key == source.key)
    async with db.reading() as session:
        view_id = await session.scalar(wanted)
    return None if view_id is None else Kept(db, view_id)


async def keep(db: Database, source: Source, blocks: Blocks) -> None:
    """Keep a view, unless somebody else did, or what it is of is gone meanwhile."""
    nbytes = sum(map(len, blocks.values()))
    with suppress(IntegrityError):
        async with db.writing() as session:
            made = insert(FileView).values(
                key=source.key,
                manifest_digest=source.manifest,
                base_digest=source.base,
                layer_digest=source.layer,
                nbytes=nbytes,
            )
            view_id = await session.scalar(made.returning(FileView.id))
            rows = [
                {"view_id": view_id, "part": part, "number": number, "content": content}
                for (part, number), content in blocks.items()
            ]
            await session.execute(insert(FileViewBlock), rows)
            await make_room(session)


async def make_room(session: AsyncSession) -> None:
    """Forget the oldest views, if all together are too many."""
    sums = await session.execute(select(func.count(), func.sum(FileView.nbytes)))
    count, nbytes = sums.one()
    if count <= MOST_VIEWS and nbytes <= MOST_KEPT:
        return
    oldest = select(FileView.id, FileView.nbytes).order_by(FileView.creation_time, FileView.id)
    gone = []
    for view_id, size in (await session.execute(oldest)).all():
        if count <= MOST_VIEWS and nbytes <= MOST_KEPT:
            break
        gone.append(view_id)
        count, nbytes = count - 1, nbytes - size
    await session.execute(delete(FileView).where(FileView.id.in_(gone)))
