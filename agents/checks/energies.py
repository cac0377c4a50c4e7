"""What check meters measured, into the rows of their days. Of two statements about the same begin one holds, whatever
their order, so the rows are those of all that was said."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.checks.state import (
    LARGEST_POINT,
    ORDER_BITS,
    QUARTER_SECS,
    QUARTERS,
    day_keys,
    enter_days,
    rows_of,
    touch,
)
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.keyed import locate
from pipeline.localtime import DAY_SECS
from pipeline.state import StateStore

MOST_WH = 10**12
"""More is no energy of an interval; sums and shares of days stay within 64 bits by it."""
LARGEST_NUMBER = (1 << (64 - ORDER_BITS)) - 1


class Told(NamedTuple):
    """Statements that can be used: point u64 (n,), local day, quarter of an hour in it i64 (n,), order u64, Wh i64."""

    point: Array
    day: Array
    quarter: Array
    order: Array
    wh: Array

    def take(self, rows: Array) -> Told:
        """Some of them."""
        return Told(*(column[rows] for column in self))


def told_in(batch: ReadingBatch, offset_secs: int) -> Told:
    """The statements of a batch that lie on quarters of an hour within one local day."""
    local = batch.check_start + offset_secs
    quarter, length = local % DAY_SECS // QUARTER_SECS, batch.check_secs.astype(np.int64)
    quarters = np.where(batch.check_present != 0, length // QUARTER_SECS, 0)
    usable = (local % QUARTER_SECS == 0) & (length % QUARTER_SECS == 0) & (length > 0)
    usable &= quarter + length // QUARTER_SECS <= QUARTERS
    usable &= (batch.check_service_point > 0) & (batch.check_service_point <= LARGEST_POINT)
    usable &= (np.abs(batch.check_energy) <= MOST_WH) & (batch.check_number <= LARGEST_NUMBER)
    order = batch.check_number << np.uint64(ORDER_BITS) | quarters.astype(np.uint64)
    wh = np.where(quarters > 0, batch.check_energy, 0)
    told = Told(np.ascontiguousarray(batch.check_service_point), local // DAY_SECS, quarter, order, wh)
    return told.take(np.flatnonzero(usable))


def take(told: Told, store: StateStore) -> Array:
    """Take statements; points u64 (n,) of whose days a sum has changed. Points and days are entered where new."""
    count = len(told.point)
    slots = locate(store, np.concatenate([told.point, day_keys(told.point, told.day)]))
    own, slots = slots[:count], slots[count:]
    np.maximum.at(rows_of(store)["heard"], own, told.day)
    touch(store, "rows", own)
    enter_days(store, slots, told.day)
    newer = _newest(told, slots)
    told, slots = told.take(newer), slots[newer]
    cells = store.areas["cells"].flat
    order, wh = cells["order"][told.quarter, slots], cells["wh"][told.quarter, slots]
    changes = np.flatnonzero((told.order > order) | ((told.order == order) & (told.wh > wh)))
    told, slots = told.take(changes), slots[changes]
    cells["order"][told.quarter, slots], cells["wh"][told.quarter, slots] = told.order, told.wh
    touch(store, "cells", slots, told.quarter)
    slots, first = np.unique(slots, return_index=True)
    return np.unique(told.point[first[_sum_up(slots, store)]])


def _newest(told: Told, slots: Array) -> Array:
    """Places i64 of the statement of each interval that holds."""
    sorted_ = np.lexsort((told.wh, told.order, told.quarter, slots))
    ends = np.ones(len(sorted_), bool)
    slot, quarter = slots[sorted_], told.quarter[sorted_]
    ends[:-1] = (slot[1:] != slot[:-1]) | (quarter[1:] != quarter[:-1])
    found: Array = sorted_[ends]
    return found


def _sum_up(slots: Array, store: StateStore) -> Array:
    """Walk through the days at slots i64 (n,), interval by interval: their energy, where nothing lacks to midnight.

    Mask of those whose energy is another than before.
    """
    cells = store.areas["cells"].flat[:, slots]
    length = (cells["order"] & np.uint64((1 << ORDER_BITS) - 1)).astype(np.int64)
    at, total = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64)
    for quarter in range(QUARTERS):
        here = at == quarter
        total += np.where(here, cells["wh"][quarter], 0)
        at += np.where(here, length[quarter], 0)
    covered = at == QUARTERS
    total[~covered] = 0
    rows = rows_of(store)
    changed: Array = (rows["covered"][slots] != covered) | (rows["check"][slots] != total)
    rows["covered"][slots], rows["check"][slots] = covered, total
    touch(store, "rows", slots[changed])
    return changed
