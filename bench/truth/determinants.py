"""The rows of `determinants` that a slice of meters must have: a day and its month for each midnight.

Rates and zones are read from the tariff; how a bill follows from them is worked out here again, for one month that
begins with the run: units are whole, rates have at most two decimals, so that all but the percentage is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from agents.rating.tariff import Tariff
from bench.truth.history import PER_DAY, WINDOW_DAYS
from bench.truth.published import Closing, Published
from bench.truth.rows import KEY, Rows, pack
from connectors.simulator.burst import BurstPlan
from connectors.simulator.network import FIRST_POINT
from pipeline.channels import ENERGY
from pipeline.codes import Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from schemas.common import STATE
from schemas.determinants import DETERMINANT_KIND, DETERMINANT_REASON

KINDS, REASONS, STATES = (
    {name: number for number, (name, _) in enumerate(table, 1)}
    for table in (DETERMINANT_KIND, DETERMINANT_REASON, STATE)
)
MONTH_DAYS = 31
MOST_REVISIONS, MOST_DAYS = 64, 64
ZONES = 4
NULL = -1
UNIT_WH = 1000

ENERGIES = tuple(channel.name for channel in ENERGY)
NULLABLE = ("demand_w", "demand_start", "demand_va", "demand_va_start", "power_factor", "total_paise", "delta_paise")

COLUMNS: dict[str, str] = {
    "kind": "toUInt8(kind)",
    "point": "service_point",
    "account": "account",
    "begin": "period_start",
    "end": "period_end",
    "revision": "revision",
    "supersedes": f"ifNull(supersedes, {NULL})",
    "reason": "toUInt8(reason)",
    "state": "toUInt8(state)",
    "segments": "meter_segments",
    **{name: name for name in ENERGIES},
    **{f"delta_{name}": f"delta_{name}" for name in ENERGIES},
    "estimated_wh": "estimated_wh",
    "zones": "length(zones)",
    **{f"zone_{number}": f"zones.wh[{number + 1}]" for number in range(ZONES)},
    **{name: f"ifNull({name}, {NULL})" for name in NULLABLE},
    **{f"intervals_{name}": f"intervals_{name}" for name in ("expected", "actual", "estimated", "missing", "suspect")},
    "lines": "arraySum(lines.paise)",
}
"""Column of the comparison -> expression over the table."""


def key(plan: BurstPlan, rows: Rows) -> Array:
    """i64 (n,): of a row."""
    return pack(
        (rows["kind"], 4),
        (rows["point"] - FIRST_POINT, plan.meters),
        ((rows["begin"] - plan.start) // DAY_SECS, MOST_DAYS),
        (rows["revision"], MOST_REVISIONS),
    )


@dataclass
class _Sums:
    """Of a day or month, each (m,) or (m, columns)."""

    energy: Array
    estimated: Array
    zones: Array
    counts: Array
    demand: Array
    demand_start: Array


@dataclass
class _Last:
    """What the last determinant of a day or month said, of every meter of the slice; nothing while revision is 0.

    measured i64 (m, 4): intervals that are actual and suspect, actual Wh and demand, by which late data are known.
    sums: all that it said.
    """

    revision: Array
    energy: Array
    measured: Array
    paise: Array
    sums: _Sums


def _nothing(meters: int) -> _Last:
    zeros, fours, pairs = (np.zeros(shape, np.int64) for shape in (meters, (meters, 4), (meters, 2)))
    sums = _Sums(fours.copy(), zeros.copy(), np.zeros((meters, ZONES), np.int64), fours.copy(), pairs.copy(), pairs)
    return _Last(zeros.copy(), fours.copy(), fours, zeros, sums)


def expected(published: Published, tariff: Tariff) -> Rows:
    """All rows of the slice."""
    parts: list[Rows] = []
    meters, zone = len(published.sent.meters), zones_by_slot(tariff)
    days: dict[int, _Last] = {}
    month = _nothing(meters)
    for closing in published.closings:
        leaving = closing.tick // PER_DAY - WINDOW_DAYS
        if closing.tick % PER_DAY == 0 and leaving in days:
            parts.append(_final(published, days[leaving], leaving))
        sums = [_sum(published, closing, day, zone) for day in closing.days]
        reason = np.full(len(closing.places), REASONS["RUNNING"])
        for day, written, one in zip(closing.days, closing.changed, sums, strict=True):
            last = days.setdefault(day, _nothing(meters))
            why = _reason(last, one, closing.places)
            reason = np.where(written, _stronger(reason, why), reason)
            rows = _rows(published, closing.places, one, last)
            parts.append(_chosen(_as_day(published, rows, day, why), written))
            _keep(last, closing.places[written], _chosen_sums(one, written))
        whole = _together(sums)
        rows = _rows(published, closing.places, whole, month)
        total = bill(whole.energy[:, 0], tariff)
        parts.append(_as_month(published, rows, reason, total, total - month.paise[closing.places]))
        _keep(month, closing.places, whole)
        month.paise[closing.places] = total
    if not parts:
        return {name: np.zeros(0, np.int64) for name in (*COLUMNS, KEY)}
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    together[KEY] = key(published.sent.plan, together)
    return together


def _final(published: Published, last: _Last, day: int) -> Rows:
    """The last determinants of a day, which leaves VEE's window as it was, of all meters."""
    places = np.arange(len(last.revision))
    reason = np.full(len(places), REASONS["FINALISED"])
    rows = _as_day(published, _rows(published, places, last.sums, last), day, reason)
    return rows | {"state": np.full(len(places), STATES["FINAL"], np.int64)}


