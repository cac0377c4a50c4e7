"""What a process that prepares much, and then works with little, does with freed memory.

glibc keeps it: in one arena for every few threads, and in ever larger pieces once large ones were freed.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""malloc.h of glibc."""

OWN_BYTES = 8 << 20
"""What is larger is mapped by itself, and goes back to the system when it is freed. Nothing that a record of frames
needs is: to give memory back and take it again costs more than the work on it."""

SPARE_BYTES = 32 << 20
"""Freed memory at the end of the heap that is kept."""

ARENAS = 4


def hold_little() -> None:
    """Set it up; to be called before there are threads. Where the library is not glibc nothing happens."""
    library = _glibc()
    if library is not None:
        library.mallopt(M_MMAP_THRESHOLD, OWN_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, SPARE_BYTES)
        library.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give freed memory to the system; to be called when something large was done that does not come again soon."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
