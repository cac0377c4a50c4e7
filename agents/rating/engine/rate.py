"""The reference engine: a tariff and a period's quantities in, the bill out.

Plain Python in exact fractions; the streaming stage's kernel, shadow runs and checks are held against it. The order is:
set-off of export, whole units, then the charges in the order of the file, then settlement of the bank, then rounding of
the total. Each line is rounded once, in `lines.line_of`; charges on charges are taken of rounded lines.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from agents.rating.engine import demand, energy, money
from agents.rating.engine.exact import PAISE, WH, exact_text, half_away
from agents.rating.engine.format.charges import (
    AdjustmentCharge,
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
from agents.rating.engine.lines import Bill, Line, Part, line_of
from agents.rating.engine.netting import set_off
from agents.rating.engine.quantities import Missing, Quantities
from agents.rating.engine.work import Work, months_of
from pipeline.errors import ConfigError

KINDS: dict[type, Callable[[Work, Any], list[Part]]] = {
    SlabCharge: energy.slabs,
    EnergyCharge: energy.energy,
    TodCharge: energy.tod,
    ExportCharge: energy.export,
    SubsidyCharge: energy.subsidy,
    FixedCharge: demand.fixed,
    DemandCharge: demand.demand,
    ExcessDemandCharge: demand.excess_demand,
    FactorCharge: demand.factor,
    PercentCharge: money.percent,
    AdjustmentCharge: money.adjustment,
    MinimumCharge: money.minimum,
    LateCharge: money.late,
}
"""What computes a kind of charge."""

SETTLEMENT, ROUNDING = "SETTLEMENT", "ROUNDING"
"""Lines that no charge makes."""


def rate(tariff: Tariff, given: Quantities, *, partial: bool = False) -> Bill:
    """The bill of a period.

    Raises ConfigError when a charge needs a quantity that is not given. With `partial` such a charge is left out and
    named in the bill's `missing`.
    """
    work = prepared(tariff, given)
    missing: list[tuple[str, str]] = []
    for charge in tariff.charges:
        try:
            parts = KINDS[type(charge)](work, charge) if work.due(charge.when) else []
        except Missing as lack:
            missing.append((charge.code, lack.quantity))
            continue
        work.parts[charge.code] = tuple(parts)
        work.lines += [line_of(charge.code, part) for part in parts if part.base]
    if missing and not partial:
        raise lacking(tariff, missing)
    bank = _settle(work)
    rounding = _round(work)
    return Bill(
        tariff=tariff.code,
        units_wh=work.units_wh,
        carry_wh=work.set_off.total - work.units_wh,
        months=work.slab_months,
        lines=tuple(work.lines),
        energy_codes=tariff.energy_codes(),
        rounding_paise=rounding,
        bank_wh=bank,
        billing_demand=work.billing_demand,
        power_factor=work.power_factor,
        load_factor=work.load_factor,
        missing=tuple(missing),
        notes=tuple(work.notes),
        pending=tuple(work.pending),
    )


def prepared(tariff: Tariff, given: Quantities) -> Work:
    """Energy set off and made whole units, and the length of the period; raises ConfigError."""
    if given.wh < 0 or given.export_wh < 0 or (given.days is not None and given.days < 1):
        raise ConfigError(
            "QUANTITY_NEGATIVE", where=tariff.code, what="energy below 0 or days below 1", do="correct the quantities"
        )
    off = set_off(tariff, given)
    months = Fraction(tariff.cycle_months) if given.days is None else months_of(tariff, given.days)
    return Work(
        tariff=tariff,
        given=given,
        set_off=off,
        units_wh=off.total - off.total % tariff.step_wh,
        slab_months=months if given.slab_months is None else given.slab_months,
        fixed_months=months if given.fixed_months is None else given.fixed_months,
    )


def lacking(tariff: Tariff, missing: list[tuple[str, str]]) -> ConfigError:
    """The error that names what charges lack."""
    return ConfigError(
        "QUANTITY_MISSING",
        where=tariff.code,
        what="; ".join(f"{code} needs {quantity}" for code, quantity in missing),
        do="give these quantities",
    )


def _settle(work: Work) -> dict[str, int]:
    """The bank that is carried on. In the settlement month it is paid, where there is a rate, and lapses."""
    bank = dict(work.set_off.bank)
    scheme, begins = work.tariff.net_metering, work.given.begins
    if scheme is None or scheme.settlement_month is None or not bank:
        return bank
    if begins is None:
        work.notes.append("the settlement month is not known without a date: the bank is carried on")
        return bank
    if begins.month != scheme.settlement_month:
        return bank
    units, price = Fraction(sum(bank.values()), WH), -Fraction(scheme.settlement_rate)
    work.lines.append(line_of(SETTLEMENT, Part("", units, "kWh", exact_text(price), units * price)))
    return {}


def _round(work: Work) -> int:
    if work.tariff.rounding == "paisa":
        return 0
    total = sum(line.paise for line in work.lines)
    change = half_away(Fraction(total, PAISE)) * PAISE - total
    if change:
        work.lines.append(Line(ROUNDING, Fraction(total), "paise", "to the rupee", change, ROUNDING))
    return change
