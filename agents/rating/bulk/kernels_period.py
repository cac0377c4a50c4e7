"""Kernels of a bill's period: its length, what is set off, loads, rates by band, conditions.

q is a row of QUANTITY, tariff of TARIFF, bill of BILL. What may lack a quantity returns whether it is known.
"""

from __future__ import annotations

import numpy as np

from agents.rating.bulk.exact import floored, order, share, times
from agents.rating.bulk.quantities import (
    BULK_ZONES,
    K_BEGINS,
    K_DAYS,
    K_FIXED_MONTHS,
    K_LOAD_VA,
    K_LOAD_W,
    K_PHASES,
    K_POWER_FACTOR,
    K_SLAB_MONTHS,
    K_VAH,
    K_VARH_LAG,
    K_VARH_LEAD,
    K_ZONES_VAH,
    K_ZONES_WH,
    LARGEST_ENERGY,
    LARGEST_POWER,
    WHOLE_ZONE,
)
from agents.rating.bulk.tables import (
    ABOVE,
    BY_UNITS,
    CONNECTION,
    INVALID,
    KVA,
    KVAH,
    KVARH_LAG,
    KVARH_LEAD,
    KW,
    KWH,
    KWH_EXPORT,
    KWH_IMPORT,
    LEAST,
    LOAD_KVA,
    LOAD_KW,
    MARKS,
    MONTHS,
    NONE,
    ONE_RATE,
    PHASES,
    RATED,
    SINCE,
    TOO_LARGE,
    UNITS,
    UPTO,
    WITHOUT,
)
from pipeline.jit import kernel

NOT_DUE, DUE, LACKS = range(3)
WATT_PER_HP = 746


@kernel
def checked(q):  # type: ignore[no-untyped-def]
    """Status of quantities that no bill can have, or that are too large; else RATED."""
    least = min(q.wh_imp, q.wh_exp, q.wh_generation, q.vah_imp, q.varh_lag, q.varh_lead)
    most = max(q.wh_imp, q.wh_exp, q.wh_generation, q.vah_imp, q.varh_lag, q.varh_lead)
    for zone in range(BULK_ZONES):
        least = min(least, q.zone_wh_imp[zone], q.zone_vah_imp[zone], q.zone_wh_exp[zone], q.bank_wh[zone])
        most = max(most, q.zone_wh_imp[zone], q.zone_vah_imp[zone], q.zone_wh_exp[zone], q.bank_wh[zone])
    least, most = min(least, q.bank_wh[WHOLE_ZONE]), max(most, q.bank_wh[WHOLE_ZONE])
    power_least = min(q.md_w, q.md_va, q.md_window_w, q.md_window_va, q.history, q.load_w, q.load_va)
    power_most = max(q.md_w, q.md_va, q.md_window_w, q.md_window_va, q.history, q.load_w, q.load_va)
    other = min(q.slab_months, q.fixed_months, q.power_factor, q.hours, q.dark_hours, q.arrears_days)
    if min(least, power_least, other) < 0:
        return INVALID
    if (q.known & K_DAYS and q.days < 1) or not _fractions(q):
        return INVALID
    other = max(q.slab_months, q.fixed_months, q.power_factor, q.hours, q.dark_hours, q.arrears_days, q.days)
    other = max(other, abs(q.arrears_paise))
    if most > LARGEST_ENERGY or power_most > LARGEST_POWER or other > LARGEST_ENERGY:
        return TOO_LARGE
    return RATED


@kernel
def _fractions(q):  # type: ignore[no-untyped-def]
    """Whether denominators are above 0 where there is a fraction."""
    return (
        (not q.known & K_SLAB_MONTHS or q.slab_months_in > 0)
        and (not q.known & K_FIXED_MONTHS or q.fixed_months_in > 0)
        and (not q.known & K_POWER_FACTOR or q.power_factor_in > 0)
        and q.hours_in >= 0
        and q.dark_hours_in >= 0
    )


