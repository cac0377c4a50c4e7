"""Tariffs compiled into flat tables."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from agents.rating.bulk import tables as t
from agents.rating.bulk.quantities import BULK_ZONES
from agents.rating.bulk.refused import refused
from agents.rating.engine.format.base import Range, When
from agents.rating.engine.format.charges import (
    AdjustmentCharge,
    Banded,
    Charge,
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
from pipeline.errors import ConfigError

EPOCH = datetime.date(1970, 1, 1)
PER = {"connection": t.CONNECTION, "kw": t.KW, "kva": t.KVA, "hp": t.HP}
BY = {None: t.ONE_RATE, "load_kw": t.KW, "load_kva": t.KVA, "load_hp": t.HP, "kwh": t.BY_UNITS}
KINDS = {
    SlabCharge: t.SLABS, EnergyCharge: t.ENERGY, FixedCharge: t.FIXED, DemandCharge: t.DEMAND,
    ExcessDemandCharge: t.EXCESS, TodCharge: t.TOD, PercentCharge: t.PERCENT, MinimumCharge: t.MINIMUM,
    ExportCharge: t.EXPORT, LateCharge: t.LATE,
}  # fmt: skip
ADJUSTMENTS = {"unit": t.ADJUST_UNIT, "slab": t.ADJUST_SLAB, "percent": t.ADJUST_PERCENT}
RANGES = (("above", t.ABOVE), ("least", t.LEAST), ("upto", t.UPTO), ("below", t.BELOW))
MARKS = 63
"""Marks that one book can know."""
MOST_LINES = 400
"""Lines of a bill: their sum fits 64 bits, whatever each comes to."""


@dataclass(frozen=True)
class Book:
    """Tariffs compiled, in their order. marks: names of the bits of the column `marks`; values: of each tariff the
    adjustment charges, with the place of their first value in a row of the month's, and how many they have."""

    tariffs: tuple[Tariff, ...]
    tables: t.Tables
    marks: tuple[str, ...]
    values: tuple[dict[str, tuple[int, int]], ...]
    value_count: int

    @property
    def width(self) -> int:
        """Lines of the longest bill."""
        return int(self.tables.tariffs["width"].max(initial=0))


def compile_book(tariffs: Sequence[Tariff]) -> Book:
    """The book of `tariffs`; raises ConfigError that names everything that the kernel cannot do."""
    faults = [f"{tariff.code}: {reason}" for tariff in tariffs for reason in refused(tariff)]
    marks = list(dict.fromkeys(
        mark for tariff in tariffs for charge in tariff.charges if charge.when is not None
        for mark in (*charge.when.flags, *charge.when.without)
    ))  # fmt: skip
    longest = {one.code: sum(_lines(one, charge) for charge in one.charges) for one in tariffs}
    faults += [f"{code}: more than {MOST_LINES} lines" for code, lines in longest.items() if lines > MOST_LINES]
    if len(marks) > MARKS:
        faults.append(f"all tariffs together: more than {MARKS} marks")
    if faults:
        raise ConfigError(
            "TARIFF_BULK", where="tariffs", what="; ".join(faults), do="rate these with `kvarn tariff rate`"
        )
    making = _Making(marks)
    for tariff in tariffs:
        making.add(tariff)
    found = t.Tables(
        np.array([tuple(row) for row in making.tariffs], t.TARIFF), np.array(making.charges, t.CHARGE),
        _table(making.rows, t.ROW), _table(making.tests, t.TEST),
    )  # fmt: skip
    return Book(tuple(tariffs), found, tuple(marks), tuple(making.values), making.value_count)


def _table(rows: list[tuple[int, ...]], width: int) -> Any:
    return np.array([(*row, *(0,) * (width - len(row))) for row in rows], np.int64).reshape(-1, width)


def scaled(rate: Decimal | None) -> int:
    """A rate in 0.00001."""
    return int((rate or Decimal(0)).scaleb(5).to_integral_exact())


def _parts(value: Decimal | int | Fraction | None, below: int = 1) -> tuple[int, int]:
    """Numerator and denominator of value / below; NONE of 1 where there is none."""
    if value is None:
        return t.NONE, 1
    exact = Fraction(value) / below
    return exact.numerator, exact.denominator


def _nano(value: Decimal) -> int:
    return int(value.scaleb(9).to_integral_exact())


