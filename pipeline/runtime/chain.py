"""A chain of steps over one partition: parcels in, records for topics out.

The same under every runtime: embedded, Faust on Kafka, tests and replays. It knows no broker and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np

from pipeline.codes import REJECT_BY_NUMBER
from pipeline.columns import Array, Packed
from pipeline.errors import Fatal
from pipeline.partitions import partitions_of_keys
from pipeline.records import RecordBatch
from pipeline.reference import References
from pipeline.rejects import Rejects
from pipeline.state import StateStore
from pipeline.step import Control, Emission, Origin, Parcel, Step
from pipeline.topology.plan import ChainPlan
from pipeline.wire import Contracts, batch_record, read_frames, read_stage, stage_record

NO_OFFSET = -1
"""What a target was sent before its first record."""


@dataclass(frozen=True)
class Output:
    """A record for a topic. `partition` is None where the key decides.

    `id` (topology, stage, source topic id, partition and offset, kind, index) names it for ever: the same input gives
    the same output with the same name, after any crash. Of a reject `code` and `frame` are here as well.
    """

    topic: str
    key: bytes
    value: bytes
    partition: int | None
    index: int
    id: str = ""
    code: str = ""
    frame: int = -1


@dataclass(frozen=True, eq=False)
class OutputRun:
    """Plain records for one topic that one parcel gave rise to, thousands at a time: row i of keys u8 (n, width) and of
    partitions i32 (n,) belongs to `values[i]`.

    A record's id is `id`/i. It is not sent with them, because each holds it: topic id, partition, offset and index.
    """

    topic: str
    keys: Array
    values: Sequence[bytes]
    partitions: Array
    id: str

    def key_bytes(self) -> list[bytes]:
        """The keys, one a record."""
        raw, width = self.keys.tobytes(), self.keys.shape[1]
        return [raw[place : place + width] for place in range(0, len(raw), width)]

    def singly(self) -> Iterator[Output]:
        """The same one by one; not for the hot path."""
        rows = zip(self.key_bytes(), self.values, self.partitions.tolist(), strict=True)
        for index, (key, value, partition) in enumerate(rows):
            yield Output(self.topic, key, value, partition, index, f"{self.id}/{index}")


@dataclass(frozen=True, eq=False)
class RejectRun(OutputRun):
    """Rejects of one parcel and stage, with what `Output` has of each: index, frame i64 (n,), code u8 (n,) by number.

    Their ids are sent with them: several stages reject frames of one parcel, each from index 0.
    """

    index: Array
    code: Array
    frame: Array

    def names(self) -> Iterator[bytes]:
        """The ids, one a record."""
        return (f"{self.id}/{index}".encode() for index in self.index.tolist())

    def singly(self) -> Iterator[Output]:
        """The same one by one; not for the hot path."""
        columns = self.index.tolist(), self.code.tolist(), self.frame.tolist()
        for output, index, code, frame in zip(super().singly(), *columns, strict=True):
            yield replace(
                output, index=index, id=f"{self.id}/{index}", code=REJECT_BY_NUMBER[code].code, frame=frame
            )  # fmt: skip

    def without(self, frames: Collection[int]) -> RejectRun:
        """Those that are not of one of these frames."""
        rows = np.flatnonzero(~np.isin(self.frame, list(frames)))
        values = list(self.values)
        return RejectRun(
            self.topic, self.keys[rows], [values[row] for row in rows.tolist()], self.partitions[rows], self.id,
            self.index[rows], self.code[rows], self.frame[rows],
        )  # fmt: skip


Outputs = list[Output | OutputRun]


def singly(outputs: Outputs) -> Iterator[Output]:
    """All records one by one, in order."""
    for output in outputs:
        if isinstance(output, OutputRun):
            yield from output.singly()
        else:
            yield output


class Prepared:
    """Steps' derived tables by versions in force, made once for all partitions."""

    def __init__(self, steps: tuple[Step, ...], fetch: Callable[[Mapping[str, str]], References]) -> None:
        self._steps = steps
        self._fetch = fetch
        self._known: dict[tuple[tuple[str, str], ...], tuple[Any, ...]] = {}
        # Partitions are restored side by side; a large registry must not be prepared twice.
        self._lock = Lock()

    def of(self, versions: Mapping[str, str]) -> tuple[Any, ...]:
        """One derived table a step; raises Fatal when a version is not there."""
        name = tuple(sorted(versions.items()))
        with self._lock:
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
    received: dict[str, int] = field(default_factory=dict)
    """Source of a stage's topic ("topic id/partition" of the first log) -> origin offset last received from it."""


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
        self._derived: tuple[Any, ...] | None = None

    def take(self, raw: bytes, topic_id: str, partition: int, offset: int) -> Outputs:
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
        place = Origin(topic_id, partition, offset)
        if self.plan.reads == "FrameBatch":
            return read_frames(self._contracts, raw, place)
        return replace(read_stage(self._contracts, self.plan.reads, raw).parcel, place=place)

    def advance(self, parcel: Parcel) -> Outputs:
        """All steps over one parcel; the records for topics, in order. A copy of a parcel gives nothing."""
        if not self._is_new(parcel):
            return []
        if parcel.control is not None:
            self._put_in_force(parcel.control)
        if parcel.tick is not None:
            self.position.tick_time = parcel.tick.time
        outputs: Outputs = []
        for place, (step, store, derived) in enumerate(zip(self.steps, self.stores, self._tables(), strict=True)):
            advance = step.advance(parcel, store, derived)
            for emission in advance.emissions:
                self._emit(place, emission, parcel, outputs)
            parcel = advance.parcel
            for publish in self.plan.publishes:
                if publish.stage == place and (publish.cut or parcel.batch is not None):
                    self._publish(place, publish.topic.name, publish.schema, parcel, outputs)
        return outputs

    def encode(self, schema: str, record: Mapping[str, Any]) -> bytes:
        """A plain record as the chain's contracts want it."""
        return self._contracts.encode(schema, record)

    def twin(self) -> Chain:
        """A copy of stores and position, to try something on."""
        position = self.position
        own = replace(
            position, versions=dict(position.versions), sent=dict(position.sent), received=dict(position.received)
        )
        stores = tuple(store.copy() for store in self.stores)
        return Chain(self.plan, self.steps, stores, self._prepared, self._contracts, own)

    def _is_new(self, parcel: Parcel) -> bool:
        """Note a record of another chain; False when it is a copy; raises Fatal when one before it is missing."""
        if parcel.previous_offset is None:
            return True
        source = f"{parcel.origin.topic_id}/{parcel.origin.partition}"
        last = self.position.received.get(source, NO_OFFSET)
        if parcel.origin.offset <= last:
            return False
        if parcel.previous_offset != last:
            raise Fatal(
                "ORIGIN_HOLE",
                where=f"{self.plan.source.name}, origin {source} offset {parcel.origin.offset}",
                what=f"its source sent offset {parcel.previous_offset} before it, the last one seen here is {last}",
                do="check the retention of the topic; replay the frames",
            )
        self.position.received[source] = parcel.origin.offset
        return True

    def _put_in_force(self, control: Control) -> None:
        self.position.versions = {**self.position.versions, **control.versions}
        self._derived = None

    def _tables(self) -> tuple[Any, ...]:
        """Made when they are first needed: a partition is restored while a large registry is still being prepared."""
        if self._derived is None:
            self._derived = self._prepared.of(self.position.versions)
        return self._derived

    def _publish(self, place: int, topic: str, schema: str, parcel: Parcel, outputs: Outputs) -> None:
        previous = self._sent(topic, parcel.origin.offset)
        value = stage_record(self._contracts, schema, parcel, previous)
        name = self._name(place, schema, parcel)
        outputs.append(Output(topic, b"", value, parcel.origin.partition, 0, f"{name}/0"))

    def _emit(self, place: int, emission: Emission, parcel: Parcel, outputs: Outputs) -> None:
        topic = self.plan.stages[place].emits.get(emission.output)
        if topic is None:
            return
        value: Any = emission.value
        name = self._name(place, emission.output, parcel)
        # Asking for a protocol's methods takes as long as all the rest: that is left for the end.
        if isinstance(value, Mapping):
            one = self._contracts.encode(self.steps[place].outputs[emission.output], value)
            index, code, frame = value["source_index"], value.get("code", ""), value.get("frame", -1)
            outputs.append(
                Output(topic.name, emission.key, one, emission.partition, index, f"{name}/{index}", code, frame)
            )
        elif isinstance(value, (Rejects, RecordBatch)):
            encoded = value.encode(self._contracts)
            if not len(encoded):
                return
            places = partitions_of_keys(encoded.keys, topic.partitions)
            run = topic.name, encoded.keys, encoded.values, places, name
            if isinstance(value, Rejects):
                outputs.append(RejectRun(*run, np.arange(len(value)), value.code, value.frame))
            else:
                outputs.append(OutputRun(*run))
        else:
            batch: Packed = value
            previous = self._sent(f"{topic.name}/{emission.partition}", parcel.origin.offset)
            schema = self.steps[place].outputs[emission.output]
            one = batch_record(self._contracts, schema, batch, parcel, previous)
            place_name = f"{name}/{emission.partition}"
            outputs.append(Output(topic.name, emission.key, one, emission.partition, 0, place_name))

    def _name(self, place: int, kind: str, parcel: Parcel) -> str:
        # Behind the re-key several partitions hold records of one origin: their own log tells them apart.
        origin, stage = parcel.named if self.plan.reads == "NodeEnergy" else parcel.origin, self.steps[place].name
        return f"{self.plan.topology}/{stage}/{origin.topic_id}/{origin.partition}/{origin.offset}/{kind}"

    def _sent(self, target: str, offset: int) -> int:
        previous = self.position.sent.get(target, NO_OFFSET)
        self.position.sent[target] = offset
        return previous
