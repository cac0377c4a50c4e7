"""Kernels of fixed and demand charges, excess demand, power factor and load factor."""

from __future__ import annotations

import numpy as np

from agents.rating.bulk.exact import order, ratio, reaches, share, times
from agents.rating.bulk.kernels_energy import line, sum_of
from agents.rating.bulk.kernels_period import load, rate_of
from agents.rating.bulk.quantities import (
    K_DAYS,
    K_HISTORY,
    K_HOURS,
    K_MD_VA,
    K_MD_W,
    K_MD_WINDOW_VA,
    K_MD_WINDOW_W,
    K_POWER_FACTOR,
    K_VAH,
    K_VARH_LAG,
    K_VARH_LEAD,
)
from agents.rating.bulk.tables import AS_IT_IS, EXACT_SCALE, HALF_UP, KVA, KW, NONE, POWER_FACTOR, RATE_SCALE
from pipeline.jit import kernel

LOAD_IN = RATE_SCALE // 100
"""0.00001 rupees of one paisa."""
FACTOR_IN = EXACT_SCALE * RATE_SCALE * 100
"""What a factor's percentages are counted in: 0.000000001 points x 0.00001 per cent, of the whole."""
LARGEST_PERCENT = 2**61
THREE_PLACES = 1000
HOURS_A_DAY = 24


