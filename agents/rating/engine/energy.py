"""Charges on energy: slabs, one rate, time of day, export, subsidies of some units."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from agents.rating.engine.exact import PAISE, exact_text
from agents.rating.engine.format.charges import (
    EnergyCharge,
    ExportCharge,
    SlabCharge,
    SubsidyCharge,
    TodCharge,
    ZoneRate,
)
from agents.rating.engine.lines import Part
from agents.rating.engine.quantities import Missing
from agents.rating.engine.work import Work

UNITS = {
    "kwh": "kWh", "kvah": "kVAh", "kwh_import": "kWh", "kwh_export": "kWh", "kvarh_lag": "kVArh",
    "kvarh_lead": "kVArh", "kwh_generation": "kWh",
}  # fmt: skip

Piece = tuple[int, Fraction, Fraction, Fraction]
"""Number of the slab, first and last unit, rupees per unit."""


def pieces(charge: SlabCharge, units: Fraction, scale: Fraction) -> list[Piece]:
    """The slabs that `units` lie in. One with `all_units` takes them all."""
    bounds = [None if slab.to is None else slab.to * (scale if charge.scaled else 1) for slab in charge.slabs]
    reached = next(place for place, bound in enumerate(bounds) if bound is None or units <= bound)
    if charge.slabs[reached].all_units:
        return [(reached + 1, Fraction(0), units, Fraction(charge.slabs[reached].rate))]
    found: list[Piece] = []
    below = Fraction(0)
    for place, (slab, bound) in enumerate(zip(charge.slabs[: reached + 1], bounds, strict=False), 1):
        end = units if bound is None else min(units, Fraction(bound))
        found.append((place, below, end, Fraction(slab.rate)))
        below = end
    return found


def slabs(work: Work, charge: SlabCharge) -> list[Part]:
    """Sum over the slabs of units in the slab x its rate."""
    unit = UNITS[charge.quantity]
    return [
        Part(str(place), end - begin, unit, exact_text(rate), (end - begin) * rate)
        for place, begin, end, rate in pieces(charge, work.amount(charge.quantity), work.scale)
    ]


def energy(work: Work, charge: EnergyCharge) -> list[Part]:
    """Units x rate."""
    units, rate = work.amount(charge.quantity), work.rate(charge)
    return [Part("", units, UNITS[charge.quantity], exact_text(rate), units * rate)]


def tod(work: Work, charge: TodCharge) -> list[Part]:
    """Units of a zone x what they cost more or less.

    A percentage is of the zone's share of the energy charge: its cost / its units x the zone's units, not rounded.
    """
    return [_zone(work, charge, zone) for zone in charge.zones]


def _zone(work: Work, charge: TodCharge, zone: ZoneRate) -> Part:
    units = work.zone_amount(charge.quantity, zone.zone)
    unit = UNITS[charge.quantity]
    if zone.delta is not None:
        return Part(zone.zone, units, unit, exact_text(Fraction(zone.delta)), units * Fraction(zone.delta))
    percent = Fraction(zone.percent or 0)
    if charge.of not in work.parts:
        raise Missing(str(charge.of))
    above = work.parts[charge.of]
    whole = sum((part.base for part in above), Fraction(0))
    average = sum((part.rupees for part in above), Fraction(0)) / whole if whole else Fraction(0)
    rate = average * percent / 100
    flat = len({part.rate for part in above}) <= 1
    text = exact_text(rate) if flat else f"{exact_text(percent)} % of {charge.of}"
    return Part(zone.zone, units, unit, text, units * rate)


def export(work: Work, charge: ExportCharge) -> list[Part]:
    """What is paid for export, negative."""
    units, rate = work.amount(charge.quantity), -Fraction(charge.rate)
    return [Part("", units, "kWh", exact_text(rate), units * rate)]


def subsidy(work: Work, charge: SubsidyCharge) -> list[Part]:
    """Minus a share of whole charges, or of the cost of the units between two bounds."""
    share = -Fraction(charge.percent) / 100
    if charge.above is None and charge.upto is None:
        base = Fraction(work.paise_of(charge.of))
        return [Part("", base, "paise", f"{exact_text(share * 100)} %", base * share / PAISE)]
    low = (charge.above or 0) * work.scale
    of = work.tariff.charge(charge.of[0])
    if charge.of[0] not in work.parts:
        return []
    if isinstance(of, SlabCharge):
        units = work.amount(of.quantity)
        found, unit = pieces(of, units, work.scale), UNITS[of.quantity]
    else:
        assert isinstance(of, EnergyCharge)
        units, unit = work.amount(of.quantity), UNITS[of.quantity]
        found = [(1, Fraction(0), units, work.rate(of))]
    high = units if charge.upto is None else min(units, charge.upto * work.scale)
    paid = [(max(low, begin), min(high, end), rate * share) for _, begin, end, rate in found]
    paid = [(begin, end, rate) for begin, end, rate in paid if end > begin]
    name: Callable[[int], str] = (lambda place: "") if len(paid) == 1 else str
    return [
        Part(name(place), end - begin, unit, exact_text(rate), (end - begin) * rate)
        for place, (begin, end, rate) in enumerate(paid, 1)
    ]
