"""Rows that are not keyed by service point: they stay in the partition's own pages, and can be forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from agents.rating.state import DAY
from pipeline.keyed import find_slot, locate, node_keys, retain, spread, stand_ins
from pipeline.lookup import pages_of_partition, partitions_of
from pipeline.state import Layout, StateStore, Table

LAYOUT = Layout("test", 1, (Table("value", np.dtype("<i8")), Table("pair", np.dtype("<i4"), 2)))


@pytest.mark.parametrize("partitions", [1, 3, 12, 512])
def test_every_page_has_a_stand_in_that_its_own_partition_holds(partitions: int) -> None:
    for partition in range(partitions):
        pages = pages_of_partition(partition, partitions)
        homes = stand_ins(pages.start, pages.stop)
        assert len(homes) == len(pages)
        assert set(partitions_of(homes, partitions).tolist()) == {partition}


def test_what_is_retained_keeps_its_rows_and_the_rest_is_gone() -> None:
    store = StateStore(LAYOUT, range(100, 143))
    keys = node_keys(np.arange(1, 20_001) % 500 + 1, np.arange(1, 20_001) * 900)
    slots = locate(store, keys)
    store.areas["value"].flat[0, slots] = np.arange(20_000)
    store.areas["pair"].flat[1, slots] = -np.arange(20_000)
    retain(store, slots[::7])
    assert int(store.used.sum()) == len(keys[::7])
    again = locate(store, keys[::7])
    assert store.areas["value"].flat[0, again].tolist() == list(range(0, 20_000, 7))
    assert store.areas["pair"].flat[1, again].tolist() == [-value for value in range(0, 20_000, 7)]
    assert int((store.areas["value"].flat != 0).sum()) == len(again) - 1
    for area in store.areas.values():
        area.dirty[:] = 0
    retain(store, locate(store, keys[:1]))
    assert all(area.dirty.all() for area in store.areas.values())
    for area in store.areas.values():
        area.dirty[:] = 0
    retain(store, np.empty(0, np.int64))
    assert int(store.areas["value"].dirty.sum()) == 1
    new = locate(store, keys[1::7])
    assert not store.areas["value"].flat[0, new].any()


def test_a_key_is_found_where_it_was_entered_and_no_other_is() -> None:
    store = StateStore(LAYOUT, range(100, 143))
    keys = np.arange(1, 5_001, dtype=np.uint64)
    slots = locate(store, keys)
    own = (store.keys, np.int64(len(store.pages)), np.int64(store.capacity))
    assert [find_slot(key, *own) for key in keys[::50]] == slots[::50].tolist()
    assert {find_slot(key, *own) for key in np.arange(5_001, 5_101, dtype=np.uint64)} == {-1}


def test_keys_are_spread_evenly_and_always_alike() -> None:
    parts = spread(np.arange(1, 12_001, dtype=np.uint64), 12)
    counts = np.bincount(parts, minlength=12)
    assert counts.min() > 800
    assert (parts == spread(np.arange(1, 12_001, dtype=np.uint64), 12)).all()


def test_a_day_of_rating_is_one_cache_line() -> None:
    assert DAY.itemsize <= 64
