"""What the meters of a load used, what of it was lost, and which of their readings are spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from connectors.simulator.burst import BurstPlan, burst_registry
from connectors.simulator.burst_truth import burst_energy
from pipeline.channels import N_ENERGY
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.reference import Registry

LONGEST_GAP = 4
"""Intervals that are lost together, at most."""
MOST_LOST = 2
"""A day that lacks more has no spike: what is lost there may be as much as the spike is too high, and then neither
registers nor anything else contradict it."""
SPIKE_TIMES, SPIKE_MORE = 3, 600
"""A spike is the highest interval of its day so many times, and so many watt-hours: beyond V14, within V09."""
LIMIT_WH = 7200
"""What a meter can pass in an interval."""
IMPORTS = 2
"""Channels in which a spike stands: the first ones, active and apparent energy imported."""


class Day(NamedTuple):
    """truth i32 (meters, intervals, 4); sent the same with spikes; lost, spike bool (meters, intervals)."""

    truth: Array
    sent: Array
    lost: Array
    spike: Array


@dataclass(frozen=True)
class Meters:
    """Meters of one plan; missing, spikes: shares of the intervals."""

    plan: BurstPlan
    missing: float
    spikes: float

    @property
    def per_day(self) -> int:
        """Intervals of a day."""
        return DAY_SECS // self.plan.interval_secs

    @cached_property
    def registry(self) -> Registry:
        """A row of the links a meter, in their order."""
        registry = burst_registry(self.plan)
        registry.limit_wh[:] = LIMIT_WH
        return registry

    def midnight(self, day: int) -> int:
        """When day (from 0) begins, epoch seconds UTC."""
        return self.plan.start + day * DAY_SECS

    def day(self, day: int) -> Day:
        """A day (from 0); the same each time."""
        rows, first = np.arange(self.plan.meters), day * self.per_day + 1
        truth = np.empty((self.plan.meters, self.per_day, N_ENERGY), np.int32)
        for slot in range(self.per_day):
            truth[:, slot] = burst_energy(self.plan, rows, first + slot)
        chance = np.random.default_rng((self.plan.seed, day))
        lost = self._lost(chance)
        spike = self._spikes(chance, lost)
        high = SPIKE_TIMES * truth.max(axis=1, keepdims=True) + SPIKE_MORE
        sent = truth.copy()
        sent[..., :IMPORTS] = np.where(spike[..., None], high[..., :IMPORTS], truth[..., :IMPORTS])
        return Day(truth, sent, lost, spike)

    def _lost(self, chance: np.random.Generator) -> Array:
        """Gaps of one to LONGEST_GAP intervals, all as likely; `missing` of all intervals lie in one."""
        lengths = range(1, LONGEST_GAP + 1)
        begins = -math.log(1 - self.missing) / sum(lengths)
        shape = (self.plan.meters, self.per_day + LONGEST_GAP)
        lost = np.zeros(shape, np.bool_)
        for length in lengths:
            at = chance.random(shape) < begins
            for step in range(length):
                lost[:, step:] |= at[:, : shape[1] - step]
        return lost[:, LONGEST_GAP:]

    def _spikes(self, chance: np.random.Generator, lost: Array) -> Array:
        """At most two a day, as V14 looks for; none among what is lost."""
        possible = lost.sum(axis=1) <= MOST_LOST
        share = possible.mean() * (1 - lost[possible].mean()) if possible.any() else 1.0
        each = self.spikes * self.per_day / 2 / share
        spike = np.zeros_like(lost)
        for _ in range(2):
            rows = np.flatnonzero(possible & (chance.random(len(lost)) < each))
            spike[rows, chance.integers(0, self.per_day, len(rows))] = True
        return spike & ~lost
