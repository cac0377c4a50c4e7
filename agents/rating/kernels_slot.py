"""Kernels of rating: how the numbers of a slot lie in the state, and in the second slot of those who need one."""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import day_start
from agents.rating.kernels_slot_month import LOW32, joined32, month_words, pack_months, unpack_months
from agents.rating.state import (
    COUNTS_AT,
    DEMAND_AT,
    DEMAND_START_AT,
    EDITED_DAY,
    ENERGY_AT,
    ESTIMATED_AT,
    LINEAGE,
    MONTH_WIDE,
    SETTLED_NUMBERS,
    STATUS_AT,
    TOUCHED,
    WIDE,
    ZONES,
)
from pipeline.channels import N_ENERGY
from pipeline.jit import expanded, inlined, kernel
from pipeline.lookup import first_place
from pipeline.state import mark

DONE, OUTSIDE, NARROW, TOO_LARGE = 0, 1, 2, 3
"""How a kernel ends: all done; at a day that has left the window; at a point that needs a second slot first; at a
number that does not fit into two."""

CHANGED = TOUCHED | EDITED_DAY
COUNT_BITS, LOW_COUNT = 12, (1 << 12) - 1
FINAL_BIT = 1 << 23


@kernel
def second_slot(state, slot):  # type: ignore[no-untyped-def]
    """The second slot of a point that has one."""
    key = ~state.keys[slot]
    base = slot - slot % state.capacity
    place = first_place(key, state.capacity)
    while state.keys[base + place] != key and state.keys[base + place] != 0:
        place += np.int64(1)
        if place == state.capacity:
            place = np.int64(0)
    return base + place


@kernel
def unpack(state, slot, work):  # type: ignore[no-untyped-def]
    """Take a slot apart; returns its second slot, -1 for none."""
    wide = np.int64(-1)
    if state.months.rows[0, slot].flags & MONTH_WIDE:
        wide = second_slot(state, slot)
    for slice_ in range(work.days.shape[0]):
        unpack_day(state, slice_, slot, wide, work)
        work.days_changed[slice_] = 0
        work.settled_changed[slice_] = 0
    unpack_months(state.months.rows, slot, wide, work)
    work.month_changed[0] = 0
    return wide


@kernel
def unpack_slice(state, slot, slice_, work):  # type: ignore[no-untyped-def]
    """As `unpack`, of one day alone; of the months only if the day is settled, else nothing of them will change."""
    wide = np.int64(-1)
    if state.days.rows[slice_, slot].flags & WIDE:
        wide = second_slot(state, slot)
    for other in range(work.days.shape[0]):
        work.days_changed[other] = 0
        work.settled_changed[other] = 0
    unpack_day(state, slice_, slot, wide, work)
    if work.settled[slice_].revision > 0:
        unpack_months(state.months.rows, slot, wide, work)
    work.month_changed[0] = 0
    return wide


@kernel
def unpack_day(state, slice_, slot, wide, work):  # type: ignore[no-untyped-def]
    """A day and what is settled of it. That a point has no second slot is said as a constant, so that the compiler
    leaves out all that is for one: nearly none has."""
    if wide < 0:
        _unpack_day(state.days.rows, slice_, slot, np.int64(-1), work.days[slice_])
        _unpack_settled(state, slice_, slot, np.int64(-1), work.days[slice_].day, work.settled[slice_])
    else:
        _unpack_day(state.days.rows, slice_, slot, wide, work.days[slice_])
        _unpack_settled(state, slice_, slot, wide, work.days[slice_].day, work.settled[slice_])


@inlined
def _unpack_day(rows, slice_, slot, wide, out):  # type: ignore[no-untyped-def]
    record = rows[slice_, slot]
    out.day, out.touched = record.day, record.flags & CHANGED
    out.first_offset, out.last_offset = first_offset(rows, slice_, slot, wide), np.int64(-1)
    if out.first_offset >= 0:
        out.last_offset = out.first_offset + offset_span(rows, slice_, slot, wide)
    for zone in range(ZONES):
        out.zones[zone] = zone_sum(rows, slice_, slot, wide, zone)


@expanded
def zone_sum(rows, slice_, slot, wide, zone):  # type: ignore[no-untyped-def]
    """Wh of a zone of a day."""
    return joined32(rows[slice_, slot].zones[zone], rows[slice_, wide].zones[zone] if wide >= 0 else np.uint32(0))


