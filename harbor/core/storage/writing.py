"""Bytes appended to a file: large batches past the page cache, where the file system lets them.

A copy into the page cache costs more than half of a push on many a virtual machine, and drives out
what others are about to pull. Writes past it must begin and end at whole blocks, in memory and in
the file, so less than a block may have to wait for more.

Source: open(2), O_DIRECT.
"""

import errno
import mmap
import os
import threading
from collections.abc import Iterable

from harbor.core.storage.disk import MIB, start_write_back, write_all

BLOCK = 4096  # bytes; no device that we know of wants more
STAGED = 768 * 1024  # bytes in one write: a batch, and the piece that was too much for it
WRITE_BACK = 8 * MIB
DIRECT = getattr(os, "O_DIRECT", 0)  # Linux; 0 elsewhere
REFUSED = (errno.EINVAL, errno.EOPNOTSUPP)  # what file systems say that cannot do it

_of_thread = threading.local()


def staging() -> mmap.mmap:
    """Memory of this thread that begins at a block."""
    found: mmap.mmap | None = getattr(_of_thread, "staging", None)
    if found is None:
        found = _of_thread.staging = mmap.mmap(-1, STAGED)
    return found


class Writer:
    """Appends to one file; one thread at a time may call it."""

    def __init__(self, fd: int, end: int, *, direct: bool) -> None:
        self._fd = fd
        self._end = self._pushed = end  # of what is in the file; of what the disk has begun with
        self._rest = b""  # what comes after that, and is less than a block
        self._may = direct and bool(DIRECT)
        self._past: int | None = None  # the same file, opened to write past the page cache

    @property
    def waits(self) -> bool:
        """Whether something of what was given is not in the file yet."""
        return bool(self._rest)

    def write(self, pieces: Iterable[bytes], *, more: bool) -> None:
        """Append *pieces*; with *more* to come soon, less than a block of it may wait."""
        if more and self._open():
            self._stage(pieces)
        else:
            self._write_through([self._rest, *pieces])
            self._rest = b""

    def close(self) -> None:
        if self._past is not None:
            os.close(self._past)
            self._past = None

    def _open(self) -> bool:
        """Whether writes past the page cache are to be had."""
        if self._may and self._past is None:
            try:
                flags = os.O_WRONLY | os.O_CLOEXEC | DIRECT
                self._past = os.open(f"/proc/self/fd/{self._fd}", flags)
            except OSError:
                self._may = False
        return self._may

    def _stage(self, pieces: Iterable[bytes]) -> None:
        """Write whole blocks past the page cache; up to the first one, through it."""
        short = -self._end % BLOCK  # of a block, where the file ends within one
        with memoryview(staging()) as staged:
            nbytes = len(self._rest)
            staged[:nbytes] = self._rest
            self._rest = b""
            for piece in pieces:
                with memoryview(piece) as rest:
                    at = 0
                    if short:
                        at = min(short, len(rest))
                        self._write_through([rest[:at]])
                        short -= at
                    while at < len(rest):
                        taken = min(len(rest) - at, STAGED - nbytes)
                        staged[nbytes : nbytes + taken] = rest[at : at + taken]
                        nbytes, at = nbytes + taken, at + taken
                        if nbytes == STAGED:
                            self._write_past(staged)
                            nbytes = 0
            whole = nbytes - nbytes % BLOCK
            self._write_past(staged[:whole])
            self._rest = bytes(staged[whole:nbytes])

    def _write_past(self, staged: memoryview) -> None:
        """Write whole blocks, which begin at one of the file's."""
        while staged and self._past is not None:
            try:
                written = os.pwritev(self._past, [staged], self._end)
            except OSError as error:
                if error.errno not in REFUSED:
                    raise
                self._may = False
                self.close()
                break
            self._end = self._pushed = self._end + written
            staged = staged[written:]
            if not written or written % BLOCK:  # the kernel may take less than it was given
                break
        self._write_through([staged])

    def _write_through(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._end = write_all(self._fd, [piece for piece in pieces if piece], self._end)
        if self._end - self._pushed >= WRITE_BACK:
            start_write_back(self._fd, self._pushed, self._end)
            self._pushed = self._end