@kernel
def lengths(q, tariff, bill):  # type: ignore[no-untyped-def]
    """The period in billing cycles, and in months."""
    if not q.known & K_DAYS:
        months, months_in = tariff.cycle_months, np.int64(1)
    elif tariff.month_parts == NONE:
        months, months_in = q.days, tariff.month_days
    else:
        months, months_in = share(q.days, tariff.month_parts, tariff.month_days, bill), tariff.month_parts
    bill.slab, bill.slab_in, bill.fixed, bill.fixed_in = months, months_in, months, months_in
    if q.known & K_SLAB_MONTHS:
        bill.slab, bill.slab_in = q.slab_months, q.slab_months_in
    if q.known & K_FIXED_MONTHS:
        bill.fixed, bill.fixed_in = q.fixed_months, q.fixed_months_in
    bill.slab_in = times(bill.slab_in, tariff.cycle_months, bill)
    if bill.slab == bill.slab_in:
        bill.slab, bill.slab_in = 1, 1


@kernel
def set_off(q, tariff, bill):  # type: ignore[no-untyped-def]
    """Energy billed by zone, and bill.bank, which comes in and goes out; False when zones exceed the whole.

    As `engine.netting`: a zone's own export and bank first, then surplus in the order of the zones, what is of no zone
    last, to the zones of `spill_to`.
    """
    zoned = q.known & K_ZONES_WH != 0
    bill.zoned = zoned
    rest, rest_exported = bill.wh, q.wh_exp
    for zone in range(BULK_ZONES):
        bill.billed[zone] = q.zone_wh_imp[zone] if zoned else 0
        rest -= bill.billed[zone]
        rest_exported -= q.zone_wh_exp[zone]
    if rest < 0:
        return False
    bill.billed[WHOLE_ZONE] = rest
    if not tariff.set_off:
        _whole_units(bill, tariff, bill.wh)
        return True
    if rest_exported < 0:
        return False
    for zone in range(BULK_ZONES + 1):
        exported = q.zone_wh_exp[min(zone, BULK_ZONES - 1)] if zoned else 0
        if zone == WHOLE_ZONE:
            exported = rest_exported if zoned else q.wh_exp
        net = bill.billed[zone] - exported - bill.bank[zone]
        bill.billed[zone], bill.surplus[zone], bill.bank[zone] = max(net, 0), max(-net, 0), 0
    total = np.int64(0)
    for giver in range(BULK_ZONES + 1):
        for place in range(tariff.spills):
            taker = tariff.spill_to[place]
            moved = min(bill.surplus[giver], bill.billed[taker])
            bill.surplus[giver] -= moved
            bill.billed[taker] -= moved
        bill.bank[tariff.bank_as if tariff.bank_as != NONE and zoned else giver] += bill.surplus[giver]
    for zone in range(BULK_ZONES + 1):
        total += bill.billed[zone]
    _whole_units(bill, tariff, total)
    return True


@kernel
def _whole_units(bill, tariff, total):  # type: ignore[no-untyped-def]
    bill.carry = total % tariff.step_wh
    bill.units = total - bill.carry


@kernel
def apparent(q, tariff, bill):  # type: ignore[no-untyped-def]
    """bill.vah: billed VAh, as read or by the power factor; NONE when neither is known."""
    bill.vah = NONE
    if q.known & K_VAH:
        bill.vah = q.vah_imp - q.vah_imp % tariff.step_wh
    elif q.known & K_POWER_FACTOR and q.power_factor:
        exact = floored(bill.wh, q.power_factor_in, q.power_factor, bill)
        bill.vah = exact - exact % tariff.step_wh


@kernel
def amount(q, quantity, bill):  # type: ignore[no-untyped-def]
    """Wh, VAh or varh of a quantity; NONE when it is not known."""
    if quantity == KWH:
        return bill.units
    if quantity == KVAH:
        return bill.vah
    if quantity == KWH_IMPORT:
        return bill.wh
    if quantity == KWH_EXPORT:
        return q.wh_exp
    if quantity == KVARH_LAG:
        return q.varh_lag if q.known & K_VARH_LAG else NONE
    if quantity == KVARH_LEAD:
        return q.varh_lead if q.known & K_VARH_LEAD else NONE
    return q.wh_generation


@kernel
def zone_amount(q, quantity, zone, bill):  # type: ignore[no-untyped-def]
    """Wh or VAh of a zone; NONE when energy is not known by zone."""
    if quantity == KWH:
        if bill.zoned:
            return bill.billed[zone]
    elif q.known & K_ZONES_VAH:
        return q.zone_vah_imp[zone]
    return np.int64(0) if amount(q, quantity, bill) == 0 else np.int64(NONE)


