"""Writing past the page cache: whole blocks only, and what is in the file is what was given."""

import ctypes
import errno
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harbor.core.storage import writing
from harbor.core.storage.writing import BLOCK, STAGED, Writer

DATA = random.Random(7).randbytes(3 * STAGED)


class Disk:
    """Notes what is written past the cache, and insists on blocks as a device does."""

    def __init__(self) -> None:
        self.past = self.through = 0  # bytes
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
        (piece,) = pieces
        address = ctypes.addressof(ctypes.c_char.from_buffer(piece))
        assert [each % BLOCK for each in (address, len(piece), offset)] == [0, 0, 0]
        if self.refuses_after is not None:
            if not self.refuses_after:
                raise OSError(errno.EINVAL, "no blocks here")
            self.refuses_after -= 1
        written = self._pwritev(fd, [piece[: self.takes]], offset)
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


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def content(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_comes_is_in_the_file(disk: Disk, file: int, pool: Executor, seed: int) -> None:
    chance = random.Random(seed)
    start = chance.choice([0, 5, BLOCK, 10 * BLOCK - 1])
    os.pwrite(file, DATA[:start], 0)
    disk.takes = chance.choice([1 << 40, 100_000, 100 * BLOCK])
    disk.refuses_after = chance.choice([None, None, 0, 2])
    writer, at = Writer(file, start, pool, direct=True), start
    while at < len(DATA):
        pieces = []
        for _ in range(chance.randrange(1, 6)):
            size = chance.choice([1, 100, BLOCK, 65_536, STAGED + 3])
            pieces.append(DATA[at : at + size])
            at += size
        writer.write([piece for piece in pieces if piece], more=chance.random() < 0.8)
    writer.write([], more=False)
    assert not writer.waits
    writer.close()
    assert content(file) == DATA


def test_almost_all_of_it_goes_past_the_cache(disk: Disk, file: int, pool: Executor) -> None:
    writer = Writer(file, 0, pool, direct=True)
    for at in range(0, len(DATA), 200_000):
        writer.write([DATA[at : at + 100_000], DATA[at + 100_000 : at + 200_000]], more=True)
    writer.write([], more=False)
    writer.close()
    assert content(file) == DATA
    assert disk.through < BLOCK


def test_who_wants_none_of_it_gets_none(disk: Disk, file: int, pool: Executor) -> None:
    writer = Writer(file, 0, pool, direct=False)
    writer.write([DATA], more=True)
    assert not writer.waits
    writer.close()
    assert (disk.past, disk.through) == (0, len(DATA))


def test_a_file_system_without_it_is_asked_once(
    disk: Disk, file: int, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(path: Any, *_: Any) -> int:
        asked.append(path)
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "open", refuse)
    writer = Writer(file, 0, pool, direct=True)
    writer.write([DATA[:100_000]], more=True)
    writer.write([DATA[100_000:]], more=True)
    writer.close()
    assert len(asked) == 1
    assert content(file) == DATA


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_broken_disk_is_told(
    disk: Disk, file: int, pool: Executor, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(*_: Any) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "pwritev", fail)
    writer = Writer(file, 0, pool, direct=True)
    writer.write([DATA[:STAGED]], more=True)
    with pytest.raises(OSError, match=os.strerror(code)):
        writer.write([], more=False)
    writer.close()


def test_what_is_on_its_way_is_waited_for(
    disk: Disk, file: int, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, real = threading.Event(), os.pwritev

    def slow(*given: Any) -> int:
        may_go_on.wait(10)
        return real(*given)

    monkeypatch.setattr(os, "pwritev", slow)
    writer = Writer(file, 0, pool, direct=True)
    writer.write([DATA[:STAGED]], more=True)
    assert writer.waits
    assert not content(file)
    threading.Timer(0.05, may_go_on.set).start()
    writer.close()
    assert content(file) == DATA[:STAGED]
    assert not writer.is_open


def test_memory_is_used_again(disk: Disk, file: int, pool: Executor) -> None:
    writing._spare.clear()
    for _ in range(5):
        writer = Writer(file, 0, pool, direct=True)
        for _ in range(4):
            writer.write([DATA[:STAGED]], more=True)
        writer.close()
    assert len(writing._spare) == 2


def test_nothing_is_left_open(file: int, pool: Executor) -> None:
    before = set(os.listdir("/proc/self/fd"))
    writer = Writer(file, 0, pool, direct=True)
    writer.write([DATA], more=True)
    writer.close()
    writer.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_many_writers_at_once_share_no_memory(tmp_path: Path) -> None:
    def fill(number: int) -> bool:
        fd = os.open(tmp_path / str(number), os.O_RDWR | os.O_CREAT)
        start = number * 1000
        with ThreadPoolExecutor(1) as pool:
            for _ in range(10):
                writer = Writer(fd, 0, pool, direct=True)
                for at in range(start, len(DATA), STAGED // 3):
                    writer.write([DATA[at : at + STAGED // 3]], more=True)
                writer.write([], more=False)
                writer.close()
                if content(fd) != DATA[start:]:
                    return False
        os.close(fd)
        return True

    with ThreadPoolExecutor(8) as many:
        assert all(many.map(fill, range(8)))
