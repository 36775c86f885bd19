"""The database brought to this version of the program, by Alembic, under a lock."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.core import shipped

LOCK = 7_214_002  # PostgreSQL advisory lock; on SQLite a writing transaction is alone anyway


async def upgrade(session: AsyncSession) -> None:
    """Apply what is missing, in the session's transaction: all of it happens, or nothing.

    A second process that starts at the same time waits here, and then finds nothing to do.
    """
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    await connection.run_sync(to_head)


def to_head(connection: Connection) -> None:
    command.upgrade(config(connection), "head")


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; with a *connection*, its commands work on that."""
    made = Config()
    made.set_main_option("script_location", str(shipped.folder("alembic")))
    made.attributes["connection"] = connection
    return made
