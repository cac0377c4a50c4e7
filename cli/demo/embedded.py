"""The demo in one process: simulator, gathering, all chains, and the warehouse; no service and no Java."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cli.stages import fetch_references, make_steps
from connectors.gather.aside import reject_record
from connectors.gather.gatherer import Aside, Gatherer
from connectors.gather.outlet import frames_records
from connectors.kept.rejected import of_parked
from connectors.parked.connector import newly_known
from connectors.simulator import Frames, Simulation, Slot
from connectors.simulator.kvf import MAGIC, Logged, Source, write_item
from pipeline.errors import Backpressure
from pipeline.keystore import seal
from pipeline.reference import Registry
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.embedded import Appended, Embedded
from pipeline.runtime.references import KEYS, REGISTRY, MemoryReferences
from pipeline.step import Control
from pipeline.topology.plan import ConnectorPlan, Plan
from pipeline.wire import Contracts, frames_record
from sinks.base import Sink
from sinks.origins import Origins
from sinks.read import read_record

MASTER_KEY = bytes(range(32))
"""The simulated fleet's keys protect nothing; they are sealed all the same, so that the whole way is gone."""


RECORDING, KEYS_FILE = "frames.kvf", "fleet.keys"
"""What a run leaves beside its warehouse: the log of frames, and the sealed keys."""


@dataclass
class Counts:
    """What went in, by record kind and by stage."""

    frames: int = 0
    unparked: int = 0
    records: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass
class EmbeddedDemo:
    """One run; `sink` is open and empty."""

    plan: Plan
    simulation: Simulation
    contracts: Contracts
    sink: Sink
    run: str
    seen: Callable[[Frames], None]
    folder: Path | None = None
    """Where a recording of the frames and the sealed keys are left, for `kvarn explain`."""
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._references = MemoryReferences()
        fetch = fetch_references(self._references, MASTER_KEY)
        self._embedded = Embedded(self.plan, make_steps, fetch, self.contracts, self._deliver)
        self._connector: ConnectorPlan = next(c for c in self.plan.connectors.values() if c.parked is not None)
        self._partitions = self._connector.to.partitions
        self._gatherer: Gatherer | None = None
        self._parked: list[Aside] = []
        self.parked_frames: Counter[str] = Counter()
        self._rejects = 0
        self._recording: BinaryIO | None = None
        self._time = 0
        self._sunk = {topic.name for sink in self.plan.sinks.values() for topic in sink.topics}

    def go(self, progress: Callable[[int, int], None]) -> Counts:
        """Run all slots; `progress(slots done, slots in all)`."""
        started = time.perf_counter()
        total = self.simulation.slot_count
        with ExitStack() as stack:
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._recording = stack.enter_context((self.folder / RECORDING).open("wb"))
                self._recording.write(MAGIC)
                write_item(self._recording, Source(self._partitions, self._connector.to.name))
            for slot in self.simulation.slots():
                self._slot(slot)
                progress(slot.number + 1, total)
        self.sink.flush()
        self.counts.seconds = time.perf_counter() - started
        return self.counts

    def _slot(self, slot: Slot) -> None:
        if slot.registry is not None:
            self._put_in_force(slot.registry)
        self._gather(slot.frames)
        self._time = slot.end_time
        self._to_all(frames_record(self.contracts, tick=slot.tick))

    def _put_in_force(self, registry: Registry) -> None:
        before = self._gatherer.registry if self._gatherer is not None else None
        version = self._references.put(REGISTRY, registry_to_bytes(registry))
        self.sink.take_registry(version, registry)
        sealed = seal(self.simulation.fleet.keys, MASTER_KEY)
        versions = {REGISTRY: version, KEYS: self._references.put(KEYS, sealed)}
        if self.folder is not None:
            (self.folder / KEYS_FILE).write_bytes(sealed)
        self._to_all(frames_record(self.contracts, control=Control(versions)))
        self._gatherer = Gatherer(registry, self._partitions)
        known = newly_known(self._parked, before, registry)
        for aside in known:
            self._gatherer.add_one(aside.raw, aside.received_at, aside.device, of_parked(aside, "parked"))
        self.counts.unparked += len(known)
        self._parked = [aside for aside in self._parked if aside not in known]
        self._cut()

    def _gather(self, frames: Frames) -> None:
        assert self._gatherer is not None
        self.counts.frames += len(frames)
        self.seen(frames)
        self._gatherer.add(frames.payload, frames.offsets, frames.length, frames.received_at, frames.hint)
        self._cut()

    def _cut(self) -> None:
        assert self._gatherer is not None
        gathered = self._gatherer.cut()
        for partition, batch in sorted(gathered.batches.items()):
            for value in frames_records(self.contracts, batch, gathered.again.get(partition, ())):
                self._append(partition, value)
        for aside in gathered.aside:
            if aside.parked:
                self._parked.append(aside)
                self.parked_frames[aside.raw.hex()] += 1
            elif self._connector.rejects is not None:
                record = reject_record(aside, self._connector.name, self._rejects)
                value = self.contracts.encode("Reject", record)
                # Beside those of the chains: a partition's offsets have one producer in this process.
                topic = self._connector.rejects
                self._deliver(Appended(topic.name, topic.partitions, self._rejects, b"", value))
                self._rejects += 1

    def _to_all(self, value: bytes) -> None:
        for partition in range(self._partitions):
            self._append(partition, value)

    def _append(self, partition: int, value: bytes) -> None:
        if self._recording is not None:
            write_item(self._recording, Logged(partition, 1000 * self._time, 0, None, value))
        self._embedded.append(self._connector.to.name, partition, value)

    def _deliver(self, appended: Appended) -> None:
        topic = self.plan.topics[appended.topic]
        self.counts.records[appended.topic] += 1
        if topic.name not in self._sunk or topic.schema is None:
            return
        name = topic.name
        record = read_record(self.contracts, topic.schema, name, appended.partition, appended.offset, appended.value)
        if appended.offset == 0:
            self.sink.blocks.assign(name, appended.partition, 0, Origins(), log=self.run)
        try:
            self.sink.accept(record)
        except Backpressure:
            self.sink.flush()
            self.sink.accept(record)
        if self.sink.blocks.full:
            self.sink.flush(0.0)
