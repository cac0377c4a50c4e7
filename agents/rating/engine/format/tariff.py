"""The tariff file, version 2."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field, field_validator, model_validator

from agents.rating.engine.format.base import Exact, Strict, known_step
from agents.rating.engine.format.calendar import Calendar
from agents.rating.engine.format.charges import (
    Charge,
    DemandCharge,
    EnergyCharge,
    ExcessDemandCharge,
    FixedCharge,
    SlabCharge,
    SubsidyCharge,
    TodCharge,
    bases,
)
from agents.rating.engine.format.schemes import BillingDemand, LoadFactor, NetMetering, Prepaid
from pipeline.localtime import known_zone


class Tariff(Strict):
    """One version of one tariff."""

    version: int = Field(ge=2, le=2, description="version of this file format")
    code: str = Field(min_length=1, max_length=64, description="name of the tariff version")
    number: int = Field(ge=1, le=65_535, description="the registry's column `tariff`")
    name: str = Field(description="what people call it")
    utility: str = Field("", description="who bills it")
    category: str = Field("", description="consumer category, as in the order")
    status: Literal["in_force", "ended", "set_aside", "draft"] = Field(
        "in_force", description="set_aside: a court or the commission took it back"
    )
    note: str = Field("", description="what one must know before one uses it")
    valid_from: datetime.date = Field(description="first local day it is in force")
    valid_to: datetime.date | None = Field(None, description="last local day it is in force; left out: open")
    timezone: str = Field("Asia/Kolkata", description="zone of the days and windows")
    step_wh: int = Field(1000, description="billed energy is a multiple of this; what is left is carried: 1000 or 1")
    cycle_months: int = Field(1, ge=1, le=12, description="months of a billing cycle; slab bounds are for one cycle")
    month_days: int = Field(30, gt=0, description="days of a month, for periods that are not whole months")
    month_digits: int | None = Field(
        2, ge=0, le=6, description="decimal places of the period's length in months, half up; null: exact"
    )
    load_power_factor: Exact | None = Field(
        None, gt=0, le=1, description="kW per kVA of load, where only one of the two is known"
    )
    calendar: Calendar = Field(Calendar.model_validate({}), description="time-of-use zones")
    billing_demand: BillingDemand | None = Field(None, description="what demand is billed")
    load_factor: LoadFactor = Field(LoadFactor.model_validate({}), description="how the load factor is counted")
    net_metering: NetMetering | None = Field(None, description="what happens to export")
    prepaid: Prepaid = Field(Prepaid.model_validate({}), description="thresholds of daily deduction")
    charges: tuple[Charge, ...] = Field(min_length=1, description="charges in the order of the bill")
    rounding: Literal["paisa", "rupee"] = Field("paisa", description="what the total is rounded to, half up")

    _known_zone = field_validator("timezone")(known_zone)
    _known_step = field_validator("step_wh")(known_step)

    @model_validator(mode="after")
    def _consistent(self) -> Tariff:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        above: dict[str, object] = {}
        zones = {zone.code for zone in self.calendar.zones}
        for charge in self.charges:
            if charge.code in above:
                raise ValueError(f"charge {charge.code} stands twice")
            unknown = [code for code in bases(charge) if code not in above]
            if unknown:
                raise ValueError(f"charge {charge.code} is taken of {unknown[0]}, which does not stand above it")
            self._check(charge, above, zones)
            above[charge.code] = charge
        if self.net_metering is not None:
            named = {*self.net_metering.spill_to, *([self.net_metering.bank_as] if self.net_metering.bank_as else [])}
            if not named <= zones:
                raise ValueError(f"net_metering names {sorted(named - zones)[0]}, which is not a zone")
        return self

    def _check(self, charge: object, above: dict[str, object], zones: set[str]) -> None:
        if isinstance(charge, TodCharge):
            unknown = [zone.zone for zone in charge.zones if zone.zone not in zones]
            if unknown:
                raise ValueError(f"charge {charge.code} names {unknown[0]}, which is not a zone")
            if charge.of is not None and not isinstance(above[charge.of], SlabCharge | EnergyCharge):
                raise ValueError(f"charge {charge.code} is taken of {charge.of}, which is no energy charge")
        if isinstance(charge, DemandCharge | ExcessDemandCharge) and self.billing_demand is None:
            raise ValueError(f"charge {charge.code} needs billing_demand")
        if isinstance(charge, ExcessDemandCharge) and not isinstance(above[charge.of], DemandCharge | FixedCharge):
            raise ValueError(f"charge {charge.code} is taken of {charge.of}, which has no rate for demand")
        some_units = isinstance(charge, SubsidyCharge) and (charge.above is not None or charge.upto is not None)
        if some_units and not isinstance(above[bases(charge)[0]], SlabCharge | EnergyCharge):
            raise ValueError("a subsidy of some units is of an energy charge")

    def energy_codes(self) -> tuple[str, ...]:
        """Codes of the charges that make up the energy charge."""
        marked = tuple(charge.code for charge in self.charges if charge.energy)
        if marked:
            return marked
        return tuple(c.code for c in self.charges if isinstance(c, SlabCharge | EnergyCharge))[:1]

    def charge(self, code: str) -> object:
        """The charge of a code; raises KeyError."""
        return {charge.code: charge for charge in self.charges}[code]
