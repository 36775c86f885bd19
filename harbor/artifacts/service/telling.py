"""What is done: tell tags and accessories in JSON that the database puts together.

An artifact may have thousands of them, which a list tells with it. As objects of ours they would
keep this process busy for longer than everything else that the list takes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw
from sqlalchemy import ColumnElement, String, bindparam, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from harbor.artifacts.models import Artifact, Tag
from harbor.artifacts.service.filters import NEVER
from harbor.core.query import spelled
from harbor.core.wire import Time
from harbor.immutability.service import Rules

EVER = datetime.max.replace(tzinfo=UTC)
HELD = Tag.__table__.c  # not of the class: the ORM would look at each row


class Worded(FunctionElement[str]):
    """A text with what columns hold in its places (``%s``); nothing for NULL."""

    type = String()
    inherit_cache = True


class Quoted(FunctionElement[str]):
    """A text as JSON has it."""

    type = String()
    inherit_cache = True


class Moment(FunctionElement[str]):
    """A time as ``wire.Time`` writes it."""

    type = String()
    inherit_cache = True


spelled(Worded, sqlite="printf", postgresql="format")
spelled(Quoted, sqlite="json_quote", postgresql="to_json")


@compiles(Moment, "sqlite")
def _moment_on_sqlite(element: Moment, compiler: SQLCompiler, **rest: Any) -> str:
    # It is kept as 2026-01-31 12:00:00.000000.
    column = compiler.process(element.clauses, **rest)
    return f"(substr({column}, 1, 10) || 'T' || substr({column}, 12, 12) || 'Z')"


@compiles(Moment, "postgresql")
def _moment_on_postgresql(element: Moment, compiler: SQLCompiler, **rest: Any) -> str:
    # The driver keeps the first and the last moment that Python knows as infinite.
    column = compiler.process(element.clauses, **rest)
    return (
        f"CASE WHEN isfinite({column}) THEN to_char({column} AT TIME ZONE 'UTC', "
        f"""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') WHEN {column} > 'epoch' """
        f"THEN '{Time(EVER)}' WHEN {column} < 'epoch' THEN '{Time(NEVER)}' END"
    )


def words(text: str) -> ColumnElement[str]:
    """A text of ours, as it stands in a statement."""
    return literal_column(f"'{text}'", String)


# As ``schemas.Tag`` is said.
TAG = Worded(
    words(
        '{"id":%s,"repository_id":%s,"artifact_id":%s,"name":%s,"push_time":"%s","pull_time":"%s",'
        '"immutable":false%s}'
    ),
    HELD.id,
    HELD.repository_id,
    HELD.artifact_id,
    Quoted(HELD.name),
    Moment(HELD.push_time),
    func.coalesce(Moment(HELD.pull_time), words(str(Time(NEVER)))),
    words(',"expires_at":"').concat(Moment(HELD.expires_at)).concat(words('"')),
).label("told")
NEWEST_FIRST = HELD.push_time.desc(), HELD.id.desc()
EACH = (
    select(TAG)
    .where(HELD.artifact_id == Artifact.id)
    .order_by(*NEWEST_FIRST)
    .correlate(Artifact)
    .subquery()
)
ALL = select(func.aggregate_strings(EACH.c.told, ",")).scalar_subquery()
OF_THESE = select(Artifact.id, ALL).where(Artifact.id.in_(bindparam("ids", expanding=True)))
NAMED = (
    select(HELD.artifact_id, HELD.name, TAG)
    .where(HELD.artifact_id.in_(bindparam("ids", expanding=True)))
    .order_by(*NEWEST_FIRST)
)
MOVABLE, FIXED = '"immutable":false', '"immutable":true'


async def tags(session: AsyncSession, artifact_ids: Sequence[int]) -> dict[int, Any]:
    """The tags of each artifact that has any, the newest first, as if none were immutable."""
    rows = await session.execute(OF_THESE, {"ids": artifact_ids})
    return {artifact_id: listed(told) for artifact_id, told in rows.all() if told is not None}


async def ruled_tags(
    session: AsyncSession, repositories: Mapping[int, str], rules: Rules
) -> dict[int, Any]:
    """The same, of artifacts that are in *repositories*, of which some are immutable by *rules*."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    names: dict[str, list[str]] = defaultdict(list)
    # One by one they would be fetched one by one.
    for artifact_id, name, told in (await session.execute(NAMED, {"ids": [*repositories]})).all():
        found[artifact_id].append((name, told))
        names[repositories[artifact_id]].append(name)
    held = {each: frozenset(await rules.held(each, names[each])) for each in names}
    return {
        artifact_id: listed(
            ",".join(
                told.replace(MOVABLE, FIXED) if name in held[repositories[artifact_id]] else told
                for name, told in several
            )
        )
        for artifact_id, several in found.items()
    }


def listed(told: str) -> Raw:
    return Raw(f"[{told}]".encode())
