"""A period cut in parts: another tariff, load, category, meter or tenant from a day on.

Energy is split by days at the average per day (MSEDCL's rule of April 2020), in whole Wh, so that the parts' sums are
the whole; or exactly, when the parts are summed from intervals (`agents.rating.engine.intervals`). Each part is rated
with the length of its own days; rounding to the rupee is once, on the sum.

What holds exactly: every energy of the parts sums to the whole's. Where the tariff does not change and counts months
exactly (`month_digits: null`), every charge that is linear in energy and days (one rate, fixed) sums to the whole's
before rounding, so the parts' lines differ from the whole's by at most half a paisa each. Where months are rounded
(1.03), or slabs have bounds, the parts are what the order says and not what the whole would be.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from agents.rating.engine.exact import PAISE, half_away
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Bill
from agents.rating.engine.quantities import Quantities
from agents.rating.engine.rate import rate
from pipeline.errors import ConfigError

ZONED = (("wh", "zones_wh"), ("vah", "zones_vah"), ("export_wh", "zones_export_wh"))
"""Energies and what of them is known by zone."""


@dataclass(frozen=True)
class Part:
    """Some days of a period, with what holds in them."""

    tariff: Tariff
    given: Quantities


@dataclass(frozen=True)
class SplitBill:
    """Bills of the parts, and the one rounding of their sum."""

    parts: tuple[Bill, ...]
    rounding_paise: int

    @property
    def total_paise(self) -> int:
        """What is due."""
        return sum(bill.total_paise for bill in self.parts) + self.rounding_paise


def split_by_days(given: Quantities, days: Sequence[int]) -> list[Quantities]:
    """The quantities of consecutive parts of `days` days each, energy at the average per day.

    Demand, load, history and marks are those of the whole in every part: `dataclasses.replace` changes them. What is
    banked comes into the first part. Raises ConfigError when the days are not those of the period.
    """
    if min(days, default=0) < 1 or (given.days is not None and sum(days) != given.days):
        raise ConfigError(
            "SPLIT_DAYS",
            where="days",
            what=f"{list(days)} of {given.days} days",
            do="give parts that sum to the period",
        )
    energies = {name: shares(value, days) for name, value in _energies(given).items()}
    zones = {name: {zone: shares(value, days) for zone, value in getattr(given, name).items()} for _, name in ZONED}
    found = []
    # What is in no zone is split by itself, so that no part's zones hold more than the part.
    for whole, by_zone in ZONED:
        rest = (getattr(given, whole) or 0) - sum(getattr(given, by_zone).values())
        if zones[by_zone] and whole in energies and rest >= 0:
            columns = shares(rest, days), *zones[by_zone].values()
            energies[whole] = [sum(column) for column in zip(*columns, strict=True)]
    for place, count in enumerate(days):
        own: dict[str, Any] = {name: values[place] for name, values in energies.items()}
        own |= {name: {zone: values[place] for zone, values in held.items()} for name, held in zones.items()}
        if place:
            own |= {"bank_wh": {}, "arrears_paise": 0}
        if given.begins is not None:
            own["begins"] = given.begins + datetime.timedelta(days=sum(days[:place]))
        if given.hours is not None:
            own["hours"] = given.hours * count / sum(days)
        own["interruption_hours"] = given.interruption_hours * count / sum(days)
        found.append(replace(given, days=count, **own))
    return found


def _energies(given: Quantities) -> dict[str, int]:
    names = ("wh", "vah", "varh_lag", "varh_lead", "export_wh", "generation_wh")
    return {name: value for name in names if (value := getattr(given, name)) is not None}


def shares(total: int, days: Sequence[int]) -> list[int]:
    """`total` by days: what is due to the end of each part, in whole units, less what was due to the end before."""
    whole, done, found = sum(days), 0, []
    for place in range(1, len(days) + 1):
        until = total * sum(days[:place]) // whole
        found.append(until - done)
        done = until
    return found


def rate_parts(parts: Sequence[Part], *, partial: bool = False) -> SplitBill:
    """The bills of the parts of one consumer's period. What a part banks or carries comes into the next."""
    bills: list[Bill] = []
    for number, part in enumerate(parts):
        given = part.given
        if number:
            before = bills[-1]
            given = replace(given, wh=given.wh + before.carry_wh, bank_wh=before.bank_wh)
        bills.append(rate(part.tariff.model_copy(update={"rounding": "paisa"}), given, partial=partial))
    total = sum(bill.total_paise for bill in bills)
    to_rupee = bool(parts) and parts[-1].tariff.rounding == "rupee"
    rounding = half_away(Fraction(total, PAISE)) * PAISE - total if to_rupee else 0
    return SplitBill(tuple(bills), rounding)
