"""Daily deduction of prepaid consumers.

A day's charge is the difference of two bills of the month to date: to the day's end less to the day before. In both,
slabs have the bounds of the whole month and fixed charges the share of the days that have passed, so that

    charge(d) = bill(units to d, d days) - bill(units to d - 1, d - 1 days)

and the charges of the month's days sum to the month's bill, to the paisa, whatever the split of energy over days. A
charge that jumps (a subsidy lost at 501 units, a non-telescopic slab) is deducted on the day on which the limit is
passed. Rounding to the rupee waits for the month's bill. A day that is read late is rated again: `deductions` of the
corrected energies, and the difference posted.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from agents.rating.engine.exact import PAISE
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Bill
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate


@dataclass(frozen=True)
class DayEnergy:
    """A day's energy, Wh and VAh."""

    wh: int
    zones_wh: Mapping[str, int] = field(default_factory=dict)
    export_wh: int = 0
    zones_export_wh: Mapping[str, int] = field(default_factory=dict)
    vah: int | None = None
    zones_vah: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Deduction:
    """What is deducted for a day."""

    day: datetime.date
    paise: int
    to_date_paise: int
    """Sum since the month's first day."""


@dataclass(frozen=True)
class Posting:
    """A deduction on the balance; warnings are thresholds in paise that it went below."""

    day: datetime.date
    paise: int
    balance_paise: int
    warnings: tuple[int, ...]
    may_disconnect: bool


def deductions(tariff: Tariff, first: datetime.date, days: Sequence[DayEnergy], known: Quantities) -> list[Deduction]:
    """Charges of consecutive days from the first of a month. known: load, phases, marks, adjustments of the month."""
    found: list[Deduction] = []
    before = 0
    for number in range(1, len(days) + 1):
        total = to_date(tariff, first, days[:number], known).total_paise
        found.append(Deduction(first + datetime.timedelta(days=number - 1), total - before, total))
        before = total
    return found


def to_date(tariff: Tariff, first: datetime.date, days: Sequence[DayEnergy], known: Quantities) -> Bill:
    """The bill of a month's first days: whole slabs, fixed charges of the days."""
    length = calendar.monthrange(first.year, first.month)[1]
    given = replace(
        known,
        wh=sum(day.wh for day in days),
        days=len(days),
        begins=first,
        slab_months=Fraction(1),
        fixed_months=Fraction(len(days), length),
        zones_wh=_zones(day.zones_wh for day in days),
        export_wh=sum(day.export_wh for day in days),
        zones_export_wh=_zones(day.zones_export_wh for day in days),
        vah=None if any(day.vah is None for day in days) else sum(day.vah or 0 for day in days),
        zones_vah=_zones(day.zones_vah for day in days),
    )
    return rate(tariff.model_copy(update={"rounding": "paisa"}), given)


def _zones(days: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for day in days:
        for zone, energy in day.items():
            total[zone] = total.get(zone, 0) + energy
    return total


def post(tariff: Tariff, balance_paise: int, charges: Sequence[Deduction]) -> list[Posting]:
    """Deduct charges from a balance. A threshold warns on the day on which the balance goes below it."""
    warn_at = [int(Fraction(level) * PAISE) for level in tariff.prepaid.warn_at]
    limit = int(Fraction(tariff.prepaid.disconnect_at) * PAISE)
    postings: list[Posting] = []
    for charge in charges:
        after = balance_paise - charge.paise
        passed = tuple(level for level in warn_at if after < level <= balance_paise)
        postings.append(Posting(charge.day, charge.paise, after, passed, after < limit))
        balance_paise = after
    return postings
