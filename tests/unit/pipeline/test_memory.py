"""Zeros that take memory only where they are written to, and what of the state stays so."""

from __future__ import annotations

import numpy as np
import psutil

from bench.memory.account import Account, again
from pipeline.lookup import groups_of
from pipeline.memory import HUGE_BYTES, untouched
from pipeline.runtime.memory import give_back
from pipeline.state import FULLEST, Layout, StateStore, Table

SLICES = 64
LAYOUT = Layout(
    "toy", 1, (Table("ring", np.dtype("<u8"), SLICES), Table("words", np.dtype([("a", "<u8"), ("b", "u1")])))
)
POINTS = np.arange(1, 40_001, dtype=np.uint64)


def resident(array: np.ndarray) -> int:
    """Bytes that the system has given."""
    account = Account()
    account.add("toy", "it", array)
    account.close()
    return account.resident["toy", "it"]


def filled() -> StateStore:
    """A store whose ring was written to in one slice."""
    store = StateStore(LAYOUT, range(512))
    for some in np.array_split(POINTS, 40):
        slots = store.locate(some, some)
        store.areas["ring"].flat[7, slots] = some
    return store


def test_large_zeros_are_not_resident_until_they_are_written_to() -> None:
    slice_bytes = HUGE_BYTES // 4
    array = untouched((16, slice_bytes // 8), np.dtype(np.uint64))
    assert not array.any()
    assert resident(array) == 0
    array[3] = 1
    assert array.sum() == slice_bytes // 8
    assert slice_bytes <= resident(array) < 2 * slice_bytes


def test_small_zeros_are_zeros_of_their_type() -> None:
    for shape in ((0,), (3, 2), (1, 100_000)):
        array = untouched(shape, np.dtype([("a", "<u8"), ("b", "u1")]))
        assert array.shape == shape
        assert array.flags.writeable
        assert not array.view(np.uint8).any()


def test_slices_that_nobody_wrote_to_stay_untouched_when_pages_grow_and_when_they_are_restored() -> None:
    for store in (filled(), again(filled())):
        slots = store.locate(POINTS, POINTS)
        ring = store.areas["ring"]
        assert (ring.flat[7, slots] == POINTS).all()
        assert np.count_nonzero(ring.flat) == len(POINTS)
        assert resident(ring.rows) < 3 * ring.rows.nbytes // SLICES


def test_pages_get_the_right_size_at_once_when_all_points_are_entered() -> None:
    store = StateStore(LAYOUT, range(512))
    assert len(np.unique(store.locate(POINTS, POINTS))) == len(POINTS)
    groups = np.empty(len(POINTS), np.uint16)
    groups_of(POINTS, groups)
    fullest = int(np.bincount(groups // 8).max())
    assert store.used.max() == fullest
    assert fullest <= store.capacity * FULLEST <= fullest + 64


def test_keys_that_are_in_already_make_no_page_larger() -> None:
    store = StateStore(LAYOUT, range(512))
    most = np.tile(POINTS[:-200], 3)
    store.locate(most, most)
    assert store.capacity == filled_at_once(POINTS[:-200]).capacity
    before = store.capacity
    store.locate(np.tile(POINTS, 3), np.tile(POINTS, 3))
    assert store.capacity <= 1.2 * before


def filled_at_once(points: np.ndarray) -> StateStore:
    """A store that was told of all points together."""
    store = StateStore(LAYOUT, range(512))
    store.locate(points, points)
    return store


def test_pages_that_grow_by_and_by_are_hardly_larger() -> None:
    at_once = StateStore(LAYOUT, range(512))
    at_once.locate(POINTS, POINTS)
    assert at_once.capacity <= filled().capacity <= 1.35 * at_once.capacity


def test_freed_memory_goes_back_though_what_lies_behind_it_is_kept() -> None:
    size, count = 1 << 16, 1_500
    process = psutil.Process()
    pieces = [b"1" * size for _ in range(count)]
    full = process.memory_info().rss
    kept = pieces[::50]
    del pieces
    give_back()
    assert len(kept) == count // 50
    assert full - process.memory_info().rss > size * count // 2