@dataclass
class _Making:
    marks: list[str]
    tariffs: list[Any] = field(default_factory=list)
    charges: list[tuple[int, ...]] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)
    tests: list[tuple[int, ...]] = field(default_factory=list)
    values: list[dict[str, tuple[int, int]]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    value_count: int = 0

    def add(self, tariff: Tariff) -> None:
        """Put a tariff's rows into the tables."""
        first, line = len(self.charges), 0
        places = {charge.code: place for place, charge in enumerate(tariff.charges)}
        self.values.append({})
        for charge in tariff.charges:
            row = dict.fromkeys(t.CHARGE.names or (), 0)
            row |= {"kind": _kind(charge), "line": line, "lines": _lines(tariff, charge), "of": t.NONE}
            row |= self._conditions(charge.when) | self._of(charge, places) | self._own(tariff, charge)
            line += row["lines"]
            self.charges.append(tuple(row.values()))
        self.tariffs.append(self._tariff(tariff, first, line, places).values())

    def _put(self, rows: Sequence[tuple[int, ...]]) -> tuple[int, int]:
        """First place and number of rows that are appended."""
        self.rows += rows
        return len(self.rows) - len(rows), len(rows)

    def _tariff(self, tariff: Tariff, first: int, line: int, places: dict[str, int]) -> dict[str, Any]:
        zones = [zone.code for zone in tariff.calendar.zones]
        scheme, demand, factor = tariff.net_metering, tariff.billing_demand, tariff.load_factor
        row: dict[str, Any] = dict.fromkeys(t.TARIFF.names or (), 0)
        row |= {
            "charges_from": first, "charges": len(tariff.charges), "width": line + 2, "step_wh": tariff.step_wh,
            "cycle_months": tariff.cycle_months, "month_days": tariff.month_days,
            "month_parts": t.NONE if tariff.month_digits is None else 10**tariff.month_digits,
            "settle_line": line, "round_line": line + 1 if tariff.rounding == "rupee" else t.NONE,
            "energy": _bits(places, tariff.energy_codes()), "zones": len(zones), "bank_as": t.NONE,
            "lf_contract": factor.demand == "contract", "lf_within": factor.none_above_contract,
            "lf_parts": 10**factor.digits,
        }  # fmt: skip
        row["factor"], row["factor_in"] = _parts(tariff.load_power_factor)
        row["lf_beyond"], row["lf_beyond_in"] = _parts(factor.interruptions_beyond_hours)
        if demand is not None:
            rounding = {"none": t.AS_IT_IS, "half_up": t.HALF_UP, "up": t.UP}[demand.rounding]
            row |= {"demand_rule": 1, "demand_per": PER[demand.unit], "window": demand.window is not None,
                    "history_capped": demand.history_capped, "demand_rounding": rounding}  # fmt: skip
            row["contract"], row["contract_in"] = _parts(demand.contract_percent, 100)
            row["history"], row["history_in"] = _parts(demand.history_percent, 100)
        spill = [zones.index(zone) for zone in scheme.spill_to] if scheme is not None else []
        if scheme is not None:
            row |= {"set_off": scheme.scheme == "net_metering", "settle_month": scheme.settlement_month or 0,
                    "settle_rate": scaled(scheme.settlement_rate), "spills": len(spill)}  # fmt: skip
            row["bank_as"] = t.NONE if scheme.bank_as is None else zones.index(scheme.bank_as)
        self.names += [zone for zone in dict.fromkeys(zones) if zone not in self.names]
        row["spill_to"] = tuple(spill + [t.NONE] * (BULK_ZONES - len(spill)))
        row["zone_names"] = tuple([self.names.index(z) for z in zones] + [t.NONE] * (BULK_ZONES - len(zones)))
        return row

    def _conditions(self, when: When | None) -> dict[str, int]:
        found = [] if when is None else list(self._tests(when))
        self.tests += found
        return {"tests_from": len(self.tests) - len(found), "tests": len(found)}

    def _tests(self, when: When) -> Iterator[tuple[int, int, int, int]]:
        """In the order in which the engine looks at them: what fails first asks for nothing further."""
        if when.flags:
            yield t.MARKS, 0, sum(1 << self.marks.index(mark) for mark in set(when.flags)), 1
        if when.without:
            yield t.WITHOUT, 0, sum(1 << self.marks.index(mark) for mark in set(when.without)), 1
        if when.phases is not None:
            yield t.PHASES, 0, when.phases, 1
        for what, wanted in ((t.UNITS, when.units), (t.LOAD_KW, when.load_kw), (t.LOAD_KVA, when.load_kva)):
            for name, comparison in RANGES if isinstance(wanted, Range) else ():
                if getattr(wanted, name) is not None:
                    yield (what, comparison, *_parts(getattr(wanted, name)))
        if when.months:
            yield t.MONTHS, 0, sum(1 << month for month in set(when.months)), 1
        if when.since is not None:
            yield t.SINCE, 0, (when.since - EPOCH).days, 1
        if when.until is not None:
            yield t.UNTIL, 0, (when.until - EPOCH).days, 1

    def _of(self, charge: Charge, places: dict[str, int]) -> dict[str, int]:
        of = getattr(charge, "of", None) or ()
        named = (of,) if isinstance(of, str) else tuple(of)
        found = {"of_bits": _bits(places, named), "cap_bits": _bits(places, getattr(charge, "cap_of", ()) or named)}
        return found | ({"of": places[named[0]]} if named else {})

    def _own(self, tariff: Tariff, charge: Charge) -> dict[str, int]:
        found = {"rate": scaled(getattr(charge, "rate", None)), "by": t.ONE_RATE, "per": t.CONNECTION}
        quantity = getattr(charge, "quantity", None)
        if quantity is not None:
            found["quantity"] = t.QUANTITIES.index(quantity)
        if isinstance(charge, Banded):
            found["by"] = BY[charge.by]
            rows = [(*_parts(band.to), scaled(band.rate)) for band in charge.bands]
            found["rows_from"], found["rows"] = self._put(rows)
        match charge:
            case SlabCharge():
                slabs = [(t.NONE if s.to is None else s.to, scaled(s.rate), int(s.all_units)) for s in charge.slabs]
                found["rows_from"], found["rows"] = self._put(slabs)
                found["scaled"] = charge.scaled
            case FixedCharge():
                found |= {"per": PER[charge.per], "round_up": charge.round_up, "prorated": charge.prorated}
                found["least"], found["least_in"] = _parts(charge.least)
            case ExcessDemandCharge():
                found["share"], found["share_in"] = _parts(charge.factor)
                found["allowed"], found["allowed_in"] = _parts(1 + Fraction(charge.tolerance_percent) / 100)
                found["beyond"] = charge.basis == "beyond"
            case TodCharge():
                zones = [zone.code for zone in tariff.calendar.zones]
                found["rows_from"], found["rows"] = self._put([
                    (zones.index(z.zone), int(z.delta is not None), scaled(z.percent if z.delta is None else z.delta))
                    for z in charge.zones
                ])  # fmt: skip
            case FactorCharge():
                found |= self._factor(charge)
            case MinimumCharge():
                found["per"] = PER[charge.per]
            case SubsidyCharge():
                found["share"], found["share_in"] = _parts(charge.percent, 100)
                found |= {"above": charge.above or 0, "upto": t.NONE if charge.upto is None else charge.upto}
            case AdjustmentCharge():
                count = _value_count(tariff, charge)
                self.values[-1][charge.code] = (self.value_count, count)
                found["value"] = self.value_count
                self.value_count += count
        return {name: int(value) for name, value in found.items()}

    def _factor(self, charge: FactorCharge) -> dict[str, int]:
        found: dict[str, int] = {"parts": 10**charge.digits, "whole_points": charge.whole_points}
        found["point"] = t.EXACT_SCALE // 100 if charge.kind == "power_factor" else t.EXACT_SCALE
        found["cap"], found["cap_in"] = _parts(charge.cap_percent, 100)
        steps = [(_nano(s.since), _nano(s.until), scaled(s.percent_per_point)) for s in charge.steps]
        found["rows_from"], found["rows"] = self._put(steps)
        rows = [(_nano(row.least), _nano(row.upto), scaled(row.percent)) for row in charge.table]
        found["tables_from"], found["tables"] = self._put(rows)
        return found


def _bits(places: dict[str, int], codes: Sequence[str]) -> int:
    return sum(1 << places[code] for code in set(codes))


def _kind(charge: Charge) -> int:
    if isinstance(charge, AdjustmentCharge):
        return ADJUSTMENTS[charge.per]
    if isinstance(charge, SubsidyCharge):
        return t.SUBSIDY if charge.above is None and charge.upto is None else t.SUBSIDY_UNITS
    if isinstance(charge, FactorCharge):
        return t.POWER_FACTOR if charge.kind == "power_factor" else t.LOAD_FACTOR
    return KINDS[type(charge)]


def _value_count(tariff: Tariff, charge: AdjustmentCharge) -> int:
    of = tariff.charge(charge.of[0]) if charge.per == "slab" else None
    return len(of.slabs) if isinstance(of, SlabCharge) else 1


def _lines(tariff: Tariff, charge: Charge) -> int:
    """Lines that a charge may have."""
    if isinstance(charge, SlabCharge):
        return len(charge.slabs)
    if isinstance(charge, TodCharge):
        return len(charge.zones)
    if isinstance(charge, AdjustmentCharge):
        return _value_count(tariff, charge)
    if isinstance(charge, SubsidyCharge) and (charge.above is not None or charge.upto is not None):
        of = tariff.charge(charge.of[0])
        return len(of.slabs) if isinstance(of, SlabCharge) else 1
    return 1
