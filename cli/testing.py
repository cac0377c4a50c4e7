"""A topology file under test: frames as they come from meters in, the records of each topic out.

    driver = topology_driver(Path("topologies.yaml"))
    driver.put_in_force(registry=registry, keys=keys)
    driver.frame(raw, received_at)
    driver.tick(time, lateness_secs=1800)
    for bill in driver.records("determinants"):
        ...

The whole way is gone but for the broker: connectors' gathering, every stage, every contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cli.stages import make_steps
from cli.topology import read_plan
from connectors.gather.aside import reject_record
from connectors.gather.gatherer import Aside, Gatherer
from connectors.gather.links import devices_at
from connectors.gather.outlet import frames_records
from connectors.kept.rejected import Choice, Rejected, of_parked
from connectors.kept.tries import Tries
from connectors.parked.connector import newly_known
from connectors.readings_in.reader import Portion, Source
from pipeline.columns import Array
from pipeline.reference import KeyRing, Registry
from pipeline.runtime.embedded import Appended
from pipeline.runtime.references import MemoryReferences
from pipeline.statement_frames import StatementFrame
from pipeline.step import Control
from pipeline.testing.driver import TopologyDriver
from pipeline.topology.plan import ConnectorPlan, Plan
from schemas.load import load_contracts


def topology_driver(file: Path, *, references: MemoryReferences | None = None) -> FrameDriver:
    """A driver of the topology in `file`; raises ConfigError naming every fault of the file."""
    return FrameDriver(read_plan(file), references)


class FrameDriver(TopologyDriver):
    """A TopologyDriver that gathers frames as the first connector of the topology does.

    Frames that it cannot use become records of its `rejects`. Those of unknown devices become records of its `parked`,
    wait in the list `parked`, and flow on when a registry is put in force that knows the device.
    """

    def __init__(self, plan: Plan, references: MemoryReferences | None = None) -> None:
        connector: ConnectorPlan = next(one for one in plan.connectors.values() if one.parked is not None)
        super().__init__(plan, make_steps, load_contracts(), source=connector.to.name, references=references)
        self.connector = connector
        self.parked: list[Aside] = []
        self._gatherer: Gatherer | None = None
        self._asides = 0

    def put_in_force(
        self,
        *,
        registry: Registry | None = None,
        keys: KeyRing | None = None,
        documents: Mapping[str, bytes] | None = None,
    ) -> Control:
        """See TopologyDriver; parked frames whose device is known from here on flow on."""
        before = self.registry
        control = super().put_in_force(registry=registry, keys=keys, documents=documents)
        if registry is not None:
            self._gatherer = Gatherer(registry, self.source.partitions)
            # As of the parked connector: readings of a head-end wait there too.
            self._gatherer.decoded = True
            known = newly_known(self.parked, before, registry)
            self.parked = [aside for aside in self.parked if aside not in known]
            topic = self.connector.parked.name if self.connector.parked is not None else ""
            for aside in known:
                self._gatherer.add_one(aside.raw, aside.received_at, aside.device, of_parked(aside, topic))
            self._cut(self._gatherer)
            self._gatherer.decoded = False
        return control

    def frame(self, raw: bytes, received_at: int, device: int = 0) -> None:
        """Take one frame; `device` where the transport tells it (a topic), 0 where the frame does."""
        gatherer = self._ready()
        gatherer.add_one(raw, received_at, device)
        self._cut(gatherer)

    def frames(self, payload: Array, offsets: Array, lengths: Array, received_at: Array, device: Array) -> None:
        """Take frames together, as one record a partition; columns as in `Gatherer.add`."""
        gatherer = self._ready()
        gatherer.add(payload, offsets, lengths, received_at, device)
        self._cut(gatherer)

    def readings(self, portion: Portion, received_at: int, source: Source = ("readings-in", 0, 0)) -> None:
        """Take what a connector of decoded readings made of a message, or of a part of a file."""
        gatherer = self._ready()
        gatherer.decoded = True
        gatherer.refused.extend(portion.asides(received_at, source))
        built = portion.built
        gatherer.add(built.payload, built.offsets, built.lengths, received_at)
        self._cut(gatherer)
        gatherer.decoded = False

    def statements(self, said: Sequence[StatementFrame], received_at: int) -> None:
        """Take what is said of service points, each at the device that stands there when it comes."""
        gatherer = self._ready()
        gatherer.stated = True
        points = np.array([one.service_point for one in said], np.uint64)
        devices = devices_at(points, np.full(len(said), received_at), gatherer.registry)
        for one, device in zip(said, devices.tolist(), strict=True):
            gatherer.add_one(one.octets(), received_at, device)
        self._cut(gatherer)
        gatherer.stated = False

    def requeue(self, choice: Choice | None = None, together: int = 1000) -> int:
        """Offer rejected frames again, as `kvarn rejects requeue` does; returns how many. `together`: of one cut."""
        tries = Tries(choice or Choice())
        for topic in {one.rejects.name for one in self.plan.connectors.values() if one.rejects is not None}:
            for written in self.written(topic):
                assert isinstance(written.value, Mapping)
                tries.see(Rejected(topic, written.appended.partition, written.appended.offset, written.value))
        due, gatherer = tries.due(), self._ready()
        gatherer.decoded = True
        for place in range(0, len(due), together):
            for rejected in due[place : place + together]:
                at = rejected.record["received_at"]
                gatherer.add_one(rejected.raw, at, rejected.device, rejected.reference())
            self._cut(gatherer)
        gatherer.decoded = False
        return len(due)

    def _ready(self) -> Gatherer:
        if self._gatherer is None:
            raise ValueError("put a registry in force before frames come")
        return self._gatherer

    def _cut(self, gatherer: Gatherer) -> None:
        gathered = gatherer.cut()
        for partition, batch in sorted(gathered.batches.items()):
            for value in frames_records(self.contracts, batch, gathered.again.get(partition, ())):
                self.append(partition, value)
        for aside in gathered.aside:
            topic = self.connector.parked if aside.parked else self.connector.rejects
            if aside.parked:
                self.parked.append(aside)
            if topic is not None:
                record: dict[str, Any] = reject_record(aside, self.connector.name, self._asides)
                # Beside those of the chains: a partition's offsets have one producer.
                value = self.contracts.encode("Reject", record)
                self._deliver(Appended(topic.name, topic.partitions, self._asides, b"", value))
                self._asides += 1
