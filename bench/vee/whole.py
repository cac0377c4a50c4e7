"""Whole series placed, judged and filled, as `kvarn vee` does it, and what came of them."""

from __future__ import annotations

import time

import numpy as np

from agents.vee.config import Thresholds
from agents.vee.series.calendar import grid_of
from agents.vee.series.model import Channel, Facts, Grid, Registers, Series
from agents.vee.series.placing import Readings, place, readings
from agents.vee.series.settle import Settled, settle
from bench.vee.compare import Tally, compare
from bench.vee.meters import LIMIT_WH, Day, Meters
from pipeline.channels import ENERGY, N_ENERGY
from pipeline.columns import Array
from pipeline.rules import RULES

ZONE = "Asia/Kolkata"
MOST_DOUBTED = 0.002
"""Share of sound intervals that rules may flag, as `kvarn vee detection` has it: V25 takes some equal neighbours for a
stuck meter, which come by chance in a series of some thousand intervals."""
FACTS = Facts(limit_wh=LIMIT_WH, net=True)


class Whole:
    """Readings of some meters over some days; judging them again gives the same."""

    def __init__(self, meters: Meters, days: int) -> None:
        self.meters, self.days = meters, days
        self.tally, self.judged = Tally(), frozenset[str]()
        parts = [meters.day(day) for day in range(days)]
        self._true = Day(*(np.stack(arrays, axis=1) for arrays in zip(*parts, strict=True)))
        step = meters.plan.interval_secs
        self._grid: Grid = grid_of(meters.midnight(0), meters.midnight(days) - step, step, ZONE)
        self._readings = [self._of(meter) for meter in range(meters.plan.meters)]

    def _of(self, meter: int) -> list[tuple[Readings, Registers]]:
        """Readings and midnight registers of each channel."""
        there = ~self._true.lost[meter].reshape(-1)
        found = []
        for number, channel in enumerate(ENERGY):
            sent, truth = (values[meter, ..., number] for values in (self._true.sent, self._true.truth))
            at = np.arange(self.days + 1, dtype=np.int64) * self.meters.per_day
            reading = np.concatenate(([0], np.cumsum(truth.sum(axis=1))))
            came = readings(str(meter), channel.name, channel.unit, self._grid.start[there], sent.reshape(-1)[there])
            found.append((came, Registers(at, reading, np.ones(len(at), np.uint8))))
        return found

    @property
    def intervals(self) -> int:
        """Of a round; each has all channels."""
        return self.meters.plan.meters * len(self._grid)

    def round(self) -> int:
        """Settle all series and compare them; CPU nanoseconds without comparing."""
        begin = time.thread_time_ns()
        settled = [self._settled(str(meter), came) for meter, came in enumerate(self._readings)]
        spent = time.thread_time_ns() - begin
        self._compare(settled)
        return spent

    def _settled(self, id: str, came: list[tuple[Readings, Registers]]) -> dict[str, Settled]:
        thresholds, channels = Thresholds(), dict[str, Channel]()
        for found, registers in came:
            channels[found.name], _ = place(found, self._grid, thresholds)
            channels[found.name].registers = registers
        return settle(Series(id, self._grid, channels, FACTS), thresholds)

    def _compare(self, settled: list[dict[str, Settled]]) -> None:
        names = [channel.name for channel in ENERGY]
        energy = np.stack([np.stack([one[name].value for name in names], axis=-1) for one in settled])
        method = np.stack([np.stack([one[name].method for name in names], axis=-1) for one in settled])
        shape = (-1, self.meters.per_day, N_ENERGY)
        true = Day(*(self._flat(values) for values in self._true))
        self.tally.add(compare(true, energy.reshape(shape), method.reshape(shape) > 0, MOST_DOUBTED))
        # A rule is judged when no channel lacked what it needs; some are of one channel alone.
        lacking = {code for series in settled for one in series.values() for code in one.channel.not_judged}
        self.judged = frozenset(rule.code for rule in RULES if rule.code not in lacking)

    def _flat(self, values: Array) -> Array:
        """A row a day of a meter."""
        flat: Array = values.reshape(-1, *values.shape[2:])
        return flat
