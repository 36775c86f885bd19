"""How memory is dealt with: by the C library, where it is glibc's, and by Python."""

import asyncio
import ctypes
import gc
import os
from pathlib import Path

from harbor.core.settings import MIB

# glibc malloc.h, mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

# A full collection walks over all that lives, which takes 0.3 s of a crowd's requests. It is left
# to `tidy`, and begins by itself only after very much has been made. One of the middle generation
# walks over what was made since the last: the loop stands still for 70 ms at 100,000 objects.
THRESHOLDS = 2_000, 5, 1_000
EVERY_S = 10.0
FEW = 64  # tasks; with more, the loop has enough to do
GROWN = 64 * MIB  # more than was kept after the last time


def tune() -> None:
    """Prepare a process that will serve, before it loads the program; ``settle`` when it has.

    Have pieces of bodies recycled, and what was used once given back.

    By itself, glibc maps each piece anew until the first large one was freed, and from then on
    keeps even the 19 MiB that hashing a password takes. Each thread would have a heap of its own.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 4 * MIB)
        mallopt(_TRIM_THRESHOLD, 16 * MIB)
        mallopt(_ARENA_MAX, 2)
    gc.disable()  # loading makes hundreds of thousands of objects, and hardly any garbage


def settle() -> None:
    """What is there now stays: collecting garbage no longer walks over it, which took 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()


async def tidy(stopping: asyncio.Event) -> None:
    """From time to time, while little goes on, collect garbage and give back what is free."""
    kept = _resident()
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), EVERY_S)
        except TimeoutError:
            if len(asyncio.all_tasks()) <= FEW:
                kept = await _tidied(kept)


async def _tidied(kept: int) -> int:
    if gc.get_count()[2]:  # the middle generation was collected since the last full one
        gc.collect()
    if _resident() > kept + GROWN:
        # By itself, glibc gives back only what is free at the end of the heap.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            await asyncio.to_thread(trim, 0)
        return _resident()
    return min(kept, _resident())


def _resident() -> int:
    """Bytes of this process that are in memory; 0 where that is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])  # Linux, proc(5)
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGESIZE")
