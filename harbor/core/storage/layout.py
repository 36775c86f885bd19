"""Where blobs and uploads lie on the disk, and how a directory is made to stay there."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harbor.core.oci import DIGEST, Digest, shown
from harbor.core.storage.disk import sync_directory
from harbor.core.storage.interface import UPLOAD_ID, BlobMissing, UploadMissing

ALGORITHMS = ("sha256", "sha512")
SHARD = re.compile(r"[0-9a-f]{2}")
DIRECTORY_MODE = 0o750
FILE_MODE = 0o640


class Layout:
    """The one place where a name becomes a path, or a path a name::

        <root>/
          blobs/
            sha256/
              ab/
                abcdef…   a whole blob, named by its digits and filed under the first two
            sha512/
              …
          uploads/
            0123ab…       bytes on their way in, named by the upload's id

    Both stand under one root because a rename is atomic within one file system only.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._uploads = str(root / "uploads")
        self._blobs = {algorithm: str(root / "blobs" / algorithm) for algorithm in ALGORITHMS}
        self._kept: set[str] = set()  # directories that a power cut does not take away
        if not root.is_dir():
            root.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            sync_directory(root.parent)
        self._kept.add(str(root))
        self.keep(self._uploads)
        for home in self._blobs.values():
            self.keep(home)

    # Texts, because these two are on the way of every request, and a Path takes ten times as long.

    def blob(self, digest: Digest) -> str:
        if not DIGEST.fullmatch(digest):
            raise BlobMissing(shown(digest))
        algorithm, _, digits = digest.partition(":")
        return f"{self._blobs[algorithm]}/{digits[:2]}/{digits}"

    def upload(self, upload_id: str) -> str:
        if not UPLOAD_ID.fullmatch(upload_id):
            raise UploadMissing(shown(upload_id))
        return f"{self._uploads}/{upload_id}"

    def keep(self, directory: str) -> None:
        """Make *directory*, and see to it that a power cut does not take it away.

        Once in each process, although the directory be there: whoever made it may have been killed
        before it was safe.
        """
        if directory in self._kept:
            return
        parent = os.path.dirname(directory)
        self.keep(parent)
        with suppress(FileExistsError):
            os.mkdir(directory, DIRECTORY_MODE)
        sync_directory(parent)
        self._kept.add(directory)

    def shards(self) -> list[Path]:
        """The directories that hold blobs."""
        return [
            shard
            for home in self._blobs.values()
            for shard in Path(home).iterdir()
            if SHARD.fullmatch(shard.name)
        ]

    def blobs(self, shard: Path) -> list[tuple[str, float]]:
        """The digests in a shard, each with the time it was last written."""
        algorithm = shard.parent.name
        named = ((f"{algorithm}:{name}", mtime) for name, mtime in _files(shard))
        return [
            (digest, mtime)
            for digest, mtime in named
            # A file in a wrong shard is no blob: nobody would find it under its digest.
            if DIGEST.fullmatch(digest) and Path(self.blob(Digest(digest))).parent == shard
        ]

    def uploads(self) -> list[tuple[str, float]]:
        """The uploads, each with the time it was last written."""
        return [(name, mtime) for name, mtime in _files(self._uploads) if UPLOAD_ID.fullmatch(name)]


def _files(directory: Path | str) -> Iterator[tuple[str, float]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_mtime
            except FileNotFoundError:
                continue  # published, cancelled or deleted since the directory was read
