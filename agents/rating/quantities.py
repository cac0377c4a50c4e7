"""Determinants by code: the list `quantities` of a determinant, made of its row and of what fine state adds to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from agents.rating.calendar import QUARTER_SECS, QUARTERS
from agents.rating.fine import Extras
from agents.rating.fine_state import (
    DEMAND_VA_AT,
    DEMAND_W_AT,
    EXPORT_AT,
    LACKS_CAUSES,
    LACKS_DEMAND,
    LAG_AT,
    LAST_TIME,
    OUTAGE_MINUTES_AT,
    TIME_BITS,
    VAH_AT,
    WH_AT,
    WINDOW_AT,
    Ask,
)
from agents.rating.fine_tariffs import FineTariffs
from agents.rating.rows import DAY_KIND, FROM_REGISTERS
from agents.rating.state import ZONES
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.jit import inlined, kernel
from schemas.quantities import (
    NUMBER,
    QUANTITIES,
    QUANTITY_SOURCE,
    QUANTITY_UNIT,
    SOURCE_NUMBER,
    TIME_ZONES,
    UNIT_NUMBER,
    UNIT_OF,
)

QUANTITY = np.dtype(
    [
        ("value", "<i8"),
        ("delta", "<i8"),
        ("at", "<i8"),  # epoch seconds; 0: none
        ("code", "<u2"),
        ("unit", "<u2"),
        ("source", "<u2"),
        ("has_delta", "<u2"),
    ]
)
"""One item of the list."""

MOST = len(QUANTITIES)
"""Quantities of one determinant at most: a code stands once."""

UNITS = np.array(UNIT_OF, np.int64)
NO_TIME = np.int64(0)

KWH_IMP, KVAH_IMP, KWH_EXP, KVAH_EXP = (NUMBER[code] for code in ("KWH_IMP", "KVAH_IMP", "KWH_EXP", "KVAH_EXP"))
MD_KW, MD_KVA, PF_AVG, LF_PCT = (NUMBER[code] for code in ("MD_KW", "MD_KVA", "PF_AVG", "LF_PCT"))
DAYS, PCT_EST, METER_SEGMENTS = (NUMBER[code] for code in ("DAYS", "PCT_EST", "METER_SEGMENTS"))
KVARH_LAG, MD_0622, OUTAGE_MIN, KWH_SOLAR = (
    NUMBER[code] for code in ("KVARH_LAG", "MD_0622", "OUTAGE_MIN", "KWH_SOLAR")
)  # fmt: skip
BILL_DEMAND = NUMBER["BILL_DEMAND"]
KWH_TZ, KVAH_TZ, KWH_EXP_TZ, MD_KW_TZ, MD_KVA_TZ, NET_TZ = (
    NUMBER[f"{code}_TZ1"] for code in ("KWH", "KVAH", "KWH_EXP", "MD_KW", "MD_KVA", "NET")
)
REGISTERS, INTERVALS, EVENTS, COUNTED, TARIFF = (
    SOURCE_NUMBER[name] for name in ("MIDNIGHT_REGISTERS", "INTERVALS", "EVENTS", "COUNTED", "TARIFF")
)
ASK_APPARENT, ASK_EXPORT, ASK_DEMAND, ASK_REACTIVE = (
    int(ask) for ask in (Ask.APPARENT, Ask.EXPORT, Ask.DEMAND, Ask.REACTIVE)
)
UNIT_W, UNIT_VA = UNIT_NUMBER["W"], UNIT_NUMBER["VA"]
OUTAGES, REACTIVES, DEMANDS, NAMED_KINDS = 2, 2, 2, 4
HOURS = 24


class Listed(NamedTuple):
    """Quantities of some determinants: items QUANTITY; those of row n end at ends[n] i64 (n,)."""

    items: Array
    ends: Array


class Asked(NamedTuple):
    """What is to be listed: zones i64 (versions,) of the plain state; of tariffs with fine state asks, count of zones,
    kinds and unit as FineTariffs has them, with the columns of Extras."""

    zones: Array
    asks: Array
    zone_count: Array
    kinds: Array
    unit: Array
    figures: Array
    delta: Array
    demands: Array
    lacks: Array


def asked_of(zones: Array, extras: Extras, fine: FineTariffs | None) -> Asked:
    """For the kernel; `fine` is None when no tariff asks for more."""
    none = np.zeros(len(zones), np.int64)
    kinds = np.zeros((len(zones), TIME_ZONES), np.int64)
    asks, count, unit = none, none, none
    if fine is not None:
        asks, count, kinds, unit = fine.asks, fine.count, fine.kinds, fine.unit
    return Asked(zones, asks, count, kinds, unit, extras.figures, extras.delta, extras.demands, extras.lacks)


def listed(rows: Array, asked: Asked) -> Listed:
    """The quantities of rows ROW (n,)."""
    found = Listed(np.empty(MOST * len(rows), QUANTITY), np.empty(len(rows), np.int64))
    list_quantities(rows, asked, UNITS, found.items, found.ends)
    return found


def plain(found: Listed, row: int) -> list[dict[str, Any]]:
    """Those of one row as the schema has them."""
    begin = int(found.ends[row - 1]) if row else 0
    return [
        {
            "code": QUANTITIES[item["code"]].code,
            "value": int(item["value"]),
            "delta": int(item["delta"]) if item["has_delta"] else None,
            "unit": QUANTITY_UNIT[item["unit"]][0],
            "at": int(item["at"]) or None,
            "source": QUANTITY_SOURCE[item["source"]][0],
        }
        for item in found.items[begin : int(found.ends[row])]
    ]


@inlined
def _put(items, at, units, code, value, time, source):  # type: ignore[no-untyped-def]
    """Add an item whose delta is not kept; the place behind it."""
    item = items[at]
    item.code, item.value, item.at, item.source = np.uint16(code), value, time, np.uint16(source)
    item.unit, item.delta, item.has_delta = np.uint16(units[code]), np.int64(0), np.uint16(0)
    return at + 1


@inlined
def _put_sum(items, at, units, code, value, delta, source):  # type: ignore[no-untyped-def]
    """Add an item with its delta."""
    at = _put(items, at, units, code, value, NO_TIME, source)
    items[at - 1].delta, items[at - 1].has_delta = delta, np.uint16(1)
    return at


@inlined
def _permille(part, whole):  # type: ignore[no-untyped-def]
    """Thousandths, half up; both above or equal to 0, whole above 0."""
    return (2000 * part + whole) // (2 * whole)


@kernel
def list_quantities(rows, asked, units, items, ends):  # type: ignore[no-untyped-def]
    """items QUANTITY (MOST x n,), ends i64 (n,): the quantities of rows ROW (n,), by number of their code.

    asked: Asked; units i64 (codes,)."""
    at = np.int64(0)
    for place in range(rows.shape[0]):
        row = rows[place]
        extra, version = np.int64(row.extra), np.int64(row.tariff)
        if extra < 0 and row.kind == DAY_KIND:
            # The fields of a day say all that a plain point has; there are as many of them as of months.
            ends[place] = at
            continue
        asks, lacks = np.int64(0), np.int64(0)
        if extra >= 0:
            asks, lacks = asked.asks[version], asked.lacks[extra]
        at = _put_energies(items, at, units, row)
        if asks & ASK_REACTIVE and not lacks & LACKS_CAUSES:
            at = _put_row(items, at, units, KVARH_LAG, asked, extra, LAG_AT, REACTIVES, INTERVALS)
        if row.has_demand_w:
            at = _put(items, at, units, MD_KW, row.demand_w, row.demand_start, INTERVALS)
        if row.has_demand_va:
            at = _put(items, at, units, MD_KVA, row.demand_va, row.demand_va_start, INTERVALS)
        unit = np.int64(UNIT_W if asked.unit[version] == 1 else UNIT_VA) if extra >= 0 else np.int64(UNIT_VA)
        if extra >= 0 and not lacks & LACKS_DEMAND:
            at = _put_largest(items, at, units, MD_0622, asked.figures[extra, WINDOW_AT], row)
            items[at - 1].unit = np.uint16(unit if items[at - 1].code == MD_0622 else items[at - 1].unit)
        at = _put_factors(items, at, units, row)
        if extra >= 0 and not lacks & LACKS_DEMAND:
            at = _put_demands(items, at, units, asked.demands[extra], unit)
        at = _put_counts(items, at, units, row)
        if extra >= 0:
            at = _put_fine(items, at, units, asked, extra, version, lacks, row)
        elif row.has_tariff:
            for zone in range(min(asked.zones[version], ZONES)):
                at = _put(items, at, units, KWH_TZ + zone, row.zones[zone], NO_TIME, INTERVALS)
        ends[place] = at


@kernel
def _put_fine(items, at, units, asked, extra, version, lacks, row):  # type: ignore[no-untyped-def]
    """What stands behind the counts: outages and zones."""
    asks = asked.asks[version]
    if lacks & LACKS_DEMAND:
        asks &= ~ASK_DEMAND
    if not lacks & LACKS_CAUSES:
        at = _put_row(items, at, units, OUTAGE_MIN, asked, extra, OUTAGE_MINUTES_AT, OUTAGES, EVENTS)
    at = _put_kinds(items, at, units, asked, extra, version)
    return _put_zones(items, at, units, asked, extra, version, asks, row)


@kernel
def _put_energies(items, at, units, row):  # type: ignore[no-untyped-def]
    source = np.int64(REGISTERS if row.source == FROM_REGISTERS else INTERVALS)
    for channel in range(N_ENERGY):
        # An energy that never flowed is not told from one that is not measured.
        if channel == 0 or row.energy[channel] != 0 or row.delta[channel] != 0:
            at = _put_sum(items, at, units, KWH_IMP + channel, row.energy[channel], row.delta[channel], source)
    return at


@kernel
def _put_factors(items, at, units, row):  # type: ignore[no-untyped-def]
    """Power factor and load factor."""
    if row.has_power_factor:
        source = np.int64(REGISTERS if row.source == FROM_REGISTERS else INTERVALS)
        at = _put(items, at, units, PF_AVG, row.power_factor, NO_TIME, source)
    most = row.demand_w * HOURS * row.days
    if row.has_demand_w and most > 0 and row.energy[0] >= 0:
        at = _put(items, at, units, LF_PCT, _permille(row.energy[0], most), NO_TIME, INTERVALS)
    return at


@kernel
def _put_demands(items, at, units, demands, unit):  # type: ignore[no-untyped-def]
    """Billing and excess demand, where they are known."""
    for which in range(DEMANDS):
        if demands[which] >= 0:
            at = _put(items, at, units, BILL_DEMAND + which, demands[which], NO_TIME, TARIFF)
            items[at - 1].unit = np.uint16(unit)
    return at


@kernel
def _put_counts(items, at, units, row):  # type: ignore[no-untyped-def]
    at = _put(items, at, units, DAYS, row.days, NO_TIME, COUNTED)
    if row.intervals_expected > 0:
        share = _permille(row.intervals_estimated, row.intervals_expected)
        at = _put(items, at, units, PCT_EST, share, NO_TIME, COUNTED)
    return _put(items, at, units, METER_SEGMENTS, row.meter_segments, NO_TIME, COUNTED)


@kernel
def _put_row(items, at, units, code, asked, extra, first, count, source):  # type: ignore[no-untyped-def]
    """`count` sums from `first` on, under codes that follow each other."""
    for place in range(count):
        value, delta = asked.figures[extra, first + place], asked.delta[extra, first + place]
        at = _put_sum(items, at, units, code + place, value, delta, source)
    return at


@kernel
def _put_largest(items, at, units, code, packed, row):  # type: ignore[no-untyped-def]
    """A largest power with its time, where there is one."""
    if packed == 0:
        return at
    quarters = LAST_TIME - (packed & np.int64(LAST_TIME))
    if row.kind == DAY_KIND:
        quarters %= np.int64(QUARTERS)
    time = row.period_start + quarters * QUARTER_SECS
    return _put(items, at, units, code, packed >> np.int64(TIME_BITS), time, INTERVALS)


@kernel
def _put_kinds(items, at, units, asked, extra, version):  # type: ignore[no-untyped-def]
    """Sums of the zones that the tariff calls solar, peak, normal and night."""
    for kind in range(1, NAMED_KINDS + 1):
        value, delta, there = np.int64(0), np.int64(0), False
        for zone in range(asked.zone_count[version]):
            if asked.kinds[version, zone] == kind:
                there = True
                value += asked.figures[extra, WH_AT + zone]
                delta += asked.delta[extra, WH_AT + zone]
        if there:
            at = _put_sum(items, at, units, KWH_SOLAR + kind - 1, value, delta, INTERVALS)
    return at


@kernel
def _put_zones(items, at, units, asked, extra, version, asks, row):  # type: ignore[no-untyped-def]
    count = asked.zone_count[version]
    at = _put_row(items, at, units, KWH_TZ, asked, extra, WH_AT, count, INTERVALS)
    if asks & ASK_APPARENT:
        at = _put_row(items, at, units, KVAH_TZ, asked, extra, VAH_AT, count, INTERVALS)
    if asks & ASK_EXPORT:
        at = _put_row(items, at, units, KWH_EXP_TZ, asked, extra, EXPORT_AT, count, INTERVALS)
    if asks & ASK_DEMAND:
        for zone in range(count):
            packed = asked.figures[extra, DEMAND_W_AT + zone]
            at = _put_largest(items, at, units, MD_KW_TZ + zone, packed, row)
        for zone in range(count):
            packed = asked.figures[extra, DEMAND_VA_AT + zone]
            at = _put_largest(items, at, units, MD_KVA_TZ + zone, packed, row)
    if asks & ASK_EXPORT:
        for zone in range(count):
            net = asked.figures[extra, WH_AT + zone] - asked.figures[extra, EXPORT_AT + zone]
            change = asked.delta[extra, WH_AT + zone] - asked.delta[extra, EXPORT_AT + zone]
            at = _put_sum(items, at, units, NET_TZ + zone, net, change, TARIFF)
    return at
