"""What is done: tell two artifacts apart, by config, layers, packages and files."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harbor.core.manifests import Descriptor
from harbor.explorer.schemas import (
    Change,
    Compared,
    CompareQuery,
    Comparison,
    ConfigChange,
    FileChange,
    Index,
    LayerChange,
    PackageChange,
)
from harbor.explorer.service import installed
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Layers
from harbor.explorer.service.trees import Node, Tree, join

MOST_CHANGES = 100_000  # that are put in order; all are counted
Known = dict[tuple[str, str], str]


async def compare(
    explorer: Explorer, before: Layers, after: Layers, query: CompareQuery
) -> Comparison:
    """What became of *before*: *after*."""
    if not (before.ready and after.ready):
        return outline(before, after)
    old = await explorer.tree(before.indexes(), None)
    new = await explorer.tree(after.indexes(), None)
    return await explorer.work(lambda: compared(before, after, old, new, query))


def outline(before: Layers, after: Layers) -> Comparison:
    """What is known before the layers have been read."""
    old, new = before.subject, after.subject
    return Comparison(
        ready=False,
        before=side(before),
        after=side(after),
        config=config(old.config, new.config),
        layers=layers(old.layers, new.layers),
        packages=[],
        added=0,
        removed=0,
        changed=0,
        total=0,
        files=[],
    )


def compared(
    before: Layers, after: Layers, old: Tree, new: Tree, query: CompareQuery
) -> Comparison:
    found = outline(before, after)
    counts: Counter[Change] = Counter()
    listed: list[FileChange] = []
    for change in files(old, new):
        counts[change.change] += 1
        if asked_for(change, query) and len(listed) < MOST_CHANGES:
            listed.append(change)
    listed.sort(key=lambda each: each.path)
    found.ready = True
    found.before.nbytes, found.after.nbytes = old.root.size, new.root.size
    found.packages = packages(known(before.indexes(), old), known(after.indexes(), new))
    found.added, found.removed, found.changed = (
        counts["added"], counts["removed"], counts["changed"],
    )  # fmt: skip
    found.total = len(listed)
    found.files = listed[query.offset : query.offset + query.page_size]
    return found


def asked_for(change: FileChange, query: CompareQuery) -> bool:
    is_of_kind = change.change == (query.change or change.change)
    return is_of_kind and query.search.lower() in change.path.lower()


def side(layers: Layers) -> Compared:
    size = sum(each.size for each in layers.subject.layers)
    return Compared(digest=layers.subject.digest, size=size, nbytes=0, layers=layers.shown())


def config(before: str | None, after: str | None) -> list[ConfigChange]:
    """Each setting that is not the same, by name."""
    old, new = (dict(settings(msgspec.json.decode(raw or "{}"))) for raw in (before, after))
    return [
        ConfigChange(name=name, before=old.get(name), after=new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def settings(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """The parts of a config, each under its own name; of lists of ``A=B``, each under A."""
    if isinstance(value, Mapping) and value:
        for key, inside in value.items():
            yield from settings(inside, f"{name}.{key}" if name else str(key))
    elif environment := environment_of(value):
        for key, text in environment:
            yield f"{name}.{key}", text
    elif value not in ("", None, [], {}):
        yield name, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def environment_of(value: object) -> list[tuple[str, str]]:
    """The names and the values of a list of ``A=B``; of anything else nothing."""
    if not isinstance(value, list):
        return []
    found = [each.partition("=") for each in value if isinstance(each, str)]
    if len(found) < len(value) or not all(equals for _, equals, _ in found):
        return []
    return [(name, text) for name, _, text in found]


def layers(before: Sequence[Descriptor], after: Sequence[Descriptor]) -> list[LayerChange]:
    """All layers: those of both, in their order, and where one has no more those of the other."""
    olds, news = ({each.digest for each in side} for side in (before, after))
    there: list[LayerChange] = [
        LayerChange(
            digest=each.digest, size=each.size, change=None if each.digest in olds else "added"
        )
        for each in after
    ]
    gone = [
        LayerChange(digest=each.digest, size=each.size, change="removed")
        for each in before
        if each.digest not in news
    ]
    return there + gone


def known(indexes: Sequence[Index], tree: Tree) -> Known:
    """The packages of an artifact, by kind and name."""
    return {
        (each.kind, each.name): each.version
        for file, _layer in installed.files(indexes, tree)
        for each in file.packages
    }


def packages(before: Known, after: Known) -> list[PackageChange]:
    return [
        PackageChange(kind=key[0], name=key[1], before=before.get(key), after=after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def files(before: Tree, after: Tree) -> Iterator[FileChange]:
    """Every file and link that is not the same, in no order."""
    stack: list[tuple[str, Node | None, Node | None]] = [("/", before.root, after.root)]
    while stack:
        after.rest()
        path, old, new = stack.pop()
        inside = {**((old and old.children) or {}), **((new and new.children) or {})}
        for name in inside:
            stack.append(
                (
                    join(path, name),
                    old.children.get(name) if old and old.children else None,
                    new.children.get(name) if new and new.children else None,
                )
            )
        one, other = (node if node and node.children is None else None for node in (old, new))
        if one is None and other is None:
            continue
        if one is None or other is None:
            yield FileChange(
                path=path,
                change="added" if one is None else "removed",
                before=one.size if one else None,
                after=other.size if other else None,
            )
        elif facts(one) != facts(other):
            yield FileChange(path=path, change="changed", before=one.size, after=other.size)


def facts(node: Node) -> object:
    """All that makes a file what it is, but its time: that changes with each build."""
    entry = node.entry
    if entry is None:
        return None
    return entry.kind, entry.mode, entry.uid, entry.gid, entry.size, entry.target, entry.content
