"""What a tariff asks for beyond five zones that are the same every day, and what fine state needs to know of it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from fractions import Fraction

import numpy as np

from agents.rating.calendar import QUARTERS
from agents.rating.engine.exact import half_away
from agents.rating.engine.format.calendar import quarters_of
from agents.rating.engine.format.charges import (
    EnergyCharge,
    ExportCharge,
    FactorCharge,
    SlabCharge,
    TodCharge,
)
from agents.rating.engine.format.tariff import Tariff
from agents.rating.state import ZONES
from pipeline.columns import Array
from pipeline.errors import ConfigError
from schemas.quantities import TIME_ZONES

EPOCH = datetime.date(1970, 1, 1)
KINDS = ("", "solar", "peak", "normal", "night")
"""Kinds of zones by number; 0: the tariff has no zones."""


class Ask(IntFlag):
    """What a tariff asks for; any of these means fine state."""

    ZONES = 1  # more than five zones, or zones by season or type of day
    APPARENT = 2  # apparent energy by zone
    EXPORT = 4  # export by zone
    DEMAND = 8  # demand, of zones and of the billing-demand window
    REACTIVE = 16  # reactive energy, lagging and leading


ASKS = {
    Ask.ZONES: "more than five zones, or zones by season or type of day",
    Ask.APPARENT: "a charge that counts kVAh, by zone",
    Ask.EXPORT: "net metering, net billing or gross metering",
    Ask.DEMAND: "a billing demand",
    Ask.REACTIVE: "a charge that counts kVArh, or one by power factor",
}
"""What of a tariff file asks for it."""


def asked(tariff: Tariff) -> Ask:
    """Everything that a tariff asks for."""
    found = Ask(0)
    if varied(tariff):
        found |= Ask.ZONES
    counted = {c.quantity for c in tariff.charges if isinstance(c, SlabCharge | EnergyCharge | TodCharge)}
    if "kvah" in counted:
        found |= Ask.APPARENT
    exported = any(isinstance(charge, ExportCharge) for charge in tariff.charges)
    if tariff.net_metering is not None or exported or "kwh_export" in counted:
        found |= Ask.EXPORT
    if tariff.billing_demand is not None:
        found |= Ask.DEMAND
    factors = {charge.kind for charge in tariff.charges if isinstance(charge, FactorCharge)}
    if {"kvarh_lag", "kvarh_lead"} & counted or "power_factor" in factors:
        found |= Ask.REACTIVE
    return found


def varied(tariff: Tariff) -> bool:
    """Whether the zones are more than a day's record holds, or not the same every day."""
    zones = tariff.calendar.zones
    return len(zones) > ZONES or any(zone.seasons or zone.days for zone in zones)


@dataclass
class FineTariffs:
    """Of each version of the book what it asks for: None where plain state is enough.

    asks i64 (versions,) Ask; count i64 zones; kinds i64 (versions, 8) place in KINDS; windows u1 (versions, 96): 1
    where W and 2 where VA count towards the billing demand; unit i64: 1 W, 2 VA, 0 without a billing demand.
    """

    tariffs: tuple[Tariff | None, ...]
    asks: Array
    count: Array
    kinds: Array
    windows: Array
    unit: Array
    links: Array
    """i64 (links,): what versions of the tariff of the link's service point ask for, all of it."""
    _days: dict[tuple[int, int], Array] = field(default_factory=dict)

    def zones_of_day(self, version: int, day: int) -> Array:
        """Zone u1 (96,) of each quarter hour of a local day; 0 without zones."""
        if (version, day) not in self._days:
            tariff = self.tariffs[version]
            assert tariff is not None
            date = EPOCH + datetime.timedelta(days=day)
            places = {zone.code: place for place, zone in enumerate(tariff.calendar.zones)}
            found = [tariff.calendar.zone_at(date, quarter) for quarter in range(QUARTERS)]
            self._days[version, day] = np.array([0 if zone is None else places[zone.code] for zone in found], np.uint8)
        return self._days[version, day]


def fine_tariffs(tariffs: Sequence[Tariff | None], link_tariff: Array, first: Array, last: Array) -> FineTariffs | None:
    """Of a book's versions those that ask for something; None when none does. link_tariff, first, last as
    `tables.Tariffs` has them. Raises ConfigError for more zones than have codes."""
    count = len(tariffs)
    found = FineTariffs(
        tuple(tariffs), np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros((count, TIME_ZONES), np.int64),
        np.zeros((count, QUARTERS), np.uint8), np.zeros(count, np.int64), np.zeros(len(link_tariff), np.int64),
    )  # fmt: skip
    for row, tariff in enumerate(tariffs):
        if tariff is None:
            continue
        zones = tariff.calendar.zones
        if len(zones) > TIME_ZONES:
            raise ConfigError("TARIFF_ZONES", where=tariff.code, what=f"it has {len(zones)} zones",
                              do=f"use at most {TIME_ZONES}: determinants have codes for so many")  # fmt: skip
        found.asks[row], found.count[row] = int(asked(tariff)), len(zones)
        found.kinds[row, : len(zones)] = [KINDS.index(zone.kind) for zone in zones]
        if tariff.billing_demand is not None:
            found.unit[row] = 1 if tariff.billing_demand.unit == "kw" else 2
            if tariff.billing_demand.window is not None:
                found.windows[row, quarters_of(tariff.billing_demand.window)] = found.unit[row]
    if not found.asks.any():
        return None
    asking = [np.bitwise_or.reduce(found.asks[begin : end + 1]) for begin, end in zip(first, last, strict=True)]
    found.links[:] = np.where(link_tariff >= 0, np.array(asking, np.int64)[np.maximum(link_tariff, 0)], 0)
    return found


def demands(tariff: Tariff, recorded: int, sanctioned_w: int) -> tuple[int, int]:
    """(billing demand, excess demand) in W or VA of the tariff's unit, -1 where that is not known.

    recorded: largest demand in the tariff's window and unit. The sanctioned load is the contract demand, in kVA by the
    tariff's power factor of loads. A tariff that looks at earlier months leaves its billing demand to who bills.
    """
    rule = tariff.billing_demand
    if rule is None or sanctioned_w <= 0:
        return -1, -1
    contract = Fraction(sanctioned_w)
    if rule.unit == "kva":
        if tariff.load_power_factor is None:
            return -1, -1
        contract /= Fraction(tariff.load_power_factor)
    excess = max(0, int(recorded - contract))
    if rule.history_percent is not None:
        return -1, excess
    found = max(Fraction(recorded), contract * Fraction(rule.contract_percent or 0) / 100)
    if rule.rounding == "half_up":
        found = Fraction(1000 * half_away(found / 1000))
    elif rule.rounding == "up":
        found = Fraction(1000 * math.ceil(found / 1000))
    return int(found), excess
