"""What is done: charge projects for what they hold, and give back what they no longer do.

``used`` is changed in the transaction that changes what it is the sum of, and compared with the
limit by the statement that changes it. So it is right at every commit, and however many push at
once, none gets past the limit.

On PostgreSQL all take their locks in one order, or they would wait for each other in a circle: the
repository and what is in it, links of blobs (``RepositoryBlob``), rows of ``ProjectBlob``, both by
digest, new artifacts, and last the quota, for which everybody waits who pushes to the project.
Links come and go only while their row of ``ProjectBlob`` is held.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Integer,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import UpdateBase

from harbor.core import clock
from harbor.core.db import Time
from harbor.core.errors import Denied, NameUnknown
from harbor.core.i18n import Phrase
from harbor.core.oci import Digest
from harbor.core.quick import Pen, Quick, Row, among, put_new
from harbor.core.quick.statements import Either
from harbor.quotas.models import UNLIMITED, ProjectBlob, Quota

UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
STEP = 1024

NBYTES = bindparam("nbytes", type_=BigInteger)
EACH = func.json_each(bindparam("sizes", type_=JSON())).table_valued("key", "value")


def _entered(dialect: Any) -> UpdateBase:
    """Rows for what the project does not have, however many; what it has stays until the commit."""
    digest = cast(EACH.c.key, ProjectBlob.digest.type)
    size = cast(cast(EACH.c.value, Text), BigInteger)  # PostgreSQL casts no JSON to a number
    found = select(
        bindparam("of", type_=Integer), digest, size, bindparam("now", type_=Time())
    ).order_by(digest)
    columns = ["project_id", "digest", "size", "creation_time"]
    table = ProjectBlob.__table__
    made = dialect.insert(table).from_select(columns, found, include_defaults=False)
    # PostgreSQL locks the row before it sees that there is nothing to update.
    held = made.on_conflict_do_update(
        index_elements=["project_id", "digest"], set_={"size": made.excluded.size}, where=false()
    )
    return held.returning(table.c.size)  # type: ignore[no-any-return]


ENTERED = Either(_entered)
KEY = ("project_id", "digest")
ONE = put_new(
    ProjectBlob, *KEY, "size", "creation_time", held_by=KEY, returning=ProjectBlob.size
)  # the same for one: half the work
OWN = Quota.project_id == bindparam("of")
COUNTED = (
    update(Quota)
    .where(
        OWN,
        or_(
            Quota.hard == UNLIMITED,
            Quota.used + NBYTES <= Quota.hard,
            not_(bindparam("enforced", type_=Boolean)),
        ),
    )
    .values(used=Quota.used + NBYTES, update_time=bindparam("now"))
    .returning(Quota.id)
    .execution_options(synchronize_session=False)
)
STATE = select(Quota.hard, Quota.used).where(OWN)
ROOM = select(
    Quota.hard,
    Quota.used,
    exists().where(
        ProjectBlob.project_id == Quota.project_id, ProjectBlob.digest == bindparam("digest")
    ),
).where(OWN)


@asynccontextmanager
async def charged(
    pen: Pen,
    project_id: int,
    sizes: Mapping[Digest, int],
    *,
    enforced: bool,
    ask_first: bool = False,
) -> AsyncIterator[None]:
    """Charge a project for blobs and manifests, around the statements that give it them.

    *sizes* are bytes by digest; what the project has already costs nothing, and stays until the
    commit. ``Denied`` at the end if that is more than the project may store, so that the
    transaction is rolled back; with *ask_first* also before anything is given, where that is much.
    ``NameUnknown`` if the project is gone.
    """
    now = clock.now()
    added = await enter(pen, project_id, sizes)
    nbytes = sum(size for (size,) in added)
    if added and ask_first:
        hard, used = await state(pen, project_id)
        if enforced and hard != UNLIMITED and used + nbytes > hard:
            raise exceeded(nbytes, used, hard)
    yield
    if not added:
        return
    if await pen.run(COUNTED, of=project_id, nbytes=nbytes, enforced=enforced, now=now):
        return
    hard, used = await state(pen, project_id)
    raise exceeded(nbytes, used, hard)


async def enter(pen: Pen, project_id: int, sizes: Mapping[Digest, int]) -> list[Row]:
    """Give the project what it does not have of *sizes*; those sizes."""
    now = clock.now()
    if len(sizes) == 1:
        ((digest, size),) = sizes.items()
        return await pen.run(
            ONE, project_id=project_id, digest=digest, size=size, creation_time=now
        )
    return await pen.run(ENTERED, of=project_id, sizes=sizes, now=now) if sizes else []


async def state(pen: Pen, project_id: int) -> tuple[int, int]:
    """The limit of a project, and what it uses; ``NameUnknown``."""
    found = await pen.run(STATE, of=project_id)
    if not found:
        raise gone(project_id)
    hard, used = found[0]
    return hard, used


async def require_room(quick: Quick, project_id: int, digest: str = "", nbytes: int = 0) -> None:
    """Refuse at once what ``charged`` would refuse: *nbytes* more, unless *digest* is there.

    Without them, ``Denied`` means that the project is over its limit already.
    """
    found = await quick.fetch(ROOM, of=project_id, digest=digest)
    if not found:
        raise gone(project_id)
    hard, used, held = found[0]
    added = 0 if held else nbytes
    if hard != UNLIMITED and used + added > hard:
        raise exceeded(added, used, hard)


def gone(project_id: int) -> NameUnknown:
    return NameUnknown(Phrase("project %(project)s not found", project=project_id))


def exceeded(added: int, used: int, hard: int) -> Denied:
    return Denied(
        Phrase(
            "adding %(added)s of storage resource, which when updated to current "
            "usage of %(used)s will exceed the configured upper limit of %(hard)s.",
            added=shown(added),
            used=shown(used),
            hard=shown(hard),
        )
    )


def shown(nbytes: int) -> str:
    """A size as Harbor words it: ``512 B``, ``12.0 MiB``."""
    if nbytes < STEP:
        return f"{nbytes} B"
    power = (nbytes.bit_length() - 1) // 10
    return f"{nbytes / STEP**power:.1f} {UNITS[power - 1]}"


SOME = (ProjectBlob.project_id == bindparam("of"), among(ProjectBlob.digest, "digests"))
HELD = select(ProjectBlob.digest).where(*SOME).order_by(ProjectBlob.digest).with_for_update()
RELEASED = (
    delete(ProjectBlob)
    .where(*SOME)
    .returning(ProjectBlob.size)
    .execution_options(synchronize_session=False)
)
RETURNED = (
    update(Quota)
    .where(OWN)
    .values(used=Quota.used - NBYTES, update_time=bindparam("now"))
    .execution_options(synchronize_session=False)
)


async def hold(pen: Pen, project_id: int, digests: Collection[str]) -> None:
    """Until the commit nobody else brings these into the project, or takes them out of it."""
    await pen.run(HELD, of=project_id, digests=digests)


async def release(pen: Pen, project_id: int, digests: Collection[str]) -> None:
    """Take out of the project what is held; that is less that it uses."""
    sizes = await pen.run(RELEASED, of=project_id, digests=digests)
    if sizes:
        nbytes = sum(size for (size,) in sizes)
        await pen.run(RETURNED, of=project_id, nbytes=nbytes, now=clock.now())


SUM = (
    select(func.coalesce(func.sum(ProjectBlob.size), 0))
    .where(ProjectBlob.project_id == Quota.project_id)
    .scalar_subquery()
)
RECOUNTED = (
    update(Quota)
    .where(Quota.used != SUM)
    .values(used=SUM, update_time=Quota.update_time)
    .execution_options(synchronize_session=False)
)


async def recount(session: AsyncSession) -> None:
    """Make ``used`` of every project what it should be, should anybody doubt that it is.

    The locks first, then the sums: whoever pushes has been counted, or adds to what is found.
    """
    await session.execute(select(Quota.id).order_by(Quota.project_id).with_for_update())
    await session.execute(RECOUNTED)


async def recount_moved(
    session: AsyncSession, source_id: int, target_id: int, *, enforced: bool
) -> None:
    """Make ``used`` right of two projects between which something has moved, whose rows of
    ``ProjectBlob`` are right already.

    ``Denied`` if limits are *enforced* and the target has more than before and than it may.
    """
    both = Quota.project_id.in_((source_id, target_id))
    state = select(Quota.project_id, Quota.hard, Quota.used).where(both)
    before = await session.execute(state.order_by(Quota.project_id).with_for_update())
    known = {row.project_id: (row.hard, row.used) for row in before}
    if target_id not in known:
        raise gone(target_id)
    await session.execute(RECOUNTED.where(both))
    hard, former = known[target_id]
    now = await session.scalar(select(Quota.used).where(Quota.project_id == target_id)) or 0
    if enforced and hard != UNLIMITED and now > max(hard, former):
        raise exceeded(now - former, former, hard)
