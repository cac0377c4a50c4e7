"""The kernel that rates bills: tables of tariffs and rows of quantities in, lines and totals out."""

from __future__ import annotations

import numpy as np

from agents.rating.bulk.exact import LARGEST_MONEY, share
from agents.rating.bulk.kernels_demand import demand, excess_demand, factor, fixed
from agents.rating.bulk.kernels_energy import PAISE_IN, by_slabs, energy, export, subsidy, sum_of, tod
from agents.rating.bulk.kernels_money import PERCENT_IN, adjustment, late, minimum, of_charges, to_the_rupee
from agents.rating.bulk.kernels_period import DUE, LACKS, apparent, checked, due, lengths, month_of_year, set_off
from agents.rating.bulk.quantities import BULK_ZONES, K_BEGINS, WHOLE_ZONE
from agents.rating.bulk.tables import (
    ADJUST_SLAB,
    DEMAND,
    ENERGY,
    EXCESS,
    EXPORT,
    FIXED,
    INVALID,
    LACKING,
    LATE,
    LOAD_FACTOR,
    MINIMUM,
    NO_TARIFF,
    NONE,
    PERCENT,
    POWER_FACTOR,
    RATED,
    SLABS,
    SUBSIDY,
    SUBSIDY_UNITS,
    TOD,
    TOO_LARGE,
)
from pipeline.jit import kernel


@kernel
def rate_bills(quantities, tariff, month, tables, values, landed, rated):  # type: ignore[no-untyped-def]
    """Rate n bills.

    quantities QUANTITY (n,); tariff i32 (n,) row of tables.tariffs, NONE for none; month i32 (n,) row of values i64
    (months, values) in 0.00001 and landed u8 (the same shape): a month's adjustments, NONE when none has landed; tables
    as of `compiled.Book`; out: rated, as of `tables.Rated`.

    A row with `follows` is the next part of the bill in the row before: that one's carry and bank come into it, and the
    total is rounded to the rupee in the last part, by its tariff (`engine.splits.rate_parts`).
    """
    bill = rated.bill[0]
    for item in range(quantities.shape[0]):
        for slot in range(rated.paise.shape[1]):
            rated.paise[item, slot], rated.there[item, slot] = 0, 0
        q, row = quantities[item], np.int64(tariff[item])
        follows = q.follows != 0 and item > 0
        last = item + 1 == quantities.shape[0] or quantities[item + 1].follows == 0
        _clear(bill)
        status = checked(q)
        if row < 0:
            status = NO_TARIFF
        elif follows:
            before = rated.figures[item - 1]
            if before.status not in (RATED, LACKING):
                status = before.status
            elif status == RATED:
                status = _go_on(q, before, np.int64(tariff[item - 1]), row, tables, rated, item, bill)
        else:
            bill.running, bill.wh = 0, q.wh_imp
            for zone in range(BULK_ZONES + 1):
                bill.bank[zone] = q.bank_wh[zone]
        if status == RATED:
            status = _rate(
                q, tables.tariffs[row], last, np.int64(month[item]), tables, values, landed, rated, item, bill
            )
        if status not in (RATED, LACKING):
            _nothing(rated, item)
        rated.figures[item].status = status


@kernel
def _clear(bill):  # type: ignore[no-untyped-def]
    bill.too_large, bill.missing, bill.pending, bill.demand, bill.demand_in = 0, 0, 0, 0, 0
    bill.power_factor, bill.load_factor = NONE, NONE


@kernel
def _nothing(rated, item):  # type: ignore[no-untyped-def]
    figures = rated.figures[item]
    figures.total, figures.energy, figures.units_wh, figures.carry_wh, figures.rounding = 0, 0, 0, 0, 0
    figures.missing, figures.pending, figures.demand, figures.demand_in = 0, 0, 0, 0
    figures.power_factor, figures.load_factor = NONE, NONE
    for slot in range(rated.paise.shape[1]):
        rated.paise[item, slot], rated.there[item, slot] = 0, 0
    for zone in range(BULK_ZONES + 1):
        rated.bank[item, zone] = 0


