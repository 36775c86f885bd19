"""What is done: turn what lists of artifacts are asked for into SQL.

Source: Harbor src/pkg/artifact/dao/dao.go.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from harbor.artifacts.models import Artifact, ArtifactLabel, Repository, Tag
from harbor.core import query as q
from harbor.core.db import Time
from harbor.core.errors import BadRequest
from harbor.core.quick.statements import among_numbers, among_these

NEVER = datetime(1, 1, 1, tzinfo=UTC)
HAVING_TAGS = {"*": True, "nil": False}
SOUGHT = frozenset(("tags", "labels", "digest"))
FEW = 5_000  # that are looked up one by one; where there are more, each artifact is asked
OTHER = aliased(Artifact)


class Around(NamedTuple):
    """What is looked through, once and for all, for what a filter seeks."""

    artifacts: ColumnElement[bool]  # of OTHER
    tags: ColumnElement[bool]
    repositories: ColumnElement[bool]
    # What looks for a part of a tag or of a digest → the ids of the artifacts with such tags, or
    # such digests; None for very many.
    known: Mapping[q.Match, Sequence[Any] | None] = {}


def tagged(around: Around, match: q.Match) -> ColumnElement[bool]:
    """``tags``: a name, a part of one, in which capitals count, ``*`` for any, ``nil`` for none."""
    held = select(Tag.artifact_id).where(around.tags)
    if match.form == "exact" and match.text in HAVING_TAGS:
        return Artifact.tagged.is_(HAVING_TAGS[match.text])
    if match.form == "fuzzy":
        ids = around.known[match]
        if ids is None:
            own = exists().where(Tag.artifact_id == Artifact.id, has_in_name(match.text))
            return and_(Artifact.tagged.is_(True), own)
        return among_numbers(Artifact.id.expression, ids)
    if match.form != "exact":
        raise BadRequest("the value of tags is to be a name, a part of one with ~, * or nil")
    return Artifact.id.in_(held.where(Tag.name == match.text))


def has_in_name(part: str) -> ColumnElement[bool]:
    """Whether that is a part of the name of a tag."""
    return q.At(Tag.name, part) > 0  # LIKE ignores capitals on SQLite


def digested(around: Around, match: q.Match) -> ColumnElement[bool]:
    """``digest``: other indexes know it than those by which lists are sorted."""
    if not is_part(match):
        return Artifact.id.in_(select(OTHER.id).where(around.artifacts, match.on(OTHER.digest)))
    digests = around.known[match]
    if digests is None:
        return match.on(Artifact.digest)
    return among_these(Artifact.digest.expression, digests)


async def looked_for(session: AsyncSession, asked: str, around: Around) -> Around:
    """*around*, where it is known what has the parts of tags and of digests that *asked* names."""
    known: dict[q.Match, Sequence[Any] | None] = {}
    for match in filter(is_part, q.parse(asked)):
        all_of_them: Select[Any]
        if q.folded(match.key) == "tags":
            all_of_them = select(Tag.artifact_id).where(around.tags, has_in_name(match.text))
        else:
            # In order: PostgreSQL would read the table else, which takes twice as long.
            digests = select(OTHER.digest).order_by(OTHER.digest)
            all_of_them = digests.where(around.artifacts, match.on(OTHER.digest))
        found = (await session.scalars(all_of_them.limit(FEW + 1))).all()
        known[match] = [*set(found)] if len(found) <= FEW else None
    return around._replace(known=known)


def is_part(match: q.Match) -> bool:
    """Whether it looks for a part of a tag, or of a digest."""
    key = q.folded(match.key)
    is_any_part = match.form == "fuzzy" or match.operator == "icontains"
    return match.form == "fuzzy" if key == "tags" else key == "digest" and is_any_part


def labelled(around: Around, match: q.Match) -> ColumnElement[bool]:
    """``labels``: the ids of all that an artifact must carry, as in ``(1 2)``."""
    fits = all(text.isascii() and text.isdigit() for text in match.texts)
    if match.form != "all" or not match.texts or not fits:
        raise BadRequest("the value of labels is to be ids in parentheses, as in (1 2)")
    labels = [
        q.Match("labels", "exact", (text,)).on(ArtifactLabel.label_id)
        for text in sorted(set(match.texts))
    ]
    # Each label begins with its own artifacts, not with all that a list may show, but for a list
    # that begins with the few that are known.
    has_few = any(each is not None for each in around.known.values())
    column = q.Aside(Artifact.id) if has_few else Artifact.id
    return and_(*(column.in_(select(ArtifactLabel.artifact_id).where(label)) for label in labels))


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
    "base": base,
}

ORDERS: q.Fields = {
    **FIELDS,
    "type": q.Bytewise(Artifact.type),
    "media_type": q.Bytewise(Artifact.media_type),
    "manifest_media_type": q.Bytewise(Artifact.manifest_media_type),
    "artifact_type": q.Bytewise(Artifact.artifact_type),
    "icon": q.Bytewise(Artifact.icon),
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
        "labels": partial(labelled, around),
        "repository_name": partial(in_repository, around),
    }
    found = q.conditions(asked, {**FIELDS, **TYPES, **sought})
    if not shows_children(asked):
        found.append(Artifact.listed.is_(True))
    return found


class Wanted(NamedTuple):
    """Which artifacts are wanted, and what is known of how to find them."""

    condition: ColumnElement[bool]
    # Whether they are looked for elsewhere, so that to count them costs as much as to find them.
    is_sought: bool
    total: Select[int] | None = None  # how many they are, where there is a shorter way to count


async def in_one(session: AsyncSession, asked: str, repository_id: int) -> Wanted:
    """The artifacts of a repository that *asked* wants."""
    around = Around(
        OTHER.repository_id == repository_id,
        Tag.repository_id == repository_id,
        Repository.repository_id == repository_id,
    )
    around = await looked_for(session, asked, around)
    here = place(Artifact.repository_id, asked, around) == repository_id
    return wanted(asked, around, here)


def place(column: q.Column, asked: str, around: Around) -> ColumnElement[Any]:
    """The *column* that says where artifacts are; they are found by it if nothing is sought."""
    return q.Aside(column) if is_sought(asked, around) else column.expression


def wanted(asked: str, around: Around, here: ColumnElement[bool]) -> Wanted:
    """The artifacts *here* that *asked* wants."""
    found = and_(here, *conditions(asked, around))
    parts = [*q.parse(asked)]
    is_all = [q.folded(part.key) for part in parts] == ["tags"] and is_everywhere(parts[0], around)
    total = tagged_in_all(here, around, parts[0].text) if is_all else None
    return Wanted(found, is_sought(asked, around), total)


def tagged_in_all(here: ColumnElement[bool], around: Around, part: str) -> Select[int]:
    """How many artifacts with such tags lists show: all that have them, but for accessories.

    Of nearly all tags, it is shorter to count the artifacts that they name than to look at each.
    """
    named = has_in_name(part)
    all_of_them = select(func.count(Tag.artifact_id.distinct())).where(around.tags, named)
    own = exists().where(Tag.artifact_id == Artifact.id, named)
    hidden = select(func.count(Artifact.id)).where(
        here, Artifact.listed.is_(False), Artifact.tagged.is_(True), own
    )
    return select(all_of_them.scalar_subquery() - hidden.scalar_subquery())


def shows_children(asked: str) -> bool:
    """Whether *asked* wants more than what lists show by themselves."""
    return any(q.folded(match.key) == "base" for match in q.parse(asked))


def is_sought(asked: str, around: Around) -> bool:
    """Whether *asked* wants what is few and must be looked for elsewhere."""
    return any(
        q.folded(match.key) in SOUGHT
        and match.text not in HAVING_TAGS
        and not is_everywhere(match, around)
        for match in q.parse(asked)
    )


def is_everywhere(match: q.Match, around: Around) -> bool:
    """Whether it looks for a part that very many have."""
    return is_part(match) and around.known[match] is None
