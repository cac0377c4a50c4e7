"""The kinds of charges. Each has a code, which names its line, and may have a condition."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agents.rating.engine.format.base import Code, Exact, Rate, Strict, When

Quantity = Literal["kwh", "kvah", "kwh_import", "kwh_export", "kvarh_lag", "kvarh_lead", "kwh_generation"]
Per = Literal["connection", "kw", "kva", "hp"]
By = Literal["load_kw", "load_kva", "load_hp", "kwh"]


class Common(Strict):
    """What every charge has."""

    code: Code = Field(description="code of the line; a slab's line is CODE.1, CODE.2, ...")
    name: str = Field("", description="what stands on the bill")
    when: When | None = Field(None, description="condition; without it the charge is always due")
    energy: bool | None = Field(
        None, description="counts as energy charge; when no charge says so, the first `slabs` or `energy` charge does"
    )


class Slab(Strict):
    """Units above the slab before and up to `to`."""

    to: int | None = Field(None, gt=0, description="last unit of the slab in a billing cycle; left out in the last")
    rate: Rate = Field(description="rupees per unit")
    all_units: bool = Field(False, description="true: who ends in this slab pays this rate for every unit")


class SlabCharge(Common):
    """Energy by slabs, telescopic, or not where a slab has `all_units`."""

    kind: Literal["slabs"]
    quantity: Quantity = Field("kwh", description="what is counted: kwh is what is billed after set-off of export")
    scaled: bool = Field(True, description="bounds follow the length of the period")
    slabs: tuple[Slab, ...] = Field(min_length=1, description="slabs with rising bounds")

    @model_validator(mode="after")
    def _rising(self) -> SlabCharge:
        bounds = [slab.to for slab in self.slabs]
        _check_bounds([None if bound is None else Decimal(bound) for bound in bounds])
        flags = [slab.all_units for slab in self.slabs]
        if flags != sorted(flags):
            raise ValueError("slabs with all_units stand after those without")
        return self


class Band(Strict):
    """A rate for loads, or units, up to `to`."""

    to: Exact | None = Field(None, gt=0, description="end of the band; left out in the last")
    rate: Rate = Field(description="rupees; it holds for the whole load, not for what is above the band before")


def _check_bounds(bounds: list[Decimal | None]) -> None:
    if bounds[-1] is not None or any(bound is None for bound in bounds[:-1]):
        raise ValueError("only the last slab has no upper bound, and it must have none")
    inner = [bound for bound in bounds if bound is not None]
    if any(after <= before for before, after in pairwise(inner)):
        raise ValueError("slab bounds must rise")


class Banded(Common):
    """One rate, or rates by band."""

    rate: Rate | None = Field(None, description="rupees")
    by: By | None = Field(None, description="what the bands are of")
    bands: tuple[Band, ...] = Field((), description="rates by band, in place of `rate`")

    @model_validator(mode="after")
    def _one_of_them(self) -> Banded:
        if (self.rate is None) != bool(self.bands) or bool(self.bands) != (self.by is not None):
            raise ValueError("give either rate, or bands with by")
        if self.bands:
            _check_bounds([band.to for band in self.bands])
        return self


class EnergyCharge(Banded):
    """All units at one rate."""

    kind: Literal["energy"]
    quantity: Quantity = Field("kwh", description="what is counted")


class FixedCharge(Banded):
    """An amount a month: by connection, or by kW, kVA or HP of sanctioned load."""

    kind: Literal["fixed"]
    per: Per = Field("connection", description="what it is counted by")
    round_up: bool = Field(False, description="a fraction of a kW, kVA or HP counts as a whole one")
    least: Exact | None = Field(None, gt=0, description="smallest load that is charged for")
    prorated: bool = Field(True, description="follows the length of the period")


class DemandCharge(Banded):
    """An amount a month by kW or kVA of billing demand."""

    kind: Literal["demand"]


class ExcessDemandCharge(Common):
    """What recorded demand above the contract's costs more: excess x rate x factor."""

    kind: Literal["excess_demand"]
    of: Code = Field(description="demand or fixed charge whose rate is taken")
    factor: Exact = Field(gt=0, description="penal factor, as 1.5 or 0.30")
    tolerance_percent: Exact = Field(Decimal(0), ge=0, description="nothing is due up to this excess")
    basis: Literal["whole", "beyond"] = Field(
        "whole", description="whole: all demand above the contract's; beyond: only what is above the tolerance"
    )


class ZoneRate(Strict):
    """What a zone costs more or less."""

    zone: str = Field(description="code of the zone")
    delta: Rate | None = Field(None, description="rupees per unit, negative for a rebate")
    percent: Rate | None = Field(None, description="per cent of the energy charge of the zone's units")

    @model_validator(mode="after")
    def _one_of_them(self) -> ZoneRate:
        if (self.delta is None) == (self.percent is None):
            raise ValueError("give either delta or percent")
        return self


