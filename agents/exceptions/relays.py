"""Open load switches (V24), as momentary values of meters tell them; nothing is kept of a point whose switch never was.

Times are those of the meter's clock. A switch is known to have been open in [since, until) when a value from its begin
said so, none within it said otherwise, and one from behind its end has come.
"""

from __future__ import annotations

import numpy as np

from agents.exceptions.kernels import known, note_switches
from pipeline.batch import ReadingBatch
from pipeline.channels import SNAPSHOT_INDEX
from pipeline.codes import Flag
from pipeline.columns import Array
from pipeline.keyed import locate
from pipeline.state import StateStore

SWITCH = SNAPSHOT_INDEX["load_switch"]


def see_switches(batch: ReadingBatch, store: StateStore) -> None:
    """Take what momentary values say of load switches into the rows of their points; who has an open one gets a row."""
    told = (batch.snapshot_present >> np.uint32(SWITCH)) & np.uint32(1) != 0
    rows = np.flatnonzero(told & (batch.snapshot_flags & np.uint16(Flag.CLOCK_INVALID) == 0))
    if not len(rows):
        return
    closed = batch.snapshot[rows, SWITCH] != 0
    points = np.ascontiguousarray(batch.snapshot_service_point[rows])
    if not closed.all():
        locate(store, points[~closed])
    if not store.used.any():
        return
    slots: Array = np.empty(len(rows), np.int64)
    known(points, store.keys, len(store.pages), store.capacity, slots)
    area = store.areas["points"]
    note_switches(
        slots, np.ascontiguousarray(batch.snapshot_time[rows]), closed.astype(np.uint8), area.flat[0],
        area.changed.reshape(1, -1), area.dirty, store.capacity,
    )  # fmt: skip
