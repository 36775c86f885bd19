"""What a place for bytes must do: three small protocols, which together are a ``Store``.

Every implementation passes the suite in ``tests/conformance/test_storage.py``.

The promises, in the order in which a push needs them:

1. bytes appended to an upload survive a restart of the process, and ``size`` tells how many;
2. ``seal`` returns only when the digest is right, and the long part of the syncing is done;
3. ``publish`` makes a sealed upload the blob of that digest, in one step: whoever opens the
   digest sees nothing or all of it. When it returns, every byte and the name are on the disk, and a
   power cut does not take them back.

The caller publishes inside the transaction that records the blob and answers after its commit.
So a kill before the commit leaves at most a file that no row names, which nobody is served and
``Blobs.leftovers`` finds; a kill after it leaves a blob that is whole.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from harbor.core.oci import Digest

UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class BlobMissing(Exception):
    """There is no blob of that digest in this store."""


class UploadMissing(Exception):
    """There is no such upload: never begun, finished, cancelled, or swept."""


class UploadInUse(Exception):
    """Another request, here or in another process, is writing to the upload."""


class DigestMismatch(Exception):
    """The uploaded bytes have another digest than the client said."""

    def __init__(self, actual: Digest) -> None:
        super().__init__(f"the content has the digest {actual}")
        self.actual = actual


class WrongOffset(Exception):
    """A chunk does not begin where the upload ends."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the upload has {size} bytes")
        self.size = size


class StorageFull(Exception):
    """No room: the disk is full, or down to the reserve that keeps the database writable."""


class Blob(Protocol):
    """A whole blob, open for reading. It stays readable although it be deleted meanwhile."""

    @property
    def size(self) -> int: ...

    @property
    def fileno(self) -> int | None:
        """The open file that holds the bytes, where there is one: it can be sent uncopied."""

    @property
    def url(self) -> str | None:
        """Where a client may fetch the bytes itself for a while, if the store redirects."""

    def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from *start* up to, not including, *stop*, in pieces of at most 128 KiB.

        ``OSError`` if the store has fewer bytes than that: it never just ends early.
        """


class Leftover(Struct, frozen=True):
    """A file or object that may belong to nobody."""

    name: str  # a digest, or an upload id
    age_s: float  # since it was last written, or published


class Blobs(Protocol):
    """What is whole."""

    def open(self, digest: Digest) -> AbstractAsyncContextManager[Blob]:
        """The blob; raises ``BlobMissing`` on entry."""

    async def delete(self, digest: Digest) -> None:
        """Remove the blob; nothing happens if there is none."""

    def blobs(self) -> AsyncIterator[Leftover]:
        """Every blob that is stored, in no order, whether a row names it or not."""


class Uploads(Protocol):
    """What is on its way in."""

    async def begin(self, upload_id: str) -> None:
        """An empty upload; ``StorageFull``, and ``UploadInUse`` if there is one of that id.

        *upload_id* is 32 lower-case hexadecimal digits, made by us. Whatever else a caller passes,
        here and below, is no upload: ``UploadMissing``.
        """

    async def size(self, upload_id: str) -> int:
        """How many bytes are here; ``UploadMissing``."""

    async def append(
        self, upload_id: str, chunks: AsyncIterator[bytes], offset: int | None = None
    ) -> int:
        """Add *chunks*; return the new size.

        Raises ``UploadMissing``, ``UploadInUse``, ``StorageFull``, and ``WrongOffset`` if *offset*
        is given and is not the size so far. After ``StorageFull`` the upload has the bytes that it
        had before the call. Whatever *chunks* itself raises (the client went away) comes through
        after the bytes before it were kept.
        """

    async def seal(self, upload_id: str, digest: Digest) -> int:
        """Check the content against *digest*; return its size.

        Raises ``UploadMissing``, ``UploadInUse``, ``DigestMismatch``, which leaves the upload as it
        was, and ``StorageFull``, which may have taken the upload with it: what a disk could not
        keep once must be sent again.
        """

    async def publish(self, upload_id: str, digest: Digest) -> None:
        """Make the sealed upload the blob *digest*, replacing one that is there already.

        Raises ``UploadMissing``, ``UploadInUse`` and ``StorageFull``; and ``DigestMismatch`` if
        somebody appended after the seal, because then the content is no longer what was checked.
        """

    async def put(self, data: bytes, digest: Digest) -> None:
        """Make *data*, of which there is little, the blob *digest*, as if it had been uploaded.

        Raises ``DigestMismatch`` and ``StorageFull``, which leave nothing behind.
        """

    def require_room(self) -> None:
        """Raise ``StorageFull`` if no upload can begin now."""

    async def cancel(self, upload_id: str) -> None:
        """Forget the upload and its bytes; nothing happens if there is none."""

    def uploads(self) -> AsyncIterator[Leftover]:
        """Every upload that has bytes or a file here, in no order."""


class Store(Blobs, Uploads, Protocol):
    """All of it."""
