"""Kernels of rating: settlement rows into determinants of the day and of its month.

A settlement of VEE says that a day is complete for now. Its determinant is written when it differs from the last one,
and one of its month with it: the closed days plus the settled days of the window.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.rating.calendar import day_of, day_start, month_first, month_of
from agents.rating.kernels import (
    FINAL,
    REGISTER_CLOSING,
    REGISTER_EXCHANGE,
    REGISTER_OPENING,
    REGISTERS_BOTH,
    add_day,
    open_day,
    open_month,
    version_at,
)
from agents.rating.rows import (
    DAY_KIND,
    FINALISED,
    FIRST,
    FROM_INTERVALS,
    FROM_REGISTERS,
    LATE_DATA,
    MONTH_KIND,
    RE_ESTIMATED,
)
from agents.rating.state import ZONES
from pipeline.channels import N_ENERGY
from pipeline.codes import Role
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find
from pipeline.state import mark

UNIT_WH = 1000
UNCHANGED = 255
"""No determinant: nothing that it says differs."""
DEFAULT_SECS = 1800


@njit(nogil=True, cache=True)
def settle(  # type: ignore[no-untyped-def]
    order, slots, points, link, begin, state, registers, opening, closing, actual, estimated, counts, demand,
    demand_begin, point_table, point_rows, point, point_from, account, tariff, role, link_secs, number_index,
    number_first, number_count, versions, offset, capacity, network_meters, month_to_date,
    days, days_changed, days_dirty, settled, settled_changed, settled_dirty, months, months_changed, months_dirty,
    scratch, rows,
):  # fmt: skip
    """Determinants of n settlement rows.

    order i64 (n,) rows by service point and day; slots i64 (n,); the other columns as ReadingBatch.day_*;
    number_index i32 (65536,): tariff number -> row of number_first/number_count, -1 for none; scratch MONTH (1,).
    Out: rows ROW (2 n,). Returns (rows written, -1 or the settlement row that is older than the window).
    """
    made = 0
    group = np.zeros(N_ENERGY, np.int64)
    reason = UNCHANGED
    for place in range(order.shape[0]):
        item = order[place]
        slot = slots[item]
        day = day_of(begin[item], offset)
        month = month_of(day)
        holder = _point_at(points[item], begin[item], point_table, point_rows, point, point_from)
        billed = network_meters or holder < 0 or role[holder] == Role.CONSUMER
        if billed:
            slice_ = day % days.shape[0]
            if days[slice_, slot].day > day:
                return made, item
            if days[slice_, slot].day < day:
                open_day(slot, day, slice_, days, settled, settled_changed, settled_dirty, months, months_changed,
                         months_dirty, capacity)  # fmt: skip
                mark(days_changed, days_dirty, slice_, slot, capacity)
            open_month(slot, month, months)
            secs = np.int64(link_secs[link[item]]) if link[item] < link_secs.shape[0] else DEFAULT_SECS
            record, known = days[slice_, slot], settled[slice_, slot]
            why = _compare(record, known, item, state, registers, actual, estimated, counts, demand, demand_begin, secs)
            if why != UNCHANGED:
                row = rows[made]
                made += 1
                _take(record, known, item, state, registers, actual, estimated, counts, demand, demand_begin, secs, row)
                row.reason = why
                _identify(row, points[item], slot, month, holder, account, tariff, number_index, number_first,
                          number_count, versions, begin[item])  # fmt: skip
                _day_row(row, record, known, item, day, offset, opening, closing, secs)
                _month_registers(months[month % 2, slot], day, month, item, registers, opening, closing)
                mark(days_changed, days_dirty, slice_, slot, capacity)
                mark(settled_changed, settled_dirty, slice_, slot, capacity)
                mark(months_changed, months_dirty, month % 2, slot, capacity)
                for channel in range(N_ENERGY):
                    group[channel] += row.delta[channel]
                reason = _stronger(reason, why)
        last = place + 1 == order.shape[0]
        if not last:
            after = order[place + 1]
            last = slots[after] != slot or month_of(day_of(begin[after], offset)) != month
        if last:
            if reason != UNCHANGED:
                row = rows[made]
                secs = np.int64(link_secs[link[item]]) if link[item] < link_secs.shape[0] else DEFAULT_SECS
                if _month_row(row, slot, month, reason, group, offset, secs, month_to_date, days, settled, months,
                              scratch):  # fmt: skip
                    _identify(row, points[item], slot, month, holder, account, tariff, number_index, number_first,
                              number_count, versions, row.period_start)  # fmt: skip
                    made += 1
            reason = UNCHANGED
            group[:] = 0
    return made, np.int64(-1)


@njit(nogil=True, cache=True)
def _point_at(service_point, time, table, first_rows, point, point_from):  # type: ignore[no-untyped-def]
    """Row of the service point at `time` (its first row before that), or -1 when the registry does not know it."""
    row = find(table, first_rows, service_point)
    if row < 0:
        return row
    while row + 1 < point.shape[0] and point[row + 1] == service_point and point_from[row + 1] <= time:
        row += 1
    return row


@njit(nogil=True, cache=True, inline="always")
def _watts(wh, secs):  # type: ignore[no-untyped-def]
    return wh * 3600 // secs


@njit(nogil=True, cache=True)
def _compare(record, known, item, state, registers, actual, estimated, counts, demand, demand_begin, secs):  # type: ignore[no-untyped-def]
    """Why there is a determinant: what differs from the last one, the strongest reason first."""
    if known.revision == 0:
        return FIRST
    data = (
        known.registers != registers[item] or known.counts[0] != counts[item, 0] or known.counts[3] != counts[item, 3]
    )
    substitutes = record.touched != 0 or known.estimated != estimated[item, 0]
    for channel in range(N_ENERGY):
        if known.energy[channel] != actual[item, channel] + estimated[item, channel]:
            substitutes = True
    if known.energy[0] - known.estimated != actual[item, 0]:
        data = True
    if counts[item, 0] > 0 and known.demand_w != _watts(demand[item, 0], secs):
        data = True
    if data:
        return LATE_DATA
    if substitutes:
        return RE_ESTIMATED
    return FINALISED if known.state != state[item] else UNCHANGED


@njit(nogil=True, cache=True, inline="always")
def _stronger(reason, why):  # type: ignore[no-untyped-def]
    """A revised day outweighs a new one, and that a mere change of state."""
    if reason == UNCHANGED or why == LATE_DATA:
        return why
    if reason == LATE_DATA or why == FINALISED:
        return reason
    return why if reason == FINALISED or why == RE_ESTIMATED else reason


@njit(nogil=True, cache=True)
def _take(record, known, item, state, registers, actual, estimated, counts, demand, demand_begin, secs, row):  # type: ignore[no-untyped-def]
    """What the settlement says becomes what is known; the difference goes to row.delta."""
    record.touched = 0
    known.revision += 1
    known.state = state[item]
    known.registers = registers[item]
    known.estimated = estimated[item, 0]
    for channel in range(N_ENERGY):
        now = actual[item, channel] + estimated[item, channel]
        row.delta[channel] = now - known.energy[channel]
        known.energy[channel] = now
    for place in range(4):
        known.counts[place] = counts[item, place]
    measured = counts[item, 0] > 0
    known.demand_w = _watts(demand[item, 0], secs) if measured else 0
    known.demand_va = _watts(demand[item, 1], secs) if measured else 0
    known.demand_start = demand_begin[item, 0] if measured else 0
    known.demand_va_start = demand_begin[item, 1] if measured else 0


@njit(nogil=True, cache=True)
def _identify(  # type: ignore[no-untyped-def]
    row, service_point, slot, month, holder, account, tariff, number_index, number_first, number_count, versions, time
):
    row.service_point = service_point
    row.slot = slot
    row.month = month
    row.account = account[holder] if holder >= 0 else np.uint64(0)
    row.version = -1
    if holder >= 0 and number_index[tariff[holder]] >= 0:
        row.version = version_at(number_index[tariff[holder]], time, number_first, number_count, versions)


@njit(nogil=True, cache=True)
def _day_row(row, record, known, item, day, offset, opening, closing, secs):  # type: ignore[no-untyped-def]
    row.kind = DAY_KIND
    row.period_start = day_start(day, offset)
    row.period_end = day_start(day + 1, offset)
    row.state = known.state
    row.revision = known.revision
    row.known = known.registers & REGISTERS_BOTH
    row.source = FROM_REGISTERS if row.known == REGISTERS_BOTH else FROM_INTERVALS
    row.segments = 2 if known.registers & REGISTER_EXCHANGE else 1
    row.expected = DAY_SECS // secs
    for channel in range(N_ENERGY):
        row.opening[channel] = opening[item, channel]
        row.closing[channel] = closing[item, channel]
    _copy_sums(row, known, record)
    row.first_offset = record.first_offset
    row.last_offset = record.last_offset


@njit(nogil=True, cache=True)
def _copy_sums(row, sums, zones):  # type: ignore[no-untyped-def]
    for channel in range(N_ENERGY):
        row.energy[channel] = sums.energy[channel]
    row.estimated = sums.estimated
    for zone in range(ZONES):
        row.zones[zone] = zones.zones[zone]
    for place in range(4):
        row.counts[place] = sums.counts[place]
    row.demand_w, row.demand_start = sums.demand_w, sums.demand_start
    row.demand_va, row.demand_va_start = sums.demand_va, sums.demand_va_start


@njit(nogil=True, cache=True)
def _month_registers(total, day, month, item, registers, opening, closing):  # type: ignore[no-untyped-def]
    """Keep the registers at both ends of the month."""
    if day == month_first(month):
        total.known = (total.known & ~REGISTER_OPENING) | (registers[item] & REGISTER_OPENING)
        for channel in range(N_ENERGY):
            total.opening[channel] = opening[item, channel]
    if day + 1 == month_first(month + 1):
        total.known = (total.known & ~REGISTER_CLOSING) | (registers[item] & REGISTER_CLOSING)
        for channel in range(N_ENERGY):
            total.closing[channel] = closing[item, channel]


@njit(nogil=True, cache=True)
def _sum_month(slot, month, days, settled, months, scratch):  # type: ignore[no-untyped-def]
    """scratch[0] = closed days of the month + its settled days in the window; True when all of these are final."""
    scratch[0] = months[month % 2, slot]
    final = True
    for slice_ in range(days.shape[0]):
        record, known = days[slice_, slot], settled[slice_, slot]
        if known.revision > 0 and month_of(np.int64(record.day)) == month:
            add_day(scratch[0], record, known)
            final = final and known.state == FINAL
    return final


@njit(nogil=True, cache=True)
def _month_row(row, slot, month, reason, group, offset, secs, month_to_date, days, settled, months, scratch):  # type: ignore[no-untyped-def]
    """Fill the month's determinant; False when there is none to write."""
    stored = months[month % 2, slot]
    before = months[(month - 1) % 2, slot]
    if before.month == month - 1:
        _sum_month(slot, month - 1, days, settled, months, scratch)
        stored.carry_wh = (before.carry_wh + scratch[0].energy[0]) % UNIT_WH
    final = _sum_month(slot, month, days, settled, months, scratch)
    total = scratch[0]
    state = FINAL if final and total.last_day else 0
    if not month_to_date and not total.last_day:
        return False
    if reason == FINALISED and stored.state == state and stored.revision > 0:
        return False
    first = stored.revision == 0
    stored.revision += 1
    stored.state = state
    row.kind = MONTH_KIND
    # A day that is new to a running month is data that came after the revision before.
    row.reason = FIRST if first else (LATE_DATA if reason == FIRST else reason)
    row.period_start = day_start(month_first(month), offset)
    row.period_end = day_start(month_first(month + 1), offset)
    row.state = state
    row.revision = stored.revision
    row.known = total.known
    row.source = FROM_REGISTERS if total.register_days == total.days else FROM_INTERVALS
    row.segments = 1 + total.exchange_days
    row.expected = (row.period_end - row.period_start) // secs
    _copy_sums(row, total, total)
    for channel in range(N_ENERGY):
        row.delta[channel] = total.energy[channel] if first else group[channel]
        row.opening[channel] = total.opening[channel]
        row.closing[channel] = total.closing[channel]
    row.units = stored.carry_wh + total.energy[0]
    row.first_offset = total.first_offset
    row.last_offset = total.last_offset
    return True


@njit(nogil=True, cache=True)
def price_units(rows, versions, units, months, version):  # type: ignore[no-untyped-def]
    """What `rate_periods` needs of n rows: units i64 in whole steps, months i64, version i32; days are not rated."""
    for item in range(rows.shape[0]):
        months[item] = 100
        version[item] = rows[item].version if rows[item].kind == MONTH_KIND else -1
        units[item] = 0
        if version[item] >= 0:
            step = versions[version[item]].step_wh
            # A tariff that bills exact energy has no remainder to carry.
            exact = rows[item].units if step > 1 else rows[item].energy[0]
            units[item] = max(np.int64(0), exact - exact % step)
        rows[item].units = units[item]


@njit(nogil=True, cache=True)
def post_money(rows, version, total, months):  # type: ignore[no-untyped-def]
    """rows.delta_paise = difference to what the month's last determinant came to, which then is this one."""
    for item in range(rows.shape[0]):
        if version[item] >= 0:
            stored = months[rows[item].month % 2, rows[item].slot]
            rows[item].delta_paise = total[item] - stored.paise
            stored.paise = total[item]
