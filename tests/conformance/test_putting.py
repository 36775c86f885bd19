"""Small blobs that a store is given whole."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from harbor.core.oci import Digest, digest_of
from harbor.core.storage.interface import BlobMissing, DigestMismatch, Store
from tests.conformance.pushing import content
from tests.conformance.test_storage import KIB, MAKERS, names

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = MAKERS[request.param](tmp_path)
    yield store
    store.close()


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
