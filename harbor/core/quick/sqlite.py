"""SQLite: reads on the event loop, and one writer that commits in groups.

A read takes some twenty microseconds, and so does a statement that writes; a thread would cost
more, and in WAL mode a reader waits for nobody. What takes long is the commit, which waits for
the disk: that is done in a thread. Whatever was asked for meanwhile goes into the next commit
together, so that many who write at once wait for few syncs.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy.dialects import sqlite

from harbor.core.quick.interface import Files, Rows
from harbor.core.quick.statements import Row, Statement, Statements

T = TypeVar("T")
READ_BUSY_MS = 200  # nobody holds a reader up, but for a moment after a crash
WRITE_BUSY_MS = 30_000  # how long a process waits for another one's write
GROUP = 64  # writes in one commit; the first of them waits for the last
TURN = 500  # rows, after which others get their turn
WRITING = (
    "foreign_keys=ON",
    "synchronous=FULL",  # NORMAL may lose acknowledged commits when the power fails
    "journal_size_limit=67108864",
)


class Job(Struct, frozen=True):
    rows: Rows[Any]
    files: Files | None
    done: asyncio.Future[Any]


def connected(path: str, *pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    return connection


class SqlitePen:
    def __init__(self, connection: sqlite3.Connection, statements: Statements) -> None:
        self._connection, self._statements = connection, statements

    async def run(self, statement: Statement, **values: object) -> list[Row]:
        ready = self._statements[statement]
        found = self._connection.execute(ready.sql, ready.arguments(values))
        return ready.rows(found.fetchall()) if ready.finds else []

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
        ready = self._statements[statement]
        for start in range(0, len(rows), TURN):
            if start:
                await asyncio.sleep(0)
            some = map(ready.arguments, rows[start : start + TURN])
            self._connection.executemany(ready.sql, some)


class SqliteQuick:
    """One reading and one writing connection. Writers of the ORM take the same *turn*."""

    def __init__(self, path: str, turn: asyncio.Lock) -> None:
        self._statements = Statements(sqlite.dialect())
        self._reader = connected(path, "query_only=ON", f"busy_timeout={READ_BUSY_MS}")
        self._version = self._reader.cursor()
        self._writer = connected(path, *WRITING, "busy_timeout=0")
        self._thread = ThreadPoolExecutor(1, "database-commit")
        self._turn = turn
        self._waiting: deque[Job] = deque()
        self._working: asyncio.Task[None] | None = None

    async def fetch(self, statement: Statement, **values: object) -> list[Row]:
        ready = self._statements[statement]
        return ready.rows(self._reader.execute(ready.sql, ready.arguments(values)).fetchall())

    async def version(self) -> Any:
        return self.version_now()

    def version_now(self) -> Any:
        return self._version.execute("PRAGMA data_version").fetchone()

    async def write(self, rows: Rows[T], *, files: Files | None = None) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.append(Job(rows, files, done))
        if self._working is None:
            self._working = loop.create_task(self._work())
        return await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # whoever is about to write as well comes along
                async with self._turn:
                    group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                    await self._commit(group)
        finally:
            self._working = None

    async def _commit(self, group: Sequence[Job]) -> None:
        """Do the jobs of *group*, each by itself, and commit them all at once."""
        results: list[tuple[Job, Any]] = []
        try:
            await self._begin()
            for job in await with_files(group):
                results.append((job, await self._do(job)))
            await self._in_thread("COMMIT")
        except (Exception, asyncio.CancelledError) as error:
            with suppress(sqlite3.Error):
                self._writer.rollback()
            for job in group:
                tell(job.done, error)
            if isinstance(error, asyncio.CancelledError):
                raise
        for job, result in results:
            tell(job.done, result)

    async def _begin(self) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise
            # Another process is writing: wait for it where nobody else has to.
            self._writer.execute(f"PRAGMA busy_timeout={WRITE_BUSY_MS}")
            try:
                await self._in_thread("BEGIN IMMEDIATE")
            finally:
                self._writer.execute("PRAGMA busy_timeout=0")

    async def _do(self, job: Job) -> Any:
        """What the job returns, or the error that it ended with."""
        self._writer.execute("SAVEPOINT job")
        try:
            result = await job.rows(SqlitePen(self._writer, self._statements))
        except Exception as error:
            if not self._writer.in_transaction:
                raise  # a full disk ends the transaction of all
            result = error
        # Whoever was cancelled before the commit has written nothing.
        if isinstance(result, Exception) or job.done.cancelled():
            self._writer.execute("ROLLBACK TO job")
        self._writer.execute("RELEASE job")
        return result

    async def _in_thread(self, statement: str) -> None:
        work = asyncio.wrap_future(self._thread.submit(self._writer.execute, statement))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await work  # the connection is in use until then
            raise

    async def close(self) -> None:
        if self._working is not None:
            await asyncio.wait([self._working])
        self._thread.shutdown()
        self._reader.close()
        self._writer.close()


async def with_files(group: Sequence[Job]) -> list[Job]:
    """The jobs of *group* whose files, if they have any, are in place; the others are told."""
    filing = [job for job in group if job.files is not None]
    outcomes = await asyncio.gather(
        *(job.files() for job in filing if job.files is not None), return_exceptions=True
    )
    failed = set()
    for job, outcome in zip(filing, outcomes, strict=True):
        if outcome is not None:
            tell(job.done, outcome)
            failed.add(id(job))
    return [job for job in group if id(job) not in failed]


def tell(done: asyncio.Future[Any], result: object) -> None:
    if done.done():
        return
    if isinstance(result, BaseException):
        done.set_exception(result)
    else:
        done.set_result(result)