@expanded
def first_offset(rows, slice_, slot, wide):  # type: ignore[no-untyped-def]
    """Offset of the first frame of a day, -1 for none."""
    first = np.int64(-1)
    if rows[slice_, slot].flags & LINEAGE:
        first = joined32(rows[slice_, slot].first_offset, rows[slice_, slot].first_high)
        if wide >= 0:
            first |= np.int64(rows[slice_, wide].first_offset) << np.int64(40)
    return first


@expanded
def offset_span(rows, slice_, slot, wide):  # type: ignore[no-untyped-def]
    """Offset of the last frame of a day less the first's."""
    return joined32(rows[slice_, slot].span, rows[slice_, wide].span if wide >= 0 else np.uint32(0))


@expanded
def set_zone(rows, slice_, slot, wide, zone, wh):  # type: ignore[no-untyped-def]
    """Store Wh of a zone; without a second slot it fits into 32 bits."""
    rows[slice_, slot].zones[zone] = np.uint32(wh & LOW32)
    if wide >= 0:
        rows[slice_, wide].zones[zone] = np.uint32((wh >> np.int64(32)) & LOW32)


@expanded
def set_offsets(rows, slice_, slot, wide, first, last):  # type: ignore[no-untyped-def]
    """Store the lineage of a day that has one."""
    record, span = rows[slice_, slot], last - first
    record.flags |= LINEAGE
    record.first_offset, record.first_high = np.uint32(first & LOW32), np.uint8((first >> np.int64(32)) & 255)
    record.span = np.uint32(span & LOW32)
    if wide >= 0:
        rows[slice_, wide].first_offset = np.uint32((first >> np.int64(40)) & LOW32)
        rows[slice_, wide].span = np.uint32((span >> np.int64(32)) & LOW32)


@expanded
def _number(rows, slice_, slot, wide, place):  # type: ignore[no-untyped-def]
    value = np.int64(rows[slice_, slot].low[place]) | np.int64(rows[slice_, slot].high[place]) << np.int64(16)
    if wide >= 0:
        above = np.int64(rows[slice_, wide].low[place]) | np.int64(rows[slice_, wide].high[place]) << np.int64(16)
        value |= (above - ((above & FINAL_BIT) << np.int64(1))) << np.int64(24)
    return value


@inlined
def _unpack_settled(state, slice_, slot, wide, day, out):  # type: ignore[no-untyped-def]
    rows = state.settled.rows
    for channel in range(N_ENERGY):
        out.energy[channel] = _number(rows, slice_, slot, wide, ENERGY_AT + channel)
    out.estimated = _number(rows, slice_, slot, wide, ESTIMATED_AT)
    out.demand_w = _number(rows, slice_, slot, wide, DEMAND_AT)
    out.demand_va = _number(rows, slice_, slot, wide, DEMAND_AT + 1)
    begin = day_start(day, state.offset) - 1
    start = _number(rows, slice_, slot, wide, DEMAND_START_AT)
    out.demand_start = begin + start if start != 0 else np.int64(0)
    start = _number(rows, slice_, slot, wide, DEMAND_START_AT + 1)
    out.demand_va_start = begin + start if start != 0 else np.int64(0)
    for pair in range(2):
        packed = _number(rows, slice_, slot, wide, COUNTS_AT + pair)
        above = packed >> np.int64(24)
        out.counts[2 * pair] = packed & LOW_COUNT | (above & LOW_COUNT) << np.int64(COUNT_BITS)
        out.counts[2 * pair + 1] = (packed >> COUNT_BITS) & LOW_COUNT | (above >> COUNT_BITS) << np.int64(COUNT_BITS)
    status = _number(rows, slice_, slot, np.int64(-1), STATUS_AT)
    out.revision, out.registers = status & 0xFFFF, (status >> np.int64(16)) & 127
    out.state = np.int64(status & FINAL_BIT != 0)


@expanded
def _paired(one, other):  # type: ignore[no-untyped-def]
    """Two counts: twelve bits of each, then what is above."""
    low = (one & LOW_COUNT) | (other & LOW_COUNT) << np.int64(COUNT_BITS)
    return low | ((one >> COUNT_BITS) | (other >> COUNT_BITS) << np.int64(COUNT_BITS)) << np.int64(24)


