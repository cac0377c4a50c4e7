"""A tariff in words, and a bill walked line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from agents.rating.engine.exact import WH, exact_text, rupees
from agents.rating.engine.format.base import Range, When
from agents.rating.engine.format.charges import (
    AdjustmentCharge,
    Banded,
    DemandCharge,
    EnergyCharge,
    ExcessDemandCharge,
    ExportCharge,
    FactorCharge,
    FixedCharge,
    LateCharge,
    MinimumCharge,
    PercentCharge,
    SlabCharge,
    SubsidyCharge,
    TodCharge,
)
from agents.rating.engine.format.tariff import Tariff
from agents.rating.engine.lines import Bill, Line

UNIT = {
    "kwh": "kWh", "kvah": "kVAh", "kwh_import": "kWh imported", "kwh_export": "kWh exported",
    "kvarh_lag": "kVArh lag", "kvarh_lead": "kVArh lead", "kwh_generation": "kWh generated",
}  # fmt: skip
LOAD = {"connection": "connection", "kw": "kW", "kva": "kVA", "hp": "HP", None: ""}
BY = {"load_kw": "kW of load", "load_kva": "kVA of load", "load_hp": "HP of load", "kwh": "kWh"}


def tariff_words(tariff: Tariff) -> Iterator[str]:
    """Sentences on the whole tariff, then one for each charge."""
    until = f" to {tariff.valid_to}" if tariff.valid_to else ""
    yield f"{tariff.name} ({tariff.code}): from {tariff.valid_from}{until}, {tariff.status.replace('_', ' ')}."
    if tariff.note:
        yield tariff.note
    cycle = "one month" if tariff.cycle_months == 1 else f"{tariff.cycle_months} months"
    step = "whole units; what is left is carried" if tariff.step_wh == WH else "to the Wh"
    yield f"A billing cycle is {cycle}; slab bounds are for one cycle. Energy is billed in {step}."
    digits = "exactly" if tariff.month_digits is None else f"rounded to {tariff.month_digits} places"
    yield f"A period of other length counts as days / {tariff.month_days} months, {digits}."
    yield from _schemes(tariff)
    for charge in tariff.charges:
        condition = f" Only {_when(charge.when)}." if charge.when is not None else ""
        yield f"{charge.code}: {WORDS[type(charge)](charge)}.{condition}"
    if tariff.rounding == "rupee":
        yield "ROUNDING: the total is rounded to the rupee, 50 paise up."


def _schemes(tariff: Tariff) -> Iterator[str]:
    for zone in tariff.calendar.zones:
        seasons = f" in {', '.join(zone.seasons)}" if zone.seasons else ""
        days = f" on {', '.join(zone.days)}" if zone.days else ""
        yield f"Zone {zone.code} ({zone.kind}): {', '.join(zone.windows)}{seasons}{days}."
    demand = tariff.billing_demand
    if demand is not None:
        unit = LOAD[demand.unit]
        terms = [f"recorded demand{f' from {demand.window}' if demand.window else ''}"]
        if demand.contract_percent is not None:
            terms.append(f"{demand.contract_percent} % of contract demand")
        if demand.history_percent is not None:
            capped = ", at most the contract demand" if demand.history_capped else ""
            terms.append(f"{demand.history_percent} % of the highest of {demand.history_months} months before{capped}")
        yield f"Billing demand in {unit}: the largest of {'; '.join(terms)}."
    scheme = tariff.net_metering
    if scheme is not None:
        spill = f", then in {', '.join(scheme.spill_to)}" if scheme.spill_to else ""
        yield f"Export: {scheme.scheme.replace('_', ' ')}, set off in its own zone first{spill}."


def _list(of: tuple[str, ...]) -> str:
    return " + ".join(of)


def _slabs(charge: SlabCharge) -> str:
    begun, parts = 0, []
    for slab in charge.slabs:
        scope = f"{begun + 1}-{slab.to}" if slab.to is not None else f"above {begun}"
        parts.append(f"{scope} at {slab.rate}{' for all units' if slab.all_units else ''}")
        begun = slab.to or begun
    return f"{UNIT[charge.quantity]} {', '.join(parts)}"


def _rate(charge: Banded) -> str:
    if charge.rate is not None:
        return str(charge.rate)
    bands = (f"{band.rate} up to {band.to}" if band.to is not None else f"{band.rate} above" for band in charge.bands)
    return f"({', '.join(bands)} {BY[charge.by or 'kwh']})"


def _fixed(charge: FixedCharge) -> str:
    extra = ", fractions rounded up" if charge.round_up else ""
    return f"{_rate(charge)} a {LOAD[charge.per]} and month{extra}"


def _excess(charge: ExcessDemandCharge) -> str:
    after = f" when it is above {charge.tolerance_percent} %" if charge.tolerance_percent else ""
    return f"demand above the contract's x rate of {charge.of} x {charge.factor}{after}"


def _tod(charge: TodCharge) -> str:
    zones = (
        f"{zone.zone} {zone.delta:+} a unit" if zone.delta is not None else f"{zone.zone} {zone.percent:+} %"
        for zone in charge.zones
    )
    return f"by zone {', '.join(zones)}{f' of {charge.of}' if charge.of else ''}"


def _factor(charge: FactorCharge) -> str:
    steps = [f"{row.percent} % from {row.least} to {row.upto}" for row in charge.table]
    steps += [f"{step.percent_per_point} % a point from {step.since} to {step.until}" for step in charge.steps]
    cap = f", an incentive at most {charge.cap_percent} %" if charge.cap_percent is not None else ""
    return f"by {charge.kind.replace('_', ' ')} {'; '.join(steps)} of {_list(charge.of)}{cap}"


def _adjustment(charge: AdjustmentCharge) -> str:
    how = {
        "unit": "rupees a unit",
        "slab": f"by the slabs of {_list(charge.of)}",
        "percent": f"% of {_list(charge.of)}",
    }
    return f"the month's value, {how[charge.per]}; it may come after the bill"


def _subsidy(charge: SubsidyCharge) -> str:
    units = ""
    if charge.above is not None or charge.upto is not None:
        units = f" for units above {charge.above or 0}" + (f" up to {charge.upto}" if charge.upto is not None else "")
    return f"minus {charge.percent} % of {_list(charge.of)}{units}"


WORDS: dict[type, Callable[[Any], str]] = {
    SlabCharge: _slabs,
    EnergyCharge: lambda charge: f"{UNIT[charge.quantity]} at {_rate(charge)}",
    FixedCharge: _fixed,
    DemandCharge: lambda charge: f"billing demand at {_rate(charge)} a month",
    ExcessDemandCharge: _excess,
    TodCharge: _tod,
    PercentCharge: lambda charge: f"{charge.rate} % of {_list(charge.of)}",
    AdjustmentCharge: _adjustment,
    FactorCharge: _factor,
    MinimumCharge: lambda charge: f"at least {charge.rate} a {LOAD[charge.per]} and month for {_list(charge.of)}",
    SubsidyCharge: _subsidy,
    ExportCharge: lambda charge: f"{charge.rate} paid for each {UNIT[charge.quantity]}",
    LateCharge: lambda charge: f"{charge.rate} % a month on arrears, by days",
}


def _when(when: When) -> str:
    ranges = (("units", when.units), ("load in kW", when.load_kw), ("load in kVA", when.load_kva))
    terms = [f"{name} {_range(found)}" for name, found in ranges if found is not None]
    if when.phases is not None:
        terms.append(f"for {when.phases} phase{'s' if when.phases > 1 else ''}")
    terms += [f"with `{flag}`" for flag in when.flags] + [f"without `{flag}`" for flag in when.without]
    if when.months:
        terms.append(f"in months {', '.join(map(str, when.months))}")
    terms += [f"since {when.since}"] * (when.since is not None) + [f"until {when.until}"] * (when.until is not None)
    return ", ".join(terms)


def _range(wanted: Range) -> str:
    words = (("above", wanted.above), ("at least", wanted.least), ("at most", wanted.upto), ("below", wanted.below))
    return " and ".join(f"{word} {value}" for word, value in words if value is not None)


def bill_words(bill: Bill) -> Iterator[str]:
    """How a bill came about."""
    yield f"Billed: {exact_text(Fraction(bill.units_wh, WH))} kWh over {exact_text(bill.months)} months."
    if bill.carry_wh:
        yield f"Carried into the next period: {exact_text(Fraction(bill.carry_wh, WH))} kWh."
    for name, value in (
        ("Billing demand", bill.billing_demand), ("Power factor", bill.power_factor), ("Load factor", bill.load_factor),
    ):  # fmt: skip
        if value is not None:
            yield f"{name}: {exact_text(value)}."
    total = 0
    for line in bill.lines:
        total += line.paise
        yield f"{line.code}: {_walk(line)} = {rupees(line.paise)}; so far {rupees(total)}."
    for zone, energy in sorted(bill.bank_wh.items()):
        yield f"Banked{f' in {zone}' if zone else ''}: {exact_text(Fraction(energy, WH))} kWh."
    yield f"Total: Rs {rupees(bill.total_paise)}."


def _walk(line: Line) -> str:
    if line.base_unit == "paise":
        return f"Rs {rupees(int(line.base))} x {line.rate}" if line.base.denominator == 1 else line.rate
    return f"{exact_text(line.base)} {line.base_unit} x {line.rate}"
