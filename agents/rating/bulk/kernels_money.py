"""Kernels of charges on charges: percentages, monthly adjustments, least amounts, arrears."""

from __future__ import annotations

import numpy as np

from agents.rating.bulk.exact import ratio, reaches, share, times
from agents.rating.bulk.kernels_demand import LOAD_IN
from agents.rating.bulk.kernels_energy import PAISE_IN, line, sum_of
from agents.rating.bulk.kernels_period import load
from agents.rating.bulk.tables import ADJUST_UNIT, RATE_SCALE
from pipeline.jit import kernel

PERCENT_IN = 100 * RATE_SCALE
LATE_IN = 30 * PERCENT_IN
"""Surcharges on arrears are by months of 30 days."""


@kernel
def of_charges(rate, below, charge, place, rated, item, bill):  # type: ignore[no-untyped-def]
    """Rounded lines above x rate / below."""
    base = sum_of(charge.of_bits, bill)
    if base:
        line(rated, item, place, charge.line, share(base, rate, below, bill), bill)
    return True


@kernel
def adjustment(charge, place, value, rated, item, bill):  # type: ignore[no-untyped-def]
    """The month's value, by unit or per cent."""
    if charge.kind != ADJUST_UNIT:
        return of_charges(value, PERCENT_IN, charge, place, rated, item, bill)
    if bill.units:
        line(rated, item, place, charge.line, share(bill.units, value, PAISE_IN, bill), bill)
    return True


@kernel
def minimum(q, tariff, charge, place, rated, item, bill):  # type: ignore[no-untyped-def]
    """What is missing to rate x load x months."""
    if not load(q, tariff, charge.per, bill):
        return False
    has = sum_of(charge.of_bits, bill)
    below = times(bill.load_in, bill.fixed_in, bill)
    # Compared exactly; that much is missing, rounded, is the rounded least amount less the paise that are there.
    if has >= 0 and reaches(has, below, LOAD_IN, 1, bill.load, bill.fixed, charge.rate, 1):
        return True
    least = ratio(bill.load, bill.fixed, charge.rate, 1, below, LOAD_IN, 1, 1, bill)
    line(rated, item, place, charge.line, least - has, bill)
    return True


@kernel
def late(q, charge, place, rated, item, bill):  # type: ignore[no-untyped-def]
    """Arrears x per cent a month x days / 30."""
    if q.arrears_paise:
        rate = times(charge.rate, q.arrears_days, bill)
        line(rated, item, place, charge.line, share(q.arrears_paise, rate, LATE_IN, bill), bill)
    return True


@kernel
def to_the_rupee(paise):  # type: ignore[no-untyped-def]
    """What is added to come to whole rupees, a half away from zero."""
    size = (abs(paise) + 50) // 100 * 100
    return (size if paise >= 0 else -size) - np.int64(paise)
