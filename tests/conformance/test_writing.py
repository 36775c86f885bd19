"""Writing past the page cache: whole blocks only, and what is in the file is what was given."""

import ctypes
import errno
import os
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harbor.core.storage import writing
from harbor.core.storage.writing import BATCH, BLOCK, LEAST, PAST, Batch, Writer

DATA = random.Random(7).randbytes(3 * BATCH + 7)


class Disk:
    """Notes what is written past the cache, and insists on blocks as a device does."""

    def __init__(self) -> None:
        self.past = self.through = 0  # bytes
        self.calls = 0  # past the cache
        self.refuses_after: int | None = None  # writes past the cache; None: never
        self.takes = 1 << 40  # bytes at a time
        self._pwritev, self._open = os.pwritev, os.open
        self._fds: set[int] = set()

    def open(self, path: Any, flags: int, *more: Any) -> int:
        fd = self._open(path, flags & ~writing.DIRECT, *more)
        if flags & writing.DIRECT:
            self._fds.add(fd)
        return fd

    def pwritev(self, fd: int, pieces: list[Any], offset: int) -> int:
        if fd not in self._fds:
            written = self._pwritev(fd, pieces, offset)
            self.through += written
            return written
        for piece in pieces:
            address = ctypes.addressof(ctypes.c_char.from_buffer(piece))
            assert [each % BLOCK for each in (address, len(piece), offset)] == [0, 0, 0]
        if self.refuses_after is not None:
            if not self.refuses_after:
                raise OSError(errno.EINVAL, "no blocks here")
            self.refuses_after -= 1
        self.calls += 1
        if sum(map(len, pieces)) > self.takes:
            pieces = [pieces[0][: self.takes]]
        written = self._pwritev(fd, pieces, offset)
        self.past += written
        return written


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(os, "open", disk.open)
    monkeypatch.setattr(os, "pwritev", disk.pwritev)
    return disk


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def content(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


def filled(writer: Writer, data: bytes) -> Batch:
    """As much of *data* as there is room for, where memory begins within a block."""
    batch = writer.lend()
    nbytes = min(len(data), len(batch.room))
    batch.room[:nbytes] = data[:nbytes]
    writer.fill(batch, nbytes)
    assert batch.content == data[:nbytes]
    return batch


def write(writer: Writer, data: bytes, nbytes: int = BATCH) -> None:
    """Write *data* in batches of so many bytes."""
    at = 0
    while at < len(data):
        batch = filled(writer, data[at : at + nbytes])
        at += len(batch.content)
        writer.write([batch])
        writer.free(batch)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_is_in_the_file(disk: Disk, file: int, seed: int) -> None:
    chance = random.Random(seed)
    start = chance.choice([0, 5, BLOCK, 10 * BLOCK - 1])
    os.pwrite(file, DATA[:start], 0)
    disk.takes = chance.choice([1 << 40, 100_000, 100 * BLOCK])
    disk.refuses_after = chance.choice([None, None, 0, 2])
    writer, at = Writer(file, start, direct=True), start
    while at < len(DATA):
        batches = []
        for _ in range(chance.randrange(1, 4)):
            size = chance.choice([1, 100, BLOCK, 65_536, PAST + BLOCK, BATCH])
            batches.append(filled(writer, DATA[at : at + size]))
            at += len(batches[-1].content)
            if at >= len(DATA):
                break
        writer.write(batches)
        for batch in batches:
            writer.free(batch)
    writer.close()
    assert content(file) == DATA


def test_almost_all_of_it_goes_past_the_cache(disk: Disk, file: int) -> None:
    os.pwrite(file, DATA[:100], 0)
    writer = Writer(file, 100, direct=True)
    write(writer, DATA[100:-5])
    writer.close()
    assert content(file) == DATA[:-5]
    assert disk.through < 2 * BLOCK


def test_what_has_gathered_is_written_in_one_go(disk: Disk, file: int) -> None:
    writer = Writer(file, 0, direct=True)
    writer.write([filled(writer, DATA[at : at + BATCH]) for at in range(0, 3 * BATCH, BATCH)])
    writer.close()
    assert (disk.calls, disk.past) == (1, 3 * BATCH)


def test_little_goes_through_it(disk: Disk, file: int) -> None:
    writer = Writer(file, 0, direct=True)
    write(writer, DATA, PAST - 1)
    writer.close()
    assert (disk.past, disk.through) == (0, len(DATA))
    assert content(file) == DATA


def test_who_wants_none_of_it_gets_none(disk: Disk, file: int) -> None:
    writer = Writer(file, 0, direct=False)
    write(writer, DATA)
    writer.close()
    assert (disk.past, disk.through) == (0, len(DATA))


def test_a_file_system_without_it_is_asked_once(
    disk: Disk, file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(path: Any, *_: Any) -> int:
        asked.append(path)
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "open", refuse)
    writer = Writer(file, 0, direct=True)
    write(writer, DATA)
    writer.close()
    assert len(asked) == 1
    assert content(file) == DATA


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_broken_disk_is_told(
    disk: Disk, file: int, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: Any) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "pwritev", fail)
    writer = Writer(file, 0, direct=True)
    with pytest.raises(OSError, match=os.strerror(code)):
        write(writer, DATA)
    writer.close()


def test_memory_is_used_again(disk: Disk, file: int) -> None:
    writing._spare.clear()
    for _ in range(5):
        writer = Writer(file, 0, direct=True)
        batches = [filled(writer, DATA[:BATCH]) for _ in range(2)]
        assert batches[0].memory is not batches[1].memory
        writer.write(batches)
        for batch in batches:
            writer.free(batch)
        writer.rest()
        writer.close()
    assert len(writing._spare) == 2


def test_nothing_is_left_open(file: int) -> None:
    before = set(os.listdir("/proc/self/fd"))
    writer = Writer(file, 0, direct=True)
    write(writer, DATA)
    writer.close()
    writer.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_many_writers_at_once_share_no_memory(tmp_path: Path) -> None:
    def fill(number: int) -> bool:
        fd = os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT)
        start = number * 1000
        for _ in range(10):
            writer = Writer(fd, 0, direct=True)
            write(writer, DATA[start:], BATCH // 3)
            writer.rest()
            writer.close()
            if content(fd) != DATA[start:]:
                return False
        os.close(fd)
        return True

    with ThreadPoolExecutor(8) as many:
        assert all(many.map(fill, range(8)))


def test_memory_that_is_no_longer_needed_is_given_back(disk: Disk, file: int) -> None:
    writer = Writer(file, 0, direct=True)
    first = filled(writer, DATA[:BATCH])
    writer.write([first])
    writer.free(first)
    before = private_bytes()
    smaller = writer.lend(LEAST)  # more have come, who want some of it
    assert len(smaller.room) == LEAST
    assert smaller.memory is first.memory
    assert private_bytes() <= before - (BATCH - LEAST) + LEAST
    smaller.room[:] = DATA[BATCH : BATCH + LEAST]
    writer.fill(smaller, LEAST)
    writer.write([smaller])
    assert content(file) == DATA[: BATCH + LEAST]


def private_bytes() -> int:
    found = re.search(r"^RssAnon:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found
    return int(found[1]) * 1024
