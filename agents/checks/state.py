"""State of the checks stage: rows of service points that have a check meter, and of nobody else; one of the last tick.

Such a point has a row of its own, and one for each local day that may still change: what either meter measured of it,
and what was said of a run of days that begins with it. Rows are found by keys of point and day, and lie on any page of
the partition (`pipeline.keyed`), since they come and go.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.exceptions.kernels import known
from pipeline.columns import Array
from pipeline.state import Layout, StateStore, Table

QUARTER_SECS, QUARTERS = 900, 96

ROW = np.dtype(
    [
        ("day", "<i8"),  # local day; of a point's row: first day of the run that left the window open, 0: none
        ("main", "<i8"),  # Wh of the day; of a point's row: of that run's days that differ, and so the next two
        ("check", "<i8"),
        ("wh", "<i8"),  # sum of what each day differs by
        ("last", "<i8"),  # of a point's row: last day of that run that differs; of the row TODAY: time of the last tick
        ("heard", "<i8"),  # of a point's row: the newest day that its check meter told something of
        ("said_last", "<i8"),  # of the run that begins here: what the last exception said
        ("said_main", "<i8"),
        ("said_check", "<i8"),
        ("said_wh", "<i8"),
        ("permille", "<i4"),  # tolerance; below 0: not judged
        ("measured", "u1"),  # 1: `main` is what the main meter measured of the whole day
        ("covered", "u1"),  # 1: `check` is that of the whole day
        ("said", "u1"),  # NOTHING, OPEN, CLOSED
        ("spare", "u1"),
    ]
)

NOTHING, OPEN, CLOSED = range(3)
"""What was said of the run of days that begins with a row's."""

CELL = np.dtype([("order", "<u8"), ("wh", "<i8")])
"""What the check meter said of an interval, by the quarter of an hour in which it begins. order: number of the
statement << ORDER_BITS | quarters that it is long, 0: taken back. Of two the one with the larger (order, wh) holds."""
ORDER_BITS = 8

LAYOUT = Layout("checks", 1, (Table("rows", ROW), Table("cells", CELL, QUARTERS)))

POINT_BITS = 56
LARGEST_POINT = (1 << POINT_BITS) - 1
"""Keys of days have the day's place above it."""
PLACES = 127
TODAY = np.uint64(2**64 - 1)
"""Key of the row that is no service point's: `day` is that of the last tick."""


def day_keys(points: Array, days: Array) -> Array:
    """Keys u64 (n,) of local days i64 (n,) of service points u64 (n,)."""
    keys: Array = points | (1 + days % PLACES).astype(np.uint64) << np.uint64(POINT_BITS)
    return keys


def known_slots(store: StateStore, keys: Array) -> Array:
    """Slots i64 (n,) of keys u64 (n,); -1 where there is no row."""
    slots: Array = np.empty(len(keys), np.int64)
    known(np.ascontiguousarray(keys), store.keys, len(store.pages), store.capacity, slots)
    return slots


def rows_of(store: StateStore) -> Array:
    """ROW (slots,), good until the store grows."""
    rows: Array = store.areas["rows"].flat[0]
    return rows


def enter_days(store: StateStore, slots: Array, days: Array) -> None:
    """Rows at slots i64 (n,) are those of local days i64 (n,) from now on; what was kept there of another is gone."""
    rows = rows_of(store)
    other = slots[(rows["day"][slots] != days) & (rows["day"][slots] != 0)]
    if len(other):
        rows[other] = np.zeros((), ROW)
        store.areas["cells"].flat[:, other] = np.zeros((), CELL)
        for quarter in range(QUARTERS):
            touch(store, "cells", other, quarter)
    rows["day"][slots] = days
    touch(store, "rows", slots)


def touch(store: StateStore, table: str, slots: Array, slices: Array | int = 0) -> None:
    """Note that rows at slots i64 (n,) of slices i64 (n,) changed."""
    area = store.areas[table]
    bits = np.uint64(1) << (slots & 63).astype(np.uint64)
    words: Any = (slices, slots >> 6)
    np.bitwise_or.at(area.marks, words, bits)
    area.dirty[slices, slots // store.capacity] = 1
