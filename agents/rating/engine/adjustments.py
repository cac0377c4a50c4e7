"""Monthly values of FAC, PPAC and FPPAS: documents of their own, which land after the months whose costs they carry.

A document names a tariff's charge and its value for each billing month. The value of billing month n carries the costs
of month n - `lag_months` (two, by the Electricity (Amendment) Rules 2022). A month may have the value itself, or the
inputs that FPPAS is computed from:

    FPPAS % = ((A - B) x C + (D - E)) / (Z x (1 - DL / 100) x ABR)

of which what is at most 5 % is recovered at once, and above it 5 % + 90 % of the excess.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from pydantic import Field, ValidationError, model_validator

from agents.rating.engine.documents import compose
from agents.rating.engine.exact import rounded
from agents.rating.engine.format.base import Code, Exact, Rate, Strict
from agents.rating.engine.format.tariff import Tariff
from pipeline.errors import ConfigError


class FppasInputs(Strict):
    """Inputs of one month, in any one unit of energy and rupees a unit."""

    a: Exact = Field(ge=0, description="A: units bought in the month, as million kWh")
    b: Exact = Field(Decimal(0), ge=0, description="B: of them sold in bulk")
    c: Exact = Field(description="C: actual less approved average cost of power, rupees per kWh")
    d: Exact = Field(Decimal(0), ge=0, description="D: actual transmission charges, as million rupees")
    e: Exact = Field(Decimal(0), ge=0, description="E: approved transmission charges, as D")
    outside: Exact = Field(Decimal(0), ge=0, description="of A, bought outside the State")
    interstate_loss: Exact = Field(Decimal(0), ge=0, lt=100, description="loss on what is bought outside, per cent")
    intrastate_loss: Exact = Field(Decimal(0), ge=0, lt=100, description="loss within the State, per cent")
    dl: Exact = Field(ge=0, lt=100, description="DL: target distribution loss, per cent")
    abr: Exact = Field(gt=0, description="ABR: average billing rate of the year, rupees per kWh")

    def z(self) -> Fraction:
        """Z: energy at the distribution boundary less bulk sale, divided by 100."""
        inside = Fraction(self.a) - Fraction(self.outside)
        arrived = Fraction(self.outside) * (1 - Fraction(self.interstate_loss) / 100) + inside
        return (arrived * (1 - Fraction(self.intrastate_loss) / 100) - Fraction(self.b)) / 100

    def percent(self) -> Fraction:
        """FPPAS in per cent, exact; raises ConfigError when no energy is left to carry it."""
        below = self.z() * (1 - Fraction(self.dl) / 100) * Fraction(self.abr)
        if below <= 0:
            raise ConfigError("FPPAS_ENERGY", where="fppas", what="Z is not above 0", do="correct A, B and the losses")
        cost = (Fraction(self.a) - Fraction(self.b)) * Fraction(self.c) + Fraction(self.d) - Fraction(self.e)
        return cost / below


MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")
AUTOMATIC, SHARE = Fraction(5), Fraction(9, 10)


def recovered(percent: Fraction) -> Fraction:
    """What is recovered without an order: up to 5 %, and 90 % of what is above; the rest at the true-up."""
    return percent if percent <= AUTOMATIC else AUTOMATIC + SHARE * (percent - AUTOMATIC)


class MonthValue(Strict):
    """The value of one billing month."""

    values: tuple[Rate, ...] = Field(
        (), description="the value: rupees per unit or per cent; one, or one for each slab"
    )
    fppas: FppasInputs | None = Field(None, description="inputs of the formula, in place of `values`")

    @model_validator(mode="after")
    def _one_of_them(self) -> MonthValue:
        if bool(self.values) == (self.fppas is not None):
            raise ValueError("give either values or fppas")
        return self


class Adjustments(Strict):
    """A document: values of one charge by billing month."""

    version: int = Field(ge=1, le=1, description="version of this document's format")
    charge: Code = Field(description="code of the `adjustment` charge in the tariff")
    tariffs: tuple[str, ...] = Field((), description="codes of the tariffs; none: every tariff with this charge")
    lag_months: int = Field(2, ge=0, le=24, description="the value of month n carries the costs of month n - this")
    digits: int = Field(3, ge=0, le=5, description="decimal places of a computed percentage, half up")
    months: dict[str, MonthValue] = Field(description="billing month YYYY-MM and its value")

    @model_validator(mode="after")
    def _months(self) -> Adjustments:
        for month in self.months:
            if not MONTH.match(month):
                raise ValueError(f"months.{month} is not a month YYYY-MM")
        return self

    def values_of(self, tariff: str, month: datetime.date) -> tuple[Decimal, ...]:
        """Values for a tariff in a billing month; empty when they have not landed, or are of other tariffs."""
        found = self.months.get(f"{month:%Y-%m}")
        if found is None or (self.tariffs and tariff not in self.tariffs):
            return ()
        if found.fppas is None:
            return found.values
        exact = rounded(recovered(found.fppas.percent()), self.digits)
        return (Decimal(exact.numerator) / Decimal(exact.denominator),)

    def costs_of(self, month: datetime.date) -> datetime.date:
        """First day of the month whose costs the value of a billing month carries."""
        number = month.year * 12 + month.month - 1 - self.lag_months
        return datetime.date(number // 12, number % 12 + 1, 1)


def landed(documents: Iterable[Adjustments], tariff: Tariff, month: datetime.date) -> dict[str, tuple[Decimal, ...]]:
    """Values of a billing month by charge of a tariff, as far as documents have them."""
    charges, found = {charge.code for charge in tariff.charges}, dict[str, tuple[Decimal, ...]]()
    for document in documents:
        values = document.values_of(tariff.code, month) if document.charge in charges else ()
        if values:
            found[document.charge] = values
    return found


def parse_adjustments(text: bytes, where: str) -> Adjustments:
    """The document in a YAML text; raises ConfigError with every fault."""
    try:
        return Adjustments.model_validate(compose(text, where))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors())
        raise ConfigError("ADJUSTMENT_FAULT", where=where, what=faults, do="correct the document") from error
