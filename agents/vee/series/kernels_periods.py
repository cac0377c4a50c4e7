"""Rules of calendar months and of nodes: usage, demand, audit, highest interval, export, estimates, balance.

Months are in order and without gaps: month 12 behind another is its like a year later. `days` i64 (m,): days of a month
of which all is known; 0: the month is not judged. Words `months` u64 (m,).
"""

from __future__ import annotations

import numpy as np

from pipeline.columns import Array
from pipeline.jit import inlined, kernel
from pipeline.rules import RULE_BIT

V17, V18, V19, V22, V30, V31, V32, V35 = (
    np.uint64(1 << RULE_BIT[code]) for code in ("V17", "V18", "V19", "V22", "V30", "V31", "V32", "V35")
)

YEAR = 12


@inlined
def reference_of(days: Array, month: int) -> int:
    """The month that another is compared with: the same of last year, else the one before; -1: none."""
    if month >= YEAR and days[month - YEAR] > 0:
        return month - YEAR
    if month >= 1 and days[month - 1] > 0:
        return month - 1
    return -1


@kernel
def usage_unusual(use: Array, days: Array, high: int, low: int, months: Array) -> None:
    """V17: use a day above `high` percent of its reference, or below `low`. use i64 (m,) Wh."""
    for month in range(len(use)):
        other = reference_of(days, month)
        if days[month] == 0 or other < 0 or use[other] <= 0:
            continue
        now, then = use[month] * days[other] * 100, use[other] * days[month]
        if now > then * high or now < then * low:
            months[month] |= V17


@kernel
def demand_unusual(demand: Array, days: Array, high: int, low: int, months: Array) -> None:
    """V18: maximum demand above `high` percent of its reference, or below `low`. demand i64 (m,) W."""
    for month in range(len(demand)):
        other = reference_of(days, month)
        if days[month] == 0 or other < 0 or demand[other] <= 0:
            continue
        if demand[month] * 100 > demand[other] * high or demand[month] * 100 < demand[other] * low:
            months[month] |= V18


@kernel
def audit_unusual(use: Array, days: Array, high: int, low: int, months: Array) -> None:
    """V19: use a day above by more than `high` percent, or below by `low`: against two months, and against last year.

    Only what no reference explains is told: both must fail where both are known.
    """
    for month in range(len(use)):
        if days[month] == 0:
            continue
        judged, failed = 0, 0
        for kind in range(2):
            past, length = np.int64(0), np.int64(0)
            if kind == 0 and month >= 2 and days[month - 1] > 0 and days[month - 2] > 0:
                past, length = use[month - 1] + use[month - 2], days[month - 1] + days[month - 2]
            elif kind == 1 and month >= YEAR and days[month - YEAR] > 0:
                past, length = use[month - YEAR], days[month - YEAR]
            if length == 0 or past <= 0:
                continue
            judged += 1
            now, then = use[month] * length * 100, past * days[month]
            if now > then * (100 + high) or now < then * (100 - low):
                failed += 1
        if judged > 0 and failed == judged:
            months[month] |= V19


@kernel
def peak_changed(peak: Array, days: Array, percent: int, months: Array) -> None:
    """V22: the highest interval is above that of the month before by more than `percent`. peak i64 (m,) Wh."""
    for month in range(1, len(peak)):
        if days[month] == 0 or days[month - 1] == 0 or peak[month - 1] <= 0:
            continue
        if (peak[month] - peak[month - 1]) * 100 > peak[month - 1] * percent:
            months[month] |= V22


@kernel
def long_estimated(estimated: Array, most: int, months: Array) -> None:
    """V30: more than `most` months in a row were estimated. estimated u1 (m,): 1 where most of a month was."""
    run = 0
    for month in range(len(estimated)):
        run = run + 1 if estimated[month] else 0
        if run > most:
            months[month] |= V30


@kernel
def multiplier_differs(meter: Array, master: Array, known: Array, meters: Array) -> None:
    """V31: ratios of the meter and of the master data, i64 (m, 2) numerator and denominator, are not the same."""
    for item in range(len(meter)):
        if known[item] and meter[item, 0] * master[item, 1] != master[item, 0] * meter[item, 1]:
            meters[item] |= V31


@kernel
def exported(value: Array, there: Array, bounds: Array, tolerance: int, flags: Array) -> None:
    """V32: export of a month, bounds i64 (m + 1,), of a point without net meter is above `tolerance` Wh."""
    for month in range(len(bounds) - 1):
        total = np.int64(0)
        for item in range(bounds[month], bounds[month + 1]):
            if there[item] and value[item] > 0:
                total += value[item]
        if total <= tolerance:
            continue
        for item in range(bounds[month], bounds[month + 1]):
            if there[item] and value[item] > 0:
                flags[item] |= V32


@kernel
def unbalanced(inward: Array, outward: Array, known: Array, permille: int, nodes: Array) -> None:
    """V35: |sum in - sum out| of a bus is above a share of what flows in. inward, outward i64 (k,) Wh."""
    for item in range(len(inward)):
        if known[item] and abs(inward[item] - outward[item]) * 1000 > abs(inward[item]) * permille:
            nodes[item] |= V35
