"""What stands beside the charges: billing demand, load factor, net metering, prepaid."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, model_validator

from agents.rating.engine.format.base import Code, Exact, Rate, Strict
from agents.rating.engine.format.calendar import quarters_of


class BillingDemand(Strict):
    """The billing demand: the largest of recorded demand and shares of contract demand and of earlier demand."""

    unit: Literal["kw", "kva"] = Field("kva", description="unit of the demand")
    window: str | None = Field(None, description="HH:MM-HH:MM: only demand in this window counts, as 06:00-22:00")
    contract_percent: Exact | None = Field(None, gt=0, le=100, description="at least this share of contract demand")
    history_percent: Exact | None = Field(
        None, gt=0, le=100, description="at least this share of the highest billing demand of the months before"
    )
    history_months: int = Field(11, ge=1, le=36, description="how many months before count")
    history_capped: bool = Field(True, description="the share of earlier demand is at most the contract demand")
    rounding: Literal["none", "half_up", "up"] = Field("none", description="to whole kW or kVA, and how")

    @model_validator(mode="after")
    def _window(self) -> BillingDemand:
        if self.window is not None:
            quarters_of(self.window)
        return self


class LoadFactor(Strict):
    """Load factor, per cent: units / (demand x power factor x hours)."""

    demand: Literal["contract", "recorded"] = Field("contract", description="which demand it is measured against")
    interruptions_beyond_hours: Exact = Field(
        Decimal(60),
        ge=0,
        description="hours without supply beyond these are taken off the hours",
    )
    none_above_contract: bool = Field(True, description="no incentive when the recorded demand exceeds the contract's")
    digits: int = Field(2, ge=0, le=6, description="decimal places of the load factor, half up")


class NetMetering(Strict):
    """What happens to exported energy."""

    scheme: Literal["net_metering", "net_billing", "gross_metering"] = Field(
        description="net_metering: set off in units; net_billing, gross_metering: paid by an `export` charge"
    )
    spill_to: tuple[str, ...] = Field(
        (), description="zones that surplus of another zone may be set off in, in this order; none: same zone only"
    )
    bank_as: Code | None = Field(None, description="zone under which surplus is banked; left out: its own")
    settlement_month: int | None = Field(
        None, ge=1, le=12, description="month at whose end what is banked is paid, or lapses: March is 3"
    )
    settlement_rate: Rate = Field(Decimal(0), description="rupees per kWh then")


class Prepaid(Strict):
    """Daily deduction."""

    warn_at: tuple[Rate, ...] = Field((), description="balances in rupees at which the consumer is warned, falling")
    disconnect_at: Rate = Field(Decimal(0), description="balance in rupees below which supply may be cut")

    @model_validator(mode="after")
    def _falling(self) -> Prepaid:
        if list(self.warn_at) != sorted(self.warn_at, reverse=True):
            raise ValueError("warn_at must fall")
        return self
