"""The database brought to this version of the program, by Alembic, under a lock."""

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import shipped

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 7_214_002  # PostgreSQL advisory lock; on SQLite a writing transaction is alone anyway


async def upgrade(session: AsyncSession) -> None:
    """Apply what is missing, in the session's transaction: all of it happens, or nothing.

    A second process that starts at the same time waits here, and then finds nothing to do.
    """
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    if await connection.run_sync(revision_of) != head():
        await connection.run_sync(to_head)


def revision_of(connection: Connection) -> str | None:
    """The revision of the newest migration that was applied."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def head() -> str:
    """The newest revision there is; files are numbered in their order.

    Asking Alembic would be surer, and a fifth of the time that a start takes; a test compares.
    """
    return max(file.name[:4] for file in (shipped.folder("alembic") / "versions").glob("*.py"))


def to_head(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415, only when there is something to do

    command.upgrade(config(connection), "head")


def config(connection: Connection | None = None) -> "Config":
    """Alembic's configuration; with a *connection*, its commands work on that."""
    from alembic.config import Config  # noqa: PLC0415

    made = Config()
    made.set_main_option("script_location", str(shipped.folder("alembic")))
    made.attributes["connection"] = connection
    return made
