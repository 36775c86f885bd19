"""Batches are hashed and written each in their order, few at a time; what goes wrong is told."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from harbor.core.storage.stages import DEPTH, Stages
from harbor.core.storage.writing import Batch, Writer

pytestmark = pytest.mark.anyio


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def batches(count: int) -> list[Batch]:
    writer = Writer(-1, 0, direct=False)
    return [writer.lend() for _ in range(count)]


class Work:
    """Notes which batches it got, and how many of one upload at a time."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.got: list[Batch] = []
        self._takes_s = takes_s
        self._alone = threading.Lock()

    def __call__(self, found: list[Batch]) -> None:
        assert self._alone.acquire(blocking=False), "two threads at once"
        time.sleep(self._takes_s)
        self.got += found
        self._alone.release()


@pytest.mark.parametrize("slower", [0, 1, 2])
async def test_each_stage_has_all_batches_in_their_order(pool: Executor, slower: int) -> None:
    hashing, writing = Work(0.001 * (slower == 1)), Work(0.001 * (slower == 2))
    freed: list[Batch] = []
    stages = Stages([(pool, hashing, 1), (pool, writing, DEPTH)], freed.append)
    given = batches(200)
    for batch in given:
        await stages.put(batch)
        assert len(hashing.got) + DEPTH >= len(given[: given.index(batch) + 1])
        assert len(writing.got) + DEPTH >= len(given[: given.index(batch) + 1])
    await stages.until()
    assert stages.is_idle
    assert hashing.got == writing.got == freed == given


async def test_memory_is_free_when_both_are_done_with_it(pool: Executor) -> None:
    loop, hashed = asyncio.get_running_loop(), asyncio.Event()
    may_write, freed = threading.Event(), list[Batch]()

    def hashing(_: list[Batch]) -> None:
        loop.call_soon_threadsafe(hashed.set)

    def writing(_: list[Batch]) -> None:
        may_write.wait(20)

    stages = Stages([(pool, hashing, 1), (pool, writing, DEPTH)], freed.append)
    (batch,) = batches(1)
    await stages.put(batch)
    await hashed.wait()
    assert (freed, stages.is_idle) == ([], False)
    may_write.set()
    await stages.until()
    assert freed == [batch]


@pytest.mark.parametrize("stage", [0, 1])
async def test_after_an_error_nothing_more_is_done(pool: Executor, stage: int) -> None:
    done, freed = Work(), list[Batch]()

    def fail(found: list[Batch]) -> None:
        done(found)
        raise OSError("broken")

    work: list[Callable[[list[Batch]], None]] = [Work(), Work()]
    work[stage] = fail
    stages = Stages([(pool, each, 1) for each in work], freed.append)
    given = batches(2)
    await stages.put(given[0])
    with pytest.raises(OSError, match="broken"):
        await stages.until()
    assert stages.is_idle
    await stages.put(given[1])
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            await stages.until()
    assert done.got == given[:1]
    assert freed == given


async def test_who_is_cancelled_waits_for_the_threads(pool: Executor) -> None:
    may_go_on = threading.Event()

    def slow(_: list[Batch]) -> None:
        may_go_on.wait(20)

    stages = Stages([(pool, slow, 1)], lambda _: None)
    await stages.put(batches(1)[0])
    waiting = asyncio.create_task(stages.until())
    for _ in range(3):
        await asyncio.sleep(0.01)
        waiting.cancel()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert stages.is_idle


async def test_no_upload_keeps_the_threads_from_the_others() -> None:
    order = list[str]()
    alone = ThreadPoolExecutor(1)

    async def upload(name: str, count: int) -> None:
        def work(found: list[Batch]) -> None:
            time.sleep(0.001)
            order.extend(name for _ in found)

        stages = Stages([(alone, work, 1)], lambda _: None)
        for batch in batches(count):
            await stages.put(batch)
        await stages.until()

    with alone:
        await asyncio.gather(upload("long", 400), upload("short", 10))
    assert order.index("short") < 40
    assert order[-1] == "long"
