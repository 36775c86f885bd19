"""Bytes appended to a file: large batches past the page cache, where the file system lets them.

A copy into the page cache costs more than half of a push on many a virtual machine, and drives out
what others are about to pull. Writes past it must begin and end at whole blocks, in memory and in
the file: so memory is lent from that place in a block on where the file ends, and what is less than
a block, at either end, goes through the page cache.

Source: open(2), O_DIRECT.
"""

import errno
import mmap
import os
from collections.abc import Iterable
from contextlib import suppress

from harbor.core.storage.disk import MIB, start_write_back, without, write_all

BLOCK = 4096  # bytes; no device that we know of wants more
BATCH = 2 * MIB  # bytes at most, hashed and written in one go
LEAST = MIB // 2  # bytes, where many share what there is
PAST = MIB // 8  # bytes; less is not worth a wait for the disk
WRITE_BACK = 8 * MIB
DIRECT = getattr(os, "O_DIRECT", 0)  # Linux; 0 elsewhere
REFUSED = (errno.EINVAL, errno.EOPNOTSUPP)  # what file systems say that cannot do it
SPARE = 4  # pieces of memory that are kept for who comes next
DROP = getattr(mmap, "MADV_DONTNEED", None)


class Memory(mmap.mmap):
    """Memory for one batch. What is used of it stays in use, until it is given back."""

    used = 0  # bytes

    def keep(self, nbytes: int) -> None:
        """Give back all but the first *nbytes*, which are whole pages."""
        if self.used > nbytes and DROP is not None:
            self.madvise(DROP, nbytes, BATCH - nbytes)
            self.used = nbytes


_spare: list[Memory] = []  # that no upload uses now


class Batch:
    """Memory with what comes next, and its place in the file."""

    __slots__ = ("at", "end", "memory", "stages", "start", "stop")

    def __init__(self, memory: Memory, at: int, end: int = BATCH) -> None:
        self.memory = memory
        self.end = end  # of what may be used of it
        self.stages = 0  # that are not done with it yet
        self.at = at  # of `start`
        self.start = self.stop = at % BLOCK

    @property
    def room(self) -> memoryview:
        return memoryview(self.memory)[self.stop : self.end]

    @property
    def content(self) -> memoryview:
        return memoryview(self.memory)[self.start : self.stop]

    def part(self, start: int, stop: int) -> memoryview:
        return memoryview(self.memory)[start:stop]

    def offset(self, at: int) -> int:
        """Where in the file the memory's byte *at* belongs."""
        return self.at + at - self.start


class Writer:
    """Appends to one file. Memory is lent and filled in one thread, and written from in another."""

    def __init__(self, fd: int, end: int, *, direct: bool) -> None:
        self._fd = fd
        self._end = end  # with what was filled, though it may not be written yet
        self._pushed = end  # what the disk has begun with
        self._may = direct and bool(DIRECT)
        self._past: int | None = None  # the same file, opened to write past the page cache

    def lend(self, nbytes: int = BATCH) -> Batch:
        """Memory for what comes next, whole blocks. The batch before it must have been filled."""
        with suppress(IndexError):
            memory = _spare.pop()
            memory.keep(nbytes)
            return Batch(memory, self._end, nbytes)
        memory = Memory(-1, BATCH, mmap.MAP_PRIVATE)  # what is shared is not given back in parts
        return Batch(memory, self._end, nbytes)

    def fill(self, batch: Batch, nbytes: int) -> None:
        """Note that *nbytes* were put into the memory, which follow what the file has."""
        batch.stop += nbytes
        self._end += nbytes
        batch.memory.used = max(batch.memory.used, batch.stop)

    def write(self, batches: Iterable[Batch]) -> None:
        """Write what was filled, in the order of the file: a crash must not leave a hole."""
        past: list[memoryview] = []  # whole blocks, one after the other
        at = 0  # where they begin
        for batch in batches:
            start = -(-batch.start // BLOCK) * BLOCK
            stop = batch.stop - batch.stop % BLOCK
            if stop - start < PAST or not self._open():
                start = stop = batch.stop
            if batch.start < start:
                self._write_past(past, at)
                past = []
                self._write_through(batch, batch.start, start)
            if start < stop:
                at = at if past else batch.offset(start)
                past.append(batch.part(start, stop))
            if stop < batch.stop:
                self._write_past(past, at)
                past = []
                self._write_through(batch, stop, batch.stop)
        self._write_past(past, at)

    def free(self, batch: Batch) -> None:
        """Take back the memory."""
        if len(_spare) < SPARE:
            _spare.append(batch.memory)

    def rest(self) -> None:
        """Give back most of the memory that nobody uses: there is nothing to fill soon."""
        resting: list[Memory] = []
        with suppress(IndexError):  # there is no other way to ask, with several threads
            while True:
                resting.append(_spare.pop())
        for memory in resting:
            memory.keep(LEAST)
            _spare.append(memory)

    def close(self) -> None:
        if self._past is not None:
            os.close(self._past)
            self._past, self._may = None, False

    def _open(self) -> bool:
        """Whether writes past the page cache are to be had."""
        if self._may and self._past is None:
            try:
                flags = os.O_WRONLY | os.O_CLOEXEC | DIRECT
                self._past = os.open(f"/proc/self/fd/{self._fd}", flags)
            except OSError:
                self._may = False
        return self._may

    def _write_past(self, blocks: list[memoryview], at: int) -> None:
        while blocks and self._may and self._past is not None and not at % BLOCK:
            try:
                taken = os.pwritev(self._past, blocks, at)
            except OSError as error:
                if error.errno not in REFUSED:
                    raise
                taken, self._may = 0, False
            if not taken:
                break
            at += taken
            blocks = without(blocks, taken)
        if blocks:  # the kernel took less than it was given, or nothing
            at = write_all(self._fd, blocks, at)
        self._pushed = max(self._pushed, at)

    def _write_through(self, batch: Batch, start: int, stop: int) -> None:
        end = write_all(self._fd, [batch.part(start, stop)], batch.offset(start))
        if end - self._pushed >= WRITE_BACK:
            start_write_back(self._fd, self._pushed, end)
            self._pushed = end
