"""The newest rows of `losses` that must be there: every transformer, interval and closed day."""

from __future__ import annotations

import numpy as np

from bench.truth.history import PER_DAY
from bench.truth.published import Published
from bench.truth.rows import KEY, Rows, pack
from connectors.simulator.burst import POINTS_PER_DT, BurstPlan
from connectors.simulator.network import FIRST_DT
from pipeline.codes import Level, Quality
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from schemas.common import STATE
from schemas.records import LOSS_SPAN

SPANS, STATES = ({name: number for number, (name, _) in enumerate(table, 1)} for table in (LOSS_SPAN, STATE))
MOST_PLACES = 1024
THOUSAND = 1000

COLUMNS: dict[str, str] = {
    "node": "node",
    "span": "toUInt8(span)",
    "start": "start",
    "level": "toUInt8(level)",
    "state": "toUInt8(state)",
    **{name: name for name in ("secs", "input_wh", "output_wh", "loss_wh", "estimated_wh", "coverage", "expected",
                               "actual", "estimated", "inputs_expected", "inputs_actual")},
}  # fmt: skip
"""Column of the comparison -> expression over the view of the newest revisions."""


def key(plan: BurstPlan, rows: Rows) -> Array:
    """i64 (n,): of a row."""
    places = (rows["start"] - plan.start) // plan.interval_secs
    return pack((rows["span"], 4), (rows["node"], 2**32), (places, MOST_PLACES))


class Balances:
    """Sums by transformer and interval, slice after slice of meters."""

    def __init__(self, plan: BurstPlan, numbers: range) -> None:
        self._plan, self._numbers = plan, numbers
        shape = (len(numbers), -(-plan.meters // POINTS_PER_DT))
        self._sums = {name: np.zeros(shape, np.int64) for name in ("output_wh", "estimated_wh", "actual", "estimated")}
        self._sums["expected"] = np.zeros(shape, np.int64)

    def add(self, published: Published) -> None:
        """Take a slice in."""
        dt, final = published.sent.meters // POINTS_PER_DT, published.final
        actual, estimated = final.quality == Quality.ACTUAL, final.quality == Quality.ESTIMATED
        wh = final.energy[:, :, 0] - final.energy[:, :, 2]
        for row in range(len(self._numbers)):
            self._add("output_wh", row, dt, wh[row] * (actual[row] | estimated[row]))
            self._add("estimated_wh", row, dt, wh[row] * estimated[row])
            self._add("actual", row, dt, actual[row])
            self._add("estimated", row, dt, estimated[row])
            self._add("expected", row, dt, np.ones(len(dt), np.int64))

    def _add(self, name: str, row: int, dt: Array, values: Array) -> None:
        np.add.at(self._sums[name][row], dt, values.astype(np.int64))

    def include(self, more: Balances) -> None:
        """Take in what another one has of other meters."""
        for name, sums in more._sums.items():
            self._sums[name] += sums

    def expected(self) -> Rows:
        """All rows."""
        secs = self._plan.interval_secs
        starts = [self._plan.end_of(number - 1) for number in self._numbers]
        parts = [
            self._rows("INTERVAL", start, secs, {name: sums[row] for name, sums in self._sums.items()})
            for row, start in enumerate(starts)
        ]
        for last in self._numbers:
            if last % PER_DAY == 0:
                first = max(last - PER_DAY + 1, self._numbers.start)
                rows = slice(first - self._numbers.start, last + 1 - self._numbers.start)
                day = {name: sums[rows].sum(axis=0) for name, sums in self._sums.items()}
                parts.append(self._rows("DAY", self._plan.end_of(last) - DAY_SECS, DAY_SECS, day))
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        whole[KEY] = key(self._plan, whole)
        return whole

    def _rows(self, span: str, start: int, secs: int, sums: dict[str, Array]) -> Rows:
        count = len(sums["expected"])
        fixed = {"span": SPANS[span], "start": start, "secs": secs, "level": int(Level.DT), "input_wh": 0,
                 "state": STATES["PROVISIONAL"], "inputs_expected": 0, "inputs_actual": 0}  # fmt: skip
        return {
            "node": FIRST_DT + np.arange(count),
            **{name: np.full(count, value, np.int64) for name, value in fixed.items()},
            **sums,
            "loss_wh": -sums["output_wh"],
            "coverage": sums["actual"] * THOUSAND // sums["expected"],
        }