@kernel
def load(q, tariff, per, bill):  # type: ignore[no-untyped-def]
    """bill.load: the sanctioned load in kW, kVA or HP, or 1 of a connection; False when it is not known."""
    watt, volt_ampere = q.known & K_LOAD_W != 0, q.known & K_LOAD_VA != 0
    factor = tariff.factor != NONE
    if per == CONNECTION:
        bill.load, bill.load_in = 1, 1
        return True
    if per == KVA:
        if volt_ampere:
            bill.load, bill.load_in = q.load_va, 1000
        elif watt and factor:
            bill.load, bill.load_in = times(q.load_w, tariff.factor_in, bill), times(1000, tariff.factor, bill)
        else:
            return False
        return True
    below = np.int64(1000) if per == KW else np.int64(WATT_PER_HP)
    if watt:
        bill.load, bill.load_in = q.load_w, below
    elif volt_ampere and factor:
        bill.load, bill.load_in = times(q.load_va, tariff.factor, bill), times(below, tariff.factor_in, bill)
    else:
        return False
    return True


@kernel
def rate_of(q, tariff, charge, tables, bill):  # type: ignore[no-untyped-def]
    """bill.rate: a charge's one rate, or that of the band that the period is in; bill.load is another afterwards."""
    if charge.by == ONE_RATE:
        bill.rate = charge.rate
        return True
    if charge.by != BY_UNITS and not load(q, tariff, charge.by, bill):
        return False
    for place in range(charge.rows):
        row = charge.rows_from + place
        to, to_in = tables.rows[row, 0], tables.rows[row, 1]
        bill.rate = tables.rows[row, 2]
        if to == NONE:
            break
        if charge.by == BY_UNITS:
            stands = order(bill.units, 1000, times(to, bill.slab, bill), times(to_in, bill.slab_in, bill))
        else:
            stands = order(bill.load, bill.load_in, to, to_in)
        if stands <= 0:
            break
    return True


@kernel
def due(q, tariff, charge, tables, bill):  # type: ignore[no-untyped-def]
    """Whether a charge's condition holds: NOT_DUE, DUE or LACKS."""
    for place in range(charge.tests_from, charge.tests_from + charge.tests):
        found = _test(q, tariff, tables.tests, place, bill)
        if found != DUE:
            return found
    return DUE


@kernel
def _test(q, tariff, tests, place, bill):  # type: ignore[no-untyped-def]
    what, comparison, number, number_in = tests[place, 0], tests[place, 1], tests[place, 2], tests[place, 3]
    if what == MARKS:
        return DUE if q.marks & number == number else NOT_DUE
    if what == WITHOUT:
        return DUE if q.marks & number == 0 else NOT_DUE
    if what == PHASES:
        if not q.known & K_PHASES:
            return LACKS
        return DUE if q.phases == number else NOT_DUE
    if what == UNITS:
        if number < 0:
            return _holds(np.int64(1), comparison)
        bound, bound_in = times(number, bill.slab, bill), times(number_in, bill.slab_in, bill)
        return _holds(order(bill.units, 1000, bound, bound_in), comparison)
    if what in (LOAD_KW, LOAD_KVA):
        if not load(q, tariff, np.int64(KW) if what == LOAD_KW else np.int64(KVA), bill):
            return LACKS
        if number < 0:
            return _holds(np.int64(1), comparison)
        return _holds(order(bill.load, bill.load_in, number, number_in), comparison)
    return _dated(q, what, number)


@kernel
def _dated(q, what, number):  # type: ignore[no-untyped-def]
    if not q.known & K_BEGINS:
        return LACKS
    if what == MONTHS:
        return DUE if (number >> month_of_year(q.begin_day)) & 1 else NOT_DUE
    if what == SINCE:
        return DUE if q.begin_day >= number else NOT_DUE
    return DUE if q.begin_day <= number else NOT_DUE


@kernel
def _holds(stands, comparison):  # type: ignore[no-untyped-def]
    if comparison == ABOVE:
        found = stands > 0
    elif comparison == LEAST:
        found = stands >= 0
    elif comparison == UPTO:
        found = stands <= 0
    else:
        found = stands < 0
    return DUE if found else NOT_DUE


@kernel
def month_of_year(day):  # type: ignore[no-untyped-def]
    """1 to 12, of a day counted since 1970-01-01; years begin in March, so that a leap day ends one."""
    day_of_era = (day + 719_468) % 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * day_of_year + 2) // 153
    return (from_march + 2) % 12 + 1
