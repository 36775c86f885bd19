"""What the operating system is asked for: whole writes, early write-back, directories that stay."""

import ctypes
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harbor.core.storage.interface import StorageFull

MIB = 1024 * 1024


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Tell a full disk, or a full quota of the operating system's, as ``StorageFull``."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("no space left for blobs") from error
        raise


def bytes_free(directory: Path) -> int:
    """What an ordinary user may still write on the file system of *directory*."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def write_all(fd: int, pieces: Sequence[bytes | memoryview], offset: int) -> int:
    """Write every byte of *pieces* at *offset*; return the offset after them."""
    rest = [memoryview(piece) for piece in pieces]
    while rest:
        written = os.pwritev(fd, rest, offset)
        if not written:
            raise OSError(errno.EIO, "the file takes no more bytes, and does not say why")
        offset += written
        rest = without(rest, written)
    return offset


def without(pieces: list[memoryview], nbytes: int) -> list[memoryview]:
    """What is left of *pieces* when the kernel has taken *nbytes*, and stopped within one."""
    whole = 0
    while whole < len(pieces) and nbytes >= len(pieces[whole]):
        nbytes -= len(pieces[whole])
        whole += 1
    rest = pieces[whole:]
    if nbytes:
        rest[0] = rest[0][nbytes:]
    return rest


def feed(update: Callable[[memoryview], None], fd: int, start: int, stop: int) -> None:
    """Give *update* the bytes of a file from *start* up to, not including, *stop*."""
    # One buffer for all: fresh ones of this size would each be mapped, zeroed and unmapped again.
    buffer = memoryview(bytearray(MIB))
    while start < stop:
        nbytes = os.preadv(fd, [buffer[: stop - start]], start)
        if not nbytes:
            raise OSError(errno.EIO, f"the file ends at {start}, before {stop}")
        update(buffer[:nbytes])
        start += nbytes


def sync_directory(directory: Path | str) -> None:
    """Make the names in *directory* survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


_SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h: start to write what is dirty, and do not wait for it
_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def start_write_back(fd: int, start: int, stop: int) -> None:
    """Have the disk begin with these bytes now, so that a later ``fdatasync`` is short.

    Only a hint: where there is no such call, or it fails, the ``fdatasync`` does all the work and
    tells what went wrong.
    """
    if _sync_file_range is not None:
        _sync_file_range(fd, start, stop - start, _SYNC_FILE_RANGE_WRITE)
