"""Small blobs that a store is given whole."""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from harbor.core.oci import Digest, digest_of
from harbor.core.storage import filing
from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import BlobMissing, DigestMismatch, Store
from tests.conformance.pushing import content
from tests.conformance.test_storage import KIB, names

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", b"x", random.Random(3).randbytes(64 * KIB)])
async def test_what_is_put_whole_is_read_back(store: Store, data: bytes, algorithm: str) -> None:
    digest = digest_of(data, algorithm)
    for _ in range(2):
        await store.put(data, digest)
        assert await content(store, digest) == data
    assert await names(store.uploads()) == set()
    assert await names(store.blobs()) == {digest}


async def test_what_is_put_under_a_wrong_digest_leaves_nothing(store: Store) -> None:
    with pytest.raises(DigestMismatch) as refused:
        await store.put(b"abc", digest_of(b"abd"))
    assert refused.value.actual == digest_of(b"abc")
    with pytest.raises(BlobMissing):
        await store.put(b"abc", Digest("sha256:../../abc"))
    assert await names(store.blobs()) | await names(store.uploads()) == set()


async def test_many_are_put_at_once_and_each_is_whole(store: Store) -> None:
    pieces = [bytes([n]) * (n + 1) for n in range(100)]
    await asyncio.gather(*(store.put(data, digest_of(data)) for data in pieces * 2))
    for data in pieces:
        assert await content(store, digest_of(data)) == data
    assert await names(store.uploads()) == set()


async def threads_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes_s: float) -> int:
    """How many threads wait for a disk at once, of which each sync takes so long."""
    store, real = FileStore(tmp_path, reserve=0), os.fdatasync
    waiting = most = 0

    def slow(fd: int) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        time.sleep(takes_s)
        waiting -= 1
        real(fd)

    monkeypatch.setattr(os, "fdatasync", slow)
    for turn in range(8):
        most = 0
        pieces = [bytes([turn, n]) for n in range(12)]
        await asyncio.gather(*(store.put(data, digest_of(data)) for data in pieces))
    store.close()
    return most


async def test_a_slow_disk_is_given_much_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await threads_at_once(tmp_path, monkeypatch, 0.02) == 12


async def test_a_fast_disk_takes_few_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "TURN_S", 10.0)
    assert await threads_at_once(tmp_path, monkeypatch, 0.0) == 1
