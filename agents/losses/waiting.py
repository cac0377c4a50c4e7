"""Partials that wait for their tick: a queue for each source, and a list of the places that are free again."""

from __future__ import annotations

import numpy as np

from agents.losses.state import BALANCE, FIRST_WAITING, PLACE, PLACES, SUMS, WAITING, taken, words
from pipeline.batch import NodeEnergy
from pipeline.columns import Array
from pipeline.jit import allocating_kernel
from pipeline.keyed import locate, slot_of
from pipeline.state import StateStore, mark

OPEN = 2**62
"""Tick of a partial that came without one: it belongs to the source's next tick."""


def wait(batch: NodeEnergy, source: int, store: StateStore) -> None:
    """Put the partials, one row at least, behind those of source partition `source`, as ones without a tick.

    The source's row must be there: what enters a new key may move every row, and the places are looked up first.
    """
    serials = _places(len(batch.node), store)
    slots = locate(store, serials.astype(np.uint64) + np.uint64(FIRST_WAITING))
    fresh = np.zeros(len(serials), BALANCE)
    fresh["row"], fresh["tick"] = WAITING, OPEN
    fresh["node"], fresh["secs"], fresh["start"] = batch.node, batch.interval_secs, batch.interval_start
    fresh["behind"][:-1] = serials[1:]
    for name in SUMS:
        fresh[name] = getattr(batch, name)
    area = store.areas["balance"]
    words(area.flat[0])[slots] = words(fresh)
    _queue(int(source_slots(store, source, source + 1)[0]), serials, slots, *_raw(store))


def close(slot: int, store: StateStore) -> None:
    """Partials that came since the tick before of the source whose row is at `slot` belong to the tick it has now."""
    _close(slot, *_raw(store))


def take(sources: int, tick: int, store: StateStore) -> Array:
    """Take the partials of all sources up to `tick`, epoch seconds, out: copies of their rows, BALANCE (n,), by source
    and tick. The rows of all sources must be there."""
    head = int(locate(store, np.array([FIRST_WAITING], np.uint64))[0])
    slots = source_slots(store, 0, sources)
    due = np.empty(int(store.areas["balance"].flat[0, head]["last"]), np.int64)
    count = _due(slots, tick, due, *_raw(store))
    partials = taken(store.areas["balance"].flat[0], due[:count])
    _free(head, due[:count], *_raw(store))
    return partials


def source_slots(store: StateStore, first: int, stop: int) -> Array:
    """Slots i64 (n,) of the rows of source partitions `first` to `stop`, entered where new."""
    return locate(store, np.arange(first + 1, stop + 1, dtype=np.uint64))


def _places(count: int, store: StateStore) -> Array:
    """Serials u32 (count,) of free places, and of new ones when these do not suffice."""
    head = int(locate(store, np.array([FIRST_WAITING], np.uint64))[0])
    serials = np.empty(count, np.uint32)
    _take_places(head, serials, *_raw(store))
    return serials


def _raw(store: StateStore) -> tuple[Array, Array, Array, Array, int, int]:
    """What the kernels below work on: table, its marks, keys, pages, capacity."""
    area = store.areas["balance"]
    return area.flat, area.changed.reshape(1, -1), area.dirty, store.keys, len(store.pages), store.capacity


@allocating_kernel
def _take_places(head, serials, table, changed, dirty, keys, pages, capacity):  # type: ignore[no-untyped-def]
    places = table[0, head]
    places.row = PLACES
    for item in range(serials.shape[0]):
        if places.behind == 0:
            places.last += 1
            serials[item] = places.last
        else:
            serials[item] = places.behind
            key = np.uint64(FIRST_WAITING) + np.uint64(places.behind)
            places.behind = table[0, slot_of(key, keys, pages, capacity)].behind
    mark(changed, dirty, 0, head, capacity)


@allocating_kernel
def _queue(source_slot, serials, slots, table, changed, dirty, keys, pages, capacity):  # type: ignore[no-untyped-def]
    source = table[0, source_slot]
    if source.last == 0:
        source.behind = serials[0]
    else:
        key = np.uint64(FIRST_WAITING) + np.uint64(source.last)
        before = slot_of(key, keys, pages, capacity)
        table[0, before].behind = serials[0]
        mark(changed, dirty, 0, before, capacity)
    if source.open == 0:
        source.open = serials[0]
    source.last = serials[serials.shape[0] - 1]
    mark(changed, dirty, 0, source_slot, capacity)
    for item in range(slots.shape[0]):
        mark(changed, dirty, 0, slots[item], capacity)


@allocating_kernel
def _close(source_slot, table, changed, dirty, keys, pages, capacity):  # type: ignore[no-untyped-def]
    source = table[0, source_slot]
    serial = source.open
    while serial != 0:
        slot = slot_of(np.uint64(FIRST_WAITING) + np.uint64(serial), keys, pages, capacity)
        table[0, slot].tick = source.tick
        mark(changed, dirty, 0, slot, capacity)
        serial = table[0, slot].behind
    if source.open != 0:
        source.open = 0
        mark(changed, dirty, 0, source_slot, capacity)


@allocating_kernel
def _due(source_slots, tick, due, table, changed, dirty, keys, pages, capacity):  # type: ignore[no-untyped-def]
    count = 0
    for item in range(source_slots.shape[0]):
        source = table[0, source_slots[item]]
        serial = source.behind
        while serial != 0:
            slot = slot_of(np.uint64(FIRST_WAITING) + np.uint64(serial), keys, pages, capacity)
            if table[0, slot].tick > tick:
                break
            due[count] = slot
            count += 1
            serial = table[0, slot].behind
        if serial != source.behind:
            source.behind = serial
            if serial == 0:
                source.last = 0
            mark(changed, dirty, 0, source_slots[item], capacity)
    return count


@allocating_kernel
def _free(head, due, table, changed, dirty, keys, pages, capacity):  # type: ignore[no-untyped-def]
    places = table[0, head]
    for item in range(due.shape[0]):
        slot = due[item]
        table[0, slot].row = PLACE
        table[0, slot].behind = places.behind
        places.behind = np.uint32(keys[slot] - np.uint64(FIRST_WAITING))
        mark(changed, dirty, 0, slot, capacity)
    if due.shape[0]:
        mark(changed, dirty, 0, head, capacity)
