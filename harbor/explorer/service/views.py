"""What is done: the files of an image are found, listed and searched, a few blocks at a time."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct

from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.explorer.schemas import File, FileQuery, Kept, PackageFile
from harbor.explorer.service.blocks import HEAD, LINES, NODES, PACKAGES, Shelf
from harbor.explorer.service.packing import unpack
from harbor.explorer.service.planting import NODES_EACH, Head, Lines
from harbor.explorer.service.reading import normal
from harbor.explorer.service.trees import MOST_HOPS, join, resolved

MOST_FOUND = 10_000  # by a search
MOST_LOOKS = 5_000  # at paths, within one request
AT_ONCE = 16  # blocks that are taken for a search


Work = Callable[[Callable[[], list[int]]], Awaitable[list[int]]]  # in a thread


class Block(Struct):
    """A block of lines, unpacked."""

    paths: list[str]
    numbers: Sequence[int]


def key_of(path: str) -> list[str]:
    """What paths are in order by."""
    return path.split("/")


class View:
    """The files of one image, or of one layer, for one request."""

    def __init__(self, shelf: Shelf, head: Head, alone: int | None) -> None:
        self.shelf, self.head = shelf, head
        self._alone = alone
        self._lines: dict[int, Block] = {}
        self._looks = 0

    @classmethod
    async def open(cls, shelf: Shelf, alone: int | None = None) -> "View":
        """*alone* is the number of the only layer."""
        raw = await shelf.take(HEAD, [0])
        return cls(shelf, unpack(raw[0], Head), alone)

    def layer_of(self, node: Kept) -> int:
        """Which of all layers *node* is from."""
        return node.layer if self._alone is None or node.layer < 0 else self._alone

    async def packages(self) -> bytes:
        """What ``packages_in`` unpacks, which may take some time."""
        return (await self.shelf.take(PACKAGES, [0]))[0]

    async def find(self, path: str) -> Kept | None:
        """What *path* leads to; links on the way are followed, one at its end is not."""
        hops = MOST_HOPS
        while True:
            number = await self._number_of(path)
            if number is not None:
                return (await self.nodes([number]))[0]
            above = await self._deepest(path)
            node = await self._at(above)
            hops -= 1
            if node is None or node.kind != "symlink" or hops < 0:
                return None
            path = resolved(above, node.target or "").rstrip("/") + path[len(above) :]

    async def follow(self, node: Kept) -> Kept | None:
        """What *node* leads to if it is a link; else itself."""
        found: Kept | None = node
        for _ in range(MOST_HOPS):
            if found is None or found.kind != "symlink":
                return found
            found = await self.find(resolved(found.path, found.target or ""))
        return None

    async def _at(self, path: str) -> Kept | None:
        number = await self._number_of(path)
        return None if number is None else (await self.nodes([number]))[0]

    async def _deepest(self, path: str) -> str:
        """The longest part of *path* that is there."""
        parts = path.split("/")
        there, missing = 1, len(parts)
        while missing - there > 1:
            middle = (there + missing) // 2
            if await self._number_of("/".join(parts[:middle])) is None:
                missing = middle
            else:
                there = middle
        return "/".join(parts[:there]) or "/"

    async def _number_of(self, path: str) -> int | None:
        self._looks += 1
        if self._looks > MOST_LOOKS:
            return None
        key = key_of(path)
        at = bisect_right(self.head.firsts, key, key=key_of) - 1
        block = await self._block(at)
        place = bisect_left(block.paths, key, key=key_of)
        is_there = place < len(block.paths) and block.paths[place] == path
        return block.numbers[place] if is_there else None

    async def _block(self, number: int) -> Block:
        if (known := self._lines.get(number)) is not None:
            return known
        raw = await self.shelf.take(LINES, [number])
        lines = unpack(raw[number], Lines)
        made = self._lines[number] = Block(lines.paths, array("I", lines.numbers))
        return made

    async def nodes(self, numbers: Sequence[int]) -> list[Kept]:
        raw = await self.shelf.take(NODES, {number // NODES_EACH for number in numbers})
        blocks = {at: unpack(block, list[Kept]) for at, block in raw.items()}
        return [blocks[number // NODES_EACH][number % NODES_EACH] for number in numbers]

    async def page(self, query: FileQuery, work: Work) -> tuple[list[File], int]:
        """The files that are asked for, and how many there are; ``NotFound``, ``BadRequest``.

        Directories first, then by name; of a search, by path.
        """
        path = normal(query.path)
        node = await self.find(path)
        node = node and await self.follow(node)
        if node is None:
            raise NotFound(Phrase("there is no %(path)s", path=shown(path)))
        if node.count < 0:
            raise BadRequest(Phrase("%(path)s is no directory", path=shown(path)))
        numbers: Sequence[int] = range(node.first, node.first + node.count)
        if query.search:
            numbers = await self._search(node.path, query.search.lower(), work)
        part = numbers[query.offset : query.offset + query.page_size]
        files = [await self._file(each) for each in await self.nodes(part)] if part else []
        if node.path != path:  # where a link leads, one stays below the link
            for file in files:
                file.path = join(path, file.path[len(node.path.rstrip("/")) + 1 :])
        return files, len(numbers)

    async def _search(self, top: str, text: str, work: Work) -> list[int]:
        """The numbers of what has *text* in its path below *top*, by path."""
        found: list[int] = []
        skip = len(top.rstrip("/").lower())
        for some in chunks(self._blocks_below(top)):
            raw = await self.shelf.take(LINES, some)
            blocks = [raw[number] for number in some]
            found += await work(partial(matching, blocks, top, text, skip))
            if len(found) >= MOST_FOUND:
                break
        return found[:MOST_FOUND]

    def _blocks_below(self, top: str) -> range:
        """The blocks that have lines of *top* and what is below it."""
        if top == "/":
            return range(len(self.head.firsts))
        begin = bisect_right(self.head.firsts, key_of(top), key=key_of) - 1
        above, name = key_of(top)[:-1], key_of(top)[-1]
        # No name comes between a name and the same with the lowest character behind it.
        end = bisect_left(self.head.firsts, [*above, name + "\0"], key=key_of)
        return range(begin, end)

    async def _file(self, node: Kept) -> File:
        led_to = await self.follow(node) if node.kind == "symlink" else node
        return File(
            name=node.path.rpartition("/")[2],
            path=node.path,
            kind=node.kind,
            listable=led_to is not None and led_to.count >= 0,
            size=node.size,
            mode=node.mode,
            uid=node.uid,
            gid=node.gid,
            mtime=node.mtime,
            layer=self.layer_of(node),
            target=node.target,
            written=node.written,
        )


def chunks(numbers: range) -> Iterable[range]:
    return (numbers[at : at + AT_ONCE] for at in range(0, len(numbers), AT_ONCE))


def matching(blocks: Sequence[bytes], top: str, text: str, skip: int) -> list[int]:
    """The numbers of the lines below *top* that have *text* behind their first *skip* characters.

    For the root, the first character is none of theirs.
    """
    found: list[int] = []
    below = "/" if top == "/" else f"{top}/"
    skip = skip or 1
    for block in blocks:
        lines = unpack(block, Lines)
        if text not in lines.text.lower():
            continue
        numbers, paths = array("I", lines.numbers), lines.paths
        found += [
            numbers[at]
            for at, path in enumerate(paths)
            if path.startswith(below) and path != top and text in path.lower()[skip:]
        ]
    return found


def packages_in(raw: bytes) -> list[tuple[PackageFile, int]]:
    """The files that list packages, with their layers."""
    return unpack(raw, list[tuple[PackageFile, int]])
