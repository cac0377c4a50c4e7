"""The flat tables that tariffs are compiled into, and what the kernel notes of the bill it is at.

All numbers are int64. Rates are of 0.00001 rupees or per cent; an exact number is a numerator and, above 0, a
denominator (`..._in`); bounds of a factor are of 0.000000001. A numerator of NONE: there is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from agents.rating.bulk.quantities import BULK_ZONES
from pipeline.columns import Array

RATE_SCALE, EXACT_SCALE = 10**5, 10**9
NONE = -1
MOST_CHARGES = 62
"""Charges of a tariff: one has a bit each in `of` of others."""

# Kinds of charges.
(
    SLABS, ENERGY, FIXED, DEMAND, EXCESS, TOD, PERCENT, ADJUST_UNIT, ADJUST_SLAB, ADJUST_PERCENT, POWER_FACTOR,
    LOAD_FACTOR, MINIMUM, SUBSIDY, SUBSIDY_UNITS, EXPORT, LATE,
) = range(17)  # fmt: skip

# What energy is counted.
QUANTITIES = ("kwh", "kvah", "kwh_import", "kwh_export", "kvarh_lag", "kvarh_lead", "kwh_generation")
KWH, KVAH, KWH_IMPORT, KWH_EXPORT, KVARH_LAG, KVARH_LEAD, KWH_GENERATION = range(7)

# What load is counted by, and what bands are of.
CONNECTION, KW, KVA, HP, BY_UNITS, ONE_RATE = range(6)

# What a condition asks for; those of ranges have the comparison beside them.
MARKS, WITHOUT, PHASES, UNITS, LOAD_KW, LOAD_KVA, MONTHS, SINCE, UNTIL = range(9)
ABOVE, LEAST, UPTO, BELOW = range(4)

# Rounding of billing demand.
AS_IT_IS, HALF_UP, UP = range(3)


def _integers(*names: str) -> np.dtype[np.void]:
    return np.dtype([(name, "<i8") for name in names])


TARIFF = np.dtype(
    [
        *((name, "<i8") for name in (
            "charges_from", "charges", "width",  # its charges; lines of a bill
            "step_wh", "cycle_months", "month_days",
            "month_parts",  # 10^month_digits; NONE: months are exact
            "factor", "factor_in",  # load_power_factor
            "demand_rule", "demand_per", "window", "contract", "contract_in",  # billing_demand, shares of 1
            "history", "history_in", "history_capped", "demand_rounding",
            "lf_contract", "lf_beyond", "lf_beyond_in", "lf_within", "lf_parts",  # load_factor; 10^digits
            "set_off", "bank_as", "spills", "settle_month", "settle_rate", "settle_line",
            "round_line",  # of the line ROUNDING; NONE: to the paisa
            "energy",  # bits of the charges that make up the energy charge
            "zones",
        )),
        ("spill_to", "<i8", (BULK_ZONES,)),
        ("zone_names", "<i8", (BULK_ZONES,)),  # the book's number of each zone's name
    ]
)  # fmt: skip

CHARGE = _integers(
    "kind", "line", "lines",  # its first line, and how many it may have
    "tests_from", "tests",  # conditions
    "quantity", "rate", "by", "rows_from", "rows",  # rows: slabs, bands, zones, steps
    "tables_from", "tables",  # rows of a factor's table
    "scaled", "per", "round_up", "least", "least_in", "prorated",
    "of", "of_bits", "cap_bits", "cap", "cap_in",
    "share", "share_in",  # of 1: subsidy, penal factor
    "allowed", "allowed_in",  # of contract demand, before there is excess
    "beyond",  # excess is counted from what is allowed
    "above", "upto",  # units of a subsidy
    "value",  # of an adjustment: its first value in a row of the month's
    "parts", "point", "whole_points",  # of a factor: 10^digits; 0.000000001 of a point
)  # fmt: skip
"""Numbers of lines and of charges count within the tariff."""

ROW = 4
"""Numbers of a row. Slab: to (units), rate, all_units. Band: to, to_in, rate. Zone: zone, delta (0 or 1), rate.
Step: since, until, rate. Row of a factor's table: least, upto, rate."""
TEST = 4
"""Numbers of a condition: what, comparison, number, number_in."""


class Tables(NamedTuple):
    """tariffs TARIFF (n,), charges CHARGE (n,), rows i64 (n, ROW), tests i64 (n, TEST)."""

    tariffs: Array
    charges: Array
    rows: Array
    tests: Array


BILL = np.dtype(
    [
        *((name, "<i8") for name in (
            "too_large", "lacks",  # something does not fit; the charge that is rated lacks a quantity
            "wh", "units", "carry", "vah",  # vah: NONE when not known
            "slab", "slab_in", "fixed", "fixed_in",  # length in cycles, and in months
            "zoned",  # energy is known by zone
            "load", "load_in", "rate", "demand", "demand_in", "recorded",
            "power_factor", "load_factor", "amount", "amount_in", "percent",
            "missing", "pending",  # bits of charges: a quantity is missing; a month's value has not landed
            "before", "running",  # tariff of the row before, NONE; paise of the parts before
        )),
        ("billed", "<i8", (BULK_ZONES + 1,)),
        ("surplus", "<i8", (BULK_ZONES + 1,)),
        ("bank", "<i8", (BULK_ZONES + 1,)),
        ("sums", "<i8", (64,)),  # paise by charge
        ("done", "<i8", (64,)),  # 0: lacks something, 1: not due, 2: rated
    ]
)  # fmt: skip
"""What the kernel notes of one bill."""

RATED, LACKING, INVALID, TOO_LARGE, NO_TARIFF = range(5)
"""Status of a bill. LACKING: without the charges that lack a quantity. INVALID: quantities that no bill has (energy
below 0, zones that exceed the whole). TOO_LARGE: a number does not fit; the reference engine can rate it."""

FIGURE = _integers(
    "status", "total", "energy", "units_wh", "carry_wh", "rounding", "missing", "pending",
    "demand", "demand_in",  # billing demand in kW or kVA; 0 of 0: none
    "power_factor", "load_factor",  # as the tariff rounds them, in the last place of the charge; NONE: not asked for
)  # fmt: skip
"""What is said of a bill beside its lines: total and energy charge in paise; `missing` and `pending` are bits of its
charges."""


class Rated(NamedTuple):
    """Room for n bills: paise i64 (n, width) and there u8 (n, width) by line, figures FIGURE (n,), bank i64 (n, 9) by
    zone; bill BILL (1,) is the kernel's own. A line is there when its base is not 0, as on the bill."""

    paise: Array
    there: Array
    figures: Array
    bank: Array
    bill: Array


def new_rated(bills: int, width: int) -> Rated:
    """Room for bills of up to `width` lines."""
    return Rated(
        np.zeros((bills, width), np.int64), np.zeros((bills, width), np.uint8), np.zeros(bills, FIGURE),
        np.zeros((bills, BULK_ZONES + 1), np.int64), np.zeros(1, BILL),
    )  # fmt: skip
