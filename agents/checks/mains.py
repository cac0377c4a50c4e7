"""What main meters measured, by settlements, into the rows of points that have a check meter.

A day counts where the meter itself measured all of it: every interval came, or its registers say the sum.
"""

from __future__ import annotations

import numpy as np

from agents.checks.limits import Prepared
from agents.checks.state import LARGEST_POINT, day_keys, enter_days, known_slots, rows_of
from agents.usage.items import BOTH, SEVERAL_DAYS
from pipeline.batch import ReadingBatch
from pipeline.columns import Array
from pipeline.keyed import locate
from pipeline.localtime import DAY_SECS
from pipeline.state import StateStore

ACTUAL = 0
"""Place of `day_counts`."""


def take(batch: ReadingBatch, store: StateStore, prepared: Prepared, offset_secs: int, days: range) -> Array:
    """Take the settlements of local days in `days`; points u64 (n,) of which something has changed."""
    points = batch.day_service_point
    rows = np.flatnonzero((points <= LARGEST_POINT) & (known_slots(store, points) >= 0))
    day = (batch.day_start[rows].astype(np.int64) + offset_secs) // DAY_SECS
    inside = (day >= days.start) & (day < days.stop)
    rows, day = rows[inside], day[inside]
    if not len(rows):
        return points[:0]
    keys = day_keys(points[rows], day)
    # Of two settlements of a day in one batch the later one holds.
    newest = len(rows) - 1 - np.unique(keys[::-1], return_index=True)[1]
    rows, day, slots = rows[newest], day[newest], locate(store, keys[newest])
    links = batch.day_link[rows].astype(np.int64)
    main = batch.day_actual[rows, 0] + batch.day_estimated[rows, 0]
    measured = _measured(batch, rows, prepared.secs(links), main)
    main = np.where(measured, main, 0)
    permille = prepared.tolerances(links, day)
    enter_days(store, slots, day)
    kept = rows_of(store)
    changed = (kept["main"][slots] != main) | (kept["measured"][slots] != measured)
    changed |= kept["permille"][slots] != permille
    kept["main"][slots], kept["measured"][slots], kept["permille"][slots] = main, measured, permille
    return np.unique(points[rows[changed]])


def _measured(batch: ReadingBatch, rows: Array, secs: Array, main: Array) -> Array:
    """Mask of the settlements `rows` i64 (n,) whose energy main i64 (n,) is the meter's own, of the whole day."""
    counts = batch.day_counts[rows].astype(np.int64)
    expected = counts.sum(axis=1)
    alone = (batch.day_registers[rows] & (BOTH | SEVERAL_DAYS)) == BOTH
    by_registers = alone & (batch.day_register_energy[rows, 0] == main)
    came = counts[:, ACTUAL] == expected
    measured: Array = (came | by_registers) & (expected * secs == DAY_SECS)
    return measured
