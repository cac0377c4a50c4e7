"""Zeros that take memory only where they are written to."""

from __future__ import annotations

import math
import mmap
from contextlib import suppress

import numpy as np

from pipeline.columns import Array

LARGE_BYTES = 1 << 20
HUGE_BYTES = mmap.PAGESIZE * mmap.PAGESIZE // 8
"""What the system gives at once where it is asked for huge pages: a table of addresses, 8 octets each, fills a page."""


def untouched(shape: tuple[int, ...], dtype: np.dtype[np.void] | np.dtype[np.generic]) -> Array:
    """Zeros of `shape` (slices, ...); large ones are memory of their own, of which the system gives what is written to.

    np.zeros promises no such thing: what was freed before comes from the heap, and is taken whole to be cleared. When
    that is freed it goes back to the heap, these go back to the system.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE_BYTES:
        return np.zeros(shape, dtype)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # Rows are found by hash: with small pages nearly each access misses the table of addresses. But where a slice is
    # smaller than a huge page, a page would bring slices that nobody has written to.
    if size // shape[0] >= HUGE_BYTES:
        _ask_for_huge_pages(pages)
    return np.frombuffer(pages, dtype).reshape(shape)


def _ask_for_huge_pages(pages: mmap.mmap) -> None:
    """It is only advice: not every system knows it, and kernels may be built without."""
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            pages.madvise(mmap.MADV_HUGEPAGE)