@kernel
def _numbers(settled, day, offset, out):  # type: ignore[no-untyped-def]
    """The numbers of SETTLED, out i64; the status without what is above 24 bits."""
    for channel in range(N_ENERGY):
        out[ENERGY_AT + channel] = settled.energy[channel]
    out[ESTIMATED_AT] = settled.estimated
    out[DEMAND_AT], out[DEMAND_AT + 1] = settled.demand_w, settled.demand_va
    begin = day_start(day, offset) - 1
    out[DEMAND_START_AT] = settled.demand_start - begin if settled.demand_start != 0 else np.int64(0)
    out[DEMAND_START_AT + 1] = settled.demand_va_start - begin if settled.demand_va_start != 0 else np.int64(0)
    out[COUNTS_AT] = _paired(settled.counts[0], settled.counts[1])
    out[COUNTS_AT + 1] = _paired(settled.counts[2], settled.counts[3])
    out[STATUS_AT] = (settled.revision & 0xFFFF) | (settled.registers & 127) << np.int64(16)
    if settled.state:
        out[STATUS_AT] |= FINAL_BIT


@kernel
def pack(state, slot, wide, work):  # type: ignore[no-untyped-def]
    """Store and mark what was changed. Returns DONE, or NARROW or TOO_LARGE with nothing stored."""
    beyond24, too_large = _settled_bits(work, state.offset)
    if too_large:
        return TOO_LARGE
    beyond32 = _days_bits(work)
    if work.month_changed[0]:
        beyond32 |= month_words(work.months, work.words)
    if wide < 0 and (beyond24 >> np.int64(24) != 0 or beyond32 >> np.int64(32) != 0):
        return NARROW
    for slice_ in range(work.days.shape[0]):
        if work.days_changed[slice_]:
            _pack_day(state.days.rows, slice_, slot, wide, work.days[slice_])
            _mark(state.days, slice_, slot, wide, state.capacity)
        if work.settled_changed[slice_]:
            _pack_settled(state.settled.rows, slice_, slot, wide, work.numbers[slice_])
            _mark(state.settled, slice_, slot, wide, state.capacity)
    if work.month_changed[0]:
        pack_months(state.months.rows, slot, wide, work.months, work.words)
        _mark(state.months, 0, slot, wide, state.capacity)
    return DONE


@kernel
def _days_bits(work):  # type: ignore[no-untyped-def]
    """All bits of the changed days' numbers of 32 bits, offsets 8 bits lower."""
    bits = np.int64(0)
    for slice_ in range(work.days.shape[0]):
        if work.days_changed[slice_]:
            day = work.days[slice_]
            for zone in range(ZONES):
                bits |= day.zones[zone]
            if day.first_offset >= 0:
                bits |= (day.last_offset - day.first_offset) | day.first_offset >> np.int64(8)
    return bits


@kernel
def _settled_bits(work, offset):  # type: ignore[no-untyped-def]
    """Fill in `numbers` of the changed days: (all their bits, whether one does not even fit into 48)."""
    bits, too_large = np.int64(0), False
    for slice_ in range(work.days.shape[0]):
        if work.settled_changed[slice_]:
            _numbers(work.settled[slice_], work.days[slice_].day, offset, work.numbers[slice_])
            for place in range(SETTLED_NUMBERS):
                value = work.numbers[slice_, place]
                bits |= value
                # Of a negative number what its sign does not say.
                too_large = too_large or (value if value >= 0 else ~value) >> np.int64(47) != 0
    return bits, too_large


@expanded
def _mark(table, slice_, slot, wide, capacity):  # type: ignore[no-untyped-def]
    mark(table.changed, table.dirty, slice_, slot, capacity)
    if wide >= 0:
        mark(table.changed, table.dirty, slice_, wide, capacity)


@kernel
def _pack_day(rows, slice_, slot, wide, day):  # type: ignore[no-untyped-def]
    record = rows[slice_, slot]
    record.day = np.uint16(day.day)
    record.flags = np.uint8((record.flags & WIDE) | (day.touched & CHANGED))
    for zone in range(ZONES):
        set_zone(rows, slice_, slot, wide, zone, day.zones[zone])
    if day.first_offset >= 0:
        set_offsets(rows, slice_, slot, wide, day.first_offset, day.last_offset)


@kernel
def _pack_settled(rows, slice_, slot, wide, numbers):  # type: ignore[no-untyped-def]
    for place in range(SETTLED_NUMBERS):
        value = numbers[place]
        rows[slice_, slot].low[place] = np.uint16(value & 0xFFFF)
        rows[slice_, slot].high[place] = np.uint8((value >> np.int64(16)) & 255)
        if wide >= 0:
            rows[slice_, wide].low[place] = np.uint16((value >> np.int64(24)) & 0xFFFF)
            rows[slice_, wide].high[place] = np.uint8((value >> np.int64(40)) & 255)
