"""Statements as drivers take them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    bindparam,
    false,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine

Row = tuple[Any, ...]
Plain = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | UpdateBase


@dataclass(frozen=True, eq=False, slots=True)
class Either:
    """One statement, which the databases word differently; given their module of SQLAlchemy."""

    worded: Callable[[Any], UpdateBase]

    def on(self, dialect: str) -> UpdateBase:
        # Only the module that is needed: each takes some megabytes.
        return self.worded(import_module(f"sqlalchemy.dialects.{dialect}"))


Statement = Plain | Either


def put_new(
    table: type[DeclarativeBase],
    *names: str,
    returning: InstrumentedAttribute[Any] | None = None,
    held_by: Sequence[str] = (),
) -> Either:
    """An INSERT of the columns *names* that leaves a row alone which is there already.

    With *held_by*, its key, nobody else removes or changes that row before the commit.
    """

    def worded(dialect: Any) -> UpdateBase:
        insert = dialect.insert(table).values({name: bindparam(name) for name in names})
        if held_by:
            # PostgreSQL locks the row before it sees that there is nothing to update.
            same = {names[-1]: insert.excluded[names[-1]]}
            made = insert.on_conflict_do_update(
                index_elements=list(held_by), set_=same, where=false()
            )
        else:
            made = insert.on_conflict_do_nothing()
        return made if returning is None else made.returning(returning)  # type: ignore[no-any-return]

    return Either(worded)


def put(
    table: type[DeclarativeBase],
    *names: str,
    key: Sequence[str],
    where: Callable[[Any], ColumnElement[bool]] | None = None,
) -> Either:
    """An INSERT of the columns *names*; where *key* is taken, the rest replaces what is there.

    With *where*, which is given the new row, only a row that satisfies it is replaced.
    """

    def worded(dialect: Any) -> UpdateBase:
        insert = dialect.insert(table).values({name: bindparam(name) for name in names})
        rest = {name: insert.excluded[name] for name in names if name not in key}
        return insert.on_conflict_do_update(  # type: ignore[no-any-return]
            index_elements=list(key), set_=rest, where=where and where(insert.excluded)
        )

    return Either(worded)


class Several(TypeDecorator[Sequence[Any]]):
    """Any number of values as one parameter."""

    impl = String
    cache_ok = True
    of: type[TypeEngine[Any]]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        on_postgresql = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(self.of) if on_postgresql else String())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class Texts(Several):
    cache_ok = True
    of = String


class Numbers(Several):
    cache_ok = True
    of = Integer


class Among(ColumnElement[bool]):
    inherit_cache = True
    type = Boolean()
    # Two are the same statement if these are.
    _traverse_internals = [  # noqa: RUF012
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], values: BindParameter[Any]) -> None:
        self.column = column
        self.values = values

    def self_group(self, against: Any = None) -> Any:
        # Otherwise "= 1" is added where there are no booleans, and SQLite uses no index.
        return self


@compiles(Among, "sqlite")
def _among_on_sqlite(element: Among, compiler: SQLCompiler, **rest: Any) -> str:
    column = compiler.process(element.column, **rest)
    values = compiler.process(element.values, **rest)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608, both are compiled


@compiles(Among, "postgresql")
def _among_on_postgresql(element: Among, compiler: SQLCompiler, **rest: Any) -> str:
    column = compiler.process(element.column, **rest)
    values = compiler.process(element.values, **rest)
    return f"{column} = ANY ({values})"


def among(column: InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    """Whether *column* is one of the texts of the parameter *name*, however many they are."""
    return Among(column.expression, bindparam(name, type_=Texts()))


def among_these(column: ColumnElement[str], texts: Sequence[str]) -> ColumnElement[bool]:
    """Whether *column* is one of *texts*, however many they are; one parameter all the same."""
    return Among(column, bindparam(None, list(texts), type_=Texts(), unique=True))


def among_numbers(column: ColumnElement[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """Whether *column* is one of *numbers*, as above."""
    return Among(column, bindparam(None, list(numbers), type_=Numbers(), unique=True))


class Compiled:
    """A statement as the driver takes it."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        self.statement = statement  # kept, for its id is the key of the cache
        plain = statement.on(dialect.name) if isinstance(statement, Either) else statement
        compiled = plain.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        # The ORM would compute these for each row; here every column is given.
        forgotten = [
            str(column) for column in (*compiled.insert_prefetch, *compiled.update_prefetch)
        ]
        assert not forgotten, f"columns with a default must be given: {forgotten}"
        self.sql = str(compiled)
        self.constants = dict(compiled.params)
        self.order = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in compiled.positiontup or ()
        ]
        columns = plain.exported_columns
        self.finds = bool(columns)
        found = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        self.processors = found if any(found) else []

    def arguments(self, values: Mapping[str, object]) -> list[object]:
        constants = self.constants
        return [
            (values[name] if name in values else constants.get(name))
            if process is None
            else process(values[name] if name in values else constants.get(name))
            for name, process in self.order
        ]

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

    def __getitem__(self, statement: Statement) -> Compiled:
        known = self._known.get(id(statement))
        if known is None:
            known = self._known[id(statement)] = Compiled(statement, self._dialect)
        return known


class SessionPen:
    """A pen that writes in a session's transaction, for what both roads do."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def run(self, statement: Statement, **values: object) -> list[Row]:
        worded = self._worded(statement)
        result = await self._session.execute(worded, values)
        return [tuple(row) for row in result.all()] if worded.exported_columns else []

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            await self._session.execute(self._worded(statement), list(rows))

    def _worded(self, statement: Statement) -> Any:
        dialect = self._session.get_bind().dialect.name
        return statement.on(dialect) if isinstance(statement, Either) else statement
