"""What is done: indexes, made once and then kept up to date by what has changed.

An index is remembered with the version that the database had before it was read. While that is
the same, the same bytes are the answer. Otherwise the repositories that hold charts are looked
through: only those that were touched are read again, and of them only the tags that are new or were
moved. So no process serves what a commit, its own or another one's, has made untrue.

An index is JSON, which is YAML as well; Helm reads JSON as such, and ten times as fast.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from harbor.charts.schemas import Listed
from harbor.charts.service import entries
from harbor.charts.service.entries import MANY, SOME, Fact
from harbor.charts.service.versions import version_of
from harbor.core.archives import Courtesy
from harbor.core.db import Database
from harbor.core.quick import Quick
from harbor.core.settings import MIB
from harbor.projects.service.sight import ALL, Sight

T = TypeVar("T")
MAX_BYTES = 96 * MIB  # of all that is remembered
MAX_INDEX = 32 * MIB  # of entries in full; the rest of a larger index is brief
FEW = 20  # entries, which cost less than to hand them to a thread
BESIDE = 400  # bytes that an entry takes beside its own
NEVER = "0001-01-01T00:00:00.000Z"
ADDRESS = b'"urls":["'  # the last place where this stands in an entry


@dataclass(slots=True)
class Chart:
    """A repository with charts, as it was when it was last touched."""

    name: str  # with its folders in the project
    # What is another one as soon as there is something new: the repository's name, when it was
    # touched, and how many of its artifacts are charts, with a tag or without.
    sign: tuple[object, ...]
    tags: dict[str, tuple[str, object, Listed | None]] = field(default_factory=dict)
    listed: Sequence[Listed] = ()  # the latest version first
    latest: str = NEVER  # when the last version came
    nbytes: int = 0


@dataclass(slots=True)
class Index:
    """What is served, and what it was made of."""

    raw: bytes = b""
    etag: str = ""
    version: object = None  # of the database, when this was known to be true
    charts: dict[int, Chart] = field(default_factory=dict)
    parts: tuple[tuple[str, str], ...] = ()  # of one for several projects: names and tags of each

    nbytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.nbytes = len(self.raw) + sum(chart.nbytes for chart in self.charts.values())

    @property
    def by_name(self) -> dict[str, Chart]:
        return {chart.name: chart for chart in self.charts.values() if chart.listed}


class Indexes:
    """The indexes that this process remembers."""

    def __init__(self, db: Database) -> None:
        self._quick = db.quick
        self._kept: OrderedDict[object, Index] = OrderedDict()
        self._making = asyncio.Lock()  # one at a time, for each may be large

    async def of_project(self, project_id: int, sight: Sight = ALL) -> Index:
        """The index of a project, of as much as *sight* lets be seen."""
        return await seen(await self._whole(project_id), project_id, sight)

    async def _whole(self, project_id: int) -> Index:
        version = await self._quick.version()
        kept = self._kept.get(project_id)
        if kept is not None and kept.version == version:
            self._kept.move_to_end(project_id)
            return kept
        async with self._making:
            return await self._of_project(project_id)

    async def _of_project(self, project_id: int) -> Index:
        version = await self._quick.version()
        kept = self._kept.get(project_id)
        if kept is not None and kept.version == version:
            return kept
        charts = dict(kept.charts) if kept else {}
        changed = await refresh(self._quick, project_id, charts)
        if kept is None or changed:
            raw, etag = await asyncio.to_thread(joined, charts)
            kept = Index(raw, etag, version, charts)
        kept.version = version
        self._keep(project_id, kept)
        return kept

    async def of_projects(self, projects: Sequence[tuple[str, int]], sight: Sight = ALL) -> Index:
        """One index for several projects, whose charts carry the name of theirs."""
        which = tuple(project_id for _, project_id in projects)
        async with self._making:
            found = [(name, await self._of_project(each)) for name, each in projects]
            if sight.visible:  # for few, so it is made each time
                found = [
                    (name, await seen(index, each, sight))
                    for (name, each), (_, index) in zip(projects, found, strict=True)
                ]
                return Index(*await asyncio.to_thread(merged, found))
            kept = self._kept.get(which)
            parts = tuple((name, index.etag) for name, index in found)
            if kept is None or kept.parts != parts:
                raw, etag = await asyncio.to_thread(merged, found)
                kept = Index(raw, etag, parts=parts)
            self._keep(which, kept)
            return kept

    def _keep(self, which: object, index: Index) -> None:
        """Remember *index*, and forget what was asked for least lately where it gets too much."""
        self._kept[which] = index
        self._kept.move_to_end(which)
        nbytes = sum(each.nbytes for each in self._kept.values())
        while nbytes > MAX_BYTES:
            _, gone = self._kept.popitem(last=False)
            nbytes -= gone.nbytes


async def seen(index: Index, project_id: int, sight: Sight) -> Index:
    """*index* without the charts in repositories that rules hide."""
    visible = sight.visible.get(project_id)
    if visible is None:
        return index
    names = {name.partition("/")[2] for name in visible}
    charts = {key: chart for key, chart in index.charts.items() if chart.name in names}
    return Index(*await asyncio.to_thread(joined, charts), charts=charts)


async def refresh(quick: Quick, project_id: int, charts: dict[int, Chart]) -> bool:
    """Bring *charts* up to date; whether there was anything to do."""
    last, there, changed = 0, set(), False
    spent = sum(chart.nbytes for chart in charts.values())
    while True:
        rows = await quick.fetch(entries.SIGNS, project_id=project_id, last=last, limit=MANY)
        for repository_id, *sign in rows:
            there.add(repository_id)
            known = charts.get(repository_id)
            if known is None or known.sign != tuple(sign):
                now = Chart(str(sign[0]).partition("/")[2], tuple(sign))
                known = known or now
                new = await renewed(quick, repository_id, known, now, MAX_INDEX - spent)
                spent += new.nbytes - known.nbytes
                charts[repository_id] = new
                changed = True
                await asyncio.sleep(0)  # others get their turn
        if len(rows) < MANY:
            break
        last = rows[-1][0]
        await asyncio.sleep(0)
    for gone in charts.keys() - there:
        del charts[gone]
        changed = True
    return changed


async def renewed(quick: Quick, repository_id: int, known: Chart, chart: Chart, room: int) -> Chart:
    """Fill *chart* as it is now: what is *known* of its tags stays, the rest is read."""
    last = ""
    if known.name != chart.name:  # another repository has got the id of one that is gone
        known = chart
    while True:
        rows = await quick.fetch(
            entries.VERSIONS, repository_id=repository_id, last=last, limit=MANY
        )
        new: dict[str, tuple[str, object]] = {}
        for tag, digest, push_time in rows:
            before = known.tags.get(tag)
            if before is not None and before[:2] == (digest, push_time):
                chart.tags[tag] = before
            elif version_of(tag) is not None:
                new[tag] = (digest, push_time)
        room = await read(quick, repository_id, chart, new, room)
        if len(rows) < MANY:
            break
        last = rows[-1][0]
        await asyncio.sleep(0)
    found = [listed for _, _, listed in chart.tags.values() if listed is not None]
    chart.listed = await apart(len(found), ordered, found)
    chart.latest = max((each.created for each in found), default=NEVER)
    chart.nbytes = sum(len(each.raw) for each in found) + BESIDE * (len(chart.tags) + 1)
    return chart


async def apart(count: int, work: Callable[..., T], *given: object) -> T:
    """Do *work* in a thread, unless it is about a few things only."""
    return work(*given) if count <= FEW else await asyncio.to_thread(work, *given)


def ordered(found: list[Listed]) -> list[Listed]:
    return sorted(found, key=lambda each: each.key, reverse=True)


async def read(
    quick: Quick, repository_id: int, chart: Chart, new: dict[str, tuple[str, object]], room: int
) -> int:
    """Word the entries of *new* tags, in full as long as there is *room*; return what is left."""
    tags = list(new)
    for start in range(0, len(tags), SOME):
        some = {tag: new[tag] for tag in tags[start : start + SOME]}
        rows = await quick.fetch(entries.FACTS, repository_id=repository_id, tags=list(some))
        known = {row[0]: Fact(chart.name, *row) for row in rows}
        listed = await apart(len(known), words, known, room <= 0)
        for tag, (digest, push_time) in some.items():
            chart.tags[tag] = (digest, push_time, listed.get(tag))
        room -= sum(len(each.raw) + BESIDE for each in listed.values() if each)
    return room


def words(facts: dict[str, Fact], brief: bool) -> dict[str, Listed | None]:
    rest = Courtesy()
    listed = {}
    for tag, fact in facts.items():
        rest()
        listed[tag] = entries.worded(fact, brief=brief)
    return listed


def joined(charts: dict[int, Chart]) -> tuple[bytes, str]:
    shown = sorted((chart for chart in charts.values() if chart.listed), key=lambda c: c.name)
    parts = [(chart.name, [each.raw for each in chart.listed]) for chart in shown]
    return written(parts, max((chart.latest for chart in shown), default=NEVER))


def merged(found: Sequence[tuple[str, Index]]) -> tuple[bytes, str]:
    parts, latest = [], []
    for project, index in found:
        for chart in sorted(index.by_name.values(), key=lambda chart: chart.name):
            moved = [placed(each.raw, project) for each in chart.listed]
            parts.append((f"{project}/{chart.name}", moved))
            latest.append(chart.latest)
    return written(parts, max(latest, default=NEVER))


def placed(raw: bytes, project: str) -> bytes:
    """An entry whose address is relative to the folder above its project's."""
    head, sign, tail = raw.rpartition(ADDRESS)
    return b"".join((head, sign, project.encode(), b"/", tail))


def written(parts: Sequence[tuple[str, Sequence[bytes]]], generated: str) -> tuple[bytes, str]:
    """An index of charts, and the tag that stands for it."""
    pieces = [b'{"apiVersion":"v1","entries":{']
    for count, (name, raws) in enumerate(parts):
        pieces += [b"," if count else b"", msgspec.json.encode(name), b":[", b",".join(raws), b"]"]
    pieces += [b'},"generated":', msgspec.json.encode(generated), b"}\n"]
    raw = b"".join(pieces)
    return raw, hashlib.sha256(raw).hexdigest()
