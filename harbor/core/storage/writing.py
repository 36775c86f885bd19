"""Bytes appended to a file: large batches past the page cache, where the file system lets them.

A copy into the page cache costs more than half of a push on many a virtual machine, and drives out
what others are about to pull. Writes past it must begin and end at whole blocks, in memory and in
the file, so less than a block may have to wait for more. While one is on its way, the next is made
ready, and hashed.

Source: open(2), O_DIRECT.
"""

import errno
import mmap
import os
from collections.abc import Iterable
from concurrent.futures import Executor, Future

from harbor.core.storage.disk import MIB, start_write_back, write_all

BLOCK = 4096  # bytes; no device that we know of wants more
STAGED = 768 * 1024  # bytes in one write: a batch, and the piece that was too much for it
WRITE_BACK = 8 * MIB
DIRECT = getattr(os, "O_DIRECT", 0)  # Linux; 0 elsewhere
REFUSED = (errno.EINVAL, errno.EOPNOTSUPP)  # what file systems say that cannot do it
SPARE = 8  # pieces of memory that are kept for who comes next

_spare: list[mmap.mmap] = []


class Writer:
    """Appends to one file; one thread at a time may call it."""

    def __init__(self, fd: int, end: int, pool: Executor, *, direct: bool) -> None:
        """Threads of *pool* wait for the disk."""
        self._fd, self._pool = fd, pool
        self._end = self._pushed = end  # of what was written; of what the disk has begun with
        self._rest = b""  # what comes after that, and is less than a block
        self._may = direct and bool(DIRECT)
        self._past: int | None = None  # the same file, opened to write past the page cache
        self._under_way: Future[None] | None = None
        self._memory: list[mmap.mmap] = []  # that begins at a block
        self._sent: mmap.mmap | None = None  # the one that was written from last

    @property
    def waits(self) -> bool:
        """Whether something of what was given may not be in the file yet."""
        return bool(self._rest) or self._under_way is not None

    @property
    def is_open(self) -> bool:
        """Whether there is anything to close."""
        return self._past is not None

    def write(self, pieces: Iterable[bytes], *, more: bool) -> None:
        """Append *pieces*; with *more* to come soon, the end of it may wait.

        What goes wrong with the one is told by the next.
        """
        if more and self._open():
            self._stage(pieces)
        else:
            self._arrive()
            self._write_through([self._rest, *pieces])
            self._rest = b""

    def close(self) -> None:
        """Wait until nothing is on its way any more."""
        if self._under_way is not None:
            self._under_way.exception()  # whoever goes on would have been told
            self._under_way = None
        if self._past is not None:
            os.close(self._past)
            self._past, self._may = None, False
        while self._memory and len(_spare) < SPARE:
            _spare.append(self._memory.pop())
        self._memory.clear()

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
        staged, nbytes = self._take_memory(), len(self._rest)
        staged[:nbytes] = self._rest
        self._rest = b""
        for piece in pieces:
            rest = memoryview(piece)
            at = 0
            if short:
                at = min(short, len(rest))
                self._arrive()
                self._write_through([rest[:at]])
                short -= at
            while at < len(rest):
                taken = min(len(rest) - at, STAGED - nbytes)
                staged[nbytes : nbytes + taken] = rest[at : at + taken]
                nbytes, at = nbytes + taken, at + taken
                if nbytes == STAGED:
                    self._send(staged, nbytes)
                    staged, nbytes = self._take_memory(), 0
        whole = nbytes - nbytes % BLOCK
        self._rest = bytes(staged[whole:nbytes])
        self._send(staged, whole)

    def _take_memory(self) -> mmap.mmap:
        """Memory that nothing on its way is written from; two pieces in turn."""
        for memory in self._memory:
            if memory is not self._sent:
                return memory
        try:
            self._memory.append(_spare.pop())  # other threads take from there, too
        except IndexError:
            self._memory.append(mmap.mmap(-1, STAGED))
        return self._memory[-1]

    def _send(self, staged: mmap.mmap, nbytes: int) -> None:
        """Put whole blocks on their way, which begin at one of the file's."""
        if not nbytes:
            return
        assert self._past is not None
        self._arrive()
        self._under_way = self._pool.submit(self._write_past, self._past, staged, nbytes, self._end)
        self._end = self._pushed = self._end + nbytes
        self._sent = staged

    def _arrive(self) -> None:
        """Wait for what is on its way."""
        if self._under_way is not None:
            try:
                self._under_way.result()
            finally:
                self._under_way = None

    def _write_past(self, past: int, staged: mmap.mmap, nbytes: int, at: int) -> None:
        with memoryview(staged) as memory:
            written = 0
            while written < nbytes and self._may and not written % BLOCK:
                try:
                    taken = os.pwritev(past, [memory[written:nbytes]], at + written)
                except OSError as error:
                    if error.errno not in REFUSED:
                        raise
                    taken, self._may = 0, False
                if not taken:
                    break
                written += taken
            if written < nbytes:  # the kernel took less than it was given, or nothing
                write_all(self._fd, [memory[written:nbytes]], at + written)

    def _write_through(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._end = write_all(self._fd, [piece for piece in pieces if piece], self._end)
        if self._end - self._pushed >= WRITE_BACK:
            start_write_back(self._fd, self._pushed, self._end)
            self._pushed = self._end
