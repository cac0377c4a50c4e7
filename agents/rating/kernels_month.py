"""Kernels of rating: days into months, and the row of a month's determinant."""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.rating.calendar import day_start, month_first, month_of
from agents.rating.rows import FINALISED, FIRST, FROM_INTERVALS, FROM_REGISTERS, MONTH_KIND, RUNNING
from agents.rating.state import ZONES
from pipeline.channels import N_ENERGY
from pipeline.state import mark

REGISTER_OPENING, REGISTER_CLOSING, REGISTER_SPAN, REGISTER_EXCHANGE = 1, 2, 8, 16
"""Bits of ReadingBatch.day_registers."""
REGISTERS_BOTH = REGISTER_OPENING | REGISTER_CLOSING
FINAL = 1
UNIT_WH = 1000


@njit(nogil=True, cache=True)
def clear_settled(known):  # type: ignore[no-untyped-def]
    """A day without a determinant."""
    known.revision = 0
    known.state = 0
    known.registers = 0
    known.estimated = 0
    known.demand_w = 0
    known.demand_va = 0
    known.demand_start = 0
    known.demand_va_start = 0
    for channel in range(N_ENERGY):
        known.energy[channel] = 0
    for place in range(4):
        known.counts[place] = 0


@njit(nogil=True, cache=True)
def _clear_month(total):  # type: ignore[no-untyped-def]
    total.revision = 0
    total.state = 0
    total.last_day = 0
    total.days = 0
    total.register_days = 0
    total.exchange_days = 0
    total.known = 0
    total.carry_wh = 0
    total.demand_w = 0
    total.demand_va = 0
    total.demand_start = 0
    total.demand_va_start = 0
    total.estimated = 0
    total.first_offset = -1
    total.last_offset = -1
    total.paise = 0
    for place in range(4):
        total.counts[place] = 0
    for zone in range(ZONES):
        total.zones[zone] = 0
    for channel in range(N_ENERGY):
        total.energy[channel] = 0
        total.opening[channel] = 0
        total.closing[channel] = 0


@njit(nogil=True, cache=True)
def open_month(state, slot, month):  # type: ignore[no-untyped-def]
    """The month's sums; the month before last gives way. A month older than that is not kept: the newer is returned."""
    total = state.months.rows[month % 2, slot]
    if total.month < month:
        _clear_month(total)
        total.month = month
        mark(state.months.changed, state.months.dirty, month % 2, slot, state.capacity)
    return total


@njit(nogil=True, cache=True)
def close_day(state, slot, record, known):  # type: ignore[no-untyped-def]
    """Put a day that leaves the window into its month."""
    month = month_of(np.int64(record.day))
    total = open_month(state, slot, month)
    if total.month == month:
        _add_day(total, record, known)
        mark(state.months.changed, state.months.dirty, month % 2, slot, state.capacity)


@njit(nogil=True, cache=True)
def _add_day(total, record, known):  # type: ignore[no-untyped-def]
    """Add a settled day to a month, or to a copy of one."""
    total.days += 1
    day = np.int64(record.day)
    if day + 1 == month_first(month_of(day) + 1):
        total.last_day = 1
    for zone in range(ZONES):
        total.zones[zone] += record.zones[zone]
    for channel in range(N_ENERGY):
        total.energy[channel] += known.energy[channel]
    for place in range(4):
        total.counts[place] += known.counts[place]
    total.estimated += known.estimated
    if (known.registers & REGISTERS_BOTH) == REGISTERS_BOTH or known.registers & REGISTER_SPAN:
        total.register_days += 1
    if known.registers & REGISTER_EXCHANGE:
        total.exchange_days += 1
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


@njit(nogil=True, cache=True)
def _sum_month(state, slot, month, scratch):  # type: ignore[no-untyped-def]
    """scratch[0] = closed days of the month + its settled days in the window; True when all of the latter are final."""
    scratch[0] = state.months.rows[month % 2, slot]
    final = True
    for slice_ in range(state.days.rows.shape[0]):
        record, known = state.days.rows[slice_, slot], state.settled.rows[slice_, slot]
        if known.revision > 0 and month_of(np.int64(record.day)) == month:
            _add_day(scratch[0], record, known)
            final = final and known.state == FINAL
    return final