def _reason(last: _Last, sums: _Sums, places: Array) -> Array:
    """FIRST; LATE_DATA when what was measured differs; else RE_ESTIMATED."""
    late = (last.measured[places] != _measured(sums)).any(axis=1)
    again = np.where(late, REASONS["LATE_DATA"], REASONS["RE_ESTIMATED"])
    first: Array = np.where(last.revision[places] == 0, REASONS["FIRST"], again)
    return first


def _stronger(reason: Array, why: Array) -> Array:
    """Of a month: late data outweigh a new estimate, and that a day that is added."""
    strongest = np.full_like(reason, REASONS["RUNNING"])
    for name in ("RE_ESTIMATED", "LATE_DATA"):
        strongest[(reason == REASONS[name]) | (why == REASONS[name])] = REASONS[name]
    return strongest


def _measured(sums: _Sums) -> Array:
    actual, suspect = sums.counts[:, 0], sums.counts[:, 3]
    return np.stack((actual, suspect, sums.energy[:, 0] - sums.estimated, np.maximum(sums.demand[:, 0], 0)), axis=1)


def _keep(last: _Last, places: Array, sums: _Sums) -> None:
    last.revision[places] += 1
    last.energy[places], last.measured[places] = sums.energy, _measured(sums)
    for name, values in vars(sums).items():
        getattr(last.sums, name)[places] = values


def zones_by_slot(tariff: Tariff) -> Array:
    """Number of the zone of each half hour of a day, i64 (48,)."""
    zones = np.zeros(PER_DAY, np.int64)
    for number, zone in enumerate(tariff.zones):
        for window in zone.windows:
            begin, end = (_slot(text) for text in str(window).split("-"))
            slots = np.arange(begin, end if end > begin else end + PER_DAY) % PER_DAY
            zones[slots] = number
    return zones


def _slot(clock: str) -> int:
    hours, minutes = clock.split(":")
    return (int(hours) * 60 + int(minutes)) // 30


def bill(wh: Array, tariff: Tariff) -> Array:
    """Paise (m,) of a calendar month of `wh` (m,)."""
    units = wh // UNIT_WH
    lines: dict[str, Array] = {}
    for charge in tariff.charges:
        given: Any = charge
        if given.kind == "slabs":
            lines[given.code], below = np.zeros_like(units), 0
            for slab in given.slabs:
                above = np.maximum(units - below, 0)
                inside = above if slab.to is None else np.minimum(above, int(slab.to) - below)
                lines[given.code] += inside * _paise(slab.rate)
                below = int(slab.to or 0)
        elif given.kind == "energy":
            lines[given.code] = units * _paise(given.rate)
        elif given.kind == "fixed":
            lines[given.code] = np.full_like(units, _paise(given.rate))
        else:
            base = sum((lines[code] for code in given.of), np.zeros_like(units))
            lines[given.code] = (2 * base * _paise(given.rate) + 10_000) // 20_000
    return sum(lines.values(), np.zeros_like(units))


def _paise(rate: Decimal) -> int:
    """Hundredths of a rate: paise of rupees."""
    hundredths = Decimal(rate) * 100
    assert hundredths == int(hundredths), "a rate of more than two decimals is rounded by the line"
    return int(hundredths)