@kernel
def _go_on(q, before, old, new, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """What the part before leaves: energy below a step, and the bank, zone by zone of the same name."""
    bill.wh = q.wh_imp + before.carry_wh
    for zone in range(BULK_ZONES + 1):
        bill.bank[zone] = 0
    bill.bank[WHOLE_ZONE] = rated.bank[item - 1, WHOLE_ZONE]
    for zone in range(BULK_ZONES):
        kept = rated.bank[item - 1, zone]
        if kept == 0:
            continue
        place = zone
        if old != new:
            place = 0
            while place < BULK_ZONES and (
                tables.tariffs[new].zone_names[place] != tables.tariffs[old].zone_names[zone]
            ):
                place += 1
            if place == BULK_ZONES:
                return INVALID  # banked under a zone that this part's tariff does not have
        bill.bank[place] = kept
    return RATED


@kernel
def _rate(q, tariff, last, month, tables, values, landed, rated, item, bill):  # type: ignore[no-untyped-def]
    """One bill; its status."""
    if not set_off(q, tariff, bill):
        return INVALID
    lengths(q, tariff, bill)
    apparent(q, tariff, bill)
    for place in range(tariff.charges):
        charge = tables.charges[tariff.charges_from + place]
        bill.sums[place], bill.done[place] = 0, 1
        if charge.tests:
            found = due(q, tariff, charge, tables, bill)
            if found == LACKS:
                bill.done[place] = 0
                bill.missing |= np.int64(1) << place
            if found != DUE:
                continue
        if _charge(q, tariff, charge, place, month, tables, values, landed, rated, item, bill):
            bill.done[place] = 2
        else:
            bill.done[place] = 0
            bill.missing |= np.int64(1) << place
    if bill.too_large:
        return TOO_LARGE
    _close(q, tariff, last, rated, item, bill)
    if bill.too_large:
        return TOO_LARGE
    return LACKING if bill.missing else RATED


@kernel
def _charge(q, tariff, charge, place, month, tables, values, landed, rated, item, bill):  # type: ignore[no-untyped-def]
    """The lines of one charge; False when it lacks a quantity, and then it has no line."""
    kind = charge.kind
    of = tables.charges[tariff.charges_from + max(charge.of, 0)]
    if kind == SLABS:
        return by_slabs(q, charge, charge, place, tables, values, month, rated, item, bill)
    if kind == ENERGY:
        return energy(q, tariff, charge, place, tables, rated, item, bill)
    if kind == TOD:
        return tod(q, tariff, charge, of, place, tables, rated, item, bill)
    if kind == SUBSIDY_UNITS:
        return subsidy(q, tariff, charge, of, place, tables, rated, item, bill)
    if kind == EXPORT:
        return export(q, charge, place, rated, item, bill)
    if kind in (FIXED, DEMAND, EXCESS, POWER_FACTOR, LOAD_FACTOR):
        return _of_load(q, tariff, charge, of, place, tables, rated, item, bill)
    if kind in (PERCENT, SUBSIDY, MINIMUM, LATE):
        return _of_money(q, tariff, charge, place, rated, item, bill)
    if month < 0 or not landed[month, charge.value]:
        bill.pending |= np.int64(1) << place
        return True
    if kind == ADJUST_SLAB:
        return by_slabs(q, charge, of, place, tables, values, month, rated, item, bill)
    return adjustment(charge, place, values[month, charge.value], rated, item, bill)


@kernel
def _of_load(q, tariff, charge, of, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """The line of a charge on load or demand, or by a factor."""
    kind = charge.kind
    if kind == FIXED:
        return fixed(q, tariff, charge, place, tables, rated, item, bill)
    if kind == DEMAND:
        return demand(q, tariff, charge, place, tables, rated, item, bill)
    if kind == EXCESS:
        return excess_demand(q, tariff, charge, of, place, tables, rated, item, bill)
    return factor(q, tariff, charge, place, tables, rated, item, bill)


@kernel
def _of_money(q, tariff, charge, place, rated, item, bill):  # type: ignore[no-untyped-def]
    """The line of a charge on charges."""
    kind = charge.kind
    if kind == PERCENT:
        return of_charges(charge.rate, PERCENT_IN, charge, place, rated, item, bill)
    if kind == SUBSIDY:
        return of_charges(-charge.share, charge.share_in, charge, place, rated, item, bill)
    if kind == MINIMUM:
        return minimum(q, tariff, charge, place, rated, item, bill)
    return late(q, charge, place, rated, item, bill)


@kernel
def _close(q, tariff, last, rated, item, bill):  # type: ignore[no-untyped-def]
    """Settlement of the bank, rounding to the rupee, and the figures of the bill."""
    total = np.int64(0)
    for place in range(tariff.charges):
        total += bill.sums[place]
    banked = np.int64(0)
    for zone in range(BULK_ZONES + 1):
        banked += bill.bank[zone]
    if tariff.settle_month and banked and q.known & K_BEGINS and month_of_year(q.begin_day) == tariff.settle_month:
        paise = share(banked, -tariff.settle_rate, PAISE_IN, bill)
        rated.paise[item, tariff.settle_line], rated.there[item, tariff.settle_line] = paise, 1
        total += paise
        for zone in range(BULK_ZONES + 1):
            bill.bank[zone] = 0
    figures, change = rated.figures[item], np.int64(0)
    bill.running += total
    if abs(bill.running) > LARGEST_MONEY:
        bill.too_large = 1
    if last and tariff.round_line != NONE:
        change = to_the_rupee(bill.running)
        rated.paise[item, tariff.round_line], rated.there[item, tariff.round_line] = change, change != 0
    figures.total, figures.energy, figures.rounding = total + change, sum_of(tariff.energy, bill), change
    figures.units_wh, figures.carry_wh = bill.units, bill.carry
    figures.missing, figures.pending = bill.missing, bill.pending
    figures.demand, figures.demand_in = bill.demand, bill.demand_in
    figures.power_factor, figures.load_factor = bill.power_factor, bill.load_factor
    for zone in range(BULK_ZONES + 1):
        rated.bank[item, zone] = bill.bank[zone]
