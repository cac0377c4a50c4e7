"""Kernels of rating: settlement rows into determinants of the day and of its month.

A settlement of VEE says that a day is complete for now. Its determinant is written when it differs from the last one,
and one of its month with it: the closed days plus the settled days of the window.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from agents.rating.calendar import day_of, day_start, month_of
from agents.rating.charges import MONTH
from agents.rating.kernels import open_day, version_at
from agents.rating.kernels_month import (
    REGISTER_EXCHANGE,
    REGISTERS_BOTH,
    carry_differs,
    copy_sums,
    keep_registers,
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
    MONTH_KIND,
    RE_ESTIMATED,
)
from pipeline.channels import N_ENERGY
from pipeline.codes import Role
from pipeline.localtime import DAY_SECS
from pipeline.lookup import find
from pipeline.state import mark

UNCHANGED = 255
"""No determinant: nothing that it says differs."""
DEFAULT_SECS = 1800
"""Length of the intervals of a link that the registry in force does not have."""


@njit(nogil=True, cache=True)
def settle(order, slots, settlements, state, points, links, tariffs, network_meters, month_to_date, scratch, rows):  # type: ignore[no-untyped-def]
    """Determinants of n settlement rows.

    order i64 (n,) rows by service point and day; slots i64 (n,); named tuples of `agents.rating.tables`; scratch MONTH
    (1,). Out: rows ROW (3 n,). Returns (rows written, -1 or the settlement row that is older than the window).
    """
    made = 0
    delta = np.zeros(N_ENERGY, np.int64)
    reason = UNCHANGED
    for place in range(order.shape[0]):
        item = order[place]
        slot = slots[item]
        month = month_of(day_of(settlements.begin[item], state.offset))
        holder = _point_at(settlements.point[item], settlements.begin[item], points)
        if network_meters or holder < 0 or points.role[holder] == Role.CONSUMER:
            why = _settle_day(item, slot, settlements, state, links, rows[made])
            if why < 0:
                return made, item
            if why != UNCHANGED:
                _identify(rows[made], item, slot, month, holder, settlements, points, tariffs)
                for channel in range(N_ENERGY):
                    delta[channel] += rows[made].delta[channel]
                reason = _stronger(reason, why)
                made += 1
        ends = place + 1 == order.shape[0]
        if not ends:
            after = order[place + 1]
            ends = slots[after] != slot or month_of(day_of(settlements.begin[after], state.offset)) != month
        if ends:
            if reason != UNCHANGED:
                made = _write_months(made, item, slot, month, holder, reason, delta, settlements, state, points, links,
                                     tariffs, month_to_date, scratch, rows)  # fmt: skip
            reason = UNCHANGED
            delta[:] = 0
    return made, np.int64(-1)


@njit(nogil=True, cache=True)
def _point_at(service_point, time, points):  # type: ignore[no-untyped-def]
    """Row of the service point at `time` (its first row before that), or -1 when the registry does not know it."""
    row = find(points.table, points.rows, service_point)
    if row < 0:
        return row
    while row + 1 < points.point.shape[0] and points.point[row + 1] == service_point and points.since[row + 1] <= time:
        row += 1
    return row


@njit(nogil=True, cache=True)
def _secs(item, settlements, links):  # type: ignore[no-untyped-def]
    link = settlements.link[item]
    return np.int64(links.secs[link]) if link < links.secs.shape[0] else np.int64(DEFAULT_SECS)


@njit(nogil=True, cache=True)
def _settle_day(item, slot, settlements, state, links, row):  # type: ignore[no-untyped-def]
    """Fill the determinant of a settlement; returns its reason, UNCHANGED, or -1 when older than the window."""
    day = day_of(settlements.begin[item], state.offset)
    slice_ = day % state.days.rows.shape[0]
    record, known = state.days.rows[slice_, slot], state.settled.rows[slice_, slot]
    if record.day > day:
        return -1
    if record.day < day:
        open_day(state, slot, day)
    secs = _secs(item, settlements, links)
    why = _compare(record, known, item, settlements, secs)
    if why == UNCHANGED:
        return why
    month = month_of(day)
    keep_registers(open_month(state, slot, month), day, month, item, settlements)
    _take(record, known, item, settlements, secs, row)
    mark(state.days.changed, state.days.dirty, slice_, slot, state.capacity)
    mark(state.settled.changed, state.settled.dirty, slice_, slot, state.capacity)
    mark(state.months.changed, state.months.dirty, month % 2, slot, state.capacity)
    row.reason = why
    row.kind = DAY_KIND
    row.period_start = day_start(day, state.offset)
    row.period_end = day_start(day + 1, state.offset)
    row.state = known.state
    row.revision = known.revision
    row.known = known.registers & REGISTERS_BOTH
    row.source = FROM_REGISTERS if row.known == REGISTERS_BOTH else FROM_INTERVALS
    row.segments = 2 if known.registers & REGISTER_EXCHANGE else 1
    row.expected = DAY_SECS // secs
    for channel in range(N_ENERGY):
        row.opening[channel] = settlements.opening[item, channel]
        row.closing[channel] = settlements.closing[item, channel]
    copy_sums(row, known, record)
    return why


@njit(nogil=True, cache=True, inline="always")
def _power(energy, secs):  # type: ignore[no-untyped-def]
    """Mean power of an interval: Wh to W, VAh to VA."""
    return energy * 3600 // secs


@njit(nogil=True, cache=True)
def _compare(record, known, item, settlements, secs):  # type: ignore[no-untyped-def]
    """Why there is a determinant: what differs from the last one, the strongest reason first."""
    if known.revision == 0:
        return FIRST
    counts, estimated = settlements.counts[item], settlements.estimated[item]
    data = known.registers != settlements.registers[item]
    data = data or known.counts[0] != counts[0] or known.counts[3] != counts[3]
    data = data or known.energy[0] - known.estimated != settlements.actual[item, 0]
    data = data or (counts[0] > 0 and known.demand_w != _power(settlements.demand[item, 0], secs))
    if data:
        return LATE_DATA
    changed = record.touched != 0 or known.estimated != estimated[0]
    for channel in range(N_ENERGY):
        changed = changed or known.energy[channel] != settlements.actual[item, channel] + estimated[channel]
    if changed:
        return RE_ESTIMATED
    return FINALISED if known.state != settlements.state[item] else UNCHANGED


@njit(nogil=True, cache=True)
def _stronger(reason, why):  # type: ignore[no-untyped-def]
    """A revised day outweighs a new one, and that a mere change of state."""
    if reason == UNCHANGED or why == LATE_DATA:
        return why
    if reason == LATE_DATA or why == FINALISED:
        return reason
    return why if reason == FINALISED or why == RE_ESTIMATED else reason


@njit(nogil=True, cache=True)
def _take(record, known, item, settlements, secs, row):  # type: ignore[no-untyped-def]
    """What the settlement says becomes what is known; the difference goes to row.delta."""
    record.touched = 0
    known.revision += 1
    known.state = settlements.state[item]
    known.registers = settlements.registers[item]
    known.estimated = settlements.estimated[item, 0]
    for channel in range(N_ENERGY):
        now = settlements.actual[item, channel] + settlements.estimated[item, channel]
        row.delta[channel] = now - known.energy[channel]
        known.energy[channel] = now
    for place in range(4):
        known.counts[place] = settlements.counts[item, place]
    measured = settlements.counts[item, 0] > 0
    known.demand_w = _power(settlements.demand[item, 0], secs) if measured else 0
    known.demand_va = _power(settlements.demand[item, 1], secs) if measured else 0
    known.demand_start = settlements.demand_begin[item, 0] if measured else 0
    known.demand_va_start = settlements.demand_begin[item, 1] if measured else 0


@njit(nogil=True, cache=True)
def _identify(row, item, slot, month, holder, settlements, points, tariffs):  # type: ignore[no-untyped-def]
    """Whose determinant it is, and the tariff version that is in force when its period begins."""
    row.service_point = settlements.point[item]
    row.slot = slot
    row.month = month
    row.account = points.account[holder] if holder >= 0 else np.uint64(0)
    row.version = -1
    if holder >= 0 and tariffs.place[points.tariff[holder]] >= 0:
        row.version = version_at(tariffs.place[points.tariff[holder]], row.period_start, tariffs)


@njit(nogil=True, cache=True)
def _write_months(  # type: ignore[no-untyped-def]
    made, item, slot, month, holder, reason, delta, settlements, state, points, links, tariffs, month_to_date, scratch,
    rows,
):  # fmt: skip
    """The determinant of the month, and of the month after when another remainder is carried into it now."""
    secs = _secs(item, settlements, links)
    if month_row(state, slot, month, reason, delta, secs, month_to_date, scratch, rows[made]):
        _identify(rows[made], item, slot, month, holder, settlements, points, tariffs)
        made += 1
    if carry_differs(state, slot, month, scratch):
        delta[:] = 0
        if month_row(state, slot, month + 1, LATE_DATA, delta, secs, month_to_date, scratch, rows[made]):
            _identify(rows[made], item, slot, month + 1, holder, settlements, points, tariffs)
            made += 1
    return made


@njit(nogil=True, cache=True)
def price_units(rows, versions, units, months, version):  # type: ignore[no-untyped-def]
    """What `rate_periods` needs of n rows: units i64 in whole steps, months i64, version i32; days are not rated."""
    for item in range(rows.shape[0]):
        months[item] = MONTH
        version[item] = rows[item].version if rows[item].kind == MONTH_KIND else -1
        units[item] = 0
        if version[item] >= 0:
            step = versions[version[item]].step_wh
            # A tariff that bills exact energy has no remainder to carry.
            exact = rows[item].units if step > 1 else rows[item].energy[0]
            units[item] = max(np.int64(0), exact - exact % step)


@njit(nogil=True, cache=True)
def post_money(rows, version, total, months):  # type: ignore[no-untyped-def]
    """rows.delta_paise = difference to what the month's last determinant came to, which then is this one."""
    for item in range(rows.shape[0]):
        if version[item] >= 0:
            stored = months[rows[item].month % 2, rows[item].slot]
            rows[item].delta_paise = total[item] - stored.paise
            stored.paise = total[item]
