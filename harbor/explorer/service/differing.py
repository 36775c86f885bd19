"""What is done: find the files and packages that differ, once; what was found comes in pages."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import accumulate

from msgspec import Struct

from harbor.core.archives import Courtesy
from harbor.explorer.schemas import Change, CompareQuery, FileChange, PackageChange
from harbor.explorer.service.blocks import HEAD, LINES, PACKAGES, Blocks, Shelf
from harbor.explorer.service.packing import pack, unpack
from harbor.explorer.service.planting import BETWEEN, FACTS, LINES_EACH, NO_FACTS, Lines
from harbor.explorer.service.views import View, key_of, packages_in

KINDS: tuple[Change, ...] = ("added", "removed", "changed")
ABSENT = -1  # in the place of a size
AT_ONCE = 16  # blocks that are taken for a search
Fact = tuple[bytes, int]  # what makes a file what it is, and its size
Work = Callable[[Callable[[], list[FileChange]]], Awaitable[list[FileChange]]]  # in a thread


class Side(Struct, frozen=True):
    """All that is known of one of two images, as it is kept."""

    lines: list[bytes]
    packages: bytes


class ChangesHead(Struct, array_like=True):
    counts: tuple[int, int, int]  # of files, as ``KINDS``
    each: list[tuple[int, int, int]]  # the same of each block


class ChangeLines(Struct, array_like=True):
    """Files that differ, by path."""

    text: str
    kinds: bytes  # the places in ``KINDS``
    before: bytes  # sizes
    after: bytes

    def files(self) -> Iterator[FileChange]:
        sizes = array("q", self.before), array("q", self.after)
        rows = zip(self.text.split(BETWEEN), self.kinds, *sizes, strict=True)
        for path, kind, before, after in rows:
            yield FileChange(
                path=path,
                change=KINDS[kind],
                before=None if before == ABSENT else before,
                after=None if after == ABSENT else after,
            )


async def everything(view: View) -> Side:
    blocks = await view.shelf.take(LINES, range(len(view.head.firsts)))
    return Side([blocks[number] for number in sorted(blocks)], await view.packages())


def compared(before: Side, after: Side) -> Blocks:
    """All that differs, in blocks."""
    blocks: dict[tuple[int, int], bytes] = {}
    each: list[tuple[int, int, int]] = []
    for number, rows in enumerate(in_rows(files(before.lines, after.lines))):
        kinds = bytes(KINDS.index(row.change) for row in rows)
        sizes = [
            array("q", [ABSENT if size is None else size for size in column]).tobytes()
            for column in ([row.before for row in rows], [row.after for row in rows])
        ]
        text = BETWEEN.join(row.path for row in rows)
        blocks[LINES, number] = pack(ChangeLines(text, kinds, *sizes))
        each.append((kinds.count(0), kinds.count(1), kinds.count(2)))
    counts = [sum(column) for column in zip(*each, strict=True)] or [0, 0, 0]
    blocks[HEAD, 0] = pack(ChangesHead((counts[0], counts[1], counts[2]), each))
    blocks[PACKAGES, 0] = pack(packages(known(before.packages), known(after.packages)))
    return blocks


def in_rows(changes: Iterator[FileChange]) -> Iterator[list[FileChange]]:
    rows: list[FileChange] = []
    for change in changes:
        rows.append(change)
        if len(rows) == LINES_EACH:
            yield rows
            rows = []
    if rows:
        yield rows


def files(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[FileChange]:
    """Every file and link that is not the same, by path: both go forwards side by side."""
    rest = Courtesy()
    old, new = Window(before), Window(after)
    while old.fill() | new.fill():
        rest()
        if old.whole is not None and old.whole == new.whole:
            old.take(len(old.paths))
            new.take(len(new.paths))
            continue
        until = key_of(min((each.paths[-1] for each in (old, new) if each.paths), key=key_of))
        yield from changes(*(each.take(each.count(until)) for each in (old, new)))


class Window:
    """The lines of one side that are looked at: what is left of a block."""

    def __init__(self, blocks: Sequence[bytes]) -> None:
        self._blocks = iter(blocks)
        self.whole: bytes | None = None  # the block, if nothing was taken of it yet
        self.paths: list[str] = []
        self._facts: list[Fact] = []

    def fill(self) -> bool:
        """Whether there is anything left."""
        if not self.paths and (raw := next(self._blocks, None)) is not None:
            lines = unpack(raw, Lines)
            self.whole, self.paths = raw, lines.paths
            facts = [lines.facts[at : at + FACTS] for at in range(0, len(lines.facts), FACTS)]
            self._facts = list(zip(facts, array("q", lines.sizes), strict=True))
        return bool(self.paths)

    def count(self, until: list[str]) -> int:
        """How many lines there are up to this key."""
        return bisect_right(self.paths, until, key=key_of)

    def take(self, count: int) -> dict[str, Fact]:
        """So many lines, which are gone then."""
        taken = dict(zip(self.paths[:count], self._facts, strict=False))
        self.whole, self.paths, self._facts = None, self.paths[count:], self._facts[count:]
        return taken


def changes(old: dict[str, Fact], new: dict[str, Fact]) -> Iterator[FileChange]:
    """How the files of one stretch differ; directories differ by their files."""
    differing = {path for path, _fact in old.items() ^ new.items()}
    for path in sorted(differing, key=key_of):
        before, after = (side.get(path, (NO_FACTS, 0)) for side in (old, new))
        if before[0] == after[0]:
            continue
        is_old, is_new = before[0] != NO_FACTS, after[0] != NO_FACTS
        yield FileChange(
            path=path,
            change="changed" if is_old and is_new else "added" if is_new else "removed",
            before=before[1] if is_old else None,
            after=after[1] if is_new else None,
        )


def known(raw: bytes) -> dict[tuple[str, str], str]:
    """The versions of packages, by kind and name."""
    return {
        (each.kind, each.name): each.version
        for file, _layer in packages_in(raw)
        for each in file.packages
    }


def packages(
    before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]
) -> list[PackageChange]:
    return [
        PackageChange(kind=key[0], name=key[1], before=before.get(key), after=after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


class Changes:
    """What differs between two images, for one request."""

    def __init__(self, shelf: Shelf, head: ChangesHead) -> None:
        self._shelf, self.head = shelf, head

    @classmethod
    async def open(cls, shelf: Shelf) -> "Changes":
        raw = await shelf.take(HEAD, [0])
        return cls(shelf, unpack(raw[0], ChangesHead))

    async def packages(self) -> list[PackageChange]:
        raw = await self._shelf.take(PACKAGES, [0])
        return unpack(raw[0], list[PackageChange])

    async def page(self, query: CompareQuery, work: Work) -> tuple[list[FileChange], int]:
        """The files that are asked for, and how many there are."""
        if query.search:
            return await self._search(query, work)
        kinds = range(len(KINDS)) if query.change is None else [KINDS.index(query.change)]
        counts = [sum(each[kind] for kind in kinds) for each in self.head.each]
        first, after = blocks_of(counts, query.offset, query.page_size)
        found = await self._files(range(first, after), query, work)
        begin = query.offset - sum(counts[:first])
        return found[begin : begin + query.page_size], sum(counts)

    async def _search(self, query: CompareQuery, work: Work) -> tuple[list[FileChange], int]:
        found: list[FileChange] = []
        total = 0
        for at in range(0, len(self.head.each), AT_ONCE):
            some = range(at, min(at + AT_ONCE, len(self.head.each)))
            matching = await self._files(some, query, work)
            begin = max(0, query.offset - total)
            found += matching[begin : begin + query.page_size - len(found)]
            total += len(matching)
        return found, total

    async def _files(
        self, numbers: Sequence[int], query: CompareQuery, work: Work
    ) -> list[FileChange]:
        raw = await self._shelf.take(LINES, numbers) if numbers else {}
        blocks = [raw[number] for number in numbers]
        return await work(lambda: asked_for(blocks, query))


def asked_for(blocks: Sequence[bytes], query: CompareQuery) -> list[FileChange]:
    text = query.search.lower()
    return [
        file
        for block in blocks
        for file in unpack(block, ChangeLines).files()
        if file.change == (query.change or file.change) and text in file.path.lower()
    ]


def blocks_of(counts: Sequence[int], offset: int, size: int) -> tuple[int, int]:
    """The first block with any of these rows, and the one after the last."""
    ends = list(accumulate(counts))
    first = bisect_right(ends, offset)
    return first, min(bisect_left(ends, offset + size) + 1, len(ends)) if counts else 0
