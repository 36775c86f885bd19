"""What is done: tell two artifacts apart, by config, layers, packages and files."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harbor.core.manifests import Descriptor
from harbor.explorer.schemas import (
    Compared,
    CompareQuery,
    Comparison,
    ConfigChange,
    LayerChange,
)
from harbor.explorer.service import differing, listing
from harbor.explorer.service.blocks import Blocks, Memory, Shelf, Source
from harbor.explorer.service.differing import Changes
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Layers


async def compare(
    explorer: Explorer, before: Layers, after: Layers, query: CompareQuery
) -> Comparison:
    """What became of *before*: *after*."""
    found = outline(before, after)
    if not (before.ready and after.ready):
        return found
    old = await listing.view_of(explorer, before, None)
    new = await listing.view_of(explorer, after, None)

    async def make() -> Blocks:
        sides = [await differing.everything(view) for view in (old, new)]
        return await explorer.work(lambda: differing.compared(*sides))

    if before.is_unread or after.is_unread:  # the next look may find more
        shelf: Shelf = Memory(await make())
    else:
        source = Source(manifest=after.subject.digest, base=before.subject.digest)
        shelf = await explorer.shelf(source, make)
    changes = await Changes.open(shelf)
    found.ready = True
    found.before.nbytes, found.after.nbytes = old.head.nbytes, new.head.nbytes
    found.added, found.removed, found.changed = changes.head.counts
    found.packages = await changes.packages()
    found.files, found.total = await changes.page(query, explorer.work)
    return found


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
