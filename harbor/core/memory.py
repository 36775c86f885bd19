"""How memory is dealt with: by the C library, where it is glibc's, and by Python."""

import ctypes
import gc

from harbor.core.settings import MIB

# glibc malloc.h, mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


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
    gc.enable()
