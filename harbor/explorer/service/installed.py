"""What is done: list the packages that are installed in an artifact."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harbor.explorer.schemas import (
    Ecosystem,
    Index,
    Installed,
    PackageFile,
    PackageList,
    PackageQuery,
    Unread,
)
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Layers
from harbor.explorer.service.reading import packages_of
from harbor.explorer.service.trees import Tree


async def packages(explorer: Explorer, layers: Layers, query: PackageQuery) -> PackageList:
    """One page of packages, by name; none while layers are being read."""
    found = PackageList(
        ready=layers.ready,
        layers=layers.shown(),
        ecosystems=[],
        unread=[],
        total=0,
        packages=[],
    )
    if found.ready:
        tree = await explorer.tree(layers.indexes(), None)
        await explorer.work(lambda: fill(found, layers.indexes(), tree, query))
    return found


def fill(found: PackageList, indexes: Sequence[Index], tree: Tree, query: PackageQuery) -> None:
    counts: Counter[str] = Counter()
    text = query.q.strip().lower()
    listed: list[Installed] = []
    for file, layer in files(indexes, tree):
        if file.problem:
            found.unread.append(Unread(path=file.path, problem=file.problem))
        for each in file.packages:
            tree.rest()
            counts[each.kind] += 1
            if query.ecosystem in ("", each.kind) and text in each.name.lower():
                row = Installed(
                    ecosystem=each.kind,
                    name=each.name,
                    version=each.version,
                    path=file.path,
                    layer=layer,
                )
                listed.append(row)
    listed.sort(key=lambda row: (row.name.lower(), row.ecosystem, row.version, row.path))
    found.ecosystems = [Ecosystem(name=name, packages=n) for name, n in counts.most_common()]
    found.total = len(listed)
    found.packages = listed[query.offset : query.offset + query.page_size]


def files(indexes: Sequence[Index], tree: Tree) -> Iterator[tuple[PackageFile, int]]:
    """The files that list packages, with their layers: those that no upper layer took away or
    changed.
    """
    for number, index in enumerate(indexes):
        for file in packages_of(index):
            node = tree.find(file.path)
            if node is not None and node.layer == number:
                yield file, number
