"""Kernels of rating: readings into days."""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import day_of
from agents.rating.kernels_month import clear_settled, close_day
from agents.rating.state import ZONES
from agents.rating.tables import NOT_BILLED
from pipeline.jit import AHEAD, kernel, prefetch
from pipeline.localtime import DAY_SECS
from pipeline.state import mark

OFFSET_SHIFT = 20
"""A reading's revision is (offset of the frames record << 20) | place."""


@kernel
def accumulate(slots, start, revision, zone, energy, state):  # type: ignore[no-untyped-def]
    """Add readings to their days.

    slots i64 (n,), start i64 (n,) epoch s, revision u64 (n,), zone u8 (n,), energy i64 (n, 4); state: tables.State.
    Returns -1, or the first reading that belongs to a day which has left the window.
    """
    days = state.days.rows
    slot, slice_, begin = np.int64(-1), np.int64(0), np.int64(0)
    for row in range(slots.shape[0]):
        if row + AHEAD < slots.shape[0] and slots[row + AHEAD] != slots[row + AHEAD - 1]:
            prefetch(days, slice_ * days.shape[1] + slots[row + AHEAD])
        # Of a frame with many intervals those of one day follow each other: its record is open and marked.
        if slots[row] != slot or not 0 <= start[row] - begin < DAY_SECS:
            slot = slots[row]
            day = day_of(start[row], state.offset)
            slice_, begin = day % days.shape[0], day * DAY_SECS - state.offset
            if days[slice_, slot].day != day:
                if days[slice_, slot].day > day:
                    return row
                open_day(state, slot, day)
            days[slice_, slot].touched = 1
            mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
        record = days[slice_, slot]
        frame_offset = np.int64(revision[row] >> np.uint64(OFFSET_SHIFT))
        if record.first_offset < 0 or frame_offset < record.first_offset:
            record.first_offset = frame_offset
        if frame_offset > record.last_offset:
            record.last_offset = frame_offset
        if zone[row] != NOT_BILLED:
            record.zones[zone[row]] += energy[row, 0]
    return -1


@kernel
def withdraw(slots, start, zone, wh, days, offset):  # type: ignore[no-untyped-def]
    """Take away what readings that are in `accumulate` as well have replaced: wh i64 (n,) of zone u8 (n,)."""
    for row in range(slots.shape[0]):
        if zone[row] != NOT_BILLED:
            days[day_of(start[row], offset) % days.shape[0], slots[row]].zones[zone[row]] -= wh[row]


@kernel
def open_day(state, slot, day):  # type: ignore[no-untyped-def]
    """Give the slice to `day`; what it held before goes into its month for good."""
    slice_ = day % state.days.rows.shape[0]
    record, known = state.days.rows[slice_, slot], state.settled.rows[slice_, slot]
    if known.revision > 0:
        close_day(state.months, state.capacity, slot, record, known)
        clear_settled(known)
        mark(state.settled.changed, state.settled.dirty, slice_, slot, state.capacity)
    record.day = day
    record.touched = 0
    record.first_offset = -1
    record.last_offset = -1
    for zone in range(ZONES):
        record.zones[zone] = 0
    mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
