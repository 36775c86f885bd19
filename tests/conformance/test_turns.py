"""Few uploads are taken in at a time; all of them get there, and nobody waits for who is silent."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from harbor.core.storage import lanes
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.lanes import AT_ONCE, FEW, MEMORY, SLICE, Intake, Turn, Turns
from harbor.core.storage.sources import Pieces
from harbor.core.storage.stages import DEPTH, Stages
from harbor.core.storage.writing import BATCH, BLOCK, LEAST, Batch, Writer
from tests.conformance.pushing import begun, sent

pytestmark = pytest.mark.anyio
KIB, MIB = 1024, 1024 * 1024
PIECE = 256 * KIB


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileStore]:
    store = FileStore(tmp_path, reserve=0)
    yield store
    store.close()
    turns = store._turns
    assert (turns._free, len(turns._holders), turns.wanted) == (AT_ONCE, 0, False)


async def test_few_are_taken_in_at_a_time_and_all_get_there(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LATE_S", 60)  # on a busy machine, all of them may seem late
    begun_, over, most = 0, 0, 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal begun_, over, most
        begun_ += 1
        most = max(most, begun_ - over)
        for _ in range(4):
            yield bytes(PIECE)
        over += 1

    uploads = [await begun(store) for _ in range(100)]
    sizes = await asyncio.gather(*(store.append(name, pieces()) for name in uploads))
    assert sizes == [4 * PIECE] * 100
    assert most <= AT_ONCE


async def test_who_has_much_lets_others_go_between(store: FileStore) -> None:
    order: list[int] = []

    async def pieces(number: int) -> AsyncIterator[bytes]:
        for _ in range(3 * SLICE // MIB):
            yield bytes(MIB)
            await asyncio.sleep(0)
        order.append(number)

    async def small() -> AsyncIterator[bytes]:
        order.append(-1)
        yield b"small"

    uploads = [await begun(store) for _ in range(AT_ONCE + 1)]
    *large, last = uploads
    requests = [store.append(name, pieces(n)) for n, name in enumerate(large)]
    await asyncio.gather(*requests, store.append(last, small()))
    assert order[0] == -1, "it waited until somebody had sent everything"


async def test_nobody_waits_for_who_is_silent(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LATE_S", 0.01)
    go_on = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield b"something"
        await go_on.wait()
        yield b", and the rest"

    uploads = [await begun(store) for _ in range(AT_ONCE + 1)]
    *slow, fast = uploads
    waiting = [asyncio.create_task(store.append(name, silent())) for name in slow]
    async with asyncio.timeout(20):
        assert await store.append(fast, sent(b"abc" * MIB)) == 3 * MIB
    go_on.set()
    assert await asyncio.gather(*waiting) == [len(b"something, and the rest")] * AT_ONCE


async def test_who_was_late_comes_back_before_all_others_have_been() -> None:
    turns, order = Turns(at_once=1), list[str]()

    async def work(name: str, turn: Turn) -> None:
        await turn.begin()
        order.append(name)
        turn.is_over(1)
        await asyncio.sleep(0)
        turn.end()

    source = Pieces(sent(b"something"))
    late = Turn(turns, source)
    await late.begin()
    await anext(source)
    assert not late.is_over(1)
    others = [asyncio.create_task(work(str(n), Turn(turns, Pieces(sent())))) for n in range(5)]
    await asyncio.sleep(0)
    turns._look()
    assert turns.holds(late), "it has only just sent something"
    turns._look()
    assert late.is_over(1)
    await asyncio.gather(work("late", late), *others)
    assert order == ["0", "1", "late", "2", "3", "4"]


async def test_who_leaves_while_waiting_takes_no_turn(store: FileStore) -> None:
    go_on = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield b"a"
        await go_on.wait()

    uploads = [await begun(store) for _ in range(AT_ONCE + 3)]
    holding = [asyncio.create_task(store.append(n, held())) for n in uploads[:AT_ONCE]]
    leaving = [asyncio.create_task(store.append(n, sent(b"b"))) for n in uploads[AT_ONCE:]]
    await asyncio.sleep(0.01)
    for each in leaving[:2]:
        each.cancel()
    go_on.set()
    outcomes = await asyncio.gather(*holding, *leaving, return_exceptions=True)
    assert outcomes[:AT_ONCE] == [1] * AT_ONCE
    assert [type(each) for each in outcomes[AT_ONCE:-1]] == [asyncio.CancelledError] * 2
    assert outcomes[-1] == 1


@pytest.mark.parametrize("nbytes", [3 * BATCH + 5, BATCH, 3])
async def test_an_upload_that_ends_badly_gives_its_turn_back(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, nbytes: int
) -> None:
    data, upload_id, stalled = bytes(nbytes), await begun(store), asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield data
        stalled.set()
        await asyncio.Event().wait()

    with pytest.raises(ConnectionResetError):
        await store.append(upload_id, sent(data, then=ConnectionResetError()))
    assert not store._turns._holders
    request = asyncio.create_task(store.append(upload_id, stalling()))
    await stalled.wait()
    assert store._turns._holders
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert not store._turns._holders
    monkeypatch.setattr(Writer, "write", None)
    with pytest.raises(TypeError):
        await store.append(upload_id, sent(data, data))
    assert not store._turns._holders


async def test_what_is_lent_is_shared_among_those_who_go_on() -> None:
    turns = Turns()
    for many in range(1, AT_ONCE + 1):
        assert turns.enter(Turn(turns, Pieces(sent())))
        assert turns.share == LEAST or many * turns.depth * turns.share <= MEMORY
        assert turns.share % BLOCK == 0
        assert turns.share >= 3 * MIB // 2 or many > 4
        assert turns.depth == (DEPTH if many <= FEW else 1)
    assert turns.share == LEAST


async def test_of_many_uploads_one_batch_each_is_lent(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent, most = set[Batch](), 0
    lend, free = Writer.lend, Writer.free

    def lending(self: Writer, nbytes: int = BATCH) -> Batch:
        nonlocal most
        lent.add(batch := lend(self, nbytes))
        most = max(most, len(lent))
        return batch

    def freeing(self: Writer, batch: Batch) -> None:
        lent.discard(batch)
        free(self, batch)

    monkeypatch.setattr(Writer, "lend", lending)
    monkeypatch.setattr(Writer, "free", freeing)
    data = bytes(8 * BATCH)
    uploads = [await begun(store) for _ in range(FEW + 2)]
    sizes = await asyncio.gather(*(store.append(each, sent(data)) for each in uploads))
    assert set(sizes) == {len(data)}
    assert not lent
    assert most <= len(uploads) + 1  # the first did not yet know of the others


async def test_nothing_of_an_upload_is_left_to_be_collected(store: FileStore) -> None:
    upload_id = await begun(store)
    gc.collect()
    gc.disable()
    try:
        assert await store.append(upload_id, sent(bytes(3 * BATCH))) == 3 * BATCH
        store.close()  # until then a thread may be on its way out of what it did last
        left = [each for each in gc.get_objects() if isinstance(each, (Intake, Stages, Turn))]
    finally:
        gc.enable()
    assert left == []
