"""What of a tariff the bulk kernel cannot do: limits of its tables, and files that no bill can be made of."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from agents.rating.bulk.quantities import BULK_ZONES
from agents.rating.bulk.tables import MOST_CHARGES
from agents.rating.engine.format.charges import AdjustmentCharge, Charge, SlabCharge, bases
from agents.rating.engine.format.tariff import Tariff

LARGEST_NUMBER = 10**9
"""Of bounds and factors: with nine decimal places they fit 64 bits."""


def refused(tariff: Tariff) -> Iterator[str]:
    """Each thing by its name; nothing for a tariff that can be compiled."""
    if len(tariff.calendar.zones) > BULK_ZONES:
        yield f"more than {BULK_ZONES} zones"
    if tariff.net_metering is not None and len(tariff.net_metering.spill_to) > BULK_ZONES:
        yield f"more than {BULK_ZONES} zones that surplus spills to"
    if len(tariff.charges) > MOST_CHARGES:
        yield f"more than {MOST_CHARGES} charges"
    if tariff.month_days > LARGEST_NUMBER:
        yield "month_days"
    if tariff.load_factor.interruptions_beyond_hours > LARGEST_NUMBER:
        yield "interruptions_beyond_hours"
    for charge in tariff.charges:
        reason = _reason(tariff, charge)
        if reason:
            yield f"{charge.code} ({reason})"


def _reason(tariff: Tariff, charge: Charge) -> str:
    by_slab = isinstance(charge, AdjustmentCharge) and charge.per == "slab"
    if by_slab and not isinstance(tariff.charge(bases(charge)[0]), SlabCharge):
        return "by slab, of a charge without slabs"
    if charge.kind == "load_factor" and tariff.load_factor.demand == "recorded" and tariff.billing_demand is None:
        return "load factor of recorded demand without billing_demand"
    if any(abs(number) > LARGEST_NUMBER for number in _numbers(charge.model_dump())):
        return f"a number above {LARGEST_NUMBER}"
    return ""


def _numbers(value: object) -> Iterator[Decimal]:
    """All numbers in a charge."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, Decimal | int):
        yield Decimal(value)
