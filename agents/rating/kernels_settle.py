"""Kernels of rating: settlement rows into determinants of the day and of its month.

A settlement of VEE says that a day is complete for now. Its determinant is written when it differs from the last one,
and one of its month with it: the closed days plus the settled days of the window.
"""

from __future__ import annotations

from agents.rating.calendar import day_of, day_start, month_first, month_of
from agents.rating.kernels import open_day
from agents.rating.kernels_month import (
    REGISTER_CLOSING,
    REGISTER_EXCHANGE,
    REGISTER_OPENING,
    REGISTERS_BOTH,
    carried,
    copy_sums,
    month_period,
    month_row,
    open_month,
)
from agents.rating.rows import (
    DAY_KIND,
    FINALISED,
    FIRST,
    FROM_INTERVALS,
    FROM_REGISTERS,
    LATE_DATA,
    RE_ESTIMATED,
)
from agents.rating.state import DAY, MONTH, SETTLED
from pipeline.channels import N_ENERGY
from pipeline.jit import expanded, kernel, prefetch
from pipeline.localtime import DAY_SECS
from pipeline.state import mark

UNCHANGED = 255
"""No determinant: nothing that it says differs."""

NEAR = 5
"""Settlements ahead for which the state is asked for: thirty cache lines each, and the first level holds some 500."""
LINE = 64
DAY_OCTETS, SETTLED_OCTETS, MONTH_OCTETS = DAY.itemsize, SETTLED.itemsize, MONTH.itemsize


@expanded
def _ask(table, octets, slot):  # type: ignore[no-untyped-def]
    """All slices of a slot into the cache; octets: of a record."""
    for slice_ in range(table.rows.shape[0]):
        begin = (slice_ * table.rows.shape[1] + slot) * octets
        for place in range(0, octets, LINE):
            prefetch(table.octets, begin + place)
        prefetch(table.octets, begin + octets - 1)


@kernel
def settle(items, slots, state, month_to_date, scratch, rows):  # type: ignore[no-untyped-def]
    """Determinants of n settlements.

    items ITEM (n,) by service point and day; slots i64 (n,); state: tables.State; scratch MONTH (1,). Out: rows ROW
    (3 n,), without what registry and tariff say. Returns (rows written, -1 or the item that is older than the window).
    """
    made, group, reason = 0, 0, UNCHANGED
    for place in range(items.shape[0]):
        if place + NEAR < items.shape[0]:
            _ask(state.days, DAY_OCTETS, slots[place + NEAR])
            _ask(state.settled, SETTLED_OCTETS, slots[place + NEAR])
            _ask(state.months, MONTH_OCTETS, slots[place + NEAR])
        item, slot = items[place], slots[place]
        day = day_of(item.begin, state.offset)
        month = month_of(day)
        record = state.days.rows[day % state.days.rows.shape[0], slot]
        if record.day > day:
            return made, place
        if record.day < day:
            open_day(state, slot, day)
        known = state.settled.rows[day % state.days.rows.shape[0], slot]
        why = _compare(record, known, item)
        if why != UNCHANGED:
            open_month(state.months, state.capacity, slot, month)
            _keep_registers(state.months.rows[month % 2, slot], day, month, item)
            _take(record, known, item, rows[made])
            _day_row(rows[made], record, known, item, day, state.offset)
            rows[made].reason = why
            rows[made].slot, rows[made].month = slot, month
            made += 1
            reason = _stronger(reason, why)
            mark(state.days.changed, state.days.dirty, day % state.days.rows.shape[0], slot, state.capacity)
            mark(state.settled.changed, state.settled.dirty, day % state.days.rows.shape[0], slot, state.capacity)
        ends = place + 1 == items.shape[0] or slots[place + 1] != slot
        ends = ends or month_of(day_of(items[place + 1].begin, state.offset)) != month
        if ends:
            if reason != UNCHANGED:
                made = _write_months(rows, group, made, item, slot, month, reason, state, month_to_date, scratch)
            group, reason = made, UNCHANGED
    return made, -1


