"""What every place for blobs must do."""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harbor.core import clock
from harbor.core.oci import Digest, digest_of
from harbor.core.storage.interface import (
    BlobMissing,
    DigestMismatch,
    Leftover,
    StorageFull,
    Store,
    UploadInUse,
    UploadMissing,
    WrongOffset,
)
from harbor.core.storage.memory import MemoryStore
from tests.conformance.conftest import MAKERS, PATIENCE_S
from tests.conformance.pushing import begun, content, pushed, sent

pytestmark = pytest.mark.anyio

KIB, MIB = 1024, 1024 * 1024
ABSENT = digest_of(b"nobody sent this")
NO_IDS = ["", "..", "../x", "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n", "a" * 31 + "/", "٣" * 32]


async def names(found: AsyncIterator[Leftover]) -> set[str]:
    return {leftover.name async for leftover in found}


async def test_a_begun_upload_is_empty(store: Store) -> None:
    upload_id = uuid4().hex
    await store.begin(upload_id)
    assert await store.size(upload_id) == 0


async def test_bytes_are_added_where_the_upload_ends(store: Store) -> None:
    upload_id = await begun(store)
    assert await store.append(upload_id, sent(b"abc", b"", b"de")) == 5
    assert await store.append(upload_id, sent(b"fg"), 5) == 7
    assert await store.append(upload_id, sent()) == 7
    assert await store.size(upload_id) == 7
    assert await store.seal(upload_id, digest_of(b"abcdefg")) == 7


async def test_a_chunk_that_begins_elsewhere_is_refused_and_nothing_of_it_kept(
    store: Store,
) -> None:
    upload_id = await begun(store, b"abc")
    for offset in (0, 2, 4):
        with pytest.raises(WrongOffset) as refused:
            await store.append(upload_id, sent(b"x"), offset)
        assert refused.value.size == 3
    assert await store.size(upload_id) == 3


@pytest.mark.parametrize("size", [1, 64 * KIB, 64 * KIB + 1, 3 * MIB])
async def test_what_came_before_the_client_went_away_is_kept(store: Store, size: int) -> None:
    data = random.Random(size).randbytes(size)
    upload_id = await begun(store)
    with pytest.raises(ConnectionResetError):
        await store.append(upload_id, sent(data, then=ConnectionResetError()))
    assert await store.size(upload_id) == size
    await store.append(upload_id, sent(b"the rest"), size)
    assert await store.seal(upload_id, digest_of(data + b"the rest")) == size + 8


async def test_what_came_before_the_request_was_cancelled_is_kept(store: Store) -> None:
    data, waiting = random.Random(1).randbytes(3 * MIB), asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield data
        waiting.set()
        await asyncio.Event().wait()

    upload_id = await begun(store)
    request = asyncio.create_task(store.append(upload_id, stalling()))
    await waiting.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert await store.append(upload_id, sent(b"!"), len(data)) == len(data) + 1
    await store.seal(upload_id, digest_of(data + b"!"))


async def test_two_requests_do_not_write_to_one_upload(store: Store) -> None:
    upload_id, going_on, begins = await begun(store), asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        begins.set()
        await going_on.wait()

    first = asyncio.create_task(store.append(upload_id, slow()))
    await begins.wait()
    with pytest.raises(UploadInUse):
        await store.append(upload_id, sent(b"second"))
    with pytest.raises(UploadInUse):
        await store.seal(upload_id, digest_of(b"first"))
    with pytest.raises(UploadInUse):
        await store.publish(upload_id, digest_of(b"first"))
    going_on.set()
    assert await first == 5


async def test_a_client_that_is_back_before_its_old_request_ended_is_let_in(store: Store) -> None:
    upload_id, begins = await begun(store), asyncio.Event()

    async def dying() -> AsyncIterator[bytes]:
        yield b"first"
        begins.set()
        await asyncio.sleep(PATIENCE_S / 10)
        raise ConnectionResetError

    old = asyncio.create_task(store.append(upload_id, dying()))
    await begins.wait()
    assert await store.append(upload_id, sent(b"+"), 5) == 6
    with pytest.raises(ConnectionResetError):
        await old


async def test_who_waits_for_an_upload_that_is_cancelled_finds_it_missing(store: Store) -> None:
    upload_id, going_on, begins = await begun(store), asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        begins.set()
        await going_on.wait()

    first = asyncio.create_task(store.append(upload_id, slow()))
    await begins.wait()
    second = asyncio.create_task(store.append(upload_id, sent(b"second")))
    await asyncio.sleep(PATIENCE_S / 10)
    await store.cancel(upload_id)
    going_on.set()
    with pytest.raises(UploadMissing):
        await second
    await first
    assert await names(store.uploads()) == set()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", b"x", random.Random(2).randbytes(3 * MIB + 1)])
