"""Harbor's ``q`` and ``sort``, turned into SQL.

``q=name=~app,push_time=[2024-05-01T00:00:00~],id={1 2 3}``: parts between commas, which must all
hold. Two parts with one key: the last counts. Source: Harbor src/lib/q/builder.go and
src/lib/orm/query.go. A fuzzy match ignores the case of all letters on PostgreSQL; on SQLite it
ignores that of ASCII letters, and finds others as they are given, in lower and in upper case.

What a value cannot be is refused: a text for a number, a time or a truth value is a 400 that names
the key, where Harbor's database fails with a 500. A number that is too large for its column is a
number all the same, which no row has: it matches nothing, and as the end of a range it is no limit.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import unquote_plus

from msgspec import Struct
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    SmallInteger,
    String,
    TypeDecorator,
    and_,
    cast,
    false,
    or_,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import ColumnProperty, InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from harbor.core.errors import BadRequest
from harbor.core.oci import shown
from harbor.core.wire import Paging

Form = Literal["exact", "fuzzy", "range", "any", "all"]
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
Field = Column | Callable[["Match"], ColumnElement[bool]]
Fields = Mapping[str, Field]

MAX_LENGTH = 8_192  # characters of q
MAX_PARTS = 64
BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")  # Go unescapes all of a text or nothing
WILD = re.compile(r"[%_/]")  # what LIKE understands, and our sign that it is meant literally
NUMBER = re.compile(r"[+-]?[0-9]{1,4000}")
QUOTES = "\"'"
FLAGS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
COMPARED: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "exact": operator.eq,
    "in": operator.eq,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}
OPERATORS = {*COMPARED, "icontains"}  # the suffixes of keys, as in "id__gte"


class Contains(FunctionElement[bool]):
    """Whether a text is like a pattern, in any case."""

    type = Boolean()
    inherit_cache = True


@compiles(Contains, "sqlite")
def _contains_on_sqlite(element: Contains, compiler: SQLCompiler, **rest: Any) -> str:
    # LIKE ignores case here by itself, and needs a third of the time that it takes with lower().
    text, pattern = (compiler.process(clause, **rest) for clause in element.clauses)
    return f"{text} LIKE {pattern} ESCAPE '/'"


@compiles(Contains, "postgresql")
def _contains_on_postgresql(element: Contains, compiler: SQLCompiler, **rest: Any) -> str:
    text, pattern = (compiler.process(clause, **rest) for clause in element.clauses)
    return f"{text} ILIKE {pattern} ESCAPE '/'"


class ContainsASCII(Contains):
    """The same for a pattern in small letters of ASCII: the case of no others is to be known."""

    inherit_cache = True


@compiles(ContainsASCII, "postgresql")
def _contains_ascii_on_postgresql(
    element: ContainsASCII, compiler: SQLCompiler, **rest: Any
) -> str:
    # A third of the time that it takes with the database's own collation, and less than ILIKE.
    text, pattern = (compiler.process(clause, **rest) for clause in element.clauses)
    return f"lower({text} COLLATE \"C\") LIKE {pattern} ESCAPE '/'"


class Beside(FunctionElement[Any]):
    """A column by which rows are sorted, but not looked up in its order.

    Databases would take an index of it for the shortest road, to meet the first rows early.
    SQLite keeps no statistics here, and PostgreSQL guesses that what is wanted is everywhere.
    """

    inherit_cache = True

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Beside)
def _beside(element: Beside, compiler: SQLCompiler, **rest: Any) -> str:
    return compiler.process(element.clause_expr.element, **rest)


@compiles(Beside, "sqlite")
def _beside_on_sqlite(element: Beside, compiler: SQLCompiler, **rest: Any) -> str:
    return "+" + compiler.process(element.clause_expr.element, **rest)


@compiles(Beside, "postgresql")
def _beside_on_postgresql(element: Beside, compiler: SQLCompiler, **rest: Any) -> str:
    return f"(SELECT {compiler.process(element.clause_expr.element, **rest)})"


class Aside(Beside):
    """A column by which SQLite does not find rows, since something else in the condition is met by
    fewer; PostgreSQL knows that by itself.
    """

    inherit_cache = True


@compiles(Aside, "postgresql")
def _aside_on_postgresql(element: Aside, compiler: SQLCompiler, **rest: Any) -> str:
    return compiler.process(element.clause_expr.element, **rest)


class Bytewise(Beside):
    """A text by which rows are sorted by its bytes, as SQLite does: a locale takes three times as
    long on PostgreSQL, and has an order of its own.
    """

    inherit_cache = True


@compiles(Bytewise, "sqlite")
def _bytewise_on_sqlite(element: Bytewise, compiler: SQLCompiler, **rest: Any) -> str:
    return compiler.process(element.clause_expr.element, **rest)


@compiles(Bytewise, "postgresql")
def _bytewise_on_postgresql(element: Bytewise, compiler: SQLCompiler, **rest: Any) -> str:
    return f'{compiler.process(element.clause_expr.element, **rest)} COLLATE "C"'


class At(FunctionElement[int]):
    """Where a text stands in another one, capitals as they are; 0: nowhere."""

    type = Integer()
    inherit_cache = True


def spelled(element: type[FunctionElement[Any]], **names: str) -> None:
    """Let *element* be called by its name in each kind of database."""
    for dialect, name in names.items():
        compiles(element, dialect)(partial(called, name))


def called(name: str, element: FunctionElement[Any], compiler: SQLCompiler, **rest: Any) -> str:
    return f"{name}({compiler.process(element.clauses, **rest)})"


spelled(At, sqlite="instr", postgresql="strpos")


class Listing(Paging, kw_only=True):
    """Which part of a list, of which rows, in which order."""

    q: str = ""
    sort: str = ""


class Match(Struct, frozen=True):
    """One part of ``q``: what the value of *key* shall be like."""

    key: str
    form: Form
    # One; of a range the two ends, "" where it is open; of a list any number.
    texts: tuple[str, ...]
    operator: str = "exact"  # of an exact match

    @property
    def text(self) -> str:
        """The value, where there is one; of a list the first, "" of an empty one."""
        return self.texts[0] if self.texts else ""

    def flag(self) -> bool:
        """The value as true or false; ``BadRequest``."""
        value = FLAGS.get(self.text.strip().lower())
        if value is None or self.form != "exact":
            raise self.wrong("true or false")
        return value

    def on(self, column: Column) -> ColumnElement[bool]:
        """This match of one column, as SQL; ``BadRequest`` if the column can hold no such value.

        For a field that is several columns: ``or_(match.on(name), match.on(email))``. All of a
        list (``k=(a b)``) says nothing of a single value.
        """
        match self.form:
            case "all":
                return true()
            case "any":
                return self._among(column)
            case "range":
                ends = zip(("gte", "lte"), self.texts, strict=True)
                return and_(*(self._compared(column, how, text) for how, text in ends if text))
            case "fuzzy":
                return self._fuzzy(column)
        if self.operator == "icontains":
            return self._fuzzy(column)
        return self._compared(column, self.operator, self.text)

    def _among(self, column: Column) -> ColumnElement[bool]:
        values = [self._value(column, text) for text in self.texts]
        possible = [value for value in values if fits(column, value)]
        return column.in_(possible) if possible else false()

    def _fuzzy(self, column: Column) -> ColumnElement[bool]:
        kind = plain(column.type)
        if not isinstance(kind, Integer | String):
            raise self.wrong("a whole value")
        among = cast(column, String) if isinstance(kind, Integer) else column
        pattern = WILD.sub(r"/\g<0>", self.text)
        if pattern.isascii() and (case := case_of(column)):
            return column.like(f"%{case(pattern)}%", escape="/")
        if pattern.isascii():
            return ContainsASCII(among, f"%{pattern.lower()}%")
        # SQLite knows the case of ASCII letters only.
        cases = {pattern, pattern.lower(), pattern.upper(), pattern.capitalize()}
        return or_(*(Contains(among, f"%{each}%") for each in sorted(cases)))

    def _compared(self, column: Column, how: str, text: str) -> ColumnElement[bool]:
        compare = COMPARED[how]
        value = self._value(column, text)
        if isinstance(value, bool) and compare is not operator.eq:
            raise self.wrong("true or false")
        if not fits(column, value):  # then every row is on the same side of it
            return column.is_not(None) if compare(0, value) else false()
        return compare(column, value)

    def _value(self, column: Column, text: str) -> str | int | datetime:
        """*text* as the type of *column*."""
        kind = plain(column.type)
        if isinstance(kind, String):
            return text
        given = text.strip()
        if isinstance(kind, Integer) and NUMBER.fullmatch(given):
            return int(given)
        if isinstance(kind, Boolean) and given.lower() in FLAGS:
            return FLAGS[given.lower()]
        if isinstance(kind, DateTime):
            try:
                moment = datetime.fromisoformat(given)
                return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
            except (ValueError, OverflowError) as error:
                raise self.wrong("a time like 2006-01-02T15:04:05") from error
        raise self.wrong("a number" if isinstance(kind, Integer) else "true or false")

    def wrong(self, wanted: str) -> BadRequest:
        """The error of a value that does not fit the key."""
        return BadRequest(f"invalid query string value: {shown(self.key)} is to be {wanted}")


def contains(column: Column, part: str) -> ColumnElement[bool]:
    """Whether a text column holds *part*, in any case: a fuzzy match."""
    return Match(str(column.key), "fuzzy", (part,)).on(column)


def conditions(q: str, fields: Fields) -> list[ColumnElement[bool]]:
    """What *q* asks for, of those *fields* that there are; ``BadRequest`` where it is no ``q``."""
    found: list[ColumnElement[bool]] = []
    for match in parse(q):
        field = field_of(match.key, fields)
        if isinstance(field, ColumnElement | InstrumentedAttribute):
            if match.form != "all":
                found.append(match.on(field))
        elif field is not None:
            found.append(field(match))
    return found


def order(sort: str, fields: Fields) -> list[Any]:
    """What ``sort=a,-b`` asks for, of those *fields* that are columns."""
    terms: dict[str, Any] = {}
    for part in sort.split(",", MAX_PARTS)[:MAX_PARTS]:
        key = part.strip()
        field = field_of(key.removeprefix("-"), fields)
        if isinstance(field, ColumnElement | InstrumentedAttribute):
            terms.setdefault(str(field), field.desc() if key.startswith("-") else field.asc())
    return list(terms.values())


def field_of(key: str, fields: Fields) -> Field | None:
    """The field of that JSON name or Go name; of a key with dots, what a JSON column says there."""
    if key in fields:
        return fields[key]
    head, *path = key.split(".")
    field = {folded(name): field for name, field in fields.items()}.get(folded(head))
    if not path:
        return field
    if not isinstance(field, ColumnElement | InstrumentedAttribute):
        return None
    return cast(field[tuple(path)].as_string(), String) if is_json(field) else None


def folded(name: str) -> str:
    """``project_id`` and ``ProjectID`` alike."""
    return name.replace("_", "").lower()


def fits(column: Column, value: object) -> bool:
    """Whether the column, and the driver, can take the value: a number may be too large."""
    kind = plain(column.type)
    if not isinstance(kind, Integer) or not isinstance(value, int):
        return True
    bits = 63 if isinstance(kind, BigInteger) else 15 if isinstance(kind, SmallInteger) else 31
    return -(1 << bits) <= value < 1 << bits


def case_of(column: Column) -> Callable[[str], str] | None:
    """What makes letters those of a column, of which a table says that it has only small ones, or
    only capitals: PostgreSQL compares twice as fast where it need not look at both.
    """
    held = getattr(column, "property", None)
    return held.columns[0].info.get("case") if isinstance(held, ColumnProperty) else None


def is_json(column: Column) -> bool:
    return isinstance(plain(column.type), JSON)


def plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type that the database knows."""
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def parse(q: str) -> Iterable[Match]:
    """The parts of *q*, one for each key; ``BadRequest``."""
    if not q:
        return ()
    text = q if BROKEN.search(q) else unquote_plus(q)
    if len(q) > MAX_LENGTH or text.count(",") >= MAX_PARTS:
        raise BadRequest(
            f"the query string has more than {MAX_LENGTH} characters or {MAX_PARTS} parts"
        )
    if "\0" in text:
        raise BadRequest("the query string contains a null character")
    found: dict[str, Match] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if not name or not value:
            raise BadRequest('the query string must contain "=" and the key/value cannot be empty')
        key, separator, suffix = name.partition("__")
        match = parse_value(key, value)
        if separator and suffix not in OPERATORS:
            continue
        found[name] = Match(key, match.form, match.texts, suffix) if suffix else match
    return found.values()


def parse_value(key: str, value: str) -> Match:
    """What comes after ``key=``; it is not empty."""
    inner = value[1:-1]
    match value[0], value[-1]:
        case "~", _ if len(value) > 1:
            return Match(key, "fuzzy", (value[1:],))
        case "[", "]" if value.count("~") == 1 and any(ends := [bare(e) for e in inner.split("~")]):
            return Match(key, "range", tuple(ends))
        case ("{", "}") | ("(", ")"):
            listed = tuple(text for text in map(bare, inner.split(" ")) if text)
            return Match(key, "any" if value[0] == "{" else "all", listed)
        case (("~" | "[" | "{" | "("), _):
            raise BadRequest(f"invalid query string value: {shown(value)}")
    return Match(key, "exact", (value.removeprefix("\\"),))


def bare(text: str) -> str:
    """A value of a list or a range without the spaces and quotes around it."""
    return text.strip().strip(QUOTES)
