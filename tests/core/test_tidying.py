"""Garbage is collected while little goes on, and memory that is free is given back."""

import asyncio
import ctypes
import gc
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from harbor.core import memory
from harbor.core.memory import FEW, GROWN

pytestmark = pytest.mark.anyio
LONG_S = 10.0


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(memory, "EVERY_S", 0.01)
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def tidying() -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(memory.tidy(stopping))
    yield
    stopping.set()
    await task


def old() -> "weakref.ref[Knot]":
    """Garbage of the oldest generation, which no smaller collection finds."""
    kept = Knot()
    knot = weakref.ref(kept)
    gc.collect(1)
    del kept
    gc.collect(1)
    assert knot() is not None
    return knot


async def until_gone(knot: "weakref.ref[Knot]") -> None:
    async with asyncio.timeout(LONG_S):
        while knot() is not None:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def test_old_garbage_is_collected_while_little_goes_on() -> None:
    knot = old()
    async with tidying():
        await until_gone(knot)


async def test_a_crowd_is_not_held_up() -> None:
    knot, over = old(), asyncio.Event()
    crowd = [asyncio.create_task(over.wait()) for _ in range(FEW)]
    async with tidying():
        await asyncio.sleep(0.1)
        assert knot() is not None
        over.set()
        await asyncio.gather(*crowd)
        await until_gone(knot)


async def test_what_a_crowd_has_left_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    resident, trimmed = 100, asyncio.Event()
    loop = asyncio.get_running_loop()

    class Library:
        @staticmethod
        def malloc_trim(_pad: int) -> int:
            nonlocal resident
            resident = 120
            loop.call_soon_threadsafe(trimmed.set)
            return 1

    monkeypatch.setattr(memory, "_resident", lambda: resident)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    async with tidying():
        await asyncio.sleep(0.05)
        resident += GROWN
        await asyncio.sleep(0.05)
        assert not trimmed.is_set(), "that much may be needed again at once"
        resident += 1
        async with asyncio.timeout(LONG_S):
            await trimmed.wait()


def test_a_server_seldom_walks_over_all_that_lives() -> None:
    program = "import gc; from harbor.core import memory; memory.tune(); memory.settle();"
    program += (
        "print(gc.isenabled(), gc.get_threshold() == memory.THRESHOLDS, gc.get_freeze_count())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    enabled, set_, frozen = told.stdout.split()
    assert (enabled, set_) == (b"True", b"True")
    assert int(frozen) > 10_000
