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


def index_size(keys: int) -> int:
    """Places of an open addressing that is never to grow: two thirds of them full."""
    return 16 + keys * 3 // 2


@expanded
def first_place(key, size):  # type: ignore[no-untyped-def]
    """Where among `size` places, fewer than 2^32, a key u64 is looked for first."""
    return np.int64(((mix(key) >> np.uint64(32)) * np.uint64(size)) >> np.uint64(32))


@allocating_kernel
def fill_index(keys, index):  # type: ignore[no-untyped-def]
    """Enter the first row of each key; equal keys lie together in `keys` u64 (n,). index i32: -1 where free."""
    size = index.shape[0]
    for row in range(keys.shape[0]):
        if row > 0 and keys[row - 1] == keys[row]:
            continue
        place = first_place(keys[row], size)
        while index[place] >= 0:
            place += np.int64(1)
            if place == size:
                place = np.int64(0)
        index[place] = row


@expanded
def find(index, keys, key):  # type: ignore[no-untyped-def]
    """First row of `key` in `keys` u64 (n,), or -1; see `build_index`."""
    size = index.shape[0]
    place = first_place(key, size)
    while index[place] >= 0:
        row = np.int64(index[place])
        if keys[row] == key:
            return row
        place += np.int64(1)
        if place == size:
            place = np.int64(0)
    return np.int64(-1)


def build_index(keys: Array) -> tuple[Array, Array]:
    """(index i32, keys u64 (n,)), equal keys together: the index has row numbers alone, 6 bytes a key, the keys of the
    rows are looked up in the column that is there anyway."""
    index = np.full(index_size(len(keys)), -1, np.int32)
    column = np.ascontiguousarray(keys, np.uint64)
    fill_index(column, index)
    return index, column


@allocating_kernel
def find_many(index, column, keys, out):  # type: ignore[no-untyped-def]
    """out i64 (n,) = first row of each key u64 (n,) in `column`, or -1."""
    for item in range(keys.shape[0]):
        out[item] = find(index, column, keys[item])


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
