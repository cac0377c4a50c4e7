"""Kernels of rating: readings into days."""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import day_of
from agents.rating.kernels_month import clear_settled, close_day
from agents.rating.kernels_slot import (
    DONE,
    NARROW,
    OUTSIDE,
    first_offset,
    offset_span,
    pack,
    second_slot,
    set_offsets,
    set_zone,
    unpack,
    unpack_slice,
    zone_sum,
)
from agents.rating.state import MONTH, TOUCHED, WIDE, ZONES
from agents.rating.tables import NOT_BILLED
from pipeline.jit import AHEAD, expanded, kernel, prefetch
from pipeline.localtime import DAY_SECS
from pipeline.state import mark

OFFSET_SHIFT = 20
"""A reading's revision is (offset of the frames record << 20) | place."""
LINE, MONTH_OCTETS = 64, MONTH.itemsize


@kernel
def ends(times):  # type: ignore[no-untyped-def]
    """(least, most) of i64 (n,), n at least 1: numpy takes longer for a few hundred than for a call."""
    least = most = times[0]
    for row in range(1, times.shape[0]):
        least, most = min(least, times[row]), max(most, times[row])
    return least, most


@kernel
def accumulate(slots, start, revision, zone, energy, state, work, at):  # type: ignore[no-untyped-def]
    """Add readings from row `at` on to their days.

    slots i64 (n,), start i64 (n,) epoch s, revision u64 (n,), zone u8 (n,), energy i64 (n, 4); state: tables.State;
    work: Work. Returns (row, status): DONE, or why the row is not added.
    """
    days = state.days.rows
    slot, slice_, begin, wide = np.int64(-1), np.int64(0), np.int64(0), np.int64(-1)
    newest = np.int64(0)
    for row in range(at, slots.shape[0]):
        if row + AHEAD < slots.shape[0] and slots[row + AHEAD] != slots[row + AHEAD - 1]:
            prefetch(days, slice_ * days.shape[1] + slots[row + AHEAD])
            # Its record is here by now: for a point that is to begin a day more is asked for.
            near = slots[row + AHEAD // 2]
            if days[slice_, near].day != newest:
                _ask_for_closing(state, slice_, near)
        # Of a frame with many intervals those of one day follow each other: its record is open and marked.
        if slots[row] != slot or not 0 <= start[row] - begin < DAY_SECS:
            slot = slots[row]
            day = day_of(start[row], state.offset)
            slice_, begin, newest = day % days.shape[0], day * DAY_SECS - state.offset, day
            if days[slice_, slot].day != day:
                status = OUTSIDE if days[slice_, slot].day > day else _begin_day(state, slot, day, work)
                if status != DONE:
                    return row, status
            days[slice_, slot].flags |= TOUCHED
            mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
            wide = np.int64(-1)
            if days[slice_, slot].flags & WIDE:
                wide = second_slot(state, slot)
                mark(state.days.changed, state.days.dirty, slice_, wide, state.capacity)
        frame_offset = np.int64(revision[row] >> np.uint64(OFFSET_SHIFT))
        first = first_offset(days, slice_, slot, wide)
        last = first + offset_span(days, slice_, slot, wide)
        if first < 0:
            first, last = frame_offset, frame_offset
        first, last = min(first, frame_offset), max(last, frame_offset)
        if wide < 0 and (first >> np.int64(40) | (last - first) >> np.int64(32)) != 0:
            return row, NARROW
        if zone[row] != NOT_BILLED and not _add(days, slice_, slot, wide, np.int64(zone[row]), energy[row, 0]):
            return row, NARROW
        set_offsets(days, slice_, slot, wide, first, last)
    return slots.shape[0], DONE


@expanded
def _ask_for_closing(state, slice_, slot):  # type: ignore[no-untyped-def]
    """What `_begin_day` needs into the cache."""
    slots = state.days.rows.shape[1]
    prefetch(state.days.rows, (slice_ - 1) % state.days.rows.shape[0] * slots + slot)
    prefetch(state.settled.rows, slice_ * slots + slot)
    for line in range(0, MONTH_OCTETS, LINE):
        prefetch(state.months.octets, slot * MONTH_OCTETS + line)


@kernel
def withdraw(slots, start, zone, wh, state, at):  # type: ignore[no-untyped-def]
    """Take away what readings that are in `accumulate` as well have replaced: wh i64 (n,) of zone u8 (n,), from row
    `at` on. Returns (row, status) as that does."""
    days = state.days.rows
    for row in range(at, slots.shape[0]):
        if zone[row] != NOT_BILLED:
            slot, slice_, wide = slots[row], day_of(start[row], state.offset) % days.shape[0], np.int64(-1)
            if days[slice_, slot].flags & WIDE:
                wide = second_slot(state, slot)
                mark(state.days.changed, state.days.dirty, slice_, wide, state.capacity)
            if not _add(days, slice_, slot, wide, np.int64(zone[row]), -wh[row]):
                return row, NARROW
    return slots.shape[0], DONE


@expanded
def _add(days, slice_, slot, wide, zone, wh):  # type: ignore[no-untyped-def]
    """Add to a zone; False when the sum needs a second slot."""
    total = zone_sum(days, slice_, slot, wide, zone) + wh
    fits = wide >= 0 or total >> np.int64(32) == 0
    if fits:
        set_zone(days, slice_, slot, wide, zone, total)
    return fits


@kernel
def _begin_day(state, slot, day, work):  # type: ignore[no-untyped-def]
    days, slices = state.days.rows, work.days.shape[0]
    if slices > 1 and days[(day - 1) % slices, slot].day == day - 1:
        # The day before is the newest, so this one's slice alone is of a day that leaves the window.
        wide = unpack_slice(state, slot, day % slices, work)
        _replace(work, day % slices, day)
    else:
        wide = unpack(state, slot, work)
        open_day(work, day)
    return pack(state, slot, wide, work)


@kernel
def open_day(work, day):  # type: ignore[no-untyped-def]
    """Slide the window to `day`: what leaves it goes into its month for good, the earlier day first."""
    slices = work.days.shape[0]
    while True:
        oldest = np.int64(-1)
        for slice_ in range(slices):
            if work.days[slice_].day <= day - slices and (oldest < 0 or work.days[slice_].day < work.days[oldest].day):
                oldest = np.int64(slice_)
        if oldest < 0:
            return
        _replace(work, oldest, day - (day - oldest) % slices)


@kernel
def _replace(work, slice_, day):  # type: ignore[no-untyped-def]
    """Close the day of a slice, and begin `day` in it."""
    record, known = work.days[slice_], work.settled[slice_]
    if known.revision > 0:
        close_day(work, slice_)
        clear_settled(known)
        work.settled_changed[slice_] = 1
    record.day = day
    record.touched = 0
    record.first_offset = -1
    record.last_offset = -1
    for zone in range(ZONES):
        record.zones[zone] = 0
    work.days_changed[slice_] = 1