@kernel
def fixed(q, tariff, charge, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """Load x months x rate."""
    if not rate_of(q, tariff, charge, tables, bill) or not load(q, tariff, charge.per, bill):
        return False
    if charge.round_up:
        bill.load, bill.load_in = -(-bill.load // bill.load_in), 1
    if charge.least != NONE and order(bill.load, bill.load_in, charge.least, charge.least_in) < 0:
        bill.load, bill.load_in = charge.least, charge.least_in
    months, months_in = bill.fixed, bill.fixed_in
    if not charge.prorated:
        months, months_in = tariff.cycle_months, np.int64(1)
    if bill.load and months:
        paise = ratio(bill.load, months, abs(bill.rate), 1, bill.load_in, months_in, LOAD_IN, 1, bill)
        line(rated, item, place, charge.line, paise if bill.rate > 0 else -paise, bill)
    return True


@kernel
def recorded(q, tariff, bill):  # type: ignore[no-untyped-def]
    """bill.recorded: W or VA of the tariff's window; False when it is not known."""
    if tariff.demand_per == KW:
        known = K_MD_WINDOW_W if tariff.window else K_MD_W
        bill.recorded = q.md_window_w if tariff.window else q.md_w
    else:
        known = K_MD_WINDOW_VA if tariff.window else K_MD_VA
        bill.recorded = q.md_window_va if tariff.window else q.md_va
    return q.known & known != 0


@kernel
def _at_least(amount, amount_in, bill):  # type: ignore[no-untyped-def]
    if order(amount, amount_in, bill.demand, bill.demand_in) > 0:
        bill.demand, bill.demand_in = amount, amount_in


@kernel
def billing_demand(q, tariff, bill):  # type: ignore[no-untyped-def]
    """bill.demand: the largest of recorded demand, a share of contract demand, a share of earlier demand."""
    if bill.demand_in:
        return True
    if not load(q, tariff, tariff.demand_per, bill) or not recorded(q, tariff, bill):
        return False
    bill.demand, bill.demand_in = bill.recorded, 1000
    if tariff.contract != NONE:
        _at_least(times(bill.load, tariff.contract, bill), times(bill.load_in, tariff.contract_in, bill), bill)
    if tariff.history != NONE and q.known & K_HISTORY:
        earlier, earlier_in = times(q.history, tariff.history, bill), times(1000, tariff.history_in, bill)
        if tariff.history_capped and order(earlier, earlier_in, bill.load, bill.load_in) > 0:
            earlier, earlier_in = bill.load, bill.load_in
        _at_least(earlier, earlier_in, bill)
    if tariff.demand_rounding != AS_IT_IS:
        whole = bill.demand // bill.demand_in
        rest = bill.demand - whole * bill.demand_in
        more = rest >= bill.demand_in - rest if tariff.demand_rounding == HALF_UP else rest > 0
        bill.demand, bill.demand_in = whole + (1 if more else 0), 1
    return True


@kernel
def demand(q, tariff, charge, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """Billing demand x months x rate."""
    if not billing_demand(q, tariff, bill) or not rate_of(q, tariff, charge, tables, bill):
        return False
    if bill.demand and bill.fixed:
        paise = ratio(bill.demand, bill.fixed, abs(bill.rate), 1, bill.demand_in, bill.fixed_in, LOAD_IN, 1, bill)
        line(rated, item, place, charge.line, paise if bill.rate > 0 else -paise, bill)
    return True


@kernel
def excess_demand(q, tariff, charge, of, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """(Recorded - contract) x months x rate of `of` x factor, when it is beyond what is allowed."""
    if not recorded(q, tariff, bill) or not load(q, tariff, tariff.demand_per, bill):
        return False
    less, less_in = bill.load, bill.load_in
    allowed, allowed_in = times(less, charge.allowed, bill), times(less_in, charge.allowed_in, bill)
    if order(bill.recorded, 1000, allowed, allowed_in) <= 0:
        return True
    if not rate_of(q, tariff, of, tables, bill):
        return False
    if charge.beyond:
        less, less_in = allowed, allowed_in
    if less_in == 1000:
        above, above_in = bill.recorded - less, less_in
    else:
        above, above_in = times(bill.recorded, less_in, bill) - times(less, 1000, bill), times(less_in, 1000, bill)
    if bill.fixed and not bill.too_large:
        months, months_in = times(bill.fixed, charge.share, bill), times(bill.fixed_in, charge.share_in, bill)
        paise = ratio(above, months, abs(bill.rate), 1, above_in, months_in, LOAD_IN, 1, bill)
        line(rated, item, place, charge.line, paise if bill.rate > 0 else -paise, bill)
    return True


@kernel
def power_factor(q, parts, bill):  # type: ignore[no-untyped-def]
    """bill.power_factor in 1 / parts: as read, kWh / kVAh, or by reactive energy; False when nothing is known."""
    if q.known & K_POWER_FACTOR:
        bill.power_factor = share(q.power_factor, parts, q.power_factor_in, bill)
    elif q.known & K_VAH and q.vah_imp:
        bill.power_factor = share(bill.wh, parts, q.vah_imp, bill)
    elif q.known & (K_VARH_LAG | K_VARH_LEAD):
        bill.power_factor = _by_reactive(bill.wh, max(q.varh_lag, q.varh_lead), parts)
    else:
        return False
    return True


@kernel
def _by_reactive(wh, varh, parts):  # type: ignore[no-untyped-def]
    """cos(atan(varh / wh)) in 1 / parts, half up: the largest p with (p - 1/2) / parts at most wh / sqrt(wh2 + varh2).

    Squared and without fractions: a2 varh2 <= (b - a) (b + a) wh2, with a = 2 p - 1 and b = 2 parts.
    """
    if wh == 0 and varh == 0:
        return np.int64(parts)
    low, high, whole = np.int64(0), np.int64(parts), 2 * parts
    while low < high:
        found = (low + high + 1) // 2
        half = 2 * found - 1
        if reaches(whole - half, whole + half, wh, wh, half, half, varh, varh):
            low = found
        else:
            high = found - 1
    return low


@kernel
def _load_factor(q, tariff, bill):  # type: ignore[no-untyped-def]
    """bill.load_factor, per cent in 1 / tariff.lf_parts; False when something is not known."""
    if q.known & K_HOURS:
        hours, hours_in = q.hours, max(q.hours_in, np.int64(1))
    elif q.known & K_DAYS:
        hours, hours_in = q.days * HOURS_A_DAY, np.int64(1)
    else:
        return False
    dark_in = max(q.dark_hours_in, np.int64(1))
    if order(q.dark_hours, dark_in, tariff.lf_beyond, tariff.lf_beyond_in) > 0:
        dark = times(q.dark_hours, tariff.lf_beyond_in, bill) - times(tariff.lf_beyond, dark_in, bill)
        dark_in = times(dark_in, tariff.lf_beyond_in, bill)
        hours = times(hours, dark_in, bill) - times(dark, hours_in, bill)
        hours_in = times(hours_in, dark_in, bill)
    in_kva = tariff.lf_contract or not tariff.demand_rule or tariff.demand_per == KVA
    if tariff.lf_contract:
        if not load(q, tariff, np.int64(KVA), bill):
            return False
        base, base_in = bill.load, bill.load_in
    else:
        if not recorded(q, tariff, bill):
            return False
        base, base_in = bill.recorded, np.int64(1000)
    factor, parts = np.int64(1), np.int64(1)
    if in_kva:
        if not power_factor(q, np.int64(THREE_PLACES), bill):
            return False
        factor, parts = bill.power_factor, np.int64(THREE_PLACES)
    bill.load_factor = 0
    if base > 0 and factor > 0 and hours > 0:
        # kWh x 100 per cent: Wh / 10.
        above, below = times(tariff.lf_parts, parts, bill), times(factor, 10, bill)
        bill.load_factor = ratio(bill.wh, base_in, above, hours_in, base, below, hours, 1, bill)
    return True


@kernel
def factor(q, tariff, charge, place, tables, rated, item, bill):  # type: ignore[no-untyped-def]
    """A percentage of charges by power factor or load factor."""
    if charge.kind == POWER_FACTOR:
        if not power_factor(q, charge.parts, bill):
            return False
        value = times(bill.power_factor, EXACT_SCALE // charge.parts, bill)
    else:
        if tariff.lf_within and tariff.demand_rule:
            if not recorded(q, tariff, bill) or not load(q, tariff, tariff.demand_per, bill):
                return False
            if order(bill.recorded, 1000, bill.load, bill.load_in) > 0:
                return True
        if not _load_factor(q, tariff, bill):
            return False
        value = times(bill.load_factor, EXACT_SCALE // tariff.lf_parts, bill)
    _percent_of(charge, value, tables, bill)
    base = sum_of(charge.of_bits, bill)
    if bill.percent == 0 or base == 0:
        return True
    paise = share(base, bill.percent, FACTOR_IN, bill)
    if charge.cap != NONE:
        paise = _capped(charge, base, paise, bill)
    line(rated, item, place, charge.line, paise, bill)
    return True


@kernel
def _percent_of(charge, value, tables, bill):  # type: ignore[no-untyped-def]
    """bill.percent in 1 / FACTOR_IN of a whole: the row that `value` is in, and each step as far as it reaches."""
    bill.percent = 0
    for row in range(charge.tables_from, charge.tables_from + charge.tables):
        if tables.rows[row, 0] <= value <= tables.rows[row, 1]:
            _more(tables.rows[row, 2], np.int64(EXACT_SCALE), bill)
            break
    for row in range(charge.rows_from, charge.rows_from + charge.rows):
        since, until = tables.rows[row, 0], tables.rows[row, 1]
        reached = min(max(value, since), until) if until > since else max(min(value, since), until)
        gone = abs(reached - since)
        if charge.whole_points:
            points = times(gone // charge.point, EXACT_SCALE, bill)
        else:
            points = times(gone, EXACT_SCALE // charge.point, bill)
        _more(tables.rows[row, 2], points, bill)


@kernel
def _more(rate, points, bill):  # type: ignore[no-untyped-def]
    size = times(abs(rate), points, bill)
    if size > LARGEST_PERCENT or abs(bill.percent) > LARGEST_PERCENT:
        bill.too_large = 1
        return
    bill.percent += size if rate > 0 else -size


@kernel
def _capped(charge, base, paise, bill):  # type: ignore[no-untyped-def]
    """An incentive of at most a share of charges."""
    most = sum_of(charge.cap_bits, bill)
    incentive = (base < 0) != (bill.percent < 0)
    size, cap = abs(base), abs(most)
    within = reaches(cap, charge.cap, FACTOR_IN, 1, size, abs(bill.percent), charge.cap_in, 1)
    beyond = reaches(size, abs(bill.percent), charge.cap_in, 1, cap, charge.cap, FACTOR_IN, 1)
    if (incentive and (most < 0 or not within)) or (not incentive and most < 0 and not beyond):
        return -share(most, charge.cap, charge.cap_in, bill)
    return paise