async def test_what_is_published_is_read_back(store: Store, data: bytes, algorithm: str) -> None:
    digest = await pushed(store, data, algorithm)
    assert digest.startswith(f"{algorithm}:")
    assert await content(store, digest) == data


async def test_an_upload_begins_once(store: Store) -> None:
    upload_id = await begun(store, b"abc")
    with pytest.raises(UploadInUse):
        await store.begin(upload_id)
    assert await store.size(upload_id) == 3


async def test_a_published_upload_is_an_upload_no_more(store: Store) -> None:
    upload_id, digest = await begun(store, b"abc"), digest_of(b"abc")
    await store.seal(upload_id, digest)
    await store.publish(upload_id, digest)
    with pytest.raises(UploadMissing):
        await store.size(upload_id)
    with pytest.raises(UploadMissing):
        await store.append(upload_id, sent(b"d"))
    with pytest.raises(UploadMissing):
        await store.publish(upload_id, digest)
    assert await content(store, digest) == b"abc"


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_a_wrong_digest_makes_no_blob_and_says_the_right_one(
    store: Store, algorithm: str
) -> None:
    upload_id, wrong = await begun(store, b"abc"), digest_of(b"abd", algorithm)
    with pytest.raises(DigestMismatch) as refused:
        await store.seal(upload_id, wrong)
    assert refused.value.actual == digest_of(b"abc", algorithm)
    assert await names(store.blobs()) == set()
    assert await store.seal(upload_id, digest_of(b"abc", algorithm)) == 3


async def test_what_is_not_sealed_is_checked_when_it_is_published(store: Store) -> None:
    upload_id = await begun(store, b"abc")
    with pytest.raises(DigestMismatch):
        await store.publish(upload_id, digest_of(b"abd"))
    await store.publish(upload_id, digest_of(b"abc"))
    assert await content(store, digest_of(b"abc")) == b"abc"


async def test_what_was_added_after_the_seal_is_not_published(store: Store) -> None:
    upload_id, digest = await begun(store, b"abc"), digest_of(b"abc")
    await store.seal(upload_id, digest)
    await store.append(upload_id, sent(b"d"))
    with pytest.raises(DigestMismatch):
        await store.publish(upload_id, digest)
    assert await names(store.blobs()) == set()


async def test_a_blob_that_is_there_already_is_replaced_under_its_readers(store: Store) -> None:
    data = random.Random(3).randbytes(300 * KIB)
    digest = await pushed(store, data)
    async with store.open(digest) as old:
        pieces = old.read(0, old.size)
        first = await anext(pieces)
        await pushed(store, data)
        assert first + b"".join([piece async for piece in pieces]) == data
    assert await content(store, digest) == data


async def test_many_uploads_of_one_digest_make_one_whole_blob(store: Store) -> None:
    data = random.Random(4).randbytes(200 * KIB)
    digests = await asyncio.gather(*[pushed(store, data) for _ in range(20)])
    assert await content(store, digests[0]) == data
    assert await names(store.blobs()) == {digest_of(data)}
    assert await names(store.uploads()) == set()


async def test_many_uploads_at_once_keep_their_bytes_apart(store: Store) -> None:
    bodies = [random.Random(n).randbytes(n * 100 * KIB) for n in range(12)]
    digests = await asyncio.gather(*[pushed(store, body) for body in bodies])
    assert [await content(store, digest) for digest in digests] == bodies


