"""The one database layer: base class of all tables, sessions, column types.

SQLite and PostgreSQL promise the same: what ``writing`` has committed is on the disk, and two
writers never see half of each other's work. On SQLite there is one writing connection in each
process, so writers queue here, in order, instead of polling the file's lock.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from typing import Any

from sqlalchemy import DateTime, Dialect, Index, MetaData, String, UpdateBase, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from harbor.core.errors import Unavailable
from harbor.core.quick import Quick, quick
from harbor.core.quick.interface import FILES_LOCK

ONLY = "only"  # under this name an index tells the one kind of database that has it
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
BUSY_MS = 30_000  # how long a process waits for another one's write on SQLite
TURN_S = 60  # how long a writer waits for those before it in this process
PING_AFTER_S = 5  # that a connection to PostgreSQL lay idle
# PostgreSQL takes pages of an index for four times as dear as those of a table, as on a disk that
# turns, and reads all of a table in place of a tenth of it; and it starts two processes for what
# takes ten milliseconds. Who has set anything else knows better.
AS_IN_MEMORY = """SELECT set_config(name, wanted, false)
FROM (VALUES ('random_page_cost', '4', '1.1'), ('max_parallel_workers_per_gather', '2', '0'))
AS ours (name, usual, wanted) WHERE current_setting(name) = usual"""


class Table(DeclarativeBase):
    """Base of every mapped class. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Time(TypeDecorator[datetime]):
    """A moment, aware and in UTC, also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def ascii_text(length: int) -> String:
    """Text that sorts by its bytes everywhere, as OCI's lists do; a locale would mix capitals."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def only(dialect: str, index: Index) -> Index:
    """*index*, which only databases of that kind have."""
    index.info[ONLY] = dialect
    return index.ddl_if(dialect=dialect)


def async_url(url: str) -> URL:
    """*url* with the driver that we use for its kind of database."""
    parsed = make_url(url)
    return parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))


class Database:
    """Sessions on one database: ``reading`` and ``writing``, each one transaction."""

    def __init__(self, url: str) -> None:
        self.url = async_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._reader = sqlite_engine(self.url, "BEGIN", pool_size=8, max_overflow=24)
            self._writer = sqlite_engine(
                self.url, "BEGIN IMMEDIATE", pool_size=1, max_overflow=0, pool_timeout=TURN_S
            )
        else:
            self._writer = postgresql_engine(self.url)
            # Each statement sees what is committed by then, in a transaction or not; to begin one
            # and to end it are two more ways to the server and back.
            self._reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self._reader.sync_engine, "before_execute", refuse_changes)
        self._turn = asyncio.Lock()  # of the writers on SQLite, of the ORM and of the quick road
        # Rows stay readable after commit, so that an answer can be built from them.
        self._readers = async_sessionmaker(self._reader, expire_on_commit=False)
        self._writers = async_sessionmaker(self._writer, expire_on_commit=False)

    @cached_property
    def quick(self) -> Quick:
        """What must cost little; made when it is first needed, once tables exist."""
        return quick(self.url, self._turn)

    @property
    def engine(self) -> AsyncEngine:
        return self._writer

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """To read from: a snapshot on SQLite, what is committed by then on PostgreSQL."""
        try:
            async with self._readers() as session:
                yield session
        except PoolTimeout as error:
            raise Unavailable("the registry is busy; try again in a moment") from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back if anything is raised.

        On SQLite, nothing inside it may wait for ``quick.write``, which waits for its end.
        """
        async with self._in_turn():
            try:
                async with self._writers.begin() as session:
                    yield session
            except PoolTimeout as error:
                raise Unavailable("the registry is busy; try again in a moment") from error

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Unavailable("the registry is busy; try again in a moment") from error
        try:
            yield
        finally:
            self._turn.release()

    async def close(self) -> None:
        if "quick" in vars(self):
            await self.quick.close()
        await self._reader.dispose()
        await self._writer.dispose()


def sqlite_engine(url: URL, begin: str, **pool: Any) -> AsyncEngine:
    engine = create_async_engine(url, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # NORMAL may lose acknowledged commits when the power fails
            "foreign_keys=ON",
            f"busy_timeout={BUSY_MS}",
            "journal_size_limit=67108864",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def postgresql_engine(url: URL) -> AsyncEngine:
    """Connections that are looked at before they are used.

    The driver knows at once of a server that went away. Asked is only one that was not used for a
    while: something between here and there may have forgotten it.
    """
    engine = create_async_engine(url, pool_size=10, max_overflow=20, pool_timeout=TURN_S)
    dialect, pool = engine.dialect, engine.sync_engine.pool

    @event.listens_for(pool, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.run_async(lambda driver: driver.execute(AS_IN_MEMORY))

    @event.listens_for(pool, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(pool, "checkout")
    def look(connection: Any, record: Any, _proxy: object) -> None:
        idle_s = time.monotonic() - record.info.get("used", time.monotonic())
        try:
            if connection.driver_connection.is_closed():
                raise DisconnectionError
            if idle_s > PING_AFTER_S:
                dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    return engine


def refuse_changes(_connection: Any, statement: Any, *_: Any) -> None:
    """What is to change something belongs into ``writing``."""
    if isinstance(statement, UpdateBase):
        raise RuntimeError("a transaction that only reads was to change something")


def insert_or_ignore(session: AsyncSession, table: type[Table], rows: list[dict[str, Any]]) -> Any:
    """An INSERT that leaves rows alone which are there already, whoever was first."""
    dialect = import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}")
    return dialect.insert(table).values(rows).on_conflict_do_nothing()


async def hold_files(session: AsyncSession, *, alone: bool = False) -> None:
    """Until this transaction ends, no other one may publish a blob's file and remove one at once.

    Publishers share the lock; whoever removes files holds it *alone*. On SQLite a writing
    transaction excludes all others anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        await session.execute(text(f"SELECT {lock}({FILES_LOCK})"))
