"""What all models of the tariff file share: exact numbers, ranges and conditions."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

RATE_DIGITS = 5
"""Decimal places of a rate: 0.00001 rupees or per cent."""


class Strict(BaseModel):
    """A mapping whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("a number is written as text or decimal, never as a binary float")
    return value


def known_step(step_wh: int) -> int:
    """Billed energy is a multiple of whole units or exact; raises ValueError for any other step."""
    if step_wh not in (1, 1000):
        raise ValueError("use 1000 (whole units) or 1 (exact)")
    return step_wh


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(decimal_places=9, max_digits=24)]
Rate = Annotated[Exact, Field(decimal_places=RATE_DIGITS, gt=-10_000_000, lt=10_000_000)]
Code = Annotated[str, Field(min_length=1, max_length=24)]


class Range(Strict):
    """A range of a quantity; ends that are left out are open."""

    above: Exact | None = Field(None, description="more than this")
    least: Exact | None = Field(None, description="this or more")
    upto: Exact | None = Field(None, description="this or less")
    below: Exact | None = Field(None, description="less than this")

    @model_validator(mode="after")
    def _some(self) -> Range:
        if not self.model_fields_set:
            raise ValueError("give above, least, upto or below")
        low = self.above if self.above is not None else self.least
        high = self.upto if self.upto is not None else self.below
        if low is not None and high is not None and low > high:
            raise ValueError("the range is empty")
        return self


class When(Strict):
    """When a charge is due; all that is named must hold."""

    units: Range | None = Field(None, description="billed units of a billing cycle; bounds follow the period's length")
    load_kw: Range | None = Field(None, description="sanctioned load, kW")
    load_kva: Range | None = Field(None, description="contract demand, kVA")
    phases: int | None = Field(None, ge=1, le=3, description="phases of the connection: 1 or 3")
    flags: tuple[str, ...] = Field((), description="marks that the bill must have, as `prepaid`, `online`, `bpl`")
    without: tuple[str, ...] = Field((), description="marks that the bill must not have")
    months: tuple[int, ...] = Field((), description="months of the year in which it is due, 1 to 12")
    since: datetime.date | None = Field(None, description="first day of a period that it is due for")
    until: datetime.date | None = Field(None, description="last day of a period that it is due for")