@njit(nogil=True, cache=True)
def _carried(state, slot, month, scratch):  # type: ignore[no-untyped-def]
    """Wh of a month that are less than a unit, and go into the next month."""
    _sum_month(state, slot, month, scratch)
    return (state.months.rows[month % 2, slot].carry_wh + scratch[0].energy[0]) % UNIT_WH


@njit(nogil=True, cache=True)
def carry_differs(state, slot, month, scratch):  # type: ignore[no-untyped-def]
    """Whether the month after has a determinant that was made with another remainder of this month."""
    after = state.months.rows[(month + 1) % 2, slot]
    if after.month != month + 1 or after.revision == 0:
        return False
    return after.carry_wh != _carried(state, slot, month, scratch)


@njit(nogil=True, cache=True)
def keep_registers(total, day, month, item, settlements):  # type: ignore[no-untyped-def]
    """Keep the registers at both ends of the month."""
    if day == month_first(month):
        total.known = (total.known & ~REGISTER_OPENING) | (settlements.registers[item] & REGISTER_OPENING)
        for channel in range(N_ENERGY):
            total.opening[channel] = settlements.opening[item, channel]
    if day + 1 == month_first(month + 1):
        total.known = (total.known & ~REGISTER_CLOSING) | (settlements.registers[item] & REGISTER_CLOSING)
        for channel in range(N_ENERGY):
            total.closing[channel] = settlements.closing[item, channel]


@njit(nogil=True, cache=True)
def month_row(state, slot, month, reason, delta, secs, month_to_date, scratch, row):  # type: ignore[no-untyped-def]
    """Fill the month's determinant; False when there is none to write. delta i64 (4,) to the one before."""
    stored = state.months.rows[month % 2, slot]
    if state.months.rows[(month - 1) % 2, slot].month == month - 1:
        stored.carry_wh = _carried(state, slot, month - 1, scratch)
    final = _sum_month(state, slot, month, scratch)
    total = scratch[0]
    if not month_to_date and not total.last_day:
        return False
    now = FINAL if final and total.last_day else 0
    if reason == FINALISED and stored.state == now and stored.revision > 0:
        return False
    first = stored.revision == 0
    stored.revision += 1
    stored.state = now
    mark(state.months.changed, state.months.dirty, month % 2, slot, state.capacity)
    row.kind = MONTH_KIND
    # The first determinant of another day is not the first of its month.
    row.reason = FIRST if first else (RUNNING if reason == FIRST else reason)
    row.period_start = day_start(month_first(month), state.offset)
    row.period_end = day_start(month_first(month + 1), state.offset)
    row.state = now
    row.revision = stored.revision
    row.known = total.known
    row.source = FROM_REGISTERS if total.register_days == total.days else FROM_INTERVALS
    row.segments = 1 + total.exchange_days
    row.expected = (row.period_end - row.period_start) // secs
    copy_sums(row, total, total)
    for channel in range(N_ENERGY):
        row.delta[channel] = total.energy[channel] if first else delta[channel]
        row.opening[channel] = total.opening[channel]
        row.closing[channel] = total.closing[channel]
    row.units = stored.carry_wh + total.energy[0]
    return True


@njit(nogil=True, cache=True)
def copy_sums(row, sums, zones):  # type: ignore[no-untyped-def]
    """Energies, demand, counts and lineage of a day or month into its determinant."""
    for channel in range(N_ENERGY):
        row.energy[channel] = sums.energy[channel]
    row.estimated = sums.estimated
    for zone in range(ZONES):
        row.zones[zone] = zones.zones[zone]
    for place in range(4):
        row.counts[place] = sums.counts[place]
    row.demand_w, row.demand_start = sums.demand_w, sums.demand_start
    row.demand_va, row.demand_va_start = sums.demand_va, sums.demand_va_start
    row.first_offset = zones.first_offset
    row.last_offset = zones.last_offset
