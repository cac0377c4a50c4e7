"""Kernels of rating: readings into days."""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.rating.calendar import QUARTER_SECS, day_of
from agents.rating.kernels_month import clear_settled, close_day
from agents.rating.state import ZONES
from pipeline.codes import Quality
from pipeline.localtime import DAY_SECS
from pipeline.state import mark

OFFSET_SHIFT = 20
"""A reading's revision is (offset of the frames record << 20) | place."""

BILLED = sum(1 << int(quality) for quality in (Quality.ACTUAL, Quality.ESTIMATED, Quality.MANUAL, Quality.DERIVED))
"""Bit n: energy of quality n counts."""


@njit(nogil=True, cache=True)
def accumulate(slots, readings, state, links, tariffs):  # type: ignore[no-untyped-def]
    """Add readings to their days, and take away what they replace.

    slots i64 (n,) of the readings; the rest are named tuples of `agents.rating.tables`.
    Returns -1, or the first reading that belongs to a day which has left the window.
    """
    days, start = state.days.rows, readings.start
    ring = days.shape[0]
    for row in range(slots.shape[0]):
        slot = slots[row]
        day = day_of(start[row], state.offset)
        slice_ = day % ring
        record = days[slice_, slot]
        if record.day != day:
            if record.day > day:
                return row
            open_day(state, slot, day)
        record.touched = 1
        frame_offset = np.int64(readings.revision[row] >> np.uint64(OFFSET_SHIFT))
        if record.first_offset < 0 or frame_offset < record.first_offset:
            record.first_offset = frame_offset
        if frame_offset > record.last_offset:
            record.last_offset = frame_offset
        if (BILLED >> np.int64(readings.quality[row] & np.uint64(15))) & 1:
            zone = _zone(readings.link[row], start[row], state.offset, links, tariffs)
            record.zones[zone] += readings.energy[row, 0]
        mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
    for place in range(readings.prior.shape[0]):
        if (BILLED >> np.int64(readings.prior_quality[place])) & 1:
            row = readings.prior[place]
            record = days[day_of(start[row], state.offset) % ring, slots[row]]
            zone = _zone(readings.link[row], start[row], state.offset, links, tariffs)
            record.zones[zone] -= readings.prior_energy[place, 0]
    return -1


@njit(nogil=True, cache=True)
def _zone(link, start, offset, links, tariffs):  # type: ignore[no-untyped-def]
    """Zone of an interval, by the local quarter hour that it begins in; 0 without a tariff."""
    if link >= links.tariff.shape[0] or links.tariff[link] < 0:
        return np.int64(0)
    row = version_at(links.tariff[link], start, tariffs)
    if row < 0:
        return np.int64(0)
    quarter = (start + offset) % DAY_SECS // QUARTER_SECS
    return np.int64(tariffs.calendars[tariffs.versions[row].calendar, quarter])


@njit(nogil=True, cache=True)
def version_at(number, time, tariffs):  # type: ignore[no-untyped-def]
    """Row of the version in force at `time` among those of the tariff at a place of `tariffs.first`, or -1."""
    row = tariffs.last[number]
    while row >= tariffs.first[number]:
        if tariffs.versions[row].valid_from <= time:
            return row
        row -= 1
    return np.int64(-1)


@njit(nogil=True, cache=True)
def open_day(state, slot, day):  # type: ignore[no-untyped-def]
    """Give the slice to `day`; what it held before goes into its month for good."""
    slice_ = day % state.days.rows.shape[0]
    record, known = state.days.rows[slice_, slot], state.settled.rows[slice_, slot]
    if known.revision > 0:
        close_day(state, slot, record, known)
        clear_settled(known)
        mark(state.settled.changed, state.settled.dirty, slice_, slot, state.capacity)
    record.day = day
    record.touched = 0
    record.first_offset = -1
    record.last_offset = -1
    for zone in range(ZONES):
        record.zones[zone] = 0
    mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
