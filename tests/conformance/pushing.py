"""A client of a store, in a few words: chunks sent, uploads begun, blobs pushed and read."""

from collections.abc import AsyncIterator
from uuid import uuid4

from harbor.core.oci import Digest, digest_of
from harbor.core.storage.interface import Store


async def sent(*chunks: bytes, then: Exception | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


async def begun(store: Store, *chunks: bytes) -> str:
    upload_id = uuid4().hex
    await store.begin(upload_id)
    await store.append(upload_id, sent(*chunks))
    return upload_id


async def pushed(store: Store, data: bytes, algorithm: str = "sha256") -> Digest:
    digest = digest_of(data, algorithm)
    upload_id = await begun(store, data)
    await store.seal(upload_id, digest)
    await store.publish(upload_id, digest)
    return digest


async def content(store: Store, digest: Digest) -> bytes:
    async with store.open(digest) as blob:
        return b"".join([piece async for piece in blob.read(0, blob.size)])
