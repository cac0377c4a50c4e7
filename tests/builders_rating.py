"""A small world for rating, nodes and losses: a registry, and a stand-in for VEE that keeps and settles intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.batch import ReadingBatch
from pipeline.codes import Level, Quality, Role
from pipeline.columns import empty
from pipeline.reference import FOREVER, KeyRing, References, Registry
from pipeline.step import Origin, Parcel, Tick

IST = 19_800
DAY = 86_400
SECS = 1800
SLOTS = DAY // SECS
BILLED = (Quality.ACTUAL, Quality.ESTIMATED)
TOPIC = "frames-1"


def ist(text: str) -> int:
    """Epoch second of an Indian local time, "2026-02-28" or "2026-02-28 10:30"."""
    return int(np.datetime64(text.replace(" ", "T"), "s").astype(np.int64)) - IST


@dataclass(frozen=True)
class Point:
    """One service point. `moves`: (from, dt, feeder) rows after the first."""

    id: int
    account: int = 0
    tariff: int = 1
    role: Role = Role.CONSUMER
    dt: int = 0
    feeder: int = 0
    moves: tuple[tuple[int, int, int], ...] = ()


def registry(points: Iterable[Point], nodes: dict[int, tuple[Level, int]] | None = None) -> Registry:
    """Links and points in the same order; device ids are 10^6 + service point."""
    points = sorted(points, key=lambda point: point.id)
    made = empty(Registry)
    rows = [
        (point, start, end, dt, feeder)
        for point in points
        for (start, dt, feeder), end in zip(
            ((0, point.dt, point.feeder), *point.moves),
            (*(move[0] for move in point.moves), int(FOREVER)),
            strict=True,
        )
    ]
    counts = {"link": len(points), "point": len(rows), "node": len(nodes or {})}
    for column in Registry.COLUMNS:
        setattr(made, column.name, column.empty(counts[column.section]))
    ids = np.array([point.id for point in points], np.uint64)
    made.device, made.service_point = ids + np.uint64(1_000_000), ids
    made.valid_to[:] = FOREVER
    made.interval_secs[:] = SECS
    for row, (point, start, end, dt, feeder) in enumerate(rows):
        made.point[row], made.point_from[row], made.point_to[row] = point.id, start, end
        made.account[row], made.tariff[row], made.role[row] = point.account, point.tariff, point.role
        made.dt[row], made.feeder[row] = dt, feeder
    for row, (node, (level, parent)) in enumerate(sorted((nodes or {}).items())):
        made.node[row], made.node_level[row], made.node_parent[row] = node, level, parent
        made.node_name[row] = f"node {node}".encode()
    return made


def references(made: Registry, documents: dict[str, bytes] | None = None) -> References:
    """What steps are prepared with."""
    none = np.zeros(0, np.uint64)
    keys = KeyRing(none, np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))
    return References(made, keys, documents or {}, {"registry": "a" * 64, "documents": "b" * 64, "keys": "c" * 64})


Cell = tuple[Quality, int, int, int, int]
"""Quality and the four energies of an interval."""


@dataclass
class Meters:
    """A stand-in for VEE: `put` keeps an interval and notes what it replaces, `take` makes the batch of it all."""

    made: Registry
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    offset: int = 0
    _rows: list[tuple[int, int, Cell, Cell | None]] = field(default_factory=list)
    _days: list[dict[str, Any]] = field(default_factory=list)

    def put(self, point: int, start: int, wh: int, quality: Quality = Quality.ACTUAL, exported: int = 0) -> None:
        """One reading; apparent energy is a tenth more than active."""
        cell = (quality, wh, wh * 11 // 10, exported, exported * 11 // 10)
        self._rows.append((point, start, cell, self.cells.get((point, start))))
        self.cells[point, start] = cell

    def settle(self, point: int, day: int, *, state: int = 0, registers: int = 3, **other: Any) -> None:
        """The settlement row of one local day as the intervals stand now; `other`: columns that say something else."""
        starts = range(day, day + DAY, SECS)
        found = [(start, self.cells[point, start]) for start in starts if (point, start) in self.cells]
        sums = {q: [sum(c[1 + n] for _, c in found if c[0] == q) for n in range(4)] for q in Quality}
        actual = [(start, c) for start, c in found if c[0] == Quality.ACTUAL]
        peaks = [max(actual, key=lambda item, n=n: (item[1][1 + n], -item[0]), default=None) for n in (0, 1)]
        energy = [sums[Quality.ACTUAL][n] + sums[Quality.ESTIMATED][n] for n in range(4)]
        opening = [sum(c[1 + n] for (p, s), c in self.cells.items() if p == point and s < day) for n in range(4)]
        self._days.append({
            "service_point": point, "start": day, "state": state, "registers": registers,
            "actual": sums[Quality.ACTUAL], "estimated": sums[Quality.ESTIMATED], "suspect": sums[Quality.SUSPECT],
            "opening": opening, "closing": [a + b for a, b in zip(opening, energy, strict=True)],
            "counts": [sum(c[0] == q for _, c in found)
                       for q in (Quality.ACTUAL, Quality.ESTIMATED, Quality.MISSING, Quality.SUSPECT)],
            "demand": [peak[1][1 + n] if peak else 0 for n, peak in enumerate(peaks)],
            "demand_start": [peak[0] if peak else 0 for peak in peaks],
            **other,
        })  # fmt: skip

    def take(self, tick: int | None = None) -> Parcel:
        """The parcel of everything since the last call."""
        links = {int(sp): row for row, sp in enumerate(self.made.service_point.tolist())}
        batch = empty(ReadingBatch)
        priors = [(row, prior) for row, (_, _, _, prior) in enumerate(self._rows) if prior is not None]
        counts = {"reading": len(self._rows), "prior": len(priors), "settlement": len(self._days),
                  "snapshot": 0, "correction": 0, "check": 0}  # fmt: skip
        for column in ReadingBatch.COLUMNS:
            setattr(batch, column.name, column.empty(counts[column.section]))
        for row, (point, start, cell, _) in enumerate(self._rows):
            batch.service_point[row], batch.link[row], batch.interval_start[row] = point, links[point], start
            batch.revision[row] = (self.offset << 20) | row
            batch.quality[row] = int(cell[0]) * 0x1111
            batch.energy[row] = cell[1:]
        batch.interval_secs[:] = SECS
        for place, (row, prior) in enumerate(priors):
            batch.prior_reading[place], batch.prior_quality[place] = row, prior[0]
            batch.prior_energy[place] = prior[1:]
        for row, day in enumerate(self._days):
            batch.day_link[row] = links[day["service_point"]]
            for name, value in day.items():
                getattr(batch, f"day_{name}")[row] = value
        self._rows, self._days = [], []
        self.offset += 1
        moment = None if tick is None else Tick(tick, 0)
        return Parcel(Origin(TOPIC, 0, self.offset - 1), batch, moment)
