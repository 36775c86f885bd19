"""What is done: turn what lists of artifacts are asked for into SQL.

Source: Harbor src/pkg/artifact/dao/dao.go.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Boolean, ColumnElement, and_, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from harbor.artifacts.models import Artifact, ArtifactLabel, Repository, Tag
from harbor.core import query as q
from harbor.core.db import Time
from harbor.core.errors import BadRequest

NEVER = datetime(1, 1, 1, tzinfo=UTC)
HAVING_TAGS = {"*": True, "nil": False}
SOUGHT = frozenset(("tags", "labels", "digest"))
OTHER = aliased(Artifact)


class Apart(ColumnElement[bool]):
    """A condition that is no join.

    PostgreSQL guesses that a part of a name is nearly nowhere, and would look up one by one what
    turns out to be everywhere.
    """

    type = Boolean()
    inherit_cache = True
    # Two are the same statement if their conditions are.
    _traverse_internals = [("condition", InternalTraversal.dp_clauseelement)]  # noqa: RUF012

    def __init__(self, condition: ColumnElement[bool]) -> None:
        self.condition = condition

    def self_group(self, against: Any = None) -> Any:
        # Otherwise "= 1" is added where there are no booleans, and SQLite makes no join of it.
        return self


@compiles(Apart)
def _apart(element: Apart, compiler: SQLCompiler, **rest: Any) -> str:
    return compiler.process(element.condition, **rest)


@compiles(Apart, "postgresql")
def _apart_on_postgresql(element: Apart, compiler: SQLCompiler, **rest: Any) -> str:
    return f"({compiler.process(element.condition, **rest)}) IS TRUE"


class Around(NamedTuple):
    """What is looked through, once and for all, for what a filter seeks."""

    artifacts: ColumnElement[bool]  # of OTHER
    tags: ColumnElement[bool]
    repositories: ColumnElement[bool]


def tagged(around: Around, match: q.Match) -> ColumnElement[bool]:
    """``tags``: a name, a part of one, in which capitals count, ``*`` for any, ``nil`` for none."""
    held = select(Tag.artifact_id).where(around.tags)
    if match.form == "exact" and match.text in HAVING_TAGS:
        return Artifact.tagged.is_(HAVING_TAGS[match.text])
    if match.form == "fuzzy":
        named = held.where(q.At(Tag.name, match.text) > 0)  # LIKE ignores capitals on SQLite
        return Apart(Artifact.id.in_(named))
    if match.form != "exact":
        raise BadRequest("the value of tags is to be a name, a part of one with ~, * or nil")
    return Artifact.id.in_(held.where(Tag.name == match.text))


def digested(around: Around, match: q.Match) -> ColumnElement[bool]:
    """``digest``: other indexes know it than those by which lists are sorted."""
    return Artifact.id.in_(select(OTHER.id).where(around.artifacts, match.on(OTHER.digest)))


def labelled(match: q.Match) -> ColumnElement[bool]:
    """``labels``: the ids of all that an artifact must carry, as in ``(1 2)``."""
    fits = all(text.isascii() and text.isdigit() for text in match.texts)
    if match.form != "all" or not match.texts or not fits:
        raise BadRequest("the value of labels is to be ids in parentheses, as in (1 2)")
    labels = [
        q.Match("labels", "exact", (text,)).on(ArtifactLabel.label_id)
        for text in sorted(set(match.texts))
    ]
    # Each label begins with its own artifacts, not with all that a list may show.
    return and_(
        *(Artifact.id.in_(select(ArtifactLabel.artifact_id).where(label)) for label in labels)
    )


def in_repository(around: Around, match: q.Match) -> ColumnElement[bool]:
    named = select(Repository.repository_id).where(around.repositories, match.on(Repository.name))
    return Artifact.repository_id.in_(named)


def base(match: q.Match) -> ColumnElement[bool]:
    """``base=*``: children of indexes too, but no accessories."""
    if match.form != "exact" or match.text != "*":
        raise BadRequest("the value of base can only be *")
    return Artifact.accessory.is_(False)


def of_type(column: q.Column, match: q.Match) -> ColumnElement[bool]:
    """A media type: none has a space, but whoever encodes its plus once, where Harbor decodes
    twice, sends one.
    """
    meant = tuple(text.replace(" ", "+") for text in match.texts)
    return replace(match, texts=meant).on(column)


FIELDS: q.Fields = {
    "id": Artifact.id,
    "type": Artifact.type,
    "media_type": Artifact.media_type,
    "manifest_media_type": Artifact.manifest_media_type,
    "artifact_type": Artifact.artifact_type,
    "project_id": Artifact.project_id,
    "repository_id": Artifact.repository_id,
    "digest": Artifact.digest,
    "size": Artifact.size,
    "icon": Artifact.icon,
    "push_time": Artifact.push_time,
    "pull_time": func.coalesce(Artifact.pull_time, literal(NEVER, Time)),
    "labels": labelled,
    "base": base,
}


# Lists are sorted by these too, so the columns themselves stay above.
TYPES: q.Fields = {
    "media_type": partial(of_type, Artifact.media_type),
    "manifest_media_type": partial(of_type, Artifact.manifest_media_type),
    "artifact_type": partial(of_type, Artifact.artifact_type),
}


def conditions(asked: str, around: Around) -> list[ColumnElement[bool]]:
    """What *asked*, a ``q``, wants of artifacts, among those that lists show."""
    sought = {
        "tags": partial(tagged, around),
        "digest": partial(digested, around),
        "repository_name": partial(in_repository, around),
    }
    found = q.conditions(asked, {**FIELDS, **TYPES, **sought})
    if not shows_children(asked):
        found.append(Artifact.listed.is_(True))
    return found


def in_one(asked: str, repository_id: int) -> ColumnElement[bool]:
    """The artifacts of a repository that *asked* wants."""
    around = Around(
        OTHER.repository_id == repository_id,
        Tag.repository_id == repository_id,
        Repository.repository_id == repository_id,
    )
    here = place(Artifact.repository_id, asked) == repository_id
    return and_(here, *conditions(asked, around))


def place(column: q.Column, asked: str) -> ColumnElement[Any]:
    """The *column* that says where artifacts are; they are found by it if nothing is sought."""
    return q.Aside(column) if is_sought(asked) else column.expression


def shows_children(asked: str) -> bool:
    """Whether *asked* wants more than what lists show by themselves."""
    return any(q.folded(match.key) == "base" for match in q.parse(asked))


def is_sought(asked: str) -> bool:
    """Whether *asked* wants what must be looked for elsewhere, so that to count what there is costs
    as much as to find it.
    """
    return any(
        q.folded(match.key) in SOUGHT and match.text not in HAVING_TAGS for match in q.parse(asked)
    )
