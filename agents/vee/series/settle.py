"""A series judged, filled where values lack, and judged again: what is billed, with quality, method and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.estimate import Filled, Order, fill
from agents.vee.estimate import Grid as FillGrid
from agents.vee.series.facts import order_beside, side_of
from agents.vee.series.figures import without_rollover
from agents.vee.series.judge import PHYSICAL, Judged, judge
from agents.vee.series.kernels_interval import V01, V07, V09, beyond_limit, negative
from agents.vee.series.kernels_place import V02, V03
from agents.vee.series.kernels_registers import NOT_COMPARED
from agents.vee.series.kernels_runs import V11, V14, spikes
from agents.vee.series.model import GOOD, LACKS, NO_END, OUTSIDE, Channel, Series
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.quality import Quality
from pipeline.rules import RULES, Severity

AS_ESTIMATED = (Quality.ESTIMATED, Quality.MANUAL, Quality.SUSPECT)
"""Qualities as sent of values that are kept, and are no pattern for estimates."""


@dataclass
class Settled:
    """A channel with its final arrays: value i64 (n,), quality u1, method u1, expected i32 (thousandths of the value).

    failed u64 (n,): rules that the final value fails, an estimate included. filled: what the estimates were made of.
    """

    channel: Channel
    judged: Judged
    value: Array
    quality: Array
    method: Array
    expected: Array
    failed: Array
    filled: Filled | None

    @property
    def changed(self) -> Array:
        """Intervals of which value or quality are not as sent, i64."""
        kept = (self.quality == self.channel.quality) & ((self.value == self.channel.value) | (self.quality == 0))
        return np.flatnonzero(~kept)

    @property
    def unexplained(self) -> tuple[int, int]:
        """Wh between registers and intervals of compared spans, summed without sign, and how many were compared."""
        known = self.channel.unexplained[self.channel.unexplained != NOT_COMPARED]
        return int(np.abs(known).sum()), len(known)


def bits_of(severity: Severity, severities: Mapping[str, Severity]) -> np.uint64:
    """Bits of all rules of a severity; `severities`: those that a rule set has changed."""
    chosen = (rule.bit for rule in RULES if severities.get(rule.code, rule.severity) is severity)
    return np.uint64(sum(1 << bit for bit in chosen))


def settle(
    series: Series,
    thresholds: Thresholds,
    order: Order | None = None,
    off: frozenset[str] = frozenset(),
    severities: Mapping[str, Severity] | None = None,
) -> dict[str, Settled]:
    """Judge, estimate what lacks, judge again: by channel. `order` None: the default order of methods,
    with temperatures and neighbours before usual days where they are given."""
    judged = judge(series, thresholds, off)
    own = severities or {}
    return {name: _Settling(series, found, thresholds, own).run(order) for name, found in judged.items()}


class _Settling:
    """One channel."""

    def __init__(
        self, series: Series, judged: Judged, thresholds: Thresholds, severities: Mapping[str, Severity]
    ) -> None:
        self.series, self.judged, self.channel, self.limits = series, judged, judged.channel, thresholds
        self.errors = bits_of(Severity.ERROR, severities)
        # A stamp that was moved to the grid keeps its value, and a repeat with the same value says nothing new.
        self.warnings = bits_of(Severity.WARNING, severities) & ~(V03 | V02)
        self.conflicts = V02 & ~bits_of(Severity.INFORMATION, severities)

    def run(self, order: Order | None) -> Settled:
        """The final arrays."""
        channel = self.channel
        if channel.name in PHYSICAL:
            return self._as_sent()
        standing = self.standing()
        filled = None
        if (standing == LACKS).any() and (standing == GOOD).any():
            side = side_of(self.series.beside, channel.name)
            filled = fill(self._grid(standing), side, order or order_beside(Order(), side))
        return self._result(standing, filled)

    def doubted(self) -> Array:
        """bool (n,): the value stays, and its quality is SUSPECT."""
        channel = self.channel
        conflicting = (channel.conflicts > 0) & ((channel.flags & self.conflicts) > 0)
        return ((channel.flags & self.warnings) > 0) | conflicting

    def standing(self) -> Array:
        """u1 (n,): what each interval is to estimates, see `model`."""
        channel = self.channel
        standing = np.full(len(channel.value), GOOD, np.uint8)
        standing[self.doubted() | np.isin(channel.quality, AS_ESTIMATED)] = NO_END
        if self.series.beside.outage is not None:
            standing[self.series.beside.outage > 0] = NO_END
        standing[(channel.flags & V11) > 0] = OUTSIDE
        standing[((channel.flags & self.errors) > 0) | (channel.quality == Quality.ABSENT)] = LACKS
        standing[(channel.flags & self.errors & ~V01) > 0] = LACKS
        return standing

    def _grid(self, standing: Array) -> FillGrid:
        grid, channel = self.series.grid, self.channel
        # Days are of 23 to 25 hours where there is summer time: estimates count in steps of the same length.
        start = int(grid.start[0]) + np.arange(len(grid), dtype=np.int64) * grid.interval
        found = FillGrid(start, grid.interval, channel.value, standing, grid.place, grid.day, grid.day_type)
        registers = channel.registers
        if registers is None or len(registers.at) < 2:
            return found
        spans = channel.spans.copy()
        adjusted = without_rollover(self.series, channel, self.limits)
        channel.spans = spans
        return found._replace(register_at=registers.at, register=adjusted, register_good=registers.good)

    def _result(self, standing: Array, filled: Filled | None) -> Settled:
        channel = self.channel
        value, quality = channel.value.copy(), channel.quality.copy()
        method, expected = np.zeros(len(value), np.uint8), np.zeros(len(value), np.int32)
        method[np.isin(quality, (Quality.ESTIMATED, Quality.MANUAL))] = Method.HEAD_END
        quality[self.doubted() & (quality != Quality.ABSENT)] = Quality.SUSPECT
        lacking = standing == LACKS
        quality[lacking] = np.where(channel.quality[lacking] == Quality.ABSENT, Quality.MISSING, Quality.SUSPECT)
        failed = channel.flags.copy()
        if filled is not None:
            made = lacking & (filled.method > 0)
            value[made], method[made], expected[made] = filled.value[made], filled.method[made], filled.expected[made]
            again = self._again(value, made | (standing == GOOD) | (standing == NO_END)) & np.where(
                made, ~np.uint64(0), 0
            )
            failed[made] = again[made]
            bad = made & ((again > 0) | (filled.suspect > 0))
            quality[made] = Quality.ESTIMATED
            quality[bad] = Quality.SUSPECT
        return Settled(channel, self.judged, value, quality, method, expected, failed, filled)

    def _again(self, value: Array, there: Array) -> Array:
        """V07, V09 and V14 of the result, u64 (n,)."""
        words, there = np.zeros(len(value), np.uint64), there.astype(np.uint8)
        days = np.zeros(len(self.channel.days), np.uint64)
        negative(value, there, words)
        limit = self.series.facts.limit_wh * self.limits.range_percent // 100
        if limit:
            beyond_limit(value, there, limit, words)
        usual = self.judged.usual_peak * self.limits.spike_usual_percent // 100
        if self.series.grid.interval < 86_400:
            spikes(
                value, there, self.series.grid.day_bounds, self.limits.spike_ratio_percent, self.limits.spike_floor_wh,
                usual, words, days,
            )  # fmt: skip
        return words & (V07 | V09 | V14)

    def _as_sent(self) -> Settled:
        """Voltages, currents and power factors are never estimated."""
        channel = self.channel
        zeros = np.zeros(len(channel.value), np.uint8)
        quality = np.where(channel.quality == 0, np.uint8(Quality.MISSING), channel.quality).astype(np.uint8)
        return Settled(
            channel, self.judged, channel.value, quality, zeros, zeros.astype(np.int32), channel.flags.copy(), None
        )
