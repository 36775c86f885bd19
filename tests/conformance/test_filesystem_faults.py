"""What the filesystem does when the disk is full, slow, broken, or takes less than it was given."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from harbor.core.oci import digest_of
from harbor.core.storage import disk, writing
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import BlobMissing, DigestMismatch, StorageFull, UploadMissing
from harbor.core.storage.sources import Lend, Source
from tests.conformance.pushing import begun, content, pushed, sent

pytestmark = pytest.mark.anyio

KIB, MIB = 1024, 1024 * 1024
DATA = bytes(range(256)) * 12 * KIB  # 3 MiB
MORE_THAN_THERE_IS = 1 << 62


@pytest.fixture(params=[True, False], ids=["past-the-cache", "through-it"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileStore]:
    store = FileStore(tmp_path, reserve=0, patience_s=0.1, direct=request.param)
    yield store
    store.close()


def refusing(code: int, after: int = 0) -> Callable[..., int]:
    """A system call that fails with the error *code*, *after* it went well so many times."""
    real, left = os.pwritev, after

    def call(fd: int, *args: object) -> int:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(code, os.strerror(code))
        return real(fd, *args)  # type: ignore[arg-type]

    return call


def sparing(most: int) -> Callable[[int, list[memoryview], int], int]:
    """A ``pwritev`` that takes *most* bytes at a time, as the real one may."""
    real = os.pwritev

    def call(fd: int, pieces: list[memoryview], offset: int) -> int:
        room, taken = most, []
        for piece in pieces:
            taken.append(piece[:room])
            room -= len(taken[-1])
        return real(fd, taken, offset)

    return call


async def test_uploads_are_refused_below_the_reserve(store: FileStore, tmp_path: Path) -> None:
    upload_id = await begun(store, b"abc")
    tight = FileStore(tmp_path, reserve=MORE_THAN_THERE_IS)
    with pytest.raises(StorageFull):
        await tight.begin(uuid4().hex)
    for chunk in (b"d", DATA):
        with pytest.raises(StorageFull):
            await tight.append(upload_id, sent(chunk))
    await tight.seal(upload_id, digest_of(b"abc"))  # takes no room
    tight.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize(("chunk", "after"), [(b"d", 0), (DATA, 0), (DATA, 2)])
async def test_a_full_disk_takes_back_what_came_since_the_append_began(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, code: int, chunk: bytes, after: int
) -> None:
    upload_id = await begun(store, b"abc")
    with monkeypatch.context() as full:
        full.setattr(os, "pwritev", refusing(code, after))
        with pytest.raises(StorageFull):
            await store.append(upload_id, sent(*[chunk] * 4))
    assert await store.size(upload_id) == 3
    assert await store.append(upload_id, sent(b"def"), 3) == 6
    await store.seal(upload_id, digest_of(b"abcdef"))


async def test_room_that_comes_back_does_not_keep_half_of_what_was_refused(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, free = await begun(store, b"abc"), iter([9, 0, 9, 9])
    tight = FileStore(tmp_path, reserve=5)
    monkeypatch.setattr(disk, "bytes_free", lambda _: next(free))
    with pytest.raises(StorageFull):
        await tight.append(upload_id, sent(*[DATA] * 3))
    assert await tight.size(upload_id) == 3
    tight.close()


async def test_what_was_taken_back_is_not_in_the_digest_of_what_others_add(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, other = await begun(store, b"abc"), FileStore(tmp_path, reserve=0)
    with monkeypatch.context() as full:
        full.setattr(os, "pwritev", refusing(errno.ENOSPC, after=1))
        with pytest.raises(StorageFull):
            await store.append(upload_id, sent(bytes(2 * MIB), bytes(2 * MIB)))
    await other.append(upload_id, sent(DATA, DATA))
    await store.seal(upload_id, digest_of(b"abc" + DATA + DATA))
    other.close()


async def test_an_upload_that_lost_bytes_on_the_disk_is_not_sealed(store: FileStore) -> None:
    upload_id = await begun(store, DATA)
    os.truncate(store._layout.upload(upload_id), MIB)
    with pytest.raises(DigestMismatch) as refused:
        await store.seal(upload_id, digest_of(DATA))
    assert refused.value.actual == digest_of(DATA[:MIB])


async def test_a_disk_error_is_no_full_disk_and_is_taken_back_too(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = await begun(store, b"abc")
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwritev", refusing(errno.EIO, after=1))
        with pytest.raises(OSError, match="Input/output error"):
            await store.append(upload_id, sent(DATA, DATA))
        broken.setattr(os, "pwritev", lambda *_: 0)
        with pytest.raises(OSError, match="takes no more bytes"):
            await store.append(upload_id, sent(b"d"))
    assert await store.seal(upload_id, digest_of(b"abc")) == 3


async def keep(store: FileStore, upload_id: str, data: bytes) -> None:
    await store.seal(upload_id, digest_of(data))
    await store.publish(upload_id, digest_of(data))


@pytest.mark.parametrize(
    ("code", "told"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, OSError)],
)
@pytest.mark.parametrize("data", [b"abc", b"abc" * 100_000])
async def test_what_the_disk_failed_to_keep_cannot_be_kept_by_trying_again(
    store: FileStore,
    monkeypatch: pytest.MonkeyPatch,
    data: bytes,
    code: int,
    told: type[Exception],
) -> None:
    upload_id = await begun(store, data)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", refusing(code))
        with pytest.raises(told):
            await keep(store, upload_id, data)
    for again in (store.seal, store.publish):
        with pytest.raises(UploadMissing):
            await again(upload_id, digest_of(data))
    with pytest.raises(BlobMissing):
        async with store.open(digest_of(data)):
            pass


@pytest.mark.parametrize("call", ["open", "pwritev", "fdatasync", "rename", "fsync"])
@pytest.mark.parametrize(("code", "told"), [(errno.ENOSPC, StorageFull), (errno.EIO, OSError)])
async def test_of_many_that_are_put_at_once_only_those_fail_that_the_disk_refuses(
    store: FileStore,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
    told: type[Exception],
) -> None:
    pieces = [bytes([n]) * 300 for n in range(6)]
    for data in pieces:
        await store.put(data, digest_of(data))
        await store.delete(digest_of(data))
    real, calls = getattr(os, call), 0

    def third_fails(*given: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(code, os.strerror(code))
        return real(*given, **named)

    with monkeypatch.context() as broken:
        broken.setattr(os, call, third_fails)
        puts = (store.put(data, digest_of(data)) for data in pieces)
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
    failed = [error for error in outcomes if error is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], told)
    assert [each async for each in store.uploads()] == []
    for data, outcome in zip(pieces, outcomes, strict=True):
        if outcome is None:
            assert await content(store, digest_of(data)) == data
        else:
            await store.put(data, digest_of(data))


async def test_whatever_goes_wrong_no_one_is_told_that_it_went_well(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody expects this")

    monkeypatch.setattr(os, "rename", broken)
    puts = (store.put(bytes([n]), digest_of(bytes([n]))) for n in range(3))
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RuntimeError] * 3
    assert [each async for each in store.uploads()] == []


async def test_who_is_cancelled_waits_until_the_disk_is_done(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, moving, syncing = os.fdatasync, threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck(fd: int) -> None:
        loop.call_soon_threadsafe(syncing.set)
        moving.wait()
        real(fd)

    monkeypatch.setattr(os, "fdatasync", stuck)
    digest = digest_of(b"abc")
    put = asyncio.create_task(store.put(b"abc", digest))
    await syncing.wait()
    put.cancel()
    await asyncio.sleep(0.01)
    assert not put.done()
    moving.set()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert await content(store, digest) == b"abc"


async def test_nothing_is_put_below_the_reserve(tmp_path: Path) -> None:
    tight = FileStore(tmp_path, reserve=MORE_THAN_THERE_IS)
    with pytest.raises(StorageFull):
        tight.require_room()
    with pytest.raises(StorageFull):
        await tight.put(b"abc", digest_of(b"abc"))
    assert [each async for each in tight.uploads()] == []
    tight.close()


@pytest.mark.parametrize("most", [1, 700, 5000])
async def test_short_writes_are_continued(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(os, "pwritev", sparing(most))
    for chunks in ([b"abc", b"defg"], [bytes([n]) * 1000 for n in range(100)]):
        whole = b"".join(chunks)
        upload_id = await begun(store, *chunks)
        await store.seal(upload_id, digest_of(whole))
        await store.publish(upload_id, digest_of(whole))
        assert await content(store, digest_of(whole)) == whole


async def test_a_body_of_tiny_chunks_is_written_in_calls_the_kernel_takes(store: FileStore) -> None:
    chunks = [bytes([n % 251]) for n in range(20_000)]
    upload_id = await begun(store, *chunks)
    await store.seal(upload_id, digest_of(b"".join(chunks)))


async def test_a_slow_disk_holds_the_client_back(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, moving, taken = os.pwritev, threading.Event(), 0

    def stuck(fd: int, pieces: list[memoryview], offset: int) -> int:
        moving.wait()
        return real(fd, pieces, offset)

    async def counting() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(512):
            taken += 64 * KIB
            yield bytes(64 * KIB)
            await asyncio.sleep(0)

    monkeypatch.setattr(os, "pwritev", stuck)
    upload_id = await begun(store)
    upload = asyncio.create_task(store.append(upload_id, counting()))
    await asyncio.sleep(0.2)
    held = taken
    moving.set()
    assert await upload == 32 * MIB
    assert held <= 4 * MIB


class Dripping(Source):
    """Three bytes at a time, each time when what came before is on the disk."""

    come = 12
    is_over = False

    def __init__(self, store: FileStore, upload_id: str) -> None:
        self._store, self._upload_id = store, upload_id
        self._given = 0

    async def __anext__(self) -> bytes:
        raise AssertionError("memory is cheaper")

    async def fill(self, lend: Lend) -> int:
        for _ in range(2_000):
            if await self._store.size(self._upload_id) == self._given:
                break
            await asyncio.sleep(0.01)
        assert await self._store.size(self._upload_id) == self._given
        if self._given == self.come:
            return 0
        lend()[:3] = b"abc"
        self._given += 3
        return 3


async def test_what_a_slow_client_sent_a_while_ago_is_on_the_disk(store: FileStore) -> None:
    upload_id = await begun(store)
    assert await store.append(upload_id, Dripping(store, upload_id)) == 12
    assert await store.seal(upload_id, digest_of(b"abc" * 4)) == 12


async def test_a_cancelled_request_lets_its_threads_finish_first(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, moving, writing = os.pwritev, threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck(fd: int, pieces: list[memoryview], offset: int) -> int:
        loop.call_soon_threadsafe(writing.set)
        moving.wait()
        return real(fd, pieces, offset)

    monkeypatch.setattr(os, "pwritev", stuck)
    upload_id = await begun(store)
    more = DATA * 4  # than two batches hold
    upload = asyncio.create_task(store.append(upload_id, sent(more)))
    await writing.wait()
    for _ in range(3):
        upload.cancel()
        await asyncio.sleep(0.01)
        assert not upload.done()
    moving.set()
    with pytest.raises(asyncio.CancelledError):
        await upload
    size = await store.size(upload_id)
    assert 0 < size < len(more)
    assert await store.seal(upload_id, digest_of(more[:size])) == size


async def test_a_blob_that_was_cut_on_the_disk_is_an_error(store: FileStore) -> None:
    digest = await pushed(store, DATA)
    async with store.open(digest) as blob:
        assert blob.fileno is not None
        os.truncate(f"/proc/self/fd/{blob.fileno}", MIB)
        with pytest.raises(OSError, match=f"ends at {MIB}, before {len(DATA)}"):
            _ = [piece async for piece in blob.read(0, blob.size)]


async def test_an_upload_that_is_cut_while_it_is_read_is_an_error(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = await begun(store, DATA)
    monkeypatch.setattr(os, "preadv", lambda *_: 0)
    with pytest.raises(OSError, match="the file ends at 0"):
        await store.seal(upload_id, digest_of(DATA, "sha512"))


async def test_the_disk_begins_early_and_with_each_byte_once(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges: list[tuple[int, int]] = []
    monkeypatch.setattr(writing, "start_write_back", lambda _, *span: ranges.append(span))
    monkeypatch.setattr(writing, "DIRECT", 0)
    await begun(store, *[DATA] * 10)
    assert len(ranges) == 3
    assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]


async def test_without_early_write_back_all_is_the_same(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_sync_file_range", None)
    upload_id = await begun(store, *[DATA] * 4)
    await store.seal(upload_id, digest_of(DATA * 4))
