"""Reads of the registry's hot road: the same statements, without the ORM and its session.

A SELECT is written with SQLAlchemy, with a ``bindparam`` for each value; it is compiled once and
then run by the driver itself. On SQLite that happens on the event loop: it takes some twenty
microseconds, a thread would cost more, and in WAL mode a reader waits for nobody.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

Row = tuple[Any, ...]
AnySelect = Select[*tuple[Any, ...]]
BUSY_MS = 200  # nobody holds a reader up, but for a moment after a crash


class Quick(Protocol):
    """Reads only; each sees everything that was committed before it began."""

    async def fetch(self, statement: AnySelect, **values: object) -> list[Row]:
        """The rows that *statement* finds, in its order."""

    def version(self) -> object | None:
        """Changes with every commit, whoever made it; ``None`` if that cannot be told."""

    async def close(self) -> None: ...


class Compiled:
    """A statement as the driver takes it."""

    def __init__(self, statement: AnySelect, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.statement = statement  # kept, for its id is the key of the cache
        self.sql = str(compiled)
        self.order: Sequence[str] = compiled.positiontup or ()
        self.constants = dict(compiled.params)
        found = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.selected_columns
        ]
        self.processors = found if any(found) else []

    def arguments(self, values: dict[str, object]) -> list[object]:
        return [values.get(name, self.constants.get(name)) for name in self.order]

    def rows(self, raw: Sequence[Any]) -> list[Row]:
        """*raw* with the types that the tables declare."""
        if not self.processors:
            return [tuple(row) for row in raw]
        return [
            tuple(
                value if process is None else process(value)
                for value, process in zip(row, self.processors, strict=True)
            )
            for row in raw
        ]


class Statements:
    """Compiled statements by identity; rooms keep theirs in modules, so there are few."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: dict[int, Compiled] = {}

    def __getitem__(self, statement: AnySelect) -> Compiled:
        known = self._known.get(id(statement))
        if known is None:
            known = self._known[id(statement)] = Compiled(statement, self._dialect)
        return known


class SqliteQuick:
    def __init__(self, path: str) -> None:
        self._statements = Statements(sqlite.dialect())
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        for pragma in ("query_only=ON", f"busy_timeout={BUSY_MS}"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._version = self._connection.cursor()

    async def fetch(self, statement: AnySelect, **values: object) -> list[Row]:
        ready = self._statements[statement]
        return ready.rows(self._connection.execute(ready.sql, ready.arguments(values)).fetchall())

    def version(self) -> object | None:
        found: object = self._version.execute("PRAGMA data_version").fetchone()
        return found

    async def close(self) -> None:
        self._connection.close()


class PostgresqlQuick:
    """A pool of its own: the ORM's sessions may wait for locks, these reads never do."""

    def __init__(self, url: URL) -> None:
        self._statements = Statements(PGDialect_asyncpg())  # type: ignore[no-untyped-call]
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def fetch(self, statement: AnySelect, **values: object) -> list[Row]:
        ready = self._statements[statement]
        pool = self._pool or await self._open()
        return ready.rows(await pool.fetch(ready.sql, *ready.arguments(values)))

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(self._url, min_size=0, max_size=10)
            return self._pool

    def version(self) -> object | None:
        return None  # a cache here would need to be told by every other process

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


def quick(url: URL) -> Quick:
    return SqliteQuick(url.database or "") if "sqlite" in url.drivername else PostgresqlQuick(url)
