"""What an iterator yields comes whole, in whatever pieces, and what goes wrong after it."""

import random

import pytest

from harbor.core.storage.sources import Pieces
from tests.conformance.pushing import sent

pytestmark = pytest.mark.anyio
DATA = random.Random(5).randbytes(100_000)


@pytest.mark.parametrize("memory", [1_000, 4_096, 1 << 20])
@pytest.mark.parametrize("piece", [999, 1_000, 50_000, 200_000])
async def test_memory_is_filled_to_the_end(memory: int, piece: int) -> None:
    source = Pieces(sent(b"", *[DATA[at : at + piece] for at in range(0, len(DATA), piece)], b""))
    lent, found = bytearray(memory), b""
    while nbytes := await source.fill(lambda: memoryview(lent)):
        assert nbytes == memory or len(found) + nbytes == len(DATA)
        found += lent[:nbytes]
    assert found == DATA
    assert (source.come, source.is_over) == (len(DATA), True)


async def test_it_can_be_iterated_too() -> None:
    lent = bytearray(3)
    source = Pieces(sent(b"abcd", b"", b"ef"))
    assert not source.is_over
    assert await source.fill(lambda: memoryview(lent)) == 3
    assert [bytes(lent), *[piece async for piece in source]] == [b"abc", b"d", b"ef"]
    assert source.is_over


async def test_an_error_comes_after_what_came_before_it() -> None:
    lent = bytearray(10)
    source = Pieces(sent(b"abc", then=ConnectionResetError()))
    assert await source.fill(lambda: memoryview(lent)) == 3
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await source.fill(lambda: memoryview(lent))


async def test_nothing_is_lent_for_nothing() -> None:
    def lend() -> memoryview:
        raise AssertionError("there is nothing")

    assert await Pieces(sent(b"")).fill(lend) == 0
