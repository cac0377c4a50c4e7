"""State of steps whose rows are not keyed by service point: network nodes, source partitions.

A store holds the pages of its partition only, and a page is found through a service point's hash. For any other key a
stand-in service point is used that lies in one of these pages: the page is chosen by the hash of the key among the
pages of the partition, so the row stays where it is as long as the partition keeps its pages.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from pipeline.columns import Array
from pipeline.jit import allocating_kernel, expanded
from pipeline.lookup import PAGE_GROUPS, groups_of, mix
from pipeline.state import StateStore

CANDIDATES = 32_768
"""More numbers than are needed to hit each of the 512 pages once."""

NODE_SHIFT = 32


def node_keys(node: Array, start: Array) -> Array:
    """Keys u64 (n,) of (node u32, epoch second i64): a node id is never 0, and seconds fit 32 bits until 2106."""
    return (node.astype(np.uint64) << np.uint64(NODE_SHIFT)) | start.astype(np.uint64)


@cache
def stand_ins(first: int, stop: int) -> Array:
    """A service point u64 for each page of range(first, stop)."""
    numbers = np.arange(1, CANDIDATES, dtype=np.uint64)
    groups = np.empty(len(numbers), np.uint16)
    groups_of(numbers, groups)
    pages, where = np.unique(groups // PAGE_GROUPS, return_index=True)
    found = dict(zip(pages.tolist(), numbers[where].tolist(), strict=True))
    return np.array([found[page] for page in range(first, stop)], np.uint64)


def locate(store: StateStore, keys: Array) -> Array:
    """Slots i64 (n,) of any keys u64 (n,), entered where new."""
    homes = stand_ins(store.pages.start, store.pages.stop)
    places = spread(keys, len(homes))
    return store.locate(homes[places], keys)


def spread(keys: Array, parts: int) -> Array:
    """Part i64 (n,) of `parts` for each key u64 (n,), by hash."""
    out = np.empty(len(keys), np.int64)
    _spread(np.ascontiguousarray(keys, np.uint64), parts, out)
    return out


@expanded
def slot_of(key, keys, pages, capacity):  # type: ignore[no-untyped-def]
    """Slot of a key u64 that `locate` has entered before; `keys` u64 (slots,) are those of the store."""
    mixed = mix(key)
    base = np.int64(mixed % np.uint64(pages)) * capacity
    place = np.int64(((mixed >> np.uint64(32)) * np.uint64(capacity)) >> np.uint64(32))
    while keys[base + place] != key:
        place += np.int64(1)
        if place == capacity:
            place = np.int64(0)
    return base + place


@expanded
def find_slot(key, keys, pages, capacity):  # type: ignore[no-untyped-def]
    """`slot_of` of a key u64 that may never have been entered; -1: it has not."""
    mixed = mix(key)
    base = np.int64(mixed % np.uint64(pages)) * capacity
    place = np.int64(((mixed >> np.uint64(32)) * np.uint64(capacity)) >> np.uint64(32))
    while keys[base + place] != 0 and keys[base + place] != key:
        place += np.int64(1)
        if place == capacity:
            place = np.int64(0)
    return base + place if keys[base + place] == key else np.int64(-1)


@allocating_kernel
def _spread(keys, parts, out):  # type: ignore[no-untyped-def]
    for item in range(keys.shape[0]):
        out[item] = np.int64(mix(keys[item]) % np.uint64(parts))


def retain(store: StateStore, slots: Array) -> None:
    """Forget every row but those in `slots` i64 (n,). Open addressing cannot delete, so what stays is entered anew."""
    keys = store.keys[slots].copy()
    rows = {name: area.flat[:, slots].copy() for name, area in store.areas.items() if name != "keys"}
    # Pages that hold nothing stay as they are: after a burst there are many, and a checkpoint would write them all.
    filled = np.flatnonzero(store.used)
    for area in store.areas.values():
        area.rows[:, filled] = np.zeros((), area.rows.dtype)
        area.changed[:, filled] = np.uint64(0xFFFFFFFFFFFFFFFF)
        area.dirty[:, filled] = 1
    store.used[:] = 0
    places = locate(store, keys)
    for name, kept in rows.items():
        store.areas[name].flat[:, places] = kept
