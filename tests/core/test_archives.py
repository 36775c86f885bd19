"""Archives are read in threads, which end when nobody waits for them any more."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from harbor.core import archives
from harbor.core.errors import BadRequest
from harbor.core.oci import Digest
from harbor.core.storage.interface import Blobs

DIGEST = Digest("sha256:" + "0" * 64)


class Slow:
    """A store with one blob, whose second half comes when *going_on* is set."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.size = raw, len(raw)
        self.asked, self.going_on = asyncio.Event(), asyncio.Event()
        self.is_open = False

    @asynccontextmanager
    async def open(self, digest: Digest) -> AsyncIterator[Any]:
        self.is_open = True
        yield self
        self.is_open = False

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        assert self.is_open
        half = self.size // 2
        yield self.raw[:half]
        self.asked.set()
        await self.going_on.wait()
        assert self.is_open
        yield self.raw[half:stop]


def tar_of(nbytes: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = nbytes
            archive.addfile(member, io.BytesIO(bytes(nbytes)))
    return file.getvalue()


def is_b(path: tuple[str, ...]) -> bool:
    return path == ("b",)


def test_an_entry_is_found_as_the_bytes_come() -> None:
    async def run() -> None:
        store = Slow(tar_of(200_000))
        store.going_on.set()
        found = await archives.entry(cast(Blobs, store), DIGEST, is_b, 200_000)
        assert found == bytes(200_000)
        assert not store.is_open

    asyncio.run(run())


def test_the_blob_stays_open_until_the_thread_has_ended() -> None:
    async def run() -> None:
        store = Slow(tar_of(200_000))
        asking = asyncio.create_task(archives.entry(cast(Blobs, store), DIGEST, is_b, 200_000))
        await store.asked.wait()
        asking.cancel()
        await asyncio.sleep(0)
        assert store.is_open
        store.going_on.set()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(run())


def test_a_store_that_breaks_off_is_no_broken_archive() -> None:
    """What the disk does not give is no fault of the archive."""

    class Broken(Slow):
        async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
            yield self.raw[:1_000]
            raise OSError("the disk")

    async def run() -> None:
        with pytest.raises(OSError, match="the disk"):
            await archives.entry(cast(Blobs, Broken(tar_of(10))), DIGEST, is_b, 10)
        cut = Slow(tar_of(100_000)[:60_000])
        cut.going_on.set()
        with pytest.raises(BadRequest):
            await archives.entry(cast(Blobs, cut), DIGEST, is_b, 10)

    asyncio.run(run())
