"""Kernels of rating: readings into days, days into months.

State arrays are the (slices, slots) views of `agents.rating.state`; `*_changed` and `*_dirty` are their marks.
Results below zero tell the step which rule of the window was broken (see `agents.rating.step`).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.rating.calendar import QUARTER_SECS, day_of, month_first, month_of
from agents.rating.state import ZONES
from pipeline.channels import N_ENERGY
from pipeline.codes import Quality
from pipeline.localtime import DAY_SECS
from pipeline.state import mark

OFFSET_SHIFT = 20
"""A reading's revision is (offset of the frames record << 20) | place."""

BILLED = sum(1 << int(quality) for quality in (Quality.ACTUAL, Quality.ESTIMATED, Quality.MANUAL, Quality.DERIVED))
"""Bit n: energy of quality n counts."""

REGISTER_OPENING, REGISTER_CLOSING, REGISTER_SPAN, REGISTER_EXCHANGE = 1, 2, 8, 16
"""Bits of ReadingBatch.day_registers."""
REGISTERS_BOTH = REGISTER_OPENING | REGISTER_CLOSING
FINAL = 1


@njit(nogil=True, cache=True)
def accumulate(  # type: ignore[no-untyped-def]
    slots, link, start, quality, revision, energy, prior_reading, prior_quality, prior_energy,
    link_tariff, offset, capacity, number_first, number_count, versions, calendars,
    days, days_changed, days_dirty, settled, settled_changed, settled_dirty, months, months_changed, months_dirty,
):  # fmt: skip
    """Add readings to their days, and take away what they replace.

    slots i64 (n,), link u32 (n,), start i64 (n,) epoch s, quality u64 (n,) nibbles, revision u64 (n,), energy i64
    (n, 4); prior_*: k rows as in ReadingBatch; link_tariff i32 (links,) row of number_first/number_count, -1 for none.
    Returns -1, or the first reading that belongs to a day which has left the window.
    """
    ring = days.shape[0]
    for row in range(slots.shape[0]):
        slot = slots[row]
        day = day_of(start[row], offset)
        slice_ = day % ring
        if days[slice_, slot].day != day:
            if days[slice_, slot].day > day:
                return row
            open_day(slot, day, slice_, days, settled, settled_changed, settled_dirty, months, months_changed,
                      months_dirty, capacity)  # fmt: skip
        record = days[slice_, slot]
        record.touched = np.uint32(1)
        frame_offset = np.int64(revision[row] >> np.uint64(OFFSET_SHIFT))
        if record.first_offset < 0 or frame_offset < record.first_offset:
            record.first_offset = frame_offset
        if frame_offset > record.last_offset:
            record.last_offset = frame_offset
        if (BILLED >> np.int64(quality[row] & np.uint64(15))) & 1:
            zone = _zone(link[row], start[row], offset, link_tariff, number_first, number_count, versions, calendars)
            record.zones[zone] += energy[row, 0]
        mark(days_changed, days_dirty, slice_, slot, capacity)
    for place in range(prior_reading.shape[0]):
        if (BILLED >> np.int64(prior_quality[place])) & 1:
            row = prior_reading[place]
            slice_ = day_of(start[row], offset) % ring
            zone = _zone(link[row], start[row], offset, link_tariff, number_first, number_count, versions, calendars)
            days[slice_, slots[row]].zones[zone] -= prior_energy[place, 0]
    return -1


