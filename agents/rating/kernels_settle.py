"""Kernels of rating: settlement rows into determinants of the day and of its month.

A settlement of VEE says that a day is complete for now. Its determinant is written when it differs from the last one,
and one of its month with it: the closed days plus the settled days of the window.
"""

from __future__ import annotations

import numpy as np

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
from agents.rating.kernels_slot import DONE, OUTSIDE, pack, unpack
from agents.rating.rows import (
    DAY_KIND,
    EDITED,
    FINALISED,
    FIRST,
    FROM_INTERVALS,
    FROM_REGISTERS,
    LATE_DATA,
    RE_ESTIMATED,
)
from agents.rating.state import DAY, EDITED_DAY, MONTH, SETTLED
from pipeline.channels import N_ENERGY
from pipeline.jit import expanded, kernel, prefetch
from pipeline.localtime import DAY_SECS

UNCHANGED = 255
"""No determinant: nothing that it says differs."""

NEAR = 6
"""Settlements ahead for which the state is asked for: a dozen cache lines each, and the first level holds some 500."""
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
def settle(items, slots, state, month_to_date, work, rows, made, at):  # type: ignore[no-untyped-def]
    """Determinants of n settlements, from item `at` on.

    items ITEM (n,) by service point and day; slots i64 (n,); state: tables.State; work: Work. Out: rows ROW (3 n,) from
    row `made` on, without what registry and tariff say. Returns (rows written, item, status): DONE, or why the item is
    not done; nothing of its point is.
    """
    begin, kept, slot, wide = at, made, np.int64(-1), np.int64(-1)
    group, reason = made, UNCHANGED
    for place in range(at, items.shape[0]):
        if place + NEAR < items.shape[0]:
            _ask(state.days, DAY_OCTETS, slots[place + NEAR])
            _ask(state.settled, SETTLED_OCTETS, slots[place + NEAR])
            _ask(state.months, MONTH_OCTETS, slots[place + NEAR])
        if slots[place] != slot:
            slot, begin, kept = slots[place], place, made
            wide = unpack(state, slot, work)
        item = items[place]
        day = day_of(item.begin, state.offset)
        month = month_of(day)
        slice_ = day % work.days.shape[0]
        if work.days[slice_].day > day:
            return kept, place, OUTSIDE
        if work.days[slice_].day < day:
            open_day(work, day)
        record, known = work.days[slice_], work.settled[slice_]
        why = _compare(record, known, item)
        if why != UNCHANGED:
            open_month(work, month)
            _keep_registers(work.months[month % 2], day, month, item)
            _take(record, known, item, rows[made])
            _day_row(rows[made], record, known, item, day, state.offset)
            rows[made].reason = why
            rows[made].slot, rows[made].month = slot, month
            made += 1
            reason = _stronger(reason, why)
            work.days_changed[slice_], work.settled_changed[slice_], work.month_changed[0] = 1, 1, 1
        last = place + 1 == items.shape[0] or slots[place + 1] != slot
        if last or month_of(day_of(items[place + 1].begin, state.offset)) != month:
            if reason != UNCHANGED:
                made = _write_months(rows, group, made, item, slot, month, reason, state.offset, month_to_date, work)
            group, reason = made, UNCHANGED
        if last:
            status = pack(state, slot, wide, work)
            if status != DONE:
                return kept, begin, status
    return made, items.shape[0], DONE


@kernel
def _compare(record, known, item):  # type: ignore[no-untyped-def]
    """Why there is a determinant: what differs from the last one, the strongest reason first."""
    if known.revision == 0:
        return FIRST
    if record.touched & EDITED_DAY:
        return EDITED
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
    """A day that a person changed outweighs a revised one, that a new one, and that a mere change of state."""
    if reason == UNCHANGED or why == EDITED:
        return why
    if reason == EDITED:
        return reason
    if why == LATE_DATA:
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
    row.days, row.extra = 1, -1
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
def _write_months(rows, group, made, item, slot, month, reason, offset, month_to_date, work):  # type: ignore[no-untyped-def]
    """The determinant of the month whose days are rows[group:made], and of the month after when another remainder is
    carried into it now. Returns rows written."""
    for channel in range(N_ENERGY):
        rows[made].delta[channel] = 0
        for place in range(group, made):
            rows[made].delta[channel] += rows[place].delta[channel]
    last = month
    after = work.months[(month + 1) % 2]
    written = after.month == month + 1 and after.revision > 0
    if written and after.carry_wh != carried(work, month):
        last = month + 1
    for number in range(month, last + 1):
        why = reason
        if number > month:
            why = EDITED if reason == EDITED else LATE_DATA
            for channel in range(N_ENERGY):
                rows[made].delta[channel] = 0
        if month_row(work, number, why, month_to_date, rows[made]):
            rows[made].service_point, rows[made].holder, rows[made].slot = item.point, item.holder, slot
            month_period(rows[made], offset, item.secs)
            made += 1
    return made
