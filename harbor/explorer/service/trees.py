"""What is done: layers are merged to the file system that a container would see.

Source: OCI image-spec v1.1 "Image Layer Filesystem Changeset", "Applying Changesets".
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
from msgspec import Struct, field

from harbor.core.archives import Courtesy
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase
from harbor.core.oci import shown
from harbor.explorer.schemas import Entry, File, FileQuery, Index, Kind
from harbor.explorer.service.reading import OPAQUE, entries, normal

MOST_NODES = 500_000
MOST_STEPS = 50_000_000  # a large image needs one million
MOST_HOPS = 40  # from link to link, as in Linux
MOST_FOUND = 10_000  # by a search
UNNAMED, UNNAMED_MODE = -1, 0o755  # the layer and the mode of a directory that none names


class Node(Struct):
    entry: Entry | None = None  # None for a directory that is only named by what is in it
    layer: int = UNNAMED
    children: "dict[str, Node] | None" = None  # None for all but directories
    size: int = 0

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
    _nodes: int = 0  # that were ever made
    _steps: int = 0  # from directory to directory

    def apply(self, index: Index, layer: int) -> None:
        """Lay *index* over what is there."""
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
        siblings = self._directory(directory)
        node = siblings.get(name)
        if node is None:
            node = siblings[name] = self._made()
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
                node.size = sum(child.size for child in node.children.values())
            else:
                stack.append((node, True))
                stack += [(child, False) for child in node.children.values()]

    def page(self, query: FileQuery) -> tuple[list[File], int]:
        """The files that are asked for, and how many there are; ``NotFound``, ``BadRequest``.

        Directories first, then by name; of a search, by path.
        """
        path = normal(query.path)
        node = self.find(path)
        node = node and self.follow(path, node)
        if node is None:
            raise NotFound(Phrase("there is no %(path)s", path=shown(path)))
        if node.children is None:
            raise BadRequest(Phrase("%(path)s is no directory", path=shown(path)))
        if query.search:
            matching = self._with(node, path, query.search.lower())
            found = sorted(islice(matching, MOST_FOUND))
        else:
            found = [(join(path, name), name) for name in node.children]
            children = node.children
            found.sort(key=lambda each: (children[each[1]].children is None, each[1]))
        part = found[query.offset : query.offset + query.page_size]
        return [self._file(name, path) for path, name in part], len(found)

    def _with(self, top: Node, path: str, text: str) -> Iterator[tuple[str, str]]:
        stack = [(path, top)]
        while stack:
            directory, node = stack.pop()
            for name, child in (node.children or {}).items():
                self.rest()
                below = join(directory, name)
                if text in below[len(path) :].lower():
                    yield below, name
                if child.children:
                    stack.append((below, child))

    def _file(self, name: str, path: str) -> File:
        node = self.find(path)
        assert node is not None
        entry = node.entry
        led_to = self.follow(path, node)
        return File(
            name=name,
            path=path,
            kind=node.kind,
            listable=led_to is not None and led_to.children is not None,
            size=node.size,
            mode=entry.mode if entry else UNNAMED_MODE,
            uid=entry.uid if entry else 0,
            gid=entry.gid if entry else 0,
            mtime=entry.mtime if entry else 0,
            layer=node.layer,
            target=entry.target if entry else None,
            written=entry.written if entry else None,
        )


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
