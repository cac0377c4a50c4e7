"""What an answer says of determinants: the last ones of a day, and of its month."""

from __future__ import annotations

import numpy as np

from agents.rating.calendar import month_first, month_of
from agents.rating.kernels_correct import FIGURES
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry

OPENING_AND_CLOSING, SPAN, EXCHANGE = 3, 8, 16
"""Bits of the registers of a settlement."""
USUAL_SECS = 1800


def _last(bills: Array) -> Array | None:
    return bills[np.argmax(bills["revision"])] if len(bills) else None


def prior_zones(bills: Array, point: int, start: int) -> tuple[int, Array]:
    """(revision, zones i64 (ZONES,)) of the last determinant of a day; revision 0: there is none."""
    same = (bills["service_point"] == point) & (bills["start"] == start) & (bills["month"] == 0)
    last = _last(bills[same])
    return (0, np.zeros(bills["zones"].shape[1], np.int64)) if last is None else (int(last["revision"]), last["zones"])


def of_month(bills: Array, point: int, start: int, offset_secs: int) -> Array | None:
    """BILL () of the last determinant of the month that a day is in."""
    begin, _ = _month(start, offset_secs)
    same = (bills["service_point"] == point) & (bills["start"] == begin) & (bills["month"] == 1)
    return _last(bills[same])


def _month(start: int, offset_secs: int) -> tuple[int, int]:
    """Begin and end of the local month that a time is in."""
    month = month_of((start + offset_secs) // DAY_SECS)
    return tuple(int(month_first(one)) * DAY_SECS - offset_secs for one in (month, month + 1))  # type: ignore[return-value]


def figures_of(bill: Array | None, days: Array, registry: Registry, point: int, start: int, offset_secs: int) -> Array:
    """FIGURES () as i64 (n,): of the month's last determinant, and of the settlements of its days."""
    made = np.zeros((), FIGURES)
    begin, end = _month(start, offset_secs)
    days = days[(days["service_point"] == point) & (days["start"] >= begin) & (days["start"] < end)]
    if bill is not None:
        for name in ("revision", "energy", "estimated", "zones", "demand", "demand_start", "counts", "known", "opening",
                     "closing"):  # fmt: skip
            made[name] = bill[name]
        registers = days["registers"]
        by_registers = (registers & OPENING_AND_CLOSING == OPENING_AND_CLOSING) | (registers & SPAN != 0)
        made["days"], made["register_days"] = len(days), int(by_registers.sum())
        made["exchange_days"] = int((registers & EXCHANGE != 0).sum())
        made["last_day"] = int((days["start"] == end - DAY_SECS).any())
    others = days[days["start"] != start]
    for channel in range(2):
        best = (0, 0)
        for day in others:
            when = int(day["demand_start"][channel])
            if when > 0:
                demand = int(day["demand"][channel]) * 3600 // _secs(registry, point, when)
                if not best[1] or (demand, -when) > (best[0], -best[1]):
                    best = demand, when
        made["others"][channel], made["others_start"][channel] = best
    return np.frombuffer(made.tobytes(), "<i8")


def _secs(registry: Registry, point: int, time: int) -> int:
    """Length of the intervals of the meter that stood at a point at a time."""
    there = (registry.service_point == point) & (registry.valid_from <= time) & (registry.valid_to > time)
    found = registry.interval_secs[there]
    return int(found[-1]) if len(found) else USUAL_SECS
