"""Determinants by zone, of demand, of reactive energy and outages, from the intervals of a period, in plain Python."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass

IST = 19_800
DAY = 86_400


@dataclass(frozen=True)
class Cell:
    """One interval as it is in the end. counted, actual: whether its import counts, and whether it is measured; others:
    the same of its other energies, None: as import."""

    start: int
    secs: int
    counted: bool
    actual: bool
    outage: bool
    wh: int
    vah: int
    export: int
    lag: int
    lead: int
    others: tuple[bool, bool] | None = None


def zone_of(start: int) -> int:
    """Zone of TARIFF below: weekends have zones of their own, and so has the winter till 31 January."""
    local = datetime.datetime.fromtimestamp(start + IST, datetime.UTC)
    if local.weekday() >= 5:
        return 4 if 9 <= local.hour < 17 else 5
    if local.month == 1:
        return 0 if 6 <= local.hour < 18 else 1
    return 2 if 9 <= local.hour < 17 else 3


NAMES = ("winter day", "winter night", "solar", "rest", "weekend solar", "weekend")
TARIFF = b"""
version: 2
code: fine-2026
number: 2
name: of a test
valid_from: 2025-01-01
load_power_factor: 0.9
calendar:
  seasons:
    - {code: WINTER, since: 11-01, until: 01-31}
    - {code: REST, since: 02-01, until: 10-31}
  zones:
    - {code: WD, windows: ["06:00-18:00"], seasons: [WINTER], days: [weekday, holiday]}
    - {code: WN, kind: night, windows: ["18:00-06:00"], seasons: [WINTER], days: [weekday, holiday]}
    - {code: SO, kind: solar, windows: ["09:00-17:00"], seasons: [REST], days: [weekday, holiday]}
    - {code: RE, windows: ["17:00-09:00"], seasons: [REST], days: [weekday, holiday]}
    - {code: ES, kind: solar, windows: ["09:00-17:00"], days: [saturday, sunday]}
    - {code: EN, kind: night, windows: ["17:00-09:00"], days: [saturday, sunday]}
billing_demand: {unit: kva, window: "06:00-22:00", contract_percent: 80}
net_metering: {scheme: net_metering}
charges:
  - {code: EC, kind: energy, quantity: kvah, rate: 7}
  - {code: DC, kind: demand, rate: 450}
  - {code: PF, kind: power_factor, of: [EC], table: [{least: 0.95, upto: 1, percent: -1}]}
"""
LOAD_W = 9_000


def measured(cell: Cell, zone: int, others: bool) -> dict[str, int]:
    """Code of a demand -> energy that counts towards it; others: whether apparent energy is measured."""
    found = {f"MD_KW_TZ{zone + 1}": cell.wh} if cell.counted and cell.actual else {}
    if others:
        found[f"MD_KVA_TZ{zone + 1}"] = cell.vah
        if 6 * 3600 <= (cell.start + IST) % DAY < 22 * 3600:
            found["MD_0622"] = cell.vah
    return found


def expected(cells: list[Cell]) -> dict[str, tuple[int, int | None]]:
    """Code -> (value, at) of the intervals of a day or month, those codes that fine state adds."""
    sums: dict[str, int] = defaultdict(int)
    largest: dict[str, tuple[int, int]] = {}
    kinds = ("NORMAL", "NIGHT", "SOLAR", "NORMAL", "SOLAR", "NIGHT")
    for zone in range(len(NAMES)):
        for code in ("KWH", "KVAH", "KWH_EXP", "NET"):
            sums[f"{code}_TZ{zone + 1}"] = 0
    for code in ("KVARH_LAG", "KVARH_LEAD", "OUTAGE_MIN", "OUTAGE_COUNT", "KWH_SOLAR", "KWH_NIGHT", "KWH_NORMAL"):
        sums[code] = 0
    ended: dict[int, int] = {}
    for cell in sorted(cells, key=lambda cell: cell.start):
        zone, day = zone_of(cell.start), (cell.start + IST) // DAY
        if cell.outage:
            sums["OUTAGE_MIN"] += cell.secs // 60
            sums["OUTAGE_COUNT"] += ended.get(day) != 1
        ended[day] = int(cell.outage) if cell.counted else ended.get(day, 0)
        counted, actual = (cell.counted, cell.actual) if cell.others is None else cell.others
        if cell.counted:
            sums[f"KWH_TZ{zone + 1}"] += cell.wh
            sums[f"NET_TZ{zone + 1}"] += cell.wh
            sums[f"KWH_{kinds[zone]}"] += cell.wh
        if counted:
            sums[f"KVAH_TZ{zone + 1}"] += cell.vah
            sums[f"KWH_EXP_TZ{zone + 1}"] += cell.export
            sums[f"NET_TZ{zone + 1}"] -= cell.export
            sums["KVARH_LAG"] += cell.lag
            sums["KVARH_LEAD"] += cell.lead
        for code, energy in measured(cell, zone, counted and actual).items():
            power = energy * 3600 // cell.secs
            if code not in largest or power > largest[code][0]:
                largest[code] = power, cell.start
    if "MD_0622" in largest:
        recorded = largest["MD_0622"][0]
        sums["BILL_DEMAND"] = max(recorded, LOAD_W * 10 * 8 // 90)
        sums["EXCESS_DEMAND"] = max(0, recorded - LOAD_W * 10 // 9)
    return {**{code: (value, None) for code, value in sums.items()}, **largest}