@pytest.mark.parametrize("size", [10, 64 * KIB, 700 * KIB])
async def test_a_range_is_read_in_pieces_of_at_most_128_kib(store: Store, size: int) -> None:
    data = random.Random(5).randbytes(size)
    digest = await pushed(store, data)
    async with store.open(digest) as blob:
        assert blob.size == size
        for start, stop in ((0, size), (1, size - 1), (size // 2, size), (3, 4), (5, 5)):
            pieces = [piece async for piece in blob.read(start, stop)]
            assert b"".join(pieces) == data[start:stop]
            assert all(0 < len(piece) <= 128 * KIB for piece in pieces)


@pytest.mark.parametrize("size", [10, 700 * KIB])
async def test_reading_past_the_end_is_an_error_and_not_a_short_answer(
    store: Store, size: int
) -> None:
    digest = await pushed(store, bytes(size))
    async with store.open(digest) as blob:
        with pytest.raises(OSError, match=f"ends at {size}, before {size + 1}"):
            _ = [piece async for piece in blob.read(0, size + 1)]


async def test_an_open_blob_is_read_to_its_end_although_it_be_deleted(store: Store) -> None:
    data = random.Random(6).randbytes(300 * KIB)
    digest = await pushed(store, data)
    async with store.open(digest) as blob:
        await store.delete(digest)
        assert b"".join([piece async for piece in blob.read(0, blob.size)]) == data
    with pytest.raises(BlobMissing):
        await content(store, digest)


async def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    await store.delete(ABSENT)
    await store.delete(Digest("sha256:../../etc"))
    await store.cancel(uuid4().hex)


@pytest.mark.parametrize("digest", [ABSENT, "sha256:../../etc/passwd", "sha256:", "md5:aa", ""])
async def test_an_unknown_digest_is_missing(store: Store, digest: str) -> None:
    with pytest.raises(BlobMissing):
        await content(store, Digest(digest))


async def test_nothing_is_published_under_what_is_no_digest(store: Store) -> None:
    upload_id = await begun(store, b"abc")
    with pytest.raises(BlobMissing):
        await store.publish(upload_id, Digest("sha256:../" + "a" * 61))


@pytest.mark.parametrize("upload_id", ["f" * 32, *NO_IDS])
async def test_an_unknown_upload_is_missing(store: Store, upload_id: str) -> None:
    with pytest.raises(UploadMissing):
        await store.size(upload_id)
    with pytest.raises(UploadMissing):
        await store.append(upload_id, sent(b"abc"))
    with pytest.raises(UploadMissing):
        await store.seal(upload_id, ABSENT)
    with pytest.raises(UploadMissing):
        await store.publish(upload_id, ABSENT)
    await store.cancel(upload_id)


@pytest.mark.parametrize("upload_id", NO_IDS)
async def test_what_is_no_id_begins_no_upload(store: Store, upload_id: str) -> None:
    with pytest.raises(UploadMissing):
        await store.begin(upload_id)
    assert await names(store.uploads()) == set()


async def test_a_cancelled_upload_is_gone(store: Store) -> None:
    upload_id = await begun(store, b"abc")
    await store.cancel(upload_id)
    with pytest.raises(UploadMissing):
        await store.size(upload_id)
    assert await names(store.uploads()) == set()


async def test_all_that_is_stored_is_listed_with_its_age(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = {await pushed(store, b"one"), await pushed(store, b"two", "sha512")}
    uploads = {await begun(store), await begun(store, b"three")}
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    ages = {found.name: found.age_s async for found in store.blobs()}
    ages |= {found.name: found.age_s async for found in store.uploads()}
    assert set(ages) == blobs | uploads
    assert all(3590 < age < 3660 for age in ages.values())


SIZES = st.one_of(
    st.integers(0, 100), st.sampled_from([64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 2 * MIB + 1])
)
APPENDS = st.lists(st.tuples(st.lists(SIZES, max_size=5), st.booleans()), max_size=4)


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=40, deadline=None)
@given(appends=APPENDS, seed=st.integers(0, 1000))
async def test_however_the_bytes_are_cut_the_digest_is_that_of_the_whole(
    kind: str, appends: list[tuple[list[int], bool]], seed: int
) -> None:
    chance, whole = random.Random(seed), b""
    with tempfile.TemporaryDirectory() as root:
        store = MAKERS[kind](Path(root))
        upload_id = await begun(store)
        for sizes, torn in appends:
            chunks, before = [chance.randbytes(size) for size in sizes], len(whole)
            whole += b"".join(chunks)
            try:
                then = ConnectionResetError() if torn else None
                assert await store.append(upload_id, sent(*chunks, then=then), before) == len(whole)
            except ConnectionResetError:
                assert torn
        assert await store.seal(upload_id, digest_of(whole)) == len(whole)
        await store.publish(upload_id, digest_of(whole))
        assert await content(store, digest_of(whole)) == whole
        store.close()


async def test_a_store_that_redirects_says_where_to() -> None:
    store = MemoryStore(redirect_to="https://cdn.example/blobs")
    digest = await pushed(store, b"abc")
    async with store.open(digest) as blob:
        assert blob.url == f"https://cdn.example/blobs/{digest}"
        assert blob.fileno is None


async def test_a_store_that_does_not_redirect_has_no_url(store: Store) -> None:
    async with store.open(await pushed(store, b"abc")) as blob:
        assert blob.url is None


async def test_a_full_memory_refuses_bytes_and_keeps_what_it_had() -> None:
    store = MemoryStore(capacity=10)
    await pushed(store, b"abcd")
    upload_id = await begun(store, b"efgh")
    with pytest.raises(StorageFull):
        await store.append(upload_id, sent(b"ij", b"k"))
    assert await store.append(upload_id, sent(b"ij"), 4) == 6
