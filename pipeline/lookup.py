"""Open addressing for u64 keys: find a row without Python.

The key 0 marks an empty place, so ids are never 0. Hashing is the 64-bit finalizer of MurmurHash3 (public domain).
"""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import allocating_kernel, expanded

KEY_GROUPS = 4096
"""Fixed for ever: a service point's group decides its page, and the page its partition."""

PAGE_GROUPS = 8
PAGES = KEY_GROUPS // PAGE_GROUPS
"""Pages of state over all partitions of a topic."""


@expanded
def mix(key):  # type: ignore[no-untyped-def]
    """u64 -> well spread u64."""
    x = np.uint64(key)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    x ^= x >> np.uint64(33)
    return x


@allocating_kernel
def fill_index(keys, table, rows):  # type: ignore[no-untyped-def]
    """Enter the first row of each key; equal keys lie together in `keys` u64 (n,)."""
    mask = np.uint64(table.shape[0] - 1)
    for row in range(keys.shape[0]):
        key = keys[row]
        if row > 0 and keys[row - 1] == key:
            continue
        place = mix(key) & mask
        while table[place] != 0:
            place = (place + np.uint64(1)) & mask
        table[place] = key
        rows[place] = row


@expanded
def find(table, rows, key):  # type: ignore[no-untyped-def]
    """First row of `key`, or -1."""
    mask = np.uint64(table.shape[0] - 1)
    place = mix(key) & mask
    while table[place] != 0:
        if table[place] == key:
            return rows[place]
        place = (place + np.uint64(1)) & mask
    return np.int64(-1)


def build_index(keys: Array) -> tuple[Array, Array]:
    """(table u64, rows i64) of a power-of-two size, at most half full."""
    size = 16
    while size < 2 * len(keys):
        size *= 2
    table = np.zeros(size, np.uint64)
    rows = np.full(size, -1, np.int64)
    fill_index(np.ascontiguousarray(keys, np.uint64), table, rows)
    return table, rows


@allocating_kernel
def find_many(table, rows, keys, out):  # type: ignore[no-untyped-def]
    """out i64 (n,) = first row of each key u64 (n,), or -1."""
    for item in range(keys.shape[0]):
        out[item] = find(table, rows, keys[item])


@allocating_kernel
def groups_of(points, out):  # type: ignore[no-untyped-def]
    """out u16 (n,) = key group of each service point u64 (n,)."""
    for item in range(points.shape[0]):
        out[item] = mix(points[item]) & np.uint64(KEY_GROUPS - 1)


def partitions_of(points: Array, partitions: int) -> Array:
    """Partition i32 (n,) of each service point: a partition holds a range of whole pages."""
    groups = np.empty(len(points), np.uint16)
    groups_of(np.ascontiguousarray(points, np.uint64), groups)
    pages = groups.astype(np.int64) // PAGE_GROUPS
    return (pages * partitions // PAGES).astype(np.int32)


def pages_of_partition(partition: int, partitions: int) -> range:
    """The pages that `partitions_of` gives to `partition`."""
    return range(-(-partition * PAGES // partitions), -(-(partition + 1) * PAGES // partitions))
