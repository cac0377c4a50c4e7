"""Frames at which a step fails, and frames of which the worker dies, in bursts among good ones."""

from __future__ import annotations

import time

import numpy as np

from bench.case import OPENING
from bench.faults.parts import Parts
from bench.faults.poisoned import KILLER, POISON
from bench.faults.scene import Scene
from bench.faults.ways.base import Disturbance
from bench.throughput.feed import Feed, Feeding
from pipeline.batch import FrameBatch
from pipeline.columns import Array

PARTITIONS, FRAMES = 4, 12
"""Of a burst of poison: so many partitions, and so many frames in a record of each."""
KILLERS = 3
"""Frames of a record that kill; one record a burst, as each costs two deaths."""
OCTETS = 16
KILLER_EVERY = 3
"""One burst in so many kills, the others are poison."""


class PoisonBursts(Disturbance):
    """The worker's program is one that cannot take these frames; all others must be as if they had never come."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._random = np.random.default_rng([scene.seed, 23])
        self._due: dict[tuple[int, int], tuple[int, int]] = {}
        self._written = 0

    def prepare(self) -> None:
        """See Disturbance."""
        part = self.scene.kind.part
        command = self.scene.commands[part]
        self.scene.commands[part] = [command[0], "-m", "bench.faults.poisoned", *command[3:]]

    def feed(self, feed: Feed, progress: Feeding) -> int:
        """See Disturbance."""
        numbers = self.scene.drain.load.numbers[OPENING:]
        for burst in range(self.scene.count):
            number = numbers[(1 + burst * len(numbers) // self.scene.count) % len(numbers)]
            kills = burst % KILLER_EVERY == KILLER_EVERY - 1
            chosen = self._random.permutation(feed.topic.partitions)[: 1 if kills else PARTITIONS]
            for partition in chosen.tolist():
                self._due[number, partition] = (KILLER, KILLERS) if kills else (POISON, FRAMES)
            self.done.tries += 1
            self.done.moments["killers" if kills else "poison"] += 1
        feed.change = self._mix
        return feed.fill(progress)

    def _mix(self, interval: int, partition: int, batch: FrameBatch) -> FrameBatch:
        device, count = self._due.pop((interval, partition), (0, 0))
        if not device:
            return batch
        self._written += count
        return mixed(batch, device, np.sort(self._random.integers(0, len(batch.length), count)))

    def begin(self, parts: Parts) -> None:
        """See Disturbance."""
        self._expect_death(parts)

    def step(self, parts: Parts) -> None:
        """See Disturbance."""
        super().step(parts)
        self._expect_death(parts)

    def _expect_death(self, parts: Parts) -> None:
        # It is killed by what it reads, as if by plan.
        if self.done.moments["killers"]:
            parts.under[self.scene.kind.part] = "killer-frame"

    def seen(self, ended: list[tuple[str, str]]) -> None:
        """See Disturbance."""
        for _ in ended:
            self.done.at.append(time.monotonic())
            self.done.apart["deaths"] = self.done.apart.get("deaths", 0) + 1

    @property
    def further_rejects(self) -> dict[str, int]:
        """See Disturbance."""
        return {"POISON": self._written}


def mixed(batch: FrameBatch, device: int, places: Array) -> FrameBatch:
    """The batch with a frame of `device` before each of its frames `places` i64 (n,), in order."""
    count = len(places)
    starts = np.cumsum(batch.length, dtype=np.int64) - batch.length
    octets = np.repeat(starts[places], OCTETS)
    return FrameBatch(
        np.insert(batch.service_point, places, batch.service_point[places]),
        np.insert(batch.device, places, np.full(count, device, np.uint64)),
        np.insert(batch.received_at, places, batch.received_at[places]),
        np.insert(batch.length, places, np.full(count, OCTETS, batch.length.dtype)),
        np.insert(batch.payload, octets, np.full(len(octets), 0xDD, np.uint8)),
    )
