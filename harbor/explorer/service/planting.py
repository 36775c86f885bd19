"""What is done: a tree is cut into the blocks in which it is looked at.

Its nodes are numbered from the root down, those of one directory one after the other, as a page
lists them. Its lines are all paths in order, each with what makes its file what it is: there one
looks for names, and tells two images apart.
"""

from array import array
from collections.abc import Iterator
from hashlib import blake2b

import msgspec
from msgspec import Struct

from harbor.core.errors import BadRequest
from harbor.core.i18n import Phrase
from harbor.core.settings import MIB
from harbor.explorer.schemas import NOT_WHOLE, Kept, PackageFile
from harbor.explorer.service.blocks import HEAD, LINES, NODES, PACKAGES, Blocks
from harbor.explorer.service.packing import in_blocks, pack
from harbor.explorer.service.trees import Node, Tree, join

NODES_EACH, LINES_EACH = 250, 2_000  # in a block
FACTS = 16  # bytes of a hash
NO_FACTS = bytes(FACTS)  # of a directory: what is in it makes it what it is
UNNAMED_MODE = 0o755  # of a directory that no layer names
MOST_TEXT = 32 * MIB  # characters of all paths
BETWEEN = "\0"  # two paths; no name has it


class Lines(Struct, array_like=True):
    """Paths in their order, with the numbers of their nodes, their facts and their sizes."""

    text: str
    numbers: bytes
    facts: bytes
    sizes: bytes

    @property
    def paths(self) -> list[str]:
        return self.text.split(BETWEEN)


class Head(Struct, array_like=True):
    """What one needs to know to find anything."""

    nbytes: int  # of all files
    lines: int
    firsts: list[str]  # the first path in each block of lines


def planted(tree: Tree, packages: list[tuple[PackageFile, int]]) -> Blocks:
    """All blocks; ``BadRequest`` if the paths are too long to be kept."""
    nodes = list(numbered(tree))
    blocks = in_blocks(NODES, nodes, NODES_EACH)
    firsts = []
    for number, lines in enumerate(in_order(tree)):
        blocks[LINES, number] = pack(lines)
        firsts.append(lines.text.partition(BETWEEN)[0])
    blocks[HEAD, 0] = pack(Head(tree.root.size, len(nodes), firsts))
    blocks[PACKAGES, 0] = pack(packages)
    return blocks


def numbered(tree: Tree) -> Iterator[Kept]:
    """All nodes by number; each is told its own."""
    paths, nodes = ["/"], [tree.root]  # in two lists: the collector of garbage would see pairs
    characters = 0
    for number, node in enumerate(nodes):  # which grows meanwhile
        tree.rest()
        path, paths[number] = paths[number], ""  # it is needed no more
        node.number = number
        first = len(nodes)
        characters += len(path)
        if characters > MOST_TEXT:
            raise BadRequest(Phrase("the paths in the layers are too long"))
        if node.children is not None:
            names = listed(node.children)
            paths += [join(path, name) for name in names]
            nodes += [node.children[name] for name in names]
        yield kept(path, node, first, len(nodes) - first)


def listed(children: dict[str, Node]) -> list[str]:
    """The names as a page lists them: directories first."""
    names = sorted(children)
    directories = [name for name in names if children[name].children is not None]
    files = [name for name in names if children[name].children is None]
    return directories + files


def kept(path: str, node: Node, first: int, count: int) -> Kept:
    entry = node.entry
    count = -1 if node.children is None else count
    if entry is None:
        return Kept(
            path, "directory", node.size, UNNAMED_MODE, 0, 0, 0, node.layer, None, None, -1,
            first, count,
        )  # fmt: skip
    is_cut = entry.kind == "file" and entry.content is None and entry.offset >= 0
    return Kept(
        path,
        "directory" if count >= 0 else entry.kind,  # the root is one, whatever a layer says
        node.size,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        node.layer,
        entry.target,
        entry.written,
        NOT_WHOLE if is_cut else entry.offset,
        first,
        count,
    )


def in_order(tree: Tree) -> Iterator[Lines]:
    """All paths, by their parts."""
    paths: list[str] = []
    numbers, sizes, facts = array("I"), array("q"), []
    for path, node in walk(tree.root):
        tree.rest()
        paths.append(path.replace(BETWEEN, "�") if BETWEEN in path else path)
        numbers.append(node.number)
        sizes.append(node.size)
        facts.append(facts_of(node))
        if len(paths) == LINES_EACH:
            yield lines_of(paths, numbers, facts, sizes)
            paths, numbers, sizes, facts = [], array("I"), array("q"), []
    if paths:
        yield lines_of(paths, numbers, facts, sizes)


def lines_of(
    paths: list[str], numbers: "array[int]", facts: list[bytes], sizes: "array[int]"
) -> Lines:
    return Lines(BETWEEN.join(paths), numbers.tobytes(), b"".join(facts), sizes.tobytes())


def walk(root: Node) -> Iterator[tuple[str, Node]]:
    yield "/", root
    children = root.children or {}
    ways = [("/", children, iter(sorted(children)))]
    while ways:
        above, children, names = ways[-1]
        name = next(names, None)
        if name is None:
            ways.pop()
            continue
        path, node = join(above, name), children[name]
        yield path, node
        if node.children:
            ways.append((path, node.children, iter(sorted(node.children))))


def facts_of(node: Node) -> bytes:
    """All that makes a file what it is, but its time: that changes with each build."""
    entry = node.entry
    if node.children is not None or entry is None:
        return NO_FACTS
    facts = entry.kind, entry.mode, entry.uid, entry.gid, entry.size, entry.target, entry.content
    return blake2b(msgspec.msgpack.encode(facts), digest_size=FACTS).digest()
