"""What is done: know how many bytes the store holds, without reading what it consists of."""

from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import UpdateBase

from harbor.artifacts.models import StoreTally
from harbor.core.quick import Pen
from harbor.core.quick.statements import Either


def _added(dialect: Any) -> UpdateBase:
    row: dict[str, Any] = {name: bindparam(name) for name in ("project_id", "nbytes")}
    made = dialect.insert(StoreTally).values(row)
    return made.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=["project_id"],
        set_={"nbytes": StoreTally.nbytes + made.excluded.nbytes},
    )


ADDED = Either(_added)


async def add(pen: Pen, project_id: int, nbytes: int) -> None:
    """Count what a push to the project brought and nobody had; after its quota was charged."""
    await pen.run(ADDED, project_id=project_id, nbytes=nbytes)


async def total(session: AsyncSession) -> int:
    """The bytes of all blobs and manifests, each counted once."""
    return int(await session.scalar(select(func.sum(StoreTally.nbytes))) or 0)