def _sum(published: Published, closing: Closing, day: int, zone: Array) -> _Sums:
    standing = closing.standing
    rows = standing.of_day(day)
    energy, quality, used = standing.energy[rows], standing.quality[rows], standing.used[rows]
    numbers = np.array(standing.numbers[rows], np.int64)
    estimated = quality == Quality.ESTIMATED
    counted = (quality == Quality.ACTUAL) | estimated
    billed = energy * counted[:, :, None]
    meters = energy.shape[1]
    zones = np.zeros((meters, ZONES), np.int64)
    for row, number in enumerate(numbers):
        zones[:, zone[(number - 1) % PER_DAY]] += billed[row, :, 0]
    counts = [quality == Quality.ACTUAL, estimated, quality == Quality.MISSING, quality == Quality.SUSPECT]
    demand, start = np.zeros((meters, 2), np.int64), np.zeros((meters, 2), np.int64)
    begins = np.array([published.sent.plan.end_of(int(number) - 1) for number in numbers], np.int64)
    for channel in range(2):
        values = np.where(used, energy[:, :, channel], NULL)
        best = values.argmax(axis=0)
        there = used.any(axis=0)
        demand[:, channel] = np.where(there, values[best, np.arange(meters)], NULL)
        start[:, channel] = np.where(there, begins[best], NULL)
    return _Sums(
        billed.sum(axis=0), (billed[:, :, 0] * estimated).sum(axis=0), zones,
        np.stack([count.sum(axis=0) for count in counts], axis=1), demand, start,
    )  # fmt: skip


def _together(days: list[_Sums]) -> _Sums:
    """A month from its days."""
    demand, start = days[0].demand.copy(), days[0].demand_start.copy()
    for day in days[1:]:
        higher = day.demand > demand
        demand[higher], start[higher] = day.demand[higher], day.demand_start[higher]
    add = {
        name: np.sum([getattr(day, name) for day in days], axis=0)
        for name in ("energy", "estimated", "zones", "counts")
    }
    return _Sums(**add, demand=demand, demand_start=start)


def _rows(published: Published, places: Array, sums: _Sums, last: _Last) -> Rows:
    """What days and months have in common, for the meters at `places`."""
    sent, meters = published.sent, len(places)
    before, revision = last.energy[places], last.revision[places] + 1
    known = sums.demand_start >= 0
    watts = np.where(known, sums.demand * 3600 // sent.plan.interval_secs, NULL)
    wh, vah = sums.energy[:, 0], sums.energy[:, 1]
    return {
        "point": sent.points[places], "account": sent.accounts[places], "revision": revision,
        "supersedes": np.where(revision > 1, revision - 1, NULL),
        "state": np.full(meters, STATES["PROVISIONAL"], np.int64), "segments": np.ones(meters, np.int64),
        **{name: sums.energy[:, place] for place, name in enumerate(ENERGIES)},
        **{f"delta_{name}": sums.energy[:, place] - before[:, place] for place, name in enumerate(ENERGIES)},
        "estimated_wh": sums.estimated, "zones": np.full(meters, ZONES, np.int64),
        **{f"zone_{number}": sums.zones[:, number] for number in range(ZONES)},
        "demand_w": watts[:, 0], "demand_start": sums.demand_start[:, 0],
        "demand_va": watts[:, 1], "demand_va_start": sums.demand_start[:, 1],
        "power_factor": np.where(vah > 0, (2000 * wh + vah) // np.maximum(2 * vah, 1), NULL),
        **{f"intervals_{name}": sums.counts[:, place]
           for place, name in enumerate(("actual", "estimated", "missing", "suspect"))},
    }  # fmt: skip


def _as_day(published: Published, rows: Rows, day: int, reason: Array) -> Rows:
    meters, begin = len(reason), published.sent.plan.start + day * DAY_SECS
    fixed = {"kind": KINDS["DAY"], "begin": begin, "end": begin + DAY_SECS, "total_paise": NULL, "delta_paise": NULL,
             "lines": 0, "intervals_expected": PER_DAY}  # fmt: skip
    return rows | {name: np.full(meters, value, np.int64) for name, value in fixed.items()} | {"reason": reason}


def _as_month(published: Published, rows: Rows, reason: Array, total: Array, delta: Array) -> Rows:
    meters, begin = len(reason), published.sent.plan.start
    fixed = {"kind": KINDS["MONTH"], "begin": begin, "end": begin + MONTH_DAYS * DAY_SECS,
             "intervals_expected": MONTH_DAYS * PER_DAY}  # fmt: skip
    money = {"total_paise": total, "delta_paise": delta, "lines": total}
    named = {name: np.full(meters, value, np.int64) for name, value in fixed.items()}
    return rows | named | money | {"reason": np.where(rows["revision"] == 1, REASONS["FIRST"], reason)}


def _chosen(rows: Rows, written: Array) -> Rows:
    return {name: values[written] for name, values in rows.items()}


def _chosen_sums(sums: _Sums, written: Array) -> _Sums:
    return _Sums(**{name: values[written] for name, values in vars(sums).items()})
