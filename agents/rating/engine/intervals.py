"""Zones, demand and cuts of a period from its intervals, exactly."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.rating.calendar import QUARTER_SECS
from agents.rating.engine.format.calendar import quarters_of
from agents.rating.engine.format.tariff import Tariff
from pipeline.localtime import DAY_SECS, OFFSETS

HOUR_SECS = 3600


@dataclass(frozen=True)
class Interval:
    """Energy from `begins` (epoch seconds UTC, on a quarter hour) for `secs`: Wh, VAh."""

    begins: int
    wh: int
    vah: int | None = None
    export_wh: int = 0
    secs: int = QUARTER_SECS


def summed(tariff: Tariff, intervals: Iterable[Interval]) -> dict[str, Any]:
    """What intervals say of a period, as fields of `Quantities`: energies, zones, demand.

    Demand of a block is energy / hours, rounded down to the W or VA. An interval belongs to the zone that it begins in.
    """
    window = tariff.billing_demand.window if tariff.billing_demand is not None else None
    counted = set(quarters_of(window)) if window is not None else set()
    apparent = True
    total = {"wh": 0, "vah": 0, "export_wh": 0, "md_w": 0, "md_va": 0, "md_window_w": 0, "md_window_va": 0}
    zones: dict[str, dict[str, int]] = {"zones_wh": {}, "zones_vah": {}, "zones_export_wh": {}}
    for item in intervals:
        day, quarter = local(tariff, item.begins)
        apparent = apparent and item.vah is not None
        energies = {"wh": item.wh, "vah": item.vah or 0, "export_wh": item.export_wh}
        for name, energy in energies.items():
            total[name] += energy
        zone = tariff.calendar.zone_at(day, quarter)
        if zone is not None:
            for name, energy in energies.items():
                held = zones[f"zones_{name}"]
                held[zone.code] = held.get(zone.code, 0) + energy
        for name, energy in (("w", item.wh), ("va", item.vah or 0)):
            demand = energy * HOUR_SECS // item.secs
            total[f"md_{name}"] = max(total[f"md_{name}"], demand)
            if quarter in counted:
                total[f"md_window_{name}"] = max(total[f"md_window_{name}"], demand)
    found: dict[str, Any] = {**total, **zones}
    if not apparent:
        found |= {"vah": None, "md_va": None, "md_window_va": None, "zones_vah": {}}
    return found


def cut(tariff: Tariff, intervals: Sequence[Interval], days: Sequence[datetime.date]) -> list[list[Interval]]:
    """Parts of a period, cut at local midnight: what is before the first of `days`, from it to the next, and so on."""
    parts: list[list[Interval]] = [[] for _ in range(len(days) + 1)]
    for item in intervals:
        day, _ = local(tariff, item.begins)
        parts[sum(day >= first for first in days)].append(item)
    return parts


def local(tariff: Tariff, time: int) -> tuple[datetime.date, int]:
    """Local day and quarter hour of an epoch second."""
    day, second = divmod(time + OFFSETS[tariff.timezone], DAY_SECS)
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day), second // QUARTER_SECS
