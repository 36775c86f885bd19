"""PostgreSQL: it commits in groups by itself; a pool for reads, and one for writes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL

from harbor.core.errors import Unavailable
from harbor.core.quick.interface import FILES_LOCK, Files, Rows
from harbor.core.quick.statements import Row, Statement, Statements

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
POOL = 10  # connections, for reads and for writes each: writers may wait for locks, readers never
WAIT_S = 60  # for a connection while all are in use


class PostgresqlPen:
    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection, self._statements = connection, statements

    async def run(self, statement: Statement, **values: object) -> list[Row]:
        ready = self._statements[statement]
        return ready.rows(await self._connection.fetch(ready.sql, *ready.arguments(values)))

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
        ready = self._statements[statement]
        await self._connection.executemany(ready.sql, [ready.arguments(row) for row in rows])


async def as_it_is(_connection: Connection) -> None:
    """Nobody leaves more in a session than statements that are ready; to ask the server to put it
    back after each statement would cost as much as the statement. asyncpg has ended a transaction
    that was left open.
    """


class Pool:
    """Connections, made when they are first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        try:
            if self._made is None:
                await self._make()
            assert self._made is not None
            connection = await self._made.acquire(timeout=WAIT_S)
        except OSError as error:  # refused, unreachable, or all connections in use for long
            raise Unavailable("the database does not answer; try again in a moment") from error
        try:
            yield connection
        finally:
            await self._made.release(connection)

    async def _make(self) -> None:
        async with self._opening:
            if self._made is None:
                self._made = await asyncpg.create_pool(
                    self._url, min_size=0, max_size=POOL, reset=as_it_is
                )

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


class PostgresqlQuick:
    def __init__(self, url: URL) -> None:
        self._statements = Statements(PGDialect_asyncpg())  # type: ignore[no-untyped-call]
        place = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._readers, self._writers = Pool(place), Pool(place)
        self._asking: asyncio.Task[Any] | None = None  # for the version
        self._asked_next: asyncio.Task[Any] | None = None

    async def fetch(self, statement: Statement, **values: object) -> list[Row]:
        ready = self._statements[statement]
        async with self._readers.connection() as connection:
            return ready.rows(await connection.fetch(ready.sql, *ready.arguments(values)))

    async def write(self, rows: Rows[T], *, files: Files | None = None) -> T:
        async with self._writers.connection() as connection, connection.transaction():
            if files is not None:
                lock = f"SELECT pg_advisory_xact_lock_shared({FILES_LOCK})"
                await connection.execute(lock)
                await files()
            return await rows(PostgresqlPen(connection, self._statements))

    async def version(self) -> Any:
        """Which transactions a reader sees now.

        Whoever asks while a question is on its way waits for the next one, which all of them
        share: an answer to a question that was put before theirs might be too old.
        """
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            return await asyncio.shield(self._asking)
        if self._asked_next is None:
            self._asked_next = asyncio.create_task(self._ask_after(self._asking))
        return await asyncio.shield(self._asked_next)

    def version_now(self) -> None:
        return None

    async def _ask_after(self, asking: "asyncio.Task[Any]") -> Any:
        await asyncio.wait([asking])
        self._asking, self._asked_next = self._asked_next, None
        return await self._ask()

    async def _ask(self) -> Any:
        try:
            async with self._readers.connection() as connection:
                return await connection.fetchval("SELECT pg_current_snapshot()::text")
        finally:
            if self._asked_next is None:
                self._asking = None

    async def close(self) -> None:
        await self._readers.close()
        await self._writers.close()
