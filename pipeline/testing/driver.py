"""Drive a topology in memory: versions, frames and ticks in, the records of each topic out.

    driver.put_in_force(registry=registry, keys=keys)
    driver.send(partition, batch)
    driver.tick(time, lateness_secs=1800)
    bills = driver.records("determinants")

Everything runs at once and in this process, in the order of the calls. `log` is what was written to the source: another
driver that replays it writes the same bytes. `cli.testing` makes a driver from a topology file, and takes frames as
they come from meters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.batch import FrameBatch
from pipeline.errors import ConfigError
from pipeline.keystore import MASTER_LENGTH, seal
from pipeline.reference import KeyRing, References, Registry
from pipeline.reference_codec import documents_to_bytes, registry_to_bytes
from pipeline.runtime.embedded import Appended, Embedded
from pipeline.runtime.references import DOCUMENTS, KEYS, REGISTRY, MemoryReferences, read_references
from pipeline.step import Control, Parcel, Step, Tick
from pipeline.topology.plan import ChainPlan, Plan, TopicPlan
from pipeline.wire import BATCHES, Contracts, frames_record, read_stage

MASTER_KEY = bytes(MASTER_LENGTH)
"""Keys are sealed and opened as in operation; here the seal keeps no secret."""


@dataclass(frozen=True)
class Written:
    """A record that the topology wrote, as bytes and decoded."""

    appended: Appended
    value: Parcel | Mapping[str, Any]


class TopologyDriver:
    """One run of one topology.

    `make_steps` makes the steps of a chain; `source` names the topic of frames, needed only when there are several;
    `references` is given to a driver that replays another one's log: versions are named there by their hash.
    """

    def __init__(
        self,
        plan: Plan,
        make_steps: Callable[[ChainPlan], tuple[Step, ...]],
        contracts: Contracts,
        *,
        source: str | None = None,
        references: MemoryReferences | None = None,
    ) -> None:
        self.plan = plan
        self.contracts = contracts
        self.source = _source(plan, source)
        self.references = references or MemoryReferences()
        self.log: list[Appended] = []
        self.registry: Registry | None = None
        self.runtime = Embedded(plan, make_steps, self._fetch, contracts, self._deliver)
        self._written: dict[str, list[Appended]] = {name: [] for name in plan.topics}

    # ------------------------------------------------------------------------------------------- in

    def put_in_force(
        self,
        *,
        registry: Registry | None = None,
        keys: KeyRing | None = None,
        documents: Mapping[str, bytes] | None = None,
    ) -> Control:
        """Put versions in force from here on, in every partition; what is not given stays as it is.

        `documents`: texts by name, for example {"tariffs/lt.yaml": ...}.
        """
        versions = {}
        if registry is not None:
            versions[REGISTRY] = self.references.put(REGISTRY, registry_to_bytes(registry))
            self.registry = registry
        if keys is not None:
            versions[KEYS] = self.references.put(KEYS, seal(keys, MASTER_KEY))
        if documents is not None:
            versions[DOCUMENTS] = self.references.put(DOCUMENTS, documents_to_bytes(documents))
        control = Control(versions)
        self._to_all(frames_record(self.contracts, control=control))
        return control

    def send(self, partition: int, batch: FrameBatch) -> None:
        """Write a batch of frames to a partition of the source."""
        self.append(partition, frames_record(self.contracts, batch=batch))

    def tick(self, time: int, lateness_secs: int = 0) -> None:
        """Let the log's time be `time`, epoch seconds UTC: intervals ending at `time - lateness_secs` are due."""
        self._to_all(frames_record(self.contracts, tick=Tick(time, lateness_secs)))

    def append(self, partition: int, value: bytes) -> None:
        """Write the bytes of a FrameBatch record to a partition of the source and run them through."""
        self.log.append(self.runtime.append(self.source.name, partition, value))

    def replay(self, log: Iterable[Appended]) -> None:
        """Write another driver's `log`, record by record."""
        for record in log:
            self.append(record.partition, record.value)

    # ------------------------------------------------------------------------------------------- out

    def bytes_of(self, topic: str) -> list[Appended]:
        """What the topology wrote to a topic, in order; raises ConfigError when it has no such topic."""
        if topic not in self._written:
            raise ConfigError(
                "TOPIC_UNKNOWN", where=topic, what="the topology has no such topic",
                do=f"use one of {', '.join(self._written)}",
            )  # fmt: skip
        return self._written[topic]

    def written(self, topic: str) -> list[Written]:
        """The same, decoded: a Parcel of packed columns, or the mapping of a plain record."""
        return [Written(record, self._decoded(topic, record.value)) for record in self.bytes_of(topic)]

    def records(self, topic: str) -> list[Mapping[str, Any]]:
        """The plain records of a topic, in order."""
        return [one.value for one in self.written(topic) if isinstance(one.value, Mapping)]

    def parcels(self, topic: str) -> list[Parcel]:
        """The packed records of a topic, in order."""
        return [one.value for one in self.written(topic) if isinstance(one.value, Parcel)]

    # ------------------------------------------------------------------------------------------- within

    def _decoded(self, topic: str, raw: bytes) -> Parcel | Mapping[str, Any]:
        schema = self.plan.topics[topic].schema
        if schema in BATCHES:
            return read_stage(self.contracts, schema, raw).parcel
        return self.contracts.decode(raw, schema)

    def _to_all(self, value: bytes) -> None:
        for partition in range(self.source.partitions):
            self.append(partition, value)

    def _fetch(self, versions: Mapping[str, str]) -> References:
        return read_references(self.references, versions, MASTER_KEY)

    def _deliver(self, appended: Appended) -> None:
        self._written[appended.topic].append(appended)


def _source(plan: Plan, name: str | None) -> TopicPlan:
    found = {chain.source.name: chain.source for chain in plan.chains if chain.reads == "FrameBatch"}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name in found:
        return found[name]
    raise ConfigError(
        "SOURCE_UNKNOWN", where=name or "source", what=f"topics of frames that a chain reads: {', '.join(found)}",
        do="name one of them as `source`",
    )  # fmt: skip
