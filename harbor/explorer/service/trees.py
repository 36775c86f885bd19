"""What is done: layers are merged to the file system that a container would see.

Source: OCI image-spec v1.1 "Image Layer Filesystem Changeset", "Applying Changesets".
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from harbor.core.archives import Courtesy
from harbor.core.errors import BadRequest
from harbor.core.i18n import Phrase
from harbor.core.tars import LARGEST
from harbor.explorer.schemas import Entry, Index, Kind
from harbor.explorer.service.reading import OPAQUE, entries, normal

MOST_NODES = 500_000
MOST_STEPS = 50_000_000  # a large image needs one million
MOST_HOPS = 40  # from link to link, as in Linux
UNNAMED = -1  # the layer of a directory that none names


class Node(Struct, gc=False):
    """``gc=False``: there are many, none of which holds what holds it, and a full collection of
    garbage, which would look at each, stops all threads.
    """

    entry: Entry | None = None  # None for a directory that is only named by what is in it
    layer: int = UNNAMED
    children: "dict[str, Node] | None" = None  # None for all but directories
    size: int = 0
    number: int = 0  # where it is kept

    @property
    def kind(self) -> Kind:
        return self.entry.kind if self.entry else "directory"


class Hops(Struct):
    """How many more links may be followed on the way to one file."""

    left: int = MOST_HOPS


class Tree(Struct):
    """A file system; of one layer alone, also what it takes away."""

    root: Node = field(default_factory=lambda: Node(children={}))
    rest: Courtesy = field(default_factory=Courtesy)
    _last: "tuple[str, dict[str, Node]] | None" = None  # the directory that was written to last
    _nodes: int = 0  # that were ever made
    _steps: int = 0  # from directory to directory

    def apply(self, index: Index, layer: int) -> None:
        """Lay *index* over what is there."""
        self._last = None
        for entry in entries(index):
            self.rest()
            if entry.kind == "whiteout":
                self._remove(entry.path)
            elif entry.kind == "opaque":
                self._empty(entry.path)
        for entry in entries(index):
            self.rest()
            if entry.kind not in {"whiteout", "opaque"}:
                self._put(entry, layer)

    def show(self, index: Index, layer: int) -> None:
        """Take *index* as it is, with what it takes away."""
        for entry in entries(index):
            self.rest()
            self._put(at_its_name(entry), layer)

    def _remove(self, path: str) -> None:
        directory, _, name = path.rpartition("/")
        parent = self.find(directory or "/")
        if parent is not None and parent.children is not None:
            parent.children.pop(name, None)

    def _empty(self, path: str) -> None:
        node = self.find(path)
        if node is not None and node.children is not None:
            node.children = {}

    def _put(self, entry: Entry, layer: int) -> None:
        if entry.path == "/":
            self.root.entry, self.root.layer = entry, layer
            return
        directory, _, name = entry.path.rpartition("/")
        last, self._last = self._last, None
        known = last if last is not None and last[0] == directory else None
        siblings = known[1] if known else self._directory(directory)
        node = siblings.get(name)
        if node is None:
            node = siblings[name] = self._made()
            if entry.kind == "file":  # which changes no directory, and where no link leads
                self._last = directory, siblings
        node.entry, node.layer = entry, layer
        if entry.kind != "directory":
            node.children = None
        elif node.children is None:
            node.children = {}

    def _directory(self, path: str) -> dict[str, Node]:
        """What is in a directory, which is made where it is missing, or is something else."""
        node, at = self.root, ""
        for part in path.split("/")[1:]:
            self._step()
            assert node.children is not None
            at = f"{at}/{part}"
            below = node.children.get(part)
            if below is not None and below.kind == "symlink":
                below = self.follow(at, below)
            if below is None or below.children is None:
                below = node.children[part] = self._made(children={})
            node = below
        assert node.children is not None
        return node.children

    def _made(self, children: dict[str, Node] | None = None) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise BadRequest(
                Phrase(
                    "the layers have more than %(most)s files and directories",
                    most=f"{MOST_NODES:,}",
                )
            )
        return Node(children=children)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise BadRequest(Phrase("the layers have too many links and directories in each other"))

    def find(self, path: str, hops: "Hops | None" = None) -> Node | None:
        """What *path* leads to; links on the way are followed, one at its end is not."""
        node, at = self.root, ""
        hops = hops or Hops()
        for part in path.split("/")[1:] if path != "/" else ():
            self._step()
            directory = self.follow(at, node, hops)
            if directory is None or directory.children is None or part not in directory.children:
                return None
            node, at = directory.children[part], f"{at}/{part}"
        return node

    def follow(self, path: str, node: Node, hops: "Hops | None" = None) -> Node | None:
        """What *node*, found at *path*, leads to if it is a link; else itself."""
        found: Node | None = node
        hops = hops or Hops()
        while found is not None and found.kind == "symlink":
            assert found.entry is not None
            path = resolved(path, found.entry.target or "")
            hops.left -= 1
            found = self.find(path, hops) if hops.left > 0 else None
        return found

    def weigh(self) -> None:
        """Add up the sizes of directories."""
        stack = [(self.root, False)]
        while stack:
            self.rest()
            node, is_counted = stack.pop()
            if node.children is None:
                node.size = node.entry.size if node.entry else 0
            elif is_counted:
                node.size = min(sum(child.size for child in node.children.values()), LARGEST)
            else:
                stack.append((node, True))
                stack += [(child, False) for child in node.children.values()]


def merged(indexes: Sequence[Index]) -> Tree:
    """The file system of all layers, the first of which is the lowest."""
    tree = Tree()
    for layer, index in enumerate(indexes):
        tree.apply(index, layer)
    tree.weigh()
    return tree


def alone(index: Index, layer: int) -> Tree:
    """The files of one layer."""
    tree = Tree()
    tree.show(index, layer)
    tree.weigh()
    return tree


def at_its_name(entry: Entry) -> Entry:
    """*entry*; the mark that empties a directory stands in it, where that itself has its own."""
    if entry.kind == "opaque":
        return msgspec.structs.replace(entry, path=join(entry.path, OPAQUE))
    return entry


def resolved(link: str, target: str) -> str:
    """Where a link at the path *link* leads, seen from the root."""
    return normal(target if target.startswith("/") else f"{link.rpartition('/')[0]}/{target}")


def join(directory: str, name: str) -> str:
    return f"{directory.rstrip('/')}/{name}"
