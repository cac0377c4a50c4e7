"""A month's bills of published tariffs, from half-hour intervals: Decimal rupees, written from the tables themselves.

Nothing here knows the engine. What the tables leave open is decided as docs/tariffs.md says it: a calendar month is one
month, a part of it days / 30, to two places; whole units are counted from readings that are rounded down, so that what
is below a unit goes into the next part; energy of a zone is not made whole; each line is rounded once, half a paisa up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipeline.columns import Array

D = Decimal
A_DAY = 48
"""Intervals."""

Lines = dict[str, Decimal]
"""Code of a line to rupees; the lines of a slab are one."""


@dataclass(frozen=True)
class Consumer:
    """One connection in one month. Energies are i64 (days * 48,), Wh and VAh."""

    tariff: str
    load_kw: int
    load_kva: int
    phases: int
    imported: Array
    exported: Array
    apparent: Array
    net: bool = False
    bank_wh: int = 0
    change_day: int = 0
    """Days before the change; 0: none."""
    load_after: int = 0
    """kW; 0: the same."""
    tariff_after: str = ""

    @property
    def days(self) -> int:
        return len(self.imported) // A_DAY


@dataclass(frozen=True)
class MonthBill:
    lines: tuple[Lines, ...]
    """Of each part of the month."""
    bank_wh: int

    @property
    def total(self) -> Decimal:
        return sum((amount for lines in self.lines for amount in lines.values()), D(0))


@dataclass(frozen=True)
class Used:
    """What a part of a month is billed by."""

    units: int
    months: Decimal
    load_kw: int
    load_kva: int
    phases: int
    kvah: int
    peak_kvah: Decimal
    solar_kvah: Decimal
    demand_kva: Decimal


def paisa(amount: Decimal) -> Decimal:
    """Rounded to the paisa."""
    return amount.quantize(D("0.01"), ROUND_HALF_UP)


def climbed(units: int, months: Decimal, steps: tuple[tuple[int, str], ...], top: str) -> Decimal:
    """Energy by slabs whose bounds follow the length of the period; a slab is a line of the bill."""
    cost, below = D(0), D(0)
    for bound, price in steps:
        upto = bound * months
        cost += paisa(max(D(0), min(D(units), upto) - below) * D(price))
        below = upto
    return cost + paisa(max(D(0), D(units) - below) * D(top))


def msedcl(used: Used) -> Lines:
    """LT I(B) from April 2020, one phase, with the sample of FAC."""
    energy = climbed(used.units, used.months, ((100, "3.46"), (300, "7.43"), (500, "10.32")), "11.71")
    adjustment = climbed(used.units, used.months, ((100, "0.50"), (300, "0.84"), (500, "1.07")), "1.19")
    lines = {
        "EC": energy,
        "WHEELING": paisa(used.units * D("1.45")),
        "FAC": adjustment,
        "FIXED": paisa(100 * used.months),
    }
    return {**lines, "DUTY": paisa(sum(lines.values(), D(0)) * D("0.16"))}


def delhi(used: Used) -> Lines:
    """Domestic, 2019-20."""
    energy = climbed(used.units, used.months, ((200, "3"), (400, "4.5"), (800, "6.5"), (1200, "7")), "8")
    load = used.load_kw
    per_kw = 20 if load <= 2 else 50 if load <= 5 else 100 if load <= 15 else 200 if load <= 25 else 250
    lines = {"EC": energy, "FIXED": paisa(per_kw * load * used.months)}
    return {**lines, **surcharges(sum(lines.values(), D(0)))}


def surcharges(base: Decimal) -> Lines:
    """Delhi's: deficit, pensions, tax."""
    return {code: paisa(base * rate / 100) for code, rate in (("DEFICIT", 8), ("PENSION", 7), ("TAX", 5))}


def kerala(used: Used) -> Lines:
    """LT-I, July 2019: telescopic up to 250 units, then one price for all of them."""
    units = used.units
    if units <= 250 * used.months:
        energy = climbed(units, used.months, ((50, "3.15"), (100, "3.70"), (150, "4.80"), (200, "6.40")), "7.60")
    else:
        flat = ((300, "5.80"), (350, "6.60"), (400, "6.90"), (500, "7.10"))
        price = next((price for last, price in flat if units <= last * used.months), "7.90")
        energy = paisa(units * D(price))
    one = ((50, 35), (100, 45), (150, 55), (200, 70), (250, 80), (300, 100), (350, 110), (400, 120), (500, 130))
    three = ((100, 90), (250, 100), (350, 110), (400, 120), (500, 130))
    bands = one if used.phases == 1 else three
    fixed = next((amount for last, amount in bands if units <= last * used.months), 150)
    return {"EC": energy, "FIXED": paisa(fixed * used.months)}