@kernel
def _compare(record, known, item):  # type: ignore[no-untyped-def]
    """Why there is a determinant: what differs from the last one, the strongest reason first."""
    if known.revision == 0:
        return FIRST
    data = known.registers != item.registers
    data = data or known.counts[0] != item.counts[0] or known.counts[3] != item.counts[3]
    data = data or known.energy[0] - known.estimated != item.energy[0] - item.estimated
    data = data or known.demand_w != item.demand_w
    if data:
        return LATE_DATA
    changed = record.touched != 0 or known.estimated != item.estimated
    for channel in range(N_ENERGY):
        changed = changed or known.energy[channel] != item.energy[channel]
    if changed:
        return RE_ESTIMATED
    return FINALISED if known.state != item.state else UNCHANGED


@kernel
def _stronger(reason, why):  # type: ignore[no-untyped-def]
    """A revised day outweighs a new one, and that a mere change of state."""
    if reason == UNCHANGED or why == LATE_DATA:
        return why
    if reason == LATE_DATA or why == FINALISED:
        return reason
    return why if reason == FINALISED or why == RE_ESTIMATED else reason


@kernel
def _keep_registers(total, day, month, item):  # type: ignore[no-untyped-def]
    """Keep the registers at both ends of the month."""
    if day == month_first(month):
        total.known = (total.known & ~REGISTER_OPENING) | (item.registers & REGISTER_OPENING)
        for channel in range(N_ENERGY):
            total.opening[channel] = item.opening[channel]
    if day + 1 == month_first(month + 1):
        total.known = (total.known & ~REGISTER_CLOSING) | (item.registers & REGISTER_CLOSING)
        for channel in range(N_ENERGY):
            total.closing[channel] = item.closing[channel]


@kernel
def _take(record, known, item, row):  # type: ignore[no-untyped-def]
    """What the settlement says becomes what is known; the difference goes to row.delta."""
    record.touched = 0
    known.revision += 1
    known.state = item.state
    known.registers = item.registers
    known.estimated = item.estimated
    for channel in range(N_ENERGY):
        row.delta[channel] = item.energy[channel] - known.energy[channel]
        known.energy[channel] = item.energy[channel]
    for place in range(4):
        known.counts[place] = item.counts[place]
    known.demand_w, known.demand_start = item.demand_w, item.demand_start
    known.demand_va, known.demand_va_start = item.demand_va, item.demand_va_start


@kernel
def _day_row(row, record, known, item, day, offset):  # type: ignore[no-untyped-def]
    row.kind = DAY_KIND
    row.service_point = item.point
    row.holder = item.holder
    row.period_start = day_start(day, offset)
    row.period_end = day_start(day + 1, offset)
    row.intervals_expected = DAY_SECS // item.secs
    row.state = known.state
    row.revision = known.revision
    row.has_opening = item.registers & REGISTER_OPENING
    row.has_closing = item.registers & REGISTER_CLOSING
    row.source = FROM_REGISTERS if (item.registers & REGISTERS_BOTH) == REGISTERS_BOTH else FROM_INTERVALS
    row.meter_segments = 2 if item.registers & REGISTER_EXCHANGE else 1
    for channel in range(N_ENERGY):
        row.opening[channel] = item.opening[channel]
        row.closing[channel] = item.closing[channel]
    copy_sums(row, known, record)


@kernel
def _write_months(rows, group, made, item, slot, month, reason, state, month_to_date, scratch):  # type: ignore[no-untyped-def]
    """The determinant of the month whose days are rows[group:made], and of the month after when another remainder is
    carried into it now. Returns rows written."""
    days, settled, months = state.days.rows, state.settled.rows, state.months.rows
    for channel in range(N_ENERGY):
        rows[made].delta[channel] = 0
        for place in range(group, made):
            rows[made].delta[channel] += rows[place].delta[channel]
    last = month
    after = months[(month + 1) % 2, slot]
    written = after.month == month + 1 and after.revision > 0
    if written and after.carry_wh != carried(days, settled, months, slot, month, scratch):
        last = month + 1
    for number in range(month, last + 1):
        why = reason
        if number > month:
            why = LATE_DATA
            for channel in range(N_ENERGY):
                rows[made].delta[channel] = 0
        if month_row(days, settled, months, slot, number, why, month_to_date, scratch, rows[made]):
            rows[made].service_point, rows[made].holder, rows[made].slot = item.point, item.holder, slot
            month_period(rows[made], state.offset, item.secs)
            mark(state.months.changed, state.months.dirty, number % 2, slot, state.capacity)
            made += 1
    return made
