"""Runs that the scenarios share: the shipped topology files at another number of partitions, and a fleet's days."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from cli.testing import FrameDriver, topology_driver
from connectors.simulator import Frames, Simulation, SimulatorConfig, Slot, Truth, build_fleet
from connectors.simulator.frames import joined
from pipeline.columns import Array
from pipeline.reference import KeyRing
from pipeline.runtime.references import MemoryReferences
from tests.scenarios import rows

ROOT = Path(__file__).parents[2]
FUSED, SPLIT = "topologies.yaml", "examples/split.yaml"
PARTITIONS = 3
"""Fewer than shipped: every tick is a record in each, and these runs have few meters."""


Chosen = Callable[[Frames], Array]
"""A mask of frames."""


@dataclass(frozen=True)
class Feed:
    """What reaches the connectors, slot by slot, and what really happened."""

    slots: list[Slot]
    keys: KeyRing
    truth: Truth

    @property
    def frames(self) -> Frames:
        """All frames in the order of sending."""
        return joined([slot.frames for slot in self.slots])

    def without(self, chosen: Chosen) -> Feed:
        """The feed without the frames for which `chosen` is true."""
        kept = [replace(slot, frames=slot.frames.take(np.flatnonzero(~chosen(slot.frames)))) for slot in self.slots]
        return replace(self, slots=kept)

    def held(self, chosen: Chosen, until: int) -> Feed:
        """The feed with the frames for which `chosen` is true in front of those of slot `until`."""
        taken = joined([slot.frames.take(np.flatnonzero(chosen(slot.frames))) for slot in self.slots[:until]])
        late = replace(taken, received_at=np.full(len(taken), self.slots[until].end_time))
        before = Feed(self.slots[:until], self.keys, self.truth).without(chosen).slots
        slot = self.slots[until]
        first = replace(slot, frames=joined([late, slot.frames]))
        return replace(self, slots=[*before, first, *self.slots[until + 1 :]])


@dataclass(frozen=True)
class Run:
    """A feed and what a topology made of it."""

    fed: Feed
    driver: FrameDriver

    @cached_property
    def readings(self) -> rows.Table:
        """See rows.readings."""
        return rows.readings(self.driver)

    @cached_property
    def days(self) -> rows.Table:
        """See rows.days."""
        return rows.days(self.driver)

    @property
    def place(self) -> dict[int, int]:
        """Service point -> row in the truth."""
        return {point: row for row, point in enumerate(self.fed.truth.fleet.points.id.tolist())}

    def day(self, time: int) -> int:
        """Number of the day that `time` lies in."""
        return (time - self.fed.truth.fleet.config.start_time) // rows.DAY_SECS


def feed(**options: Any) -> Feed:
    """The days of a simulated fleet; options as in SimulatorConfig."""
    fleet = build_fleet(SimulatorConfig.model_validate(options))
    simulation = Simulation(fleet)
    slots = list(simulation.slots())
    return Feed(slots, fleet.keys, simulation.truth())


def driver(
    folder: Path,
    *,
    file: str = FUSED,
    partitions: int = PARTITIONS,
    change: Callable[[str], str] = str,
    references: MemoryReferences | None = None,
) -> FrameDriver:
    """A driver of a shipped topology file, with what `change` makes of its text."""
    text = change((ROOT / file).read_text(encoding="utf-8").replace("partitions: 12", f"partitions: {partitions}"))
    own = folder / f"{Path(file).stem}-{crc32(text.encode()):08x}.yaml"
    own.write_text(text, encoding="utf-8")
    return topology_driver(own, references=references)


def play(to: FrameDriver, fed: Feed, *, most: int | None = None) -> FrameDriver:
    """Send a feed, tick by tick; `most`: frames that are gathered together, all of a slot when None."""
    for slot in fed.slots:
        if slot.registry is not None:
            to.put_in_force(registry=slot.registry, keys=fed.keys)
        send(to, slot.frames, most)
        to.tick(slot.tick.time, slot.tick.lateness_secs)
    return to


def send(to: FrameDriver, frames: Frames, most: int | None = None) -> None:
    """Send frames in order, at most `most` together."""
    size = most or max(1, len(frames))
    for begin in range(0, len(frames), size):
        part = frames.take(np.arange(begin, min(begin + size, len(frames))))
        to.frames(part.payload, part.offsets, part.length, part.received_at, part.hint)


def values(to: FrameDriver, topics: Iterable[str]) -> dict[str, list[tuple[int, bytes, bytes]]]:
    """(partition, key, value) of every record, by topic, in order."""
    return {topic: [(one.partition, one.key, one.value) for one in to.bytes_of(topic)] for topic in topics}