@njit(nogil=True, cache=True, inline="always")
def _zone(link, start, offset, link_tariff, number_first, number_count, versions, calendars):  # type: ignore[no-untyped-def]
    if link >= link_tariff.shape[0] or link_tariff[link] < 0:
        return 0
    number = link_tariff[link]
    row = version_at(number, start, number_first, number_count, versions)
    if row < 0:
        return 0
    return np.int64(calendars[versions[row].calendar, (start + offset) % DAY_SECS // QUARTER_SECS])


@njit(nogil=True, cache=True, inline="always")
def version_at(number, time, number_first, number_count, versions):  # type: ignore[no-untyped-def]
    """Row of the version in force at `time` among those of one tariff number, or -1."""
    row = number_first[number] + number_count[number] - 1
    while row >= number_first[number]:
        if versions[row].valid_from <= time:
            return row
        row -= 1
    return np.int64(-1)


@njit(nogil=True, cache=True)
def open_day(  # type: ignore[no-untyped-def]
    slot, day, slice_, days, settled, settled_changed, settled_dirty, months, months_changed, months_dirty, capacity
):
    """Give the slice to `day`; what it held before goes into its month for good."""
    record, known = days[slice_, slot], settled[slice_, slot]
    if known.revision > 0:
        _fold(slot, record, known, months, months_changed, months_dirty, capacity)
        clear_settled(known)
        mark(settled_changed, settled_dirty, slice_, slot, capacity)
    record.day = day
    record.touched = np.uint32(0)
    record.first_offset = -1
    record.last_offset = -1
    for zone in range(ZONES):
        record.zones[zone] = 0


@njit(nogil=True, cache=True)
def clear_settled(known):  # type: ignore[no-untyped-def]
    """A day without a determinant."""
    known.revision = np.uint16(0)
    known.state = np.uint8(0)
    known.registers = np.uint8(0)
    known.estimated = 0
    known.demand_w = np.uint32(0)
    known.demand_va = np.uint32(0)
    known.demand_start = np.uint32(0)
    known.demand_va_start = np.uint32(0)
    for channel in range(N_ENERGY):
        known.energy[channel] = 0
    for place in range(4):
        known.counts[place] = np.uint16(0)


@njit(nogil=True, cache=True)
def _fold(slot, record, known, months, months_changed, months_dirty, capacity):  # type: ignore[no-untyped-def]
    month = month_of(np.int64(record.day))
    open_month(slot, month, months)
    total = months[month % 2, slot]
    if total.month != month:  # an older month than the two that are kept: its determinant has been final for long
        return
    add_day(total, record, known)
    mark(months_changed, months_dirty, month % 2, slot, capacity)


@njit(nogil=True, cache=True)
def open_month(slot, month, months):  # type: ignore[no-untyped-def]
    """Make sure that the month has its slice; the month before last gives way."""
    total = months[month % 2, slot]
    if total.month < month:
        clear_month(total)
        total.month = month


@njit(nogil=True, cache=True)
def clear_month(total):  # type: ignore[no-untyped-def]
    """A month without days."""
    total.month = 0
    total.revision = np.uint16(0)
    total.state = np.uint8(0)
    total.last_day = np.uint8(0)
    total.days = np.uint8(0)
    total.register_days = np.uint8(0)
    total.exchange_days = np.uint8(0)
    total.known = np.uint8(0)
    total.carry_wh = np.uint16(0)
    total.demand_w = np.uint32(0)
    total.demand_va = np.uint32(0)
    total.demand_start = np.uint32(0)
    total.demand_va_start = np.uint32(0)
    total.estimated = 0
    total.first_offset = -1
    total.last_offset = -1
    total.paise = 0
    for place in range(4):
        total.counts[place] = np.uint16(0)
    for zone in range(ZONES):
        total.zones[zone] = 0
    for channel in range(N_ENERGY):
        total.energy[channel] = 0
        total.opening[channel] = 0
        total.closing[channel] = 0


@njit(nogil=True, cache=True)
def add_day(total, record, known):  # type: ignore[no-untyped-def]
    """Add a settled day to a month (or to a copy of one)."""
    total.days = np.uint8(total.days + 1)
    for zone in range(ZONES):
        total.zones[zone] += record.zones[zone]
    for channel in range(N_ENERGY):
        total.energy[channel] += known.energy[channel]
    for place in range(4):
        total.counts[place] = np.uint16(total.counts[place] + known.counts[place])
    total.estimated += known.estimated
    day = np.int64(record.day)
    if day + 1 == month_first(month_of(day) + 1):
        total.last_day = np.uint8(1)
    if (known.registers & REGISTERS_BOTH) == REGISTERS_BOTH or known.registers & REGISTER_SPAN:
        total.register_days = np.uint8(total.register_days + 1)
    if known.registers & REGISTER_EXCHANGE:
        total.exchange_days = np.uint8(total.exchange_days + 1)
    if _larger(known.demand_w, known.demand_start, total.demand_w, total.demand_start):
        total.demand_w, total.demand_start = known.demand_w, known.demand_start
    if _larger(known.demand_va, known.demand_va_start, total.demand_va, total.demand_va_start):
        total.demand_va, total.demand_va_start = known.demand_va, known.demand_va_start
    if record.first_offset >= 0 and (total.first_offset < 0 or record.first_offset < total.first_offset):
        total.first_offset = record.first_offset
    if record.last_offset > total.last_offset:
        total.last_offset = record.last_offset


@njit(nogil=True, cache=True, inline="always")
def _larger(demand, start, than, than_start):  # type: ignore[no-untyped-def]
    """Of equal demands the earlier counts, so that the order of days does not matter."""
    return start > 0 and (than_start == 0 or demand > than or (demand == than and start < than_start))
