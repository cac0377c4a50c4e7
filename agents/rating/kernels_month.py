"""Kernels of rating: days into months, and the row of a month's determinant."""

from __future__ import annotations

from agents.rating.calendar import day_start, month_first, month_of
from agents.rating.kernels_slot_month import EMPTY_MONTH, UNIT_WH
from agents.rating.rows import FINALISED, FIRST, FROM_INTERVALS, FROM_REGISTERS, MONTH_KIND, RUNNING
from agents.rating.state import ZONES
from pipeline.channels import N_ENERGY
from pipeline.codes import FINAL
from pipeline.jit import expanded, kernel

REGISTER_OPENING, REGISTER_CLOSING, REGISTER_SPAN, REGISTER_EXCHANGE = 1, 2, 8, 16
"""Bits of ReadingBatch.day_registers."""
REGISTERS_BOTH = REGISTER_OPENING | REGISTER_CLOSING


@kernel
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


@kernel
def open_month(work, month):  # type: ignore[no-untyped-def]
    """Give the month its sums; the month before last gives way."""
    if work.months[month % 2].month < month:
        work.months[month % 2] = EMPTY_MONTH[0]
        work.months[month % 2].month = month
        work.month_changed[0] = 1


@kernel
def close_day(work, slice_):  # type: ignore[no-untyped-def]
    """Put a day that leaves the window into its month."""
    record = work.days[slice_]
    month = month_of(record.day)
    open_month(work, month)
    total = work.months[month % 2]
    if total.month == month:  # else the month is older than the two that are kept
        _add_day(total, record, work.settled[slice_], month_first(month + 1))
        work.month_changed[0] = 1


@kernel
def _add_day(total, record, known, following):  # type: ignore[no-untyped-def]
    """Add a settled day to a month, or to a copy of one; `following` is the first day of the next month."""
    total.days += 1
    if record.day + 1 == following:
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


@expanded
def _larger(demand, start, than, than_start):  # type: ignore[no-untyped-def]
    """Of equal demands the earlier counts, so that the order of days does not matter."""
    return start > 0 and (than_start == 0 or demand > than or (demand == than and start < than_start))


@kernel
def _sum_month(work, month):  # type: ignore[no-untyped-def]
    """work.scratch = closed days of the month + its settled days in the window; True when all the latter are final."""
    work.scratch[0] = work.months[month % 2]
    final, first, following = True, month_first(month), month_first(month + 1)
    for slice_ in range(work.days.shape[0]):
        record, known = work.days[slice_], work.settled[slice_]
        if known.revision > 0 and first <= record.day < following:
            _add_day(work.scratch[0], record, known, following)
            final = final and known.state == FINAL
    return final


@kernel
def carried(work, month):  # type: ignore[no-untyped-def]
    """Wh of a month that are less than a unit, and go into the next month."""
    _sum_month(work, month)
    return (work.months[month % 2].carry_wh + work.scratch[0].energy[0]) % UNIT_WH


@kernel
def month_row(work, month, reason, month_to_date, row):  # type: ignore[no-untyped-def]
    """Fill the month's determinant; False when there is none to write. On entry row.delta is the difference to the one
    before."""
    stored = work.months[month % 2]
    if work.months[(month - 1) % 2].month == month - 1:
        stored.carry_wh = carried(work, month - 1)
    work.month_changed[0] = 1
    final = _sum_month(work, month)
    total = work.scratch[0]
    if not month_to_date and not total.last_day:
        return False
    now = FINAL if final and total.last_day else 0
    first = stored.revision == 0
    if reason == FINALISED and stored.state == now and not first:
        return False
    stored.revision += 1
    stored.state = now
    row.kind = MONTH_KIND
    # The first determinant of another day is not the first of its month.
    row.reason = FIRST if first else (RUNNING if reason == FIRST else reason)
    row.month, row.days, row.extra = month, total.days, -1
    row.state = now
    row.revision = stored.revision
    row.has_opening = total.known & REGISTER_OPENING
    row.has_closing = total.known & REGISTER_CLOSING
    row.source = FROM_REGISTERS if total.register_days == total.days else FROM_INTERVALS
    row.meter_segments = 1 + total.exchange_days
    copy_sums(row, total, total)
    for channel in range(N_ENERGY):
        if first:
            row.delta[channel] = total.energy[channel]
        row.opening[channel] = total.opening[channel]
        row.closing[channel] = total.closing[channel]
    row.units = stored.carry_wh + total.energy[0]
    return True


@kernel
def copy_sums(row, sums, zones):  # type: ignore[no-untyped-def]
    """Energies, demand, counts and lineage of a day or month into its determinant."""
    for channel in range(N_ENERGY):
        row.energy[channel] = sums.energy[channel]
    row.estimated_wh = sums.estimated
    for zone in range(ZONES):
        row.zones[zone] = zones.zones[zone]
    row.intervals_actual, row.intervals_estimated = sums.counts[0], sums.counts[1]
    row.intervals_missing, row.intervals_suspect = sums.counts[2], sums.counts[3]
    row.demand_w, row.demand_start = sums.demand_w, sums.demand_start
    row.demand_va, row.demand_va_start = sums.demand_va, sums.demand_va_start
    row.lineage_from = zones.first_offset
    row.lineage_to = zones.last_offset


@kernel
def month_period(row, offset, secs):  # type: ignore[no-untyped-def]
    """Begin, end and intervals of the month."""
    row.period_start = day_start(month_first(row.month), offset)
    row.period_end = day_start(month_first(row.month + 1), offset)
    row.intervals_expected = (row.period_end - row.period_start) // secs
