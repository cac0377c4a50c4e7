"""The step protocol: a stage of the pipeline as a pure function of (parcel, state, references).

A parcel is one record of the log on its way through a topology. A step turns it into the next stage's parcel
and emissions.
No clock, no socket, no randomness: the same parcels and state give the same bytes, in any runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.batch import DecodedBatch, FrameBatch, NodeEnergy, ReadingBatch
from pipeline.columns import Array
from pipeline.reference import References
from pipeline.state import Layout, StateStore

Batch = FrameBatch | DecodedBatch | ReadingBatch | NodeEnergy


@dataclass(frozen=True)
class Origin:
    """Where a parcel comes from in the first log; carried through every stage."""

    topic_id: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Tick:
    """The log's time, epoch seconds UTC: intervals that end at or before `time - lateness_secs` are closed."""

    time: int
    lateness_secs: int

    @property
    def closes(self) -> int:
        """Intervals ending here or earlier are due."""
        return self.time - self.lateness_secs


@dataclass(frozen=True)
class Control:
    """Versions in force from this record on: kind (registry, keys, tariffs, rules) -> version."""

    versions: Mapping[str, str]


@dataclass(frozen=True)
class Parcel:
    """One record: a batch, a tick or a control (ticks and controls pass through every stage in order).

    `previous_offset` is the origin offset of the record that the same source sent to the same target before this one
    (-1: none; None: this parcel was not read from a stage's topic). A step fed by many sources sees copies and holes by
    it. `place` is where such a record stands in the log that the step reads: what many sources gave rise to is named by
    it, since each of several partitions of that log may hold a record of the same origin. `requeued` u32 (frames,): how
    often each frame was offered again after it had been refused; None: none of them.
    """

    origin: Origin
    batch: Batch | None = None
    tick: Tick | None = None
    control: Control | None = None
    previous_offset: int | None = None
    place: Origin | None = None
    requeued: Array | None = None

    @property
    def named(self) -> Origin:
        """What a record that many sources gave rise to is named by."""
        return self.place or self.origin


@dataclass(frozen=True)
class Emission:
    """A record that leaves a step by one of its named outputs.

    `value` is a batch of packed columns or a plain record that fits the output's schema. `partition` is fixed for
    outputs that keep the source's partition, else the runtime hashes `key`.
    """

    output: str
    value: Any
    key: bytes = b""
    partition: int | None = None


@dataclass(frozen=True)
class Advance:
    """What a step made of one parcel."""

    parcel: Parcel
    emissions: list[Emission] = field(default_factory=list)


class Step(Protocol):
    """A stage. Instances hold configuration only, so one instance serves all partitions."""

    name: str
    layout: Layout
    outputs: Mapping[str, str]
    """Output name -> schema name in schemas/avro."""

    def prepare(self, references: References) -> Any:
        """Tables derived from the versions in force; cached by the runtime, never changed afterwards."""

    def advance(self, parcel: Parcel, store: StateStore, prepared: Any) -> Advance:
        """Take one parcel on. On a control parcel `prepared` is already of the new versions."""
