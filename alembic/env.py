"""Runs migrations on the connection that the program gives, or, for developers, on a new one."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.schema import SchemaItem

from harbor.app import METADATA
from harbor.core.db import ONLY, Database, Time
from harbor.core.settings import from_environment


def render(kind: str, item: object, _context: object) -> str | bool:
    """Our own types as what they are in the database: a migration imports nothing of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Time) else False


def run(connection: Connection) -> None:
    def is_for_it(item: SchemaItem, *_told: object) -> bool:
        return item.info.get(ONLY) in (None, connection.dialect.name)

    if connection.dialect.name == "postgresql":
        # A migration that waits for a busy table holds up everybody behind it.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        render_as_batch=True,
        render_item=render,
        include_object=is_for_it,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_alone() -> None:
    db = Database(os.environ.get("HARBOR_DATABASE_URL") or from_environment().database)
    async with db.engine.begin() as connection:
        await connection.run_sync(run)
    await db.close()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(run_alone())
else:
    run(given)
