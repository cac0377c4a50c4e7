"""What a tariff asks for beyond five zones that are the same every day, and what fine state needs to know of it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from agents.rating.calendar import QUARTERS
from agents.rating.engine.format.calendar import quarters_of
from agents.rating.engine.format.charges import (
    EnergyCharge,
    ExportCharge,
    FactorCharge,
    SlabCharge,
    TodCharge,
)
from agents.rating.engine.format.tariff import Tariff
from agents.rating.fine_state import Ask
from agents.rating.state import ZONES
from pipeline.columns import Array
from pipeline.errors import ConfigError
from schemas.quantities import TIME_ZONES

EPOCH = datetime.date(1970, 1, 1)
KILO = 1000
LARGEST_SHARE = 1 << 29
"""Twice this times a sanctioned load, which has 32 bits, fits 64 bits; so does a demand times it."""
ROUNDINGS = ("none", "half_up", "up")
KINDS = ("", "solar", "peak", "normal", "night")
"""Kinds of zones by number; 0: the tariff has no zones."""


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
    where W and 2 where VA count towards the billing demand; unit i64: 1 W, 2 VA, 0 without a billing demand; contract,
    least i64 (versions, 2): numerator and denominator of contract demand and of the least billing demand by a watt of
    sanctioned load, numerator 0 or -1 where there is none; rounding i64 place in ROUNDINGS.
    """

    tariffs: tuple[Tariff | None, ...]
    asks: Array
    count: Array
    kinds: Array
    windows: Array
    unit: Array
    contract: Array
    least: Array
    rounding: Array
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
        np.zeros((count, QUARTERS), np.uint8), np.zeros(count, np.int64), np.tile(np.array([0, 1]), (count, 1)),
        np.tile(np.array([-1, 1]), (count, 1)), np.zeros(count, np.int64), np.zeros(len(link_tariff), np.int64),
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
            contract, least = _shares(tariff)
            found.unit[row] = 1 if tariff.billing_demand.unit == "kw" else 2
            found.contract[row] = contract.as_integer_ratio()
            found.least[row] = (-1, 1) if least is None else least.as_integer_ratio()
            found.rounding[row] = ROUNDINGS.index(tariff.billing_demand.rounding)
            if tariff.billing_demand.window is not None:
                found.windows[row, quarters_of(tariff.billing_demand.window)] = found.unit[row]
    if not found.asks.any():
        return None
    asking = [np.bitwise_or.reduce(found.asks[begin : end + 1]) for begin, end in zip(first, last, strict=True)]
    found.links[:] = np.where(link_tariff >= 0, np.array(asking, np.int64)[np.maximum(link_tariff, 0)], 0)
    return found


def _shares(tariff: Tariff) -> tuple[Fraction, Fraction | None]:
    """(contract demand, the least billing demand), by a watt of sanctioned load, in the unit of the billing demand.

    The sanctioned load is the contract demand, in kVA by the tariff's power factor of loads; 0 where that is not given.
    None: a tariff that looks at earlier months leaves its billing demand to who bills. Raises ConfigError for numbers
    whose products with a load have no room.
    """
    rule = tariff.billing_demand
    assert rule is not None
    contract = Fraction(1)
    if rule.unit == "kva":
        contract = Fraction(0) if tariff.load_power_factor is None else 1 / Fraction(tariff.load_power_factor)
    least = contract * Fraction(rule.contract_percent or 0) / 100
    if max(contract.numerator, contract.denominator, least.numerator, least.denominator) > LARGEST_SHARE:
        raise ConfigError("TARIFF_DEMAND", where=tariff.code, what="its shares of the load have too many decimals",
                          do="round load_power_factor and contract_percent")  # fmt: skip
    return contract, None if rule.history_percent is not None else least


def demands(fine: FineTariffs, version: Array, recorded: Array, sanctioned_w: Array) -> Array:
    """(billing demand, excess demand) i64 (n, 2) in W or VA of the unit of tariff versions i64 (n,), -1 where that is
    not known.

    recorded: largest demand i64 (n,) in the tariff's window and unit, -1 without one; sanctioned_w i64 (n,).
    """
    contract, contract_of = fine.contract[version].T
    least, least_of = fine.least[version].T
    rounding = fine.rounding[version]
    known = (recorded >= 0) & (sanctioned_w > 0) & (contract > 0)
    found = np.full((len(version), 2), -1, np.int64)
    found[known, 1] = np.maximum(0, recorded + -sanctioned_w * contract // contract_of)[known]
    least = sanctioned_w * least
    exact = np.maximum(recorded, least // least_of)
    up = np.maximum(-(-recorded // KILO), -(-least // (KILO * least_of))) * KILO
    half = (
        np.maximum((2 * recorded + KILO) // (2 * KILO), (2 * least + KILO * least_of) // (2 * KILO * least_of)) * KILO
    )
    known &= fine.least[version, 0] >= 0
    found[known, 0] = np.choose(rounding, (exact, half, up))[known]
    return found
