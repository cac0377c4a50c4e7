"""A chain of steps over one partition: parcels in, records for topics out.

The same under every runtime: embedded, Faust on Kafka, tests and replays. It knows no broker and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.columns import Packed
from pipeline.errors import Fatal
from pipeline.records import RecordBatch
from pipeline.reference import References
from pipeline.state import StateStore
from pipeline.step import Control, Emission, Origin, Parcel, Step
from pipeline.topology.plan import ChainPlan
from pipeline.wire import Contracts, batch_record, read_frames, read_stage, stage_record

NO_OFFSET = -1
"""What a target was sent before its first record."""


@dataclass(frozen=True)
class Output:
    """A record for a topic. `partition` is None where the key decides.

    (topic, partition, source topic id, source partition, source offset, index) names it for ever: the same input gives
    the same output with the same name, after any crash.
    """

    topic: str
    key: bytes
    value: bytes
    partition: int | None
    index: int


class Prepared:
    """Steps' derived tables by versions in force, made once for all partitions."""

    def __init__(self, steps: tuple[Step, ...], fetch: Callable[[Mapping[str, str]], References]) -> None:
        self._steps = steps
        self._fetch = fetch
        self._known: dict[tuple[tuple[str, str], ...], tuple[Any, ...]] = {}

    def of(self, versions: Mapping[str, str]) -> tuple[Any, ...]:
        """One derived table a step; raises Fatal when a version is not there."""
        name = tuple(sorted(versions.items()))
        if name not in self._known:
            references = self._fetch(versions)
            # Two: partitions pass a control record one after the other. More would keep dead registries in memory.
            while len(self._known) >= 2:
                del self._known[next(iter(self._known))]
            self._known[name] = tuple(step.prepare(references) for step in self._steps)
        return self._known[name]


@dataclass
class Position:
    """What a partition's head keeps beside the steps' pages."""

    applied: int = NO_OFFSET
    tick_time: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    """Target ("topic" or "topic/partition") -> origin offset of the record sent to it last."""


class Chain:
    """One partition of a chain: its stores, its position, and how to take a record on."""

    def __init__(
        self,
        plan: ChainPlan,
        steps: tuple[Step, ...],
        stores: tuple[StateStore, ...],
        prepared: Prepared,
        contracts: Contracts,
        position: Position | None = None,
    ) -> None:
        self.plan = plan
        self.steps = steps
        self.stores = stores
        self.position = position or Position()
        self._prepared = prepared
        self._contracts = contracts
        self._derived = prepared.of(self.position.versions)

    def take(self, raw: bytes, topic_id: str, partition: int, offset: int) -> list[Output]:
        """Take the record at `offset` of the source on; a copy (offset already applied) gives nothing.

        Raises Fatal at a hole in the offsets, ContractError when the bytes are no record of the source's schema.
        """
        applied = self.position.applied
        if offset <= applied:
            return []
        if applied != NO_OFFSET and offset != applied + 1:
            raise Fatal(
                "SOURCE_HOLE",
                where=f"{self.plan.source.name}[{partition}]",
                what=f"offset {offset} follows {applied}",
                do="restart: the position comes from the checkpoint; if it happens again the log has lost records",
            )
        outputs = self.advance(self.read(raw, topic_id, partition, offset))
        self.position.applied = offset
        return outputs

    def read(self, raw: bytes, topic_id: str, partition: int, offset: int) -> Parcel:
        """The parcel in `raw`; between stages its origin is the first log's."""
        if self.plan.reads == "FrameBatch":
            return read_frames(self._contracts, raw, Origin(topic_id, partition, offset))
        return read_stage(self._contracts, self.plan.reads, raw).parcel

    def advance(self, parcel: Parcel) -> list[Output]:
        """All steps over one parcel; the records for topics, in order."""
        if parcel.control is not None:
            self._put_in_force(parcel.control)
        if parcel.tick is not None:
            self.position.tick_time = parcel.tick.time
        outputs: list[Output] = []
        for place, (step, store, derived) in enumerate(zip(self.steps, self.stores, self._derived, strict=True)):
            advance = step.advance(parcel, store, derived)
            for emission in advance.emissions:
                self._emit(place, emission, parcel, outputs)
            parcel = advance.parcel
            for publish in self.plan.publishes:
                if publish.stage == place and (publish.cut or parcel.batch is not None):
                    self._publish(publish.topic.name, publish.schema, parcel, outputs)
        return outputs

    def _put_in_force(self, control: Control) -> None:
        self.position.versions = {**self.position.versions, **control.versions}
        self._derived = self._prepared.of(self.position.versions)

    def _publish(self, topic: str, schema: str, parcel: Parcel, outputs: list[Output]) -> None:
        previous = self._sent(topic, parcel.origin.offset)
        value = stage_record(self._contracts, schema, parcel, previous)
        outputs.append(Output(topic, b"", value, parcel.origin.partition, 0))

    def _emit(self, place: int, emission: Emission, parcel: Parcel, outputs: list[Output]) -> None:
        topic = self.plan.stages[place].emits.get(emission.output)
        if topic is None:
            return
        value: Any = emission.value
        if isinstance(value, RecordBatch):
            encoded = value.encode(self._contracts)
            pairs = zip(encoded.keys, encoded.values, strict=True)
            outputs.extend(Output(topic.name, key, one, None, index) for index, (key, one) in enumerate(pairs))
        elif isinstance(value, Mapping):
            one = self._contracts.encode(self.steps[place].outputs[emission.output], value)
            outputs.append(Output(topic.name, emission.key, one, emission.partition, value["source_index"]))
        else:
            batch: Packed = value
            previous = self._sent(f"{topic.name}/{emission.partition}", parcel.origin.offset)
            schema = self.steps[place].outputs[emission.output]
            one = batch_record(self._contracts, schema, batch, parcel, previous)
            outputs.append(Output(topic.name, emission.key, one, emission.partition, 0))

    def _sent(self, target: str, offset: int) -> int:
        previous = self.position.sent.get(target, NO_OFFSET)
        self.position.sent[target] = offset
        return previous
