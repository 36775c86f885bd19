"""Runs migrations on the connection that the program gives, or, for developers, on a new one."""

import asyncio
import os

from alembic import context
from alembic.ddl.impl import ComparisonResult
from alembic.ddl.sqlite import SQLiteImpl
from sqlalchemy import Connection, Index
from sqlalchemy.schema import SchemaItem

from harbor.app import METADATA
from harbor.core.db import ONLY, Database, Time
from harbor.core.settings import from_environment


def render(kind: str, item: object, _context: object) -> str | bool:
    """Our own types as what they are in the database: a migration imports nothing of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Time) else False


class Sqlite(SQLiteImpl):
    """Compares indexes without their directions, of which SQLite tells SQLAlchemy nothing."""

    __dialect__ = "sqlite"

    def _skip_functional_indexes(self, *_told: object) -> None:
        """Leave out none: ours have columns only."""

    def compare_indexes(self, metadata_index: Index, reflected_index: Index) -> ComparisonResult:
        ours, theirs = columns_of(metadata_index), columns_of(reflected_index)
        is_same = ours == theirs and metadata_index.unique == reflected_index.unique
        told = f"{theirs} to {ours}, or unique"
        return ComparisonResult.Equal() if is_same else ComparisonResult.Different(told)


def columns_of(index: Index) -> list[str]:
    return [str(each).split(".")[-1].removesuffix(" DESC") for each in index.expressions]


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
