"""Kernels of rating: a day that has left the window changes.

State keeps nothing of such a day but its part in the sums of its month. So a correction brings what it replaces, and
for a month whose sums have given way to those of the next one the figures of its last determinant.
"""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import day_of, month_first, month_of
from agents.rating.kernels_month import (
    REGISTER_EXCHANGE,
    REGISTER_SPAN,
    REGISTERS_BOTH,
    clear_settled,
    open_month,
)
from agents.rating.kernels_settle import _day_row, _keep_registers, _take, _write_months
from agents.rating.kernels_slot import DONE, pack, unpack
from agents.rating.kernels_slot_month import UNIT_WH
from agents.rating.rows import FIRST, LATE_DATA
from agents.rating.state import ZONES
from agents.rating.work import OPEN_DAY, OPEN_SETTLED
from pipeline.batch import MONTH_FIGURES
from pipeline.channels import N_ENERGY
from pipeline.jit import kernel

FIGURES = np.dtype(
    [
        ("revision", "<i8"),  # of the month's last determinant; 0: nothing is said
        ("days", "<i8"),  # settled days of the month
        ("register_days", "<i8"),  # of these with registers at both ends
        ("exchange_days", "<i8"),  # of these with an exchange of the meter
        ("last_day", "<i8"),  # 1: the last day of the month is among them
        ("energy", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("zones", "<i8", (ZONES,)),
        ("demand", "<i8", (2,)),  # W, VA
        ("demand_start", "<i8", (2,)),
        ("counts", "<i8", (4,)),
        ("known", "<i8"),  # bits: 1 opening, 2 closing register known
        ("opening", "<i8", (N_ENERGY,)),
        ("closing", "<i8", (N_ENERGY,)),
        ("others", "<i8", (2,)),  # largest demand of the other days, W and VA
        ("others_start", "<i8", (2,)),
    ]
)
"""`correction_month` of a ReadingBatch."""
assert FIGURES.itemsize <= 8 * MONTH_FIGURES

PRIOR = np.dtype(
    [
        ("revision", "<i8"),  # of the day's last determinant; 0: there is none
        ("registers", "<i8"),
        ("energy", "<i8", (N_ENERGY,)),
        ("estimated", "<i8"),
        ("counts", "<i8", (4,)),
        ("demand", "<i8", (2,)),  # W, VA
        ("demand_start", "<i8", (2,)),
        ("zones", "<i8", (ZONES,)),
        ("change", "<i8", (ZONES,)),  # of `zones`
        ("month", FIGURES),
    ]
)
"""What a corrected day replaces."""


@kernel
def correct(items, priors, slots, state, month_to_date, offset, day, settled, work, rows, made, at, closed):  # type: ignore[no-untyped-def]
    """Determinants of n corrected days, from item `at` on.

    items ITEM (n,) by service point and day; priors PRIOR (n,); slots i64 (n,); offset: of the record, for lineage;
    day OPEN_DAY (1,), settled OPEN_SETTLED (1,): scratch. Out: rows ROW (3 n,) from `made` on; closed u1 (n,): 1 where
    the month is older than the two that are kept. Returns (rows written, item, status) as `kernels_settle.settle`.
    """
    begin, kept, slot, wide = at, made, np.int64(-1), np.int64(-1)
    for place in range(at, items.shape[0]):
        if slots[place] != slot:
            slot, begin, kept = slots[place], place, made
            wide = unpack(state, slot, work)
        item, prior = items[place], priors[place]
        number = day_of(item.begin, state.offset)
        month = month_of(number)
        group = made
        _begin(day[0], settled[0], prior, number, offset)
        _take(day[0], settled[0], item, rows[made])
        _day_row(rows[made], day[0], settled[0], item, number, state.offset)
        rows[made].reason = LATE_DATA if prior.revision > 0 else FIRST
        rows[made].slot, rows[made].month = slot, month
        made += 1
        closed[place] = np.uint8(0 if _change_month(work, item, prior, number, month, offset) else 1)
        if not closed[place]:
            made = _write_months(rows, group, made, item, slot, month, LATE_DATA, state.offset, month_to_date, work)
        if place + 1 == items.shape[0] or slots[place + 1] != slot:
            status = pack(state, slot, wide, work)
            if status != DONE:
                return kept, begin, status
    return made, items.shape[0], DONE


@kernel
def _begin(day, settled, prior, number, offset):  # type: ignore[no-untyped-def]
    """The day as its last determinant had it, zones as they are now."""
    clear_settled(settled)
    day.day, day.touched = number, 0
    day.first_offset, day.last_offset = offset, offset
    for zone in range(ZONES):
        day.zones[zone] = prior.zones[zone] + prior.change[zone]
    settled.revision, settled.registers, settled.estimated = prior.revision, prior.registers, prior.estimated
    for channel in range(N_ENERGY):
        settled.energy[channel] = prior.energy[channel]
    for place in range(4):
        settled.counts[place] = prior.counts[place]


@kernel
def _change_month(work, item, prior, number, month, offset):  # type: ignore[no-untyped-def]
    """Put the difference into the sums of the month; False when the month is not kept, or nobody says its sums."""
    if work.months[month % 2].month < month:
        open_month(work, month)
    total = work.months[month % 2]
    if total.month != month:
        return False
    after = work.months[(month + 1) % 2]
    if after.month == month + 1 and after.days > 0 and total.days == 0 and total.revision > 0:
        if prior.month.revision == 0:
            return False
        _load(total, prior.month)
    if prior.revision == 0:
        total.days += 1
        if number + 1 == month_first(month + 1):
            total.last_day = 1
    for channel in range(N_ENERGY):
        total.energy[channel] += item.energy[channel] - prior.energy[channel]
    for zone in range(ZONES):
        total.zones[zone] += prior.change[zone]
    for place in range(4):
        total.counts[place] += item.counts[place] - prior.counts[place]
    total.estimated += item.estimated - prior.estimated
    before = prior.registers if prior.revision > 0 else 0
    total.register_days += _by_registers(item.registers) - _by_registers(before)
    total.exchange_days += _by_exchange(item.registers) - _by_exchange(before)
    _keep_registers(total, number, month, item)
    total.demand_w, total.demand_start = _largest(
        total.demand_w, total.demand_start, prior.demand_start[0], item.demand_w, item.demand_start,
        prior.month.others[0], prior.month.others_start[0],
    )  # fmt: skip
    total.demand_va, total.demand_va_start = _largest(
        total.demand_va, total.demand_va_start, prior.demand_start[1], item.demand_va, item.demand_va_start,
        prior.month.others[1], prior.month.others_start[1],
    )  # fmt: skip
    total.first_offset = min(total.first_offset, offset) if total.first_offset >= 0 else offset
    total.last_offset = max(total.last_offset, offset)
    work.month_changed[0] = 1
    return True


@kernel
def _load(total, figures):  # type: ignore[no-untyped-def]
    """The sums of a month that has given way, as its last determinant has them. Its head keeps what it carries out;
    what was carried in follows."""
    total.days, total.register_days = figures.days, figures.register_days
    total.exchange_days, total.last_day = figures.exchange_days, figures.last_day
    total.estimated, total.known = figures.estimated, figures.known
    for channel in range(N_ENERGY):
        total.energy[channel] = figures.energy[channel]
        total.opening[channel], total.closing[channel] = figures.opening[channel], figures.closing[channel]
    for zone in range(ZONES):
        total.zones[zone] = figures.zones[zone]
    for place in range(4):
        total.counts[place] = figures.counts[place]
    total.demand_w, total.demand_va = figures.demand[0], figures.demand[1]
    total.demand_start, total.demand_va_start = figures.demand_start[0], figures.demand_start[1]
    total.carry_wh = (total.carry_wh - figures.energy[0]) % UNIT_WH


@kernel
def _by_registers(registers):  # type: ignore[no-untyped-def]
    return 1 if (registers & REGISTERS_BOTH) == REGISTERS_BOTH or registers & REGISTER_SPAN else 0


@kernel
def _by_exchange(registers):  # type: ignore[no-untyped-def]
    return 1 if registers & REGISTER_EXCHANGE else 0


@kernel
def _largest(demand, start, prior_start, new, new_start, others, others_start):  # type: ignore[no-untyped-def]
    """(largest demand, when): that of the corrected day was the largest, then it is looked for anew."""
    if start > 0 and start == prior_start:
        demand, start = others, others_start
    if new_start > 0 and (start <= 0 or new > demand or (new == demand and new_start < start)):
        return new, new_start
    return demand, start


def scratch() -> tuple[np.ndarray, np.ndarray]:
    """(day, settled) for `correct`."""
    return np.zeros(1, OPEN_DAY), np.zeros(1, OPEN_SETTLED)
