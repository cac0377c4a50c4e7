"""Tariffs of version 2 that the streaming stage's kernel can rate: as version 1, or why not.

The kernel knows slabs, one rate, an amount a month and percentages, for calendar months, with zones that are the same
every day. Version 1 of the file says exactly that, so a tariff of the common subset is the same in both versions.
"""

from __future__ import annotations

from collections.abc import Iterator

from agents.rating import tariff as version1
from agents.rating.engine.format.charges import Charge, EnergyCharge, FixedCharge, PercentCharge, SlabCharge
from agents.rating.engine.format.tariff import Tariff
from agents.rating.state import ZONES
from pipeline.errors import ConfigError

KINDS = (SlabCharge, EnergyCharge, FixedCharge, PercentCharge)


def measured(tariff: Tariff) -> version1.Tariff:
    """A tariff of which the stage makes determinants, and no bill: its zones, where they are the same every day."""
    zones = tariff.calendar.zones
    simple = len(zones) <= ZONES and not any(zone.seasons or zone.days for zone in zones)
    keys = ("code", "number", "name", "valid_from", "timezone", "step_wh", "month_days")
    return version1.Tariff.model_construct(
        version=1,
        **{key: getattr(tariff, key) for key in keys},
        zones=tuple(version1.Zone(code=z.code, name=z.name, windows=z.windows) for z in zones) if simple else (),
        charges=(),
    )


def downgraded(tariff: Tariff, where: str) -> version1.Tariff:
    """The same tariff in version 1; raises ConfigError with everything that the kernel cannot do."""
    reasons = list(beyond(tariff))
    if reasons:
        raise ConfigError(
            "TARIFF_STREAM",
            where=where,
            what=f"the rating stage cannot do this: {'; '.join(reasons)}",
            do="rate it with `kvarn tariff rate`, or leave these out for the stream",
        )
    keys = ("code", "number", "name", "valid_from", "timezone", "step_wh", "month_days")
    data = {key: getattr(tariff, key) for key in keys}
    zones = [{"code": z.code, "name": z.name, "windows": z.windows} for z in tariff.calendar.zones]
    charges = [charge.model_dump(include={"code", "kind", "rate", "of", "slabs"}) for charge in tariff.charges]
    return version1.Tariff.model_validate({"version": 1, **data, "zones": zones, "charges": charges})


def beyond(tariff: Tariff) -> Iterator[str]:
    """What a tariff has that the kernel cannot do."""
    if tariff.cycle_months != 1:
        yield f"a cycle of {tariff.cycle_months} months"
    if tariff.month_digits != 2:
        yield "months that are not rounded to two places"
    if tariff.rounding != "paisa":
        yield "rounding to the rupee"
    if tariff.status != "in_force":
        yield f"a tariff that is {tariff.status.replace('_', ' ')}"
    if tariff.net_metering is not None:
        yield "set-off of export"
    if tariff.valid_to is not None:
        yield "a last day"
    if any(zone.seasons or zone.days for zone in tariff.calendar.zones):
        yield "zones by season or type of day"
    if len(tariff.calendar.zones) > ZONES:
        yield f"more than {ZONES} zones"
    lines = sum(len(charge.slabs) if isinstance(charge, SlabCharge) else 1 for charge in tariff.charges)
    if lines > version1.MAX_LINES:
        yield f"more than {version1.MAX_LINES} lines"
    for charge in tariff.charges:
        reason = _reason(charge)
        if reason:
            yield f"{charge.code} ({reason})"


def _reason(charge: Charge) -> str:
    if not isinstance(charge, KINDS):
        return f"kind {charge.kind}"
    if charge.when is not None:
        return "a condition"
    if isinstance(charge, SlabCharge | EnergyCharge) and charge.quantity != "kwh":
        return f"of {charge.quantity}"
    if isinstance(charge, SlabCharge) and not charge.scaled:
        return "bounds that do not follow the period"
    if isinstance(charge, EnergyCharge | FixedCharge) and charge.bands:
        return "bands"
    if isinstance(charge, FixedCharge) and (charge.per != "connection" or not charge.prorated):
        return f"by {charge.per}"
    return ""
