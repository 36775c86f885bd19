"""Blobs in the memory of this process: for tests, and for trying the registry out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import Struct, field

from harbor.core import clock
from harbor.core.oci import DIGEST, Digest, digest_of, shown
from harbor.core.storage.interface import (
    UPLOAD_ID,
    Blob,
    BlobMissing,
    DigestMismatch,
    Leftover,
    StorageFull,
    UploadInUse,
    UploadMissing,
    WrongOffset,
)

PIECE = 128 * 1024  # bytes read at a time


class _Upload(Struct):
    written_at: datetime
    data: bytearray = field(default_factory=bytearray)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class _MemoryBlob(Struct, frozen=True):
    data: bytes
    published_at: datetime
    url: str | None
    fileno: None = None

    @property
    def size(self) -> int:
        return len(self.data)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        if stop > self.size:
            raise OSError(f"the blob ends at {self.size}, before {stop}")
        for at in range(start, stop, PIECE):
            yield self.data[at : min(at + PIECE, stop)]


class MemoryStore:
    """Implements ``interface.Store``, except that nothing survives the process."""

    def __init__(
        self, *, redirect_to: str = "", capacity: int | None = None, patience_s: float = 5.0
    ) -> None:
        """Say that blobs may be fetched below *redirect_to*; hold *capacity* bytes at most."""
        self._redirect_to = redirect_to
        self._capacity = capacity
        self._patience_s = patience_s
        self._blobs: dict[Digest, _MemoryBlob] = {}
        self._uploads: dict[str, _Upload] = {}

    def close(self) -> None:
        """Nothing to end."""

    @asynccontextmanager
    async def open(self, digest: Digest) -> AsyncIterator[Blob]:
        blob = self._blobs.get(digest)
        if blob is None:
            raise BlobMissing(shown(digest))
        yield blob

    async def delete(self, digest: Digest) -> None:
        self._blobs.pop(digest, None)

    async def blobs(self) -> AsyncIterator[Leftover]:
        for digest, blob in list(self._blobs.items()):
            yield Leftover(digest, _age_s(blob.published_at))

    async def uploads(self) -> AsyncIterator[Leftover]:
        for upload_id, upload in list(self._uploads.items()):
            yield Leftover(upload_id, _age_s(upload.written_at))

    async def begin(self, upload_id: str) -> None:
        if not UPLOAD_ID.fullmatch(upload_id):
            raise UploadMissing(shown(upload_id))
        self.require_room()
        if upload_id in self._uploads:
            raise UploadInUse
        self._uploads[upload_id] = _Upload(clock.now())

    async def size(self, upload_id: str) -> int:
        return len(self._find(upload_id).data)

    async def append(
        self, upload_id: str, chunks: AsyncIterator[bytes], offset: int | None = None
    ) -> int:
        async with self._locked(upload_id) as upload:
            start = len(upload.data)
            if offset is not None and offset != start:
                raise WrongOffset(start)
            async for chunk in chunks:
                upload.data += chunk
                upload.written_at = clock.now()
                try:
                    self.require_room()
                except StorageFull:
                    del upload.data[start:]
                    raise
            return len(upload.data)

    async def seal(self, upload_id: str, digest: Digest) -> int:
        async with self._locked(upload_id) as upload:
            return len(_checked(bytes(upload.data), digest))

    async def publish(self, upload_id: str, digest: Digest) -> None:
        async with self._locked(upload_id) as upload:
            self._keep(_checked(bytes(upload.data), digest), digest)
            del self._uploads[upload_id]

    async def put(self, data: bytes, digest: Digest) -> None:
        _checked(data, digest)
        self.require_room(len(data))
        self._keep(data, digest)

    def _keep(self, data: bytes, digest: Digest) -> None:
        url = f"{self._redirect_to}/{digest}" if self._redirect_to else None
        self._blobs[digest] = _MemoryBlob(data, clock.now(), url)

    async def cancel(self, upload_id: str) -> None:
        self._uploads.pop(upload_id, None)

    def _find(self, upload_id: str) -> _Upload:
        try:
            return self._uploads[upload_id]
        except KeyError:
            raise UploadMissing(shown(upload_id)) from None

    @asynccontextmanager
    async def _locked(self, upload_id: str) -> AsyncIterator[_Upload]:
        upload = self._find(upload_id)
        try:
            async with asyncio.timeout(self._patience_s):
                await upload.lock.acquire()
        except TimeoutError:
            raise UploadInUse from None
        try:
            if self._uploads.get(upload_id) is not upload:
                raise UploadMissing(upload_id)  # published or cancelled while we waited
            yield upload
        finally:
            upload.lock.release()

    def require_room(self, nbytes: int = 0) -> None:
        kept = sum(blob.size for blob in self._blobs.values())
        coming = sum(len(upload.data) for upload in self._uploads.values())
        if self._capacity is not None and kept + coming + nbytes > self._capacity:
            raise StorageFull(f"the store holds {self._capacity} bytes")


def _checked(data: bytes, digest: Digest) -> bytes:
    if not DIGEST.fullmatch(digest):
        raise BlobMissing(shown(digest))
    actual = digest_of(data, digest.partition(":")[0])
    if actual != digest:
        raise DigestMismatch(actual)
    return data


def _age_s(moment: datetime) -> float:
    return max(0.0, (clock.now() - moment).total_seconds())
