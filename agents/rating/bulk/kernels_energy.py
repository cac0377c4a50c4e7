"""Kernels of charges on energy: slabs, one rate, time of day, export, subsidies of some units.

Units of slabs are counted in Wh x bill.slab_in, in which bounds that follow the period's length are whole numbers.
"""

from __future__ import annotations

import numpy as np

from agents.rating.bulk.exact import ratio, share, times
from agents.rating.bulk.kernels_period import amount, rate_of, zone_amount
from agents.rating.bulk.tables import ADJUST_SLAB, NONE, RATE_SCALE, SLABS
from pipeline.jit import kernel

PAISE_IN = 1000 * RATE_SCALE // 100
"""Wh x 0.00001 rupees a kWh of one paisa."""
SHARE_IN = PAISE_IN * 100 * RATE_SCALE
"""Wh x 0.00001 rupees a kWh x 0.00001 per cent of one paisa."""
LARGEST_COST = 2**61


@kernel
def line(rated, item, place, slot, paise, bill):  # type: ignore[no-untyped-def]
    """Put a line of the charge at `place` of its tariff on the bill."""
    rated.paise[item, slot], rated.there[item, slot] = paise, 1
    bill.sums[place] += paise


@kernel
def sum_of(bits, bill):  # type: ignore[no-untyped-def]
    """Paise of the charges whose bits are set."""
    found, place = np.int64(0), 0
    while bits >> place:
        if (bits >> place) & 1:
            found += bill.sums[place]
        place += 1
    return found


@kernel
def signed(one, rate, other, one_in, other_in, third_in, bill):  # type: ignore[no-untyped-def]
    """one x rate x other over three denominators, a half away from zero; one and rate may be negative."""
    found = ratio(abs(one), abs(rate), other, 1, one_in, other_in, third_in, 1, bill)
    return found if (one < 0) == (rate < 0) else -found


@kernel
def _bound(charge, tables, place, bill):  # type: ignore[no-untyped-def]
    """Last unit of a slab, as slabs are counted; NONE of the last."""
    to = tables.rows[charge.rows_from + place, 0]
    if to == NONE:
        return np.int64(NONE)
    return times(to * 1000, bill.slab if charge.scaled else bill.slab_in, bill)


@kernel
def _reached(charge, tables, total, bill):  # type: ignore[no-untyped-def]
    """The slab that `total` ends in."""
    for place in range(charge.rows):
        bound = _bound(charge, tables, place, bill)
        if bound == NONE or total <= bound:
            return place
    return charge.rows - 1


@kernel
def by_slabs(q, charge, of, place, tables, values, month, rated, item, bill):  # type: ignore[no-untyped-def]
    """Lines by the slabs of `of`: at its rates, or at the values of a month's adjustment."""
    units = amount(q, of.quantity, bill)
    if units == NONE:
        return False
    total, below_in = times(units, bill.slab_in, bill), times(bill.slab_in, PAISE_IN, bill)
    last = _reached(of, tables, total, bill)
    first = last if tables.rows[of.rows_from + last, 2] else 0
    begin = np.int64(0)
    for slab in range(first, last + 1):
        end = total if slab == last else _bound(of, tables, slab, bill)
        rate = tables.rows[of.rows_from + slab, 1]
        if charge.kind == ADJUST_SLAB:
            rate = values[month, charge.value + slab]
        if end > begin:
            line(rated, item, place, charge.line + slab, share(end - begin, rate, below_in, bill), bill)
        begin = end
    return True


@kernel
def energy(q, tariff, charge, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """Units x rate."""
    units = amount(q, charge.quantity, bill)
    if units == NONE or not rate_of(q, tariff, charge, tables, bill):
        return False
    if units:
        line(rated, item, place, charge.line, share(units, bill.rate, PAISE_IN, bill), bill)
    return True


@kernel
def export(q, charge, place, rated, item, bill):  # type: ignore[no-untyped-def]
    """Minus units x rate."""
    units = amount(q, charge.quantity, bill)
    if units:
        line(rated, item, place, charge.line, share(units, -charge.rate, PAISE_IN, bill), bill)
    return True


@kernel
def tod(q, tariff, charge, of, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """Units of a zone x what they cost more or less, or x a share of the average rate of the charge `of`."""
    cost, units, costed = np.int64(0), np.int64(1), False
    for zone in range(charge.rows):
        row = charge.rows_from + zone
        if zone_amount(q, charge.quantity, tables.rows[row, 0], bill) == NONE:
            return False
        if not tables.rows[row, 1] and not costed:
            if bill.done[charge.of] == 0:
                return False
            if bill.done[charge.of] == 2:
                cost, units = _cost(q, tariff, of, tables, bill)
            costed = True
    for zone in range(charge.rows):
        row = charge.rows_from + zone
        there = zone_amount(q, charge.quantity, tables.rows[row, 0], bill)
        if there == 0:
            continue
        rate = tables.rows[row, 2]
        if tables.rows[row, 1]:
            paise = share(there, rate, PAISE_IN, bill)
        else:
            paise = signed(cost, rate, there, units, SHARE_IN, np.int64(1), bill)
        line(rated, item, place, charge.line + zone, paise, bill)
    return True


@kernel
def _cost(q, tariff, charge, tables, bill):  # type: ignore[no-untyped-def]
    """(cost, units) of an energy charge that is on the bill: their quotient is its average rate, not rounded."""
    used = amount(q, charge.quantity, bill)
    if used == 0:
        return np.int64(0), np.int64(1)
    if charge.kind != SLABS:
        rate_of(q, tariff, charge, tables, bill)
        return np.int64(bill.rate), np.int64(1)
    total = times(used, bill.slab_in, bill)
    last = _reached(charge, tables, total, bill)
    if tables.rows[charge.rows_from + last, 2]:
        return tables.rows[charge.rows_from + last, 1], np.int64(1)
    begin, cost = np.int64(0), np.int64(0)
    for slab in range(last + 1):
        end = total if slab == last else _bound(charge, tables, slab, bill)
        rate = tables.rows[charge.rows_from + slab, 1]
        size = times(end - begin, abs(rate), bill)
        if size > LARGEST_COST or abs(cost) > LARGEST_COST:
            bill.too_large = 1
            break
        cost += size if rate > 0 else -size
        begin = end
    return cost, total


@kernel
def subsidy(q, tariff, charge, of, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """Minus a share of the cost of the units between two bounds; they have their place whether `of` is due or not."""
    if bill.done[charge.of] == 0:
        return True
    units = amount(q, of.quantity, bill)
    if units == NONE or not rate_of(q, tariff, of, tables, bill):
        return False
    total, rate = times(units, bill.slab_in, bill), bill.rate
    low = times(charge.above * 1000, bill.slab, bill)
    high = total if charge.upto == NONE else min(total, times(charge.upto * 1000, bill.slab, bill))
    first, last = np.int64(0), np.int64(0)
    if of.kind == SLABS:
        last = _reached(of, tables, total, bill)
        first = last if tables.rows[of.rows_from + last, 2] else np.int64(0)
    begin, made = np.int64(0), np.int64(0)
    for slab in range(first, last + 1):
        end = total if slab == last else _bound(of, tables, slab, bill)
        if of.kind == SLABS:
            rate = tables.rows[of.rows_from + slab, 1]
        paid = min(high, end) - max(low, begin)
        if paid > 0:
            paise = signed(-paid, rate, charge.share, bill.slab_in, PAISE_IN, charge.share_in, bill)
            line(rated, item, place, charge.line + made, paise, bill)
            made += 1
        begin = end
    return True
