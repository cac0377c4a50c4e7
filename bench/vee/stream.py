"""Days of all meters through the streaming step, tick by tick, and what it published last of each interval."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from agents.vee.config import VeeConfig
from agents.vee.step import VeeStep
from bench.throughput.feed import DELIVERY_SECS
from bench.vee.batches import profiles, pushes, registers
from bench.vee.compare import Tally, compare
from bench.vee.meters import Day, Meters
from pipeline.batch import ReadingBatch
from pipeline.channels import N_ENERGY
from pipeline.codes import Method
from pipeline.columns import Array
from pipeline.localtime import DAY_SECS
from pipeline.lookup import pages_of_partition
from pipeline.reference import KeyRing, References
from pipeline.state import StateStore
from pipeline.step import Control, Origin, Parcel, Tick

GROUP = 25
"""Batches of day profiles that are made before they are timed together."""

Content = dict[str, Any]
"""Fields of a parcel."""


def config_for(interval: int) -> VeeConfig:
    """The defaults; a shorter interval leaves less room for stamps beside the grid."""
    return VeeConfig() if interval == 1800 else VeeConfig(slot_secs=interval, grid_tolerance_secs=interval // 4 - 1)


class Stream:
    """One partition with all meters. profile: frames of a day; else of one interval."""

    def __init__(self, meters: Meters, *, profile: bool, batch_frames: int) -> None:
        self.meters, self.profile, self.batch_frames = meters, profile, batch_frames
        self.config = config_for(meters.plan.interval_secs)
        self.tally, self.refused, self.nanoseconds = Tally(), 0, 0
        self._step = VeeStep(self.config)
        no_keys = KeyRing(np.zeros(0, np.uint64), np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8))
        self._prepared = self._step.prepare(References(meters.registry, no_keys, {}))
        self._store = StateStore(self._step.layout, pages_of_partition(0, 1))
        self._published: dict[int, tuple[Array, Array]] = {}
        self._days: dict[int, Day] = {}
        self._offset, self._next = 0, 0
        self._register = np.zeros((meters.plan.meters, N_ENERGY), np.int64)
        self._take([{"control": Control({}), "tick": Tick(meters.midnight(0), 0)}])
        self._take(self._registers(0))

    def day(self) -> int:
        """Take the next day on, its end included; CPU nanoseconds of the step."""
        number, self._next = self._next, self._next + 1
        self._published[number] = self._room()
        before = self.nanoseconds
        for group in self._groups(number):
            self._take(group)
        for old in [day for day in self._published if day <= number - self.config.hot_days]:
            self._compare(old)
        return self.nanoseconds - before

    def close(self) -> None:
        """Compare what later days could still have changed."""
        for number in list(self._published):
            self._compare(number)

    def _groups(self, number: int) -> Iterator[list[Content]]:
        """What is made and then timed together."""
        meters, day = self.meters, self.meters.day(number)
        self._days[number] = day
        self._register = self._register + day.truth.sum(axis=1)
        end = meters.midnight(number + 1)
        if not self.profile:
            for slot in range(meters.per_day):
                group = [{"batch": batch} for batch in pushes(meters, number, day, slot, self.batch_frames)]
                if slot == meters.per_day - 1:
                    group += self._registers(number + 1)
                yield [*group, {"tick": Tick(meters.midnight(number) + (slot + 1) * meters.plan.interval_secs, 0)}]
            return
        # As frames of whole days come: the log's time goes on before them, and the day is closed behind them.
        yield [{"tick": Tick(end, DAY_SECS)}]
        group = []
        for batch in profiles(meters, number, day, self.batch_frames):
            group.append({"batch": batch})
            if len(group) == GROUP:
                yield group
                group = []
        yield [*group, *self._registers(number + 1), {"tick": Tick(end + DELIVERY_SECS, DELIVERY_SECS)}]

    def _registers(self, number: int) -> list[Content]:
        found = registers(self.meters, self.meters.midnight(number), self._register, self.batch_frames)
        return [{"batch": batch} for batch in found]

    def _take(self, contents: Iterable[Content]) -> None:
        parcels = []
        for content in contents:
            parcels.append(Parcel(Origin("bench", 0, self._offset), **content))
            self._offset += 1
        begin = time.thread_time_ns()
        found = [self._step.advance(parcel, self._store, self._prepared) for parcel in parcels]
        self.nanoseconds += time.thread_time_ns() - begin
        for advance in found:
            self.refused += len(advance.emissions)
            if isinstance(advance.parcel.batch, ReadingBatch):
                self._keep(advance.parcel.batch)

    def _room(self) -> tuple[Array, Array]:
        shape = (self.meters.plan.meters, self.meters.per_day)
        return np.full((*shape, N_ENERGY), -1, np.int32), np.zeros(shape, np.uint8)

    def _keep(self, batch: ReadingBatch) -> None:
        """The last revision of each interval; they come in their order, also within a batch."""
        points = self.meters.registry.service_point
        meter = (batch.service_point - points[0]).astype(np.int64)
        since = batch.interval_start - self.meters.plan.start
        day, slot = since // DAY_SECS, since % DAY_SECS // self.meters.plan.interval_secs
        for number in np.unique(day).tolist():
            here = day == number
            if number not in self._published:  # of a day that nothing may change any more
                self.tally.different += int(here.sum())
                continue
            energy, method = self._published[number]
            energy[meter[here], slot[here]] = batch.energy[here]
            method[meter[here], slot[here]] = batch.method[here]

    def _compare(self, number: int) -> None:
        energy, method = self._published.pop(number)
        self.tally.add(compare(self._days.pop(number), energy, (method != Method.NONE)[..., None]))
