"""How the C library deals with memory, where it is glibc's."""

import ctypes

from harbor.core.settings import MIB

# glibc malloc.h, mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def tune() -> None:
    """Have pieces of bodies recycled, and what was used once given back.

    By itself, glibc maps each piece anew until the first large one was freed, and from then on
    keeps even the 19 MiB that hashing a password takes. Each thread would have a heap of its own.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 4 * MIB)
        mallopt(_TRIM_THRESHOLD, 16 * MIB)
        mallopt(_ARENA_MAX, 2)
