"""Archives and file systems that chance makes."""

import io
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from harbor.core.oci import Digest
from harbor.explorer.schemas import Index
from harbor.explorer.service import reading, trees
from harbor.explorer.service.trees import Node
from tests.tars import hard_link, tar, zipped, zstd

WHOLE = tar(
    ("d", None), ("d/f", b"1" * 700), ("l", "d/f"), hard_link("h", "d/f"), ("ü" * 120, b"long")
)
PACKED = [WHOLE, zipped(WHOLE), zstd(WHOLE)]
NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)


def read(layer: bytes) -> Index:
    raw = cast(io.RawIOBase, io.BytesIO(layer))
    return reading.read(Digest("sha256:" + "0" * 64), raw, len(layer))


@given(
    st.sampled_from(PACKED),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=8),
    st.integers(0, 20_000),
)
def test_a_damaged_layer_is_read_as_far_as_it_goes(
    layer: bytes, changes: list[tuple[int, int]], end: int
) -> None:
    damaged = bytearray(layer)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    index = read(bytes(damaged[:end]))
    tree = trees.merged([index])
    assert len(list(files(tree.root))) <= index.nentries


def files(node: Node, path: str = "") -> list[str]:
    """The paths of all that is no directory."""
    found = []
    for name, child in (node.children or {}).items():
        here = f"{path}/{name}"
        found += [here] if child.children is None else files(child, here)
    return found


@given(st.lists(st.lists(st.tuples(st.booleans(), NAMES), max_size=6), min_size=1, max_size=4))
def test_layers_are_merged_as_simple_rules_say(layers: list[list[tuple[bool, str]]]) -> None:
    """What is taken away goes first, with all below it; a file takes the place of what is there."""
    expected: set[str] = set()
    for layer in layers:
        for _, name in (each for each in layer if each[0]):
            expected = {path for path in expected if not (path + "/").startswith(f"/{name}/")}
        for _, name in (each for each in layer if not each[0]):
            path = f"/{name}"
            expected = {
                other
                for other in expected
                if not (other + "/").startswith(path + "/") and not path.startswith(other + "/")
            }
            expected.add(path)
    indexes = [read(tar(*map(member, layer))) for layer in layers]
    assert set(files(trees.merged(indexes).root)) == expected


def member(change: tuple[bool, str]) -> tuple[str, bytes]:
    is_taken_away, name = change
    directory, slash, last = name.rpartition("/")
    return (f"{directory}{slash}.wh.{last}" if is_taken_away else name), b""
