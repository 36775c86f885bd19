"""What is done: tell tags in JSON that the database puts together.

An artifact may have thousands of tags, which a list tells with it. As objects of ours they would
keep this process busy for longer than everything else that the list takes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw
from sqlalchemy import ColumnElement, String, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from harbor.artifacts.models import Artifact, Tag
from harbor.artifacts.service.filters import NEVER
from harbor.core.wire import Time
from harbor.immutability.service import Rules

# As ``schemas.Tag`` is said: both databases put texts in the places, and nothing for NULL.
WORDED = (
    '{"id":%s,"repository_id":%s,"artifact_id":%s,"name":%s,"push_time":"%s","pull_time":"%s",'
    '"immutable":false%s}'
)
EVER = datetime.max.replace(tzinfo=UTC)
HELD = Tag.__table__.c  # not of the class: the ORM would look at each row


class Told(ColumnElement[str]):
    """A tag in JSON."""

    type = String()
    inherit_cache = True


@compiles(Told, "sqlite")
def _told_on_sqlite(element: Told, compiler: SQLCompiler, **rest: Any) -> str:
    # A time is kept as 2026-01-31 12:00:00.000000.
    moment = "substr({0}, 1, 10) || 'T' || substr({0}, 12, 12) || 'Z'"
    return worded("printf", "json_quote(tag.name)", moment)


@compiles(Told, "postgresql")
def _told_on_postgresql(element: Told, compiler: SQLCompiler, **rest: Any) -> str:
    # The driver keeps the first and the last moment that Python knows as infinite.
    moment = (
        """CASE WHEN isfinite({0}) THEN to_char({0} AT TIME ZONE 'UTC', """
        """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') WHEN {0} > 'epoch' """
        f"THEN '{Time(EVER)}' WHEN {{0}} < 'epoch' THEN '{Time(NEVER)}' END"
    )
    return worded("format", "to_json(tag.name)", moment)


def worded(put: str, name: str, moment: str) -> str:
    """The expression, with what the database calls each of its parts."""
    pushed, pulled, expires = (
        moment.format(f"tag.{column}") for column in ("push_time", "pull_time", "expires_at")
    )
    return (
        f"{put}('{WORDED}', tag.id, tag.repository_id, tag.artifact_id, {name}, {pushed}, "
        f"""coalesce({pulled}, '{Time(NEVER)}'), ',"expires_at":"' || {expires} || '"')"""
    )


NEWEST_FIRST = HELD.push_time.desc(), HELD.id.desc()
EACH = (
    select(Told().label("told"))
    .select_from(HELD.id.table)
    .where(HELD.artifact_id == Artifact.id)
    .order_by(*NEWEST_FIRST)
    .correlate(Artifact)
    .subquery()
)
ALL = select(func.aggregate_strings(EACH.c.told, ",")).scalar_subquery()
OF_THESE = select(Artifact.id, ALL).where(Artifact.id.in_(bindparam("ids", expanding=True)))
NAMED = (
    select(HELD.artifact_id, HELD.name, Told())
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
