"""Charges on charges: percentages, monthly adjustments, least amounts, arrears."""

from __future__ import annotations

from fractions import Fraction

from agents.rating.engine.demand import NAMES
from agents.rating.engine.energy import UNITS, pieces
from agents.rating.engine.exact import PAISE, exact_text
from agents.rating.engine.format.charges import (
    AdjustmentCharge,
    LateCharge,
    MinimumCharge,
    PercentCharge,
    SlabCharge,
)
from agents.rating.engine.lines import Part
from agents.rating.engine.work import Work
from pipeline.errors import ConfigError

ARREARS_DAYS = 30


def percent(work: Work, charge: PercentCharge) -> list[Part]:
    """Rounded lines above x per cent."""
    base, rate = Fraction(work.paise_of(charge.of)), Fraction(charge.rate)
    return [Part("", base, "paise", f"{exact_text(rate)} %", base * rate / 100 / PAISE)]


def adjustment(work: Work, charge: AdjustmentCharge) -> list[Part]:
    """The month's value, by unit, by slab or per cent; a note when it is not known yet."""
    values = [Fraction(value) for value in work.given.adjustments.get(charge.code, ())]
    if not values:
        month = f" of {work.given.begins:%Y-%m}" if work.given.begins else ""
        work.pending.append(charge.code)
        work.notes.append(f"{charge.code}{month} is not known yet: its line comes with the revision")
        return []
    if charge.per == "slab":
        return _by_slab(work, charge, values)
    if len(values) != 1:
        raise ConfigError(
            "ADJUSTMENT_VALUES", where=charge.code, what=f"{len(values)} values", do="give one value for the month"
        )
    if charge.per == "unit":
        units = work.amount("kwh")
        return [Part("", units, UNITS["kwh"], exact_text(values[0]), units * values[0])]
    base = Fraction(work.paise_of(charge.of))
    return [Part("", base, "paise", f"{exact_text(values[0])} %", base * values[0] / 100 / PAISE)]


def _by_slab(work: Work, charge: AdjustmentCharge, values: list[Fraction]) -> list[Part]:
    of = work.tariff.charge(charge.of[0])
    if not isinstance(of, SlabCharge) or len(values) != len(of.slabs):
        raise ConfigError(
            "ADJUSTMENT_VALUES",
            where=charge.code,
            what=f"{len(values)} values for the slabs of {charge.of[0]}",
            do="give one value for each slab",
        )
    return [
        Part(
            str(place),
            end - begin,
            UNITS[of.quantity],
            exact_text(values[place - 1]),
            (end - begin) * values[place - 1],
        )
        for place, begin, end, _ in pieces(of, work.amount(of.quantity), work.scale)
    ]


def minimum(work: Work, charge: MinimumCharge) -> list[Part]:
    """What is missing to rate x load x months."""
    least = Fraction(charge.rate) * work.load(charge.per) * work.fixed_months
    short = least - Fraction(work.paise_of(charge.of), PAISE)
    if short <= 0:
        return []
    return [Part("", short * PAISE, "paise", f"to {exact_text(least)} ({NAMES[charge.per]})", short)]


def late(work: Work, charge: LateCharge) -> list[Part]:
    """Arrears x per cent a month x days / 30."""
    base = Fraction(work.given.arrears_paise)
    rate = Fraction(charge.rate) * work.given.arrears_days / ARREARS_DAYS
    return [Part("", base, "paise", f"{exact_text(rate)} %", base * rate / 100 / PAISE)]