class TodCharge(Common):
    """Time of day: what units in a zone cost more or less. A zone's line is CODE.ZONE."""

    kind: Literal["tod"]
    quantity: Literal["kwh", "kvah"] = Field("kwh", description="what is counted")
    of: Code | None = Field(None, description="energy charge that `percent` is of")
    zones: tuple[ZoneRate, ...] = Field(min_length=1, description="zones with a difference")

    @model_validator(mode="after")
    def _has_base(self) -> TodCharge:
        if self.of is None and any(zone.percent is not None for zone in self.zones):
            raise ValueError("percent needs `of`: the energy charge that it is taken of")
        return self


class PercentCharge(Common):
    """A percentage of charges above it: duty, tax, surcharge; negative: rebate."""

    kind: Literal["percent"]
    of: tuple[str, ...] = Field(min_length=1, description="codes of the charges it is taken of")
    rate: Rate = Field(description="per cent")


class AdjustmentCharge(Common):
    """FAC, PPAC or FPPAS: its monthly value comes in a document of its own, and may come after the bill."""

    kind: Literal["adjustment"]
    per: Literal["unit", "slab", "percent"] = Field(
        description="unit: rupees per unit; slab: one value for each slab of `of`; percent: per cent of `of`"
    )
    of: tuple[str, ...] = Field((), description="charges: those of the percentage, or the one with the slabs")

    @model_validator(mode="after")
    def _has_base(self) -> AdjustmentCharge:
        if bool(self.of) == (self.per == "unit") or (self.per == "slab" and len(self.of) != 1):
            raise ValueError("`of` names the charges of a percentage, or the one charge with the slabs")
        return self


class Step(Strict):
    """A percentage for each point between two values of a factor; negative is an incentive."""

    since: Exact = Field(description="where it begins: 0.95")
    until: Exact = Field(description="where it ends: 1, or 0.90 when it is for a worse factor")
    percent_per_point: Rate = Field(description="per cent for each point: 0.01 of power factor, 1 of load factor")


class Row(Strict):
    """A percentage for a range of a factor, ends included."""

    least: Exact = Field(description="lowest value of the row")
    upto: Exact = Field(description="highest value of the row")
    percent: Rate = Field(description="per cent; negative is an incentive")


class FactorCharge(Common):
    """Incentive and penalty by power factor or load factor, as steps that add up, as a table, or both."""

    kind: Literal["power_factor", "load_factor"]
    of: tuple[str, ...] = Field(min_length=1, description="charges that the percentage is of")
    steps: tuple[Step, ...] = Field((), description="steps that add up")
    table: tuple[Row, ...] = Field((), description="rows; a factor in none of them gives nothing")
    whole_points: bool = Field(False, description="only whole points count")
    digits: int = Field(3, ge=0, le=6, description="decimal places of the power factor, half up")
    cap_of: tuple[str, ...] = Field((), description="charges that the cap is a share of; left out: `of`")
    cap_percent: Exact | None = Field(None, gt=0, description="an incentive is at most this share of `cap_of`")

    @model_validator(mode="after")
    def _some(self) -> FactorCharge:
        if not self.steps and not self.table:
            raise ValueError("give steps or table")
        return self


class MinimumCharge(Common):
    """What is missing to a least amount of the charges named."""

    kind: Literal["minimum"]
    of: tuple[str, ...] = Field(min_length=1, description="charges that must come to the amount")
    rate: Rate = Field(gt=0, description="rupees a month")
    per: Per = Field("connection", description="what it is counted by")


class SubsidyCharge(Common):
    """What the State pays: a share of the cost of some units, or of whole charges. Its lines are negative."""

    kind: Literal["subsidy"]
    of: tuple[str, ...] = Field(min_length=1, description="charges; with `units` the one energy charge")
    percent: Exact = Field(Decimal(100), gt=0, le=100, description="share that is paid")
    above: int | None = Field(None, ge=0, description="first unit paid for is the one after this, in a billing cycle")
    upto: int | None = Field(None, gt=0, description="last unit paid for")

    @model_validator(mode="after")
    def _one_charge(self) -> SubsidyCharge:
        if (self.above is not None or self.upto is not None) and len(self.of) != 1:
            raise ValueError("a subsidy of some units is of one charge")
        return self


class ExportCharge(Common):
    """What is paid for export under net billing or gross metering. Its line is negative."""

    kind: Literal["export"]
    quantity: Literal["kwh_export", "kwh_generation"] = Field("kwh_export", description="what is counted")
    rate: Rate = Field(ge=0, description="rupees per kWh")


class LateCharge(Common):
    """Surcharge on arrears, by days."""

    kind: Literal["late"]
    rate: Rate = Field(ge=0, description="per cent a month of 30 days")


Charge = Annotated[
    SlabCharge
    | EnergyCharge
    | FixedCharge
    | DemandCharge
    | ExcessDemandCharge
    | TodCharge
    | PercentCharge
    | AdjustmentCharge
    | FactorCharge
    | MinimumCharge
    | SubsidyCharge
    | ExportCharge
    | LateCharge,
    Field(discriminator="kind"),
]


def bases(charge: object) -> tuple[str, ...]:
    """Codes of the charges that a charge is taken of."""
    of = getattr(charge, "of", ())
    named = (of,) if isinstance(of, str) else tuple(of or ())
    return named + tuple(getattr(charge, "cap_of", ()))