def uttar_pradesh(used: Used) -> Lines:
    """LMV-1 urban, 2022-23."""
    lines = {
        "EC": climbed(used.units, used.months, ((100, "5.50"), (150, "5.50"), (300, "6")), "6.50"),
        "FIXED": paisa(110 * used.load_kw * used.months),
    }
    return {**lines, "DUTY": paisa(sum(lines.values(), D(0)) * D("0.05"))}


def delhi_industry(used: Used) -> Lines:
    """2019-20, in summer: kVAh, a fifth more in the peak and less in solar hours, 30 % on demand above the load."""
    lines = {
        "EC": paisa(used.kvah * D("7.75")),
        "TOD": D(0),
        "FIXED": paisa(250 * used.load_kva * used.months),
    }
    if used.load_kw > 10:
        lines["TOD"] = paisa(used.peak_kvah * D("7.75") / 5) + paisa(used.solar_kvah * D("7.75") / -5)
    base = sum(lines.values(), D(0))
    excess = max(D(0), used.demand_kva - used.load_kva)
    lines["EXCESS"] = paisa(excess * 250 * D("0.30") * used.months)
    return {**lines, **surcharges(base)}


TARIFFS: dict[str, Callable[[Used], Lines]] = {
    "msedcl-lt1b-2020": msedcl,
    "delhi-domestic-2019": delhi,
    "kseb-lt1-2019": kerala,
    "uppcl-lmv1-urban-2022": uttar_pradesh,
    "delhi-industry-2019": delhi_industry,
}


def bill(consumer: Consumer) -> MonthBill:
    """The bill of the month, each part by the tariff and load of its days."""
    if not consumer.change_day:
        used, bank = counted(consumer, 0, consumer.days, D(1), 0, consumer.bank_wh)
        return MonthBill((TARIFFS[consumer.tariff](used[0]),), bank)
    cut = consumer.change_day
    before = length(cut)
    first, bank = counted(consumer, 0, cut, before, 0, consumer.bank_wh)
    after = replace(consumer, load_kw=consumer.load_after or consumer.load_kw,
                    tariff=consumer.tariff_after or consumer.tariff)  # fmt: skip
    second, bank = counted(after, cut, consumer.days, length(consumer.days - cut), first[1], bank)
    return MonthBill((TARIFFS[consumer.tariff](first[0]), TARIFFS[after.tariff](second[0])), bank)


def length(days: int) -> Decimal:
    """Days in months."""
    return (D(days) / 30).quantize(D("0.01"), ROUND_HALF_UP)


def counted(
    consumer: Consumer, first: int, last: int, months: Decimal, carried: int, bank: int
) -> tuple[tuple[Used, int], int]:
    """((what days `first` to `last` are billed by, Wh below a unit), bank); `carried` Wh below a unit come in."""
    rows = slice(first * A_DAY, last * A_DAY)
    imported, apparent = consumer.imported[rows], consumer.apparent[rows]
    wh = int(imported.sum())
    if consumer.net:
        left = wh - int(consumer.exported[rows].sum()) - bank
        wh, bank = max(0, left), max(0, -left)
    units, carried = divmod(wh + carried, 1000)
    peak, solar = zones(apparent)
    demand = D(int(apparent.max()) * 2) / 1000 if len(apparent) else D(0)
    used = Used(
        units, months, consumer.load_kw, consumer.load_kva, consumer.phases, int(apparent.sum()) // 1000,
        D(peak) / 1000, D(solar) / 1000, demand,
    )  # fmt: skip
    return (used, carried), bank


def zones(apparent: Any) -> tuple[int, int]:
    """VAh of Delhi's industry in summer: (peak 14-17 and 22-01, solar hours 04-10); half hours from local midnight."""
    peak = solar = 0
    for half in range(A_DAY):
        hour = math.floor(half / 2)
        here = int(apparent[half::A_DAY].sum())
        peak += here if 14 <= hour < 17 or hour >= 22 or hour < 1 else 0
        solar += here if 4 <= hour < 10 else 0
    return peak, solar
