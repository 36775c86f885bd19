"""What is done: show artifacts as the lines of a page.

A page takes one statement for each kind of thing, and of what an artifact may have thousands of,
it reads the first few and how many there are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Row, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, ArtifactDetails, ArtifactReference
from harbor.artifacts.service import accessories, catalogue, filters, paging, tags
from harbor.artifacts.service.kinds import Kind, kind_of
from harbor.core import query as q
from harbor.core.errors import NotFound
from harbor.core.i18n import Phrase
from harbor.core.query import Listing
from harbor.core.wire import Time
from harbor.labels.schemas import Label

FEW = 3  # tags and platforms that a line shows
SIGNATURE = "signature."  # how the kinds of accessories begin that are signatures
COLUMNS = (
    Artifact.id,
    Artifact.digest,
    Artifact.type,
    Artifact.manifest_media_type,
    Artifact.size,
    Artifact.annotations,
    Artifact.push_time,
    Artifact.pull_time,
    ArtifactDetails.extra_attrs,
)


class Platform(Struct):
    """What an image runs on, as its config or the index that lists it says."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Line(Struct, frozen=True, kw_only=True):
    """An artifact as a line of a list."""

    id: int
    digest: str
    kind: Kind
    media_type: str  # of the manifest
    said: str | None  # what its config says, a JSON object
    size: int
    push_time: Time
    pull_time: Time | None
    annotations: Mapping[str, str]
    tags: Sequence[str]  # the newest few
    tag_count: int
    labels: Sequence[Label]
    platforms: Sequence[str]  # the first few
    child_count: int  # of an index
    accessories: Mapping[str, int]  # how many of which kind

    @property
    def short(self) -> str:
        return shortened(self.digest)

    @property
    def name(self) -> str:
        """What the reader may know it by."""
        return self.tags[0] if self.tags else self.short

    @property
    def reference(self) -> str:
        """What to pull: the tag, if there is exactly one."""
        return f":{self.tags[0]}" if self.tag_count == 1 else f"@{self.digest}"

    @property
    def is_signed(self) -> bool:
        return any(kind.startswith(SIGNATURE) for kind in self.accessories)

    @property
    def opens(self) -> bool:
        """Whether there is something about it below the line."""
        return bool(self.accessories)


def shortened(digest: str) -> str:
    return digest.partition(":")[2][:12]


async def of_repository(
    session: AsyncSession, repository_id: int, query: Listing, counted: int | None = None
) -> tuple[list[Line], int]:
    """One page of the artifacts of a repository, and how many there are, unless somebody has
    *counted* them.
    """
    columns = select(*COLUMNS).outerjoin(
        ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id
    )
    wanted = await filters.in_one(session, query.q, repository_id)
    rows, total = await paging.page_of(session, columns, wanted, query, counted)
    return await assembled(session, rows), total


async def of_index(session: AsyncSession, parent_id: int, query: Listing) -> tuple[list[Line], int]:
    """One page of what an index lists, and how many that are."""
    inside = ArtifactReference.parent_id == parent_id
    total = await session.scalar(select(func.count()).select_from(ArtifactReference).where(inside))
    rows = (
        select(*COLUMNS, ArtifactReference.platform)
        .join(ArtifactReference, ArtifactReference.child_id == Artifact.id)
        .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
        .where(inside)
        .order_by(*q.order(query.sort, filters.ORDERS), ArtifactReference.id)
        .limit(query.page_size)
        .offset(query.offset)
    )
    return await assembled(session, (await session.execute(rows)).all()), total or 0


async def several(session: AsyncSession, repository_id: int, ids: Sequence[int]) -> list[Line]:
    """Those of *ids* that are artifacts of the repository; ``NotFound`` if none is."""
    found = await lines(
        session, and_(Artifact.repository_id == repository_id, Artifact.id.in_(ids))
    )
    if not found:
        raise NotFound(Phrase("none of these artifacts is there any more"))
    return found


async def one(session: AsyncSession, artifact_id: int) -> Line:
    (found,) = await lines(session, Artifact.id == artifact_id)
    return found


async def lines(session: AsyncSession, wanted: ColumnElement[bool]) -> list[Line]:
    rows = (
        select(*COLUMNS)
        .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
        .where(wanted)
        .order_by(Artifact.push_time.desc(), Artifact.id.desc())
    )
    return await assembled(session, (await session.execute(rows)).all())


async def assembled(session: AsyncSession, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[Line]:
    """Lines with what belongs to each."""
    if not rows:
        return []
    ids = [row.id for row in rows]
    named = await tags.newest(session, ids, FEW)
    labelled = await catalogue.labels_of(session, ids)
    about = await accessories.kinds(session, ids)
    children = await first_children(session, ids)
    found = []
    for row in rows:
        names, tag_count = named.get(row.id, ((), 0))
        platforms, child_count = children.get(row.id, (own_platform(row), 0))
        line = Line(
            id=row.id,
            digest=row.digest,
            kind=kind_of(row.type, row.manifest_media_type),
            media_type=row.manifest_media_type,
            said=row.extra_attrs,
            size=row.size,
            push_time=Time(row.push_time),
            pull_time=Time(row.pull_time) if row.pull_time else None,
            annotations=row.annotations or {},
            tags=names,
            tag_count=tag_count,
            labels=labelled.get(row.id, ()),
            platforms=platforms,
            child_count=child_count,
            accessories=about.get(row.id, {}),
        )
        found.append(line)
    return found


def own_platform(row: Row[*tuple[Any, ...]]) -> list[str]:
    """What an image runs on, as the index in which it is listed says, or its config."""
    told = platform_of(getattr(row, "platform", None))
    if not told and row.extra_attrs:
        try:
            told = str(msgspec.json.decode(row.extra_attrs, type=Platform))
        except msgspec.MsgspecError:  # anything may stand there
            told = ""
    return [told] if told else []


def platform_of(told: object) -> str:
    """The platform of an entry of an index; "" if it says none."""
    try:
        return str(msgspec.convert(told or {}, Platform))
    except msgspec.ValidationError:
        return ""


PARENT = ArtifactReference.parent_id
RANKED = (
    select(
        PARENT,
        ArtifactReference.child_id,
        ArtifactReference.platform,
        func.row_number().over(partition_by=PARENT, order_by=ArtifactReference.id).label("at"),
        func.count().over(partition_by=PARENT).label("total"),
    )
    .where(PARENT.in_(bindparam("ids", expanding=True)))
    .subquery()
)
FIRST = (
    select(RANKED.c.parent_id, RANKED.c.platform, RANKED.c.total, ArtifactDetails.extra_attrs)
    .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == RANKED.c.child_id)
    .where(RANKED.c.at <= FEW)
    .order_by(RANKED.c.parent_id, RANKED.c.at)
)


async def first_children(
    session: AsyncSession, artifact_ids: Sequence[int]
) -> dict[int, tuple[list[str], int]]:
    """The platforms of the first children of each index, and how many children it has."""
    found: dict[int, tuple[list[str], int]] = {}
    for row in await session.execute(FIRST, {"ids": artifact_ids}):
        found.setdefault(row.parent_id, ([], row.total))[0].extend(own_platform(row))
    return found
