"""A whole series filled: each gap by the first method that applies, then scaled to the registers around it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agents.vee.estimate.errors import expected_of, thousandths
from agents.vee.estimate.history import History
from agents.vee.estimate.model import GOOD, LACKS, UNKNOWN, Filled, Gap, Grid, Side
from agents.vee.estimate.order import Order, Step
from agents.vee.estimate.scale import scaled
from agents.vee.estimate.spans import Span, spans_of
from agents.vee.estimate.work import ESTIMATES, NAMES_DAYS, WHOLE_GAP, Work, spread_of, work_on
from pipeline.codes import Method
from pipeline.columns import Array


def fill(series: Grid, side: Side, order: Order) -> Filled:
    """Estimate every interval that lacks a value, as far as a method of the order applies.

    The result may be validated again: an estimate that fails there is the caller's to mark.

    Args:
        series: one additive channel; others (voltage, current, power factor) are never estimated.
        side: outages, check meter, neighbours, temperature and so on, as far as known.
        order: methods and their conditions.

    Raises:
        ValueError: when the interval does not divide a day, or the day types are not as many as the days.
    """
    work = work_on(History(series), side, order.tuning)
    filling = _Filling(work, order, spans_of(series))
    for first, last in runs(series.standing == LACKS):
        filling.gap(first, last)
    return filling.result()


def runs(mask: Array) -> Iterator[tuple[int, int]]:
    """[first, last] of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)


class _Filling:
    """The state of one series being filled."""

    def __init__(self, work: Work, order: Order, spans: list[Span]) -> None:
        grid = work.history.grid
        self.work, self.order, self.spans = work, order, spans
        self.value: Array = np.where(grid.standing == LACKS, 0, grid.value).astype(np.int64)
        self.method: Array = np.zeros(grid.value.size, np.uint8)
        self.expected: Array = np.zeros(grid.value.size, np.int32)
        self.left: Array = grid.standing == LACKS
        self.gaps: list[Gap] = []
        self.run = (0, 0)
        self.edges: Array = np.array(sorted({edge for span in spans for edge in (span.first, span.after)}), np.int64)

    def gap(self, first: int, last: int) -> None:
        """Try the steps on a run of intervals that lack a value, each on what those before it have left."""
        seconds = (last - first + 1) * self.work.history.grid.interval
        self.run = (first, last)
        if self.order.zero_between_outages and self._between_outages(first, last):
            self._put(Method.OUTAGE, first, last, np.int64(0), seconds, (first - 1, last + 1), "outage on both sides")
        for step in self.order.steps:
            if not self.left[first : last + 1].any():
                break
            if step.fits(seconds):
                self._step(step, first, last, seconds)
        for low, high in runs(self.left[first : last + 1]):
            self.gaps.append(Gap(first + low, first + high, Method.NONE, 0, 0, (), "no method applies"))

    def _step(self, step: Step, first: int, last: int, seconds: int) -> None:
        for low, high in self._pieces(step.method, first, last):
            if step.method is Method.OUTAGE:
                self._put(step.method, low, high, np.int64(0), seconds, (), "")
            elif step.method is Method.AGREED:
                self._put(step.method, low, high, self.work.side.agreed[low : high + 1], seconds, (), "typed value")
            elif step.method is Method.FLAT:
                self._flat(low, high, seconds)
            elif step.method in ESTIMATES:
                used = ESTIMATES[step.method](self.work, low, high)
                if used:
                    history = self.work.history
                    from_day = int(history.grid.day[0]) if step.method in NAMES_DAYS else 0
                    inputs = tuple((history.used[:used] + from_day).tolist())
                    self._put(step.method, low, high, history.out[low : high + 1], seconds, inputs, "")

    def _pieces(self, method: Method, first: int, last: int) -> list[tuple[int, int]]:
        """What is left of a gap, in the parts that a method takes at once."""
        side, window = self.work.side, slice(first, last + 1)
        mask = self.left[window].copy()
        if method is Method.OUTAGE:
            mask &= side.outage[window] != 0 if side.outage.size else False
        elif method is Method.AGREED:
            mask &= side.agreed[window] != UNKNOWN if side.agreed.size else False
        elif method is Method.CHECK_METER:
            mask &= side.check_standing[window] == GOOD if side.check.size else False
        found = [(first + low, first + high) for low, high in runs(mask)]
        if method in WHOLE_GAP:
            return found
        cuts = np.flatnonzero(np.diff(self.work.history.series.day[window])) + first + 1
        return [piece for low, high in found for piece in _cut(low, high, cuts)]

    def _between_outages(self, first: int, last: int) -> bool:
        outage = self.work.side.outage
        return bool(outage.size and first > 0 and last + 1 < outage.size and outage[first - 1] and outage[last + 1])

    def _flat(self, first: int, last: int, seconds: int) -> None:
        """E08: (dR - S_good) / count, where all of a piece lies between good registers."""
        standing = self.work.history.grid.standing
        for low, high in _cut(first, last, self.edges):
            span = next((span for span in self.spans if span.first <= low and high < span.after), None)
            if span is None:
                continue
            window = slice(span.first, span.after)
            lacking = standing[window] == LACKS
            need = span.energy - int(self.work.history.grid.value[window][~lacking].sum())
            if need >= 0:
                each = np.int64((2 * need + lacking.sum()) // (2 * lacking.sum()))
                self._put(Method.FLAT, low, high, each, seconds, (span.first, span.after), "")

    def _put(
        self, method: Method, first: int, last: int, value: Array | np.int64, seconds: int, inputs: tuple[int, ...],
        why: str,
    ) -> None:  # fmt: skip
        window = slice(first, last + 1)
        self.value[window] = value
        self.method[window] = method
        self.work.history.out[window] = value
        spread = spread_of(self.work, self.run, first, last)
        expected = expected_of(self.order.errors, method, seconds)
        self.expected[window] = thousandths(expected, spread, int(self.value[window].sum()))
        self.left[window] = False
        self.gaps.append(Gap(first, last, method, 0, 0, inputs, why))

    def result(self) -> Filled:
        """Scaled where the order says so."""
        filled = Filled(self.value, self.method, self.expected, sorted(self.gaps), np.zeros(self.value.size, np.uint8))
        if not self.order.scale:
            return filled
        return scaled(self.work.history.grid, self.work.side, self.spans, self.edges, filled)


def _cut(first: int, last: int, cuts: Array) -> Iterator[tuple[int, int]]:
    """[first, last] in parts that begin at the cuts within."""
    low, high = np.searchsorted(cuts, (first, last), side="right")
    begins = [first, *cuts[low:high].tolist()]
    yield from zip(begins, [begin - 1 for begin in begins[1:]] + [last], strict=True)
