"""Chains in this process, fed with a generator's frames: outputs, and the CPU time that each stage took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.case import OPENING, Load
from bench.throughput.drain import MASTER_KEY, variables_set
from bench.topology import reader_of_frames
from cli.stages import fetch_references, make_steps
from cli.topology import read_plan
from connectors.simulator.burst import Burst, BurstBuffers, burst_keys, burst_registry
from pipeline.errors import ConfigError
from pipeline.keystore import seal
from pipeline.lookup import pages_of_partition
from pipeline.reference import References
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.chain import Chain, Outputs, Prepared, singly
from pipeline.runtime.references import KEYS, REGISTRY, MemoryReferences
from pipeline.state import StateStore
from pipeline.step import Advance, Control, Parcel, Step, Tick
from pipeline.topology.plan import ChainPlan, Plan
from pipeline.wire import frames_record
from schemas.load import load_contracts

TOPIC_ID = "inside"
READ, MADE = "records read", "records made"
"""Of a chain, beside its steps: bytes to columns, and columns to bytes."""

ELSEWHERE = {"KAFKA_BOOTSTRAP": "127.0.0.1:1", "SCHEMA_REGISTRY_URL": "", "CLICKHOUSE_DSN": "chdb:///nowhere"}
"""Nothing of these is asked: there is no broker and no warehouse."""


def same(plan: Plan) -> Plan:
    """The plan as the file has it."""
    return plan


@dataclass
class StageClock:
    """CPU nanoseconds of this thread by (stage, whether a tick was taken on)."""

    spent: Counter[tuple[str, bool]] = field(default_factory=Counter)

    @contextmanager
    def of(self, stage: str, tick: bool) -> Iterator[None]:
        """Count what the block takes."""
        begin = time.thread_time_ns()
        try:
            yield
        finally:
            self.spent[stage, tick] += time.thread_time_ns() - begin


class TimedStep:
    """A step that is timed; everything else of it is its own."""

    def __init__(self, step: Step, clock: StageClock) -> None:
        self.name, self.layout, self.outputs = step.name, step.layout, step.outputs
        self._step, self._clock = step, clock

    def prepare(self, references: References) -> Any:
        """See Step."""
        return self._step.prepare(references)

    def advance(self, parcel: Parcel, store: StateStore, derived: Any) -> Advance:
        """See Step."""
        with self._clock.of(self.name, parcel.tick is not None):
            return self._step.advance(parcel, store, derived)


@dataclass
class _Running:
    """The partitions of one chain."""

    plan: ChainPlan
    partitions: dict[int, Chain]
    offsets: Counter[int] = field(default_factory=Counter)


class Inside:
    """All chains of the topology in `file` over the log that a load makes.

    `partitions`: which of the frames topic, all by default. `change` makes another plan of the file's.
    """

    def __init__(
        self, file: Path, load: Load, *, partitions: Iterable[int] | None = None, change: Callable[[Plan], Plan] = same
    ) -> None:
        with variables_set(ELSEWHERE):
            self.plan = change(read_plan(file))
        if load.rows > 1:  # such a feed has ticks before a day's frames as well
            raise ConfigError("BENCH_LOAD", where="inside", what="frames of whole days", do="drain them: case profiles")
        source = reader_of_frames(self.plan)
        self.load, self.clock, self.contracts = load, StageClock(), load_contracts()
        self.count = source.source.partitions
        self.burst = load.plan(self.count)
        self.versions: dict[str, str] = {}
        self._mine = frozenset(range(self.count) if partitions is None else partitions)
        self._references = MemoryReferences()
        self._frames = self._run(source, self.count, self._mine)
        self._behind = [
            self._run(chain, chain.source.partitions, frozenset(range(chain.source.partitions)))
            for chain in self.plan.chains if chain.reads == "NodeEnergy"
        ]  # fmt: skip
        self._generator, self._buffers = Burst(self.burst), BurstBuffers(self.count, load.batch_frames + 1)

    def _run(self, plan: ChainPlan, count: int, mine: frozenset[int]) -> _Running:
        steps = make_steps(plan)
        prepared = Prepared(steps, fetch_references(self._references, MASTER_KEY))
        timed = tuple(TimedStep(step, self.clock) for step in steps)
        chains = {
            number: Chain(
                plan, timed, tuple(StateStore(step.layout, pages_of_partition(number, count)) for step in steps),
                prepared, self.contracts,
            )
            for number in sorted(mine)
        }  # fmt: skip
        return _Running(plan, chains)

    def open(self) -> Outputs:
        """Registry and keys in force, and the first interval, so that every meter has its state."""
        registry = self._references.put(REGISTRY, registry_to_bytes(burst_registry(self.burst)))
        keys = self._references.put(KEYS, seal(burst_keys(self.burst), MASTER_KEY))
        self.versions = {REGISTRY: registry, KEYS: keys}
        outputs = self._tick(self.load.pushes[0] - 1, Control(self.versions))
        for number in self.load.pushes[:OPENING]:
            outputs += self.interval(number)[1]
        self.clock.spent.clear()
        return outputs

    def chains(self) -> list[Chain]:
        """Those of the frames' partitions."""
        return list(self._frames.partitions.values())

    def references(self) -> References:
        """Registry and keys that are in force."""
        return fetch_references(self._references, MASTER_KEY)(self.versions)

    def records(self, number: int) -> Iterator[tuple[int, int, bytes]]:
        """(partition, frames, record of the topic) of an interval."""
        for partition, batch in self._generator.batches(number, self._buffers):
            if partition in self._mine:
                yield partition, len(batch.length), frames_record(self.contracts, batch=batch)

    def interval(self, number: int) -> tuple[int, Outputs]:
        """Take an interval on, and the tick behind it; (frames, what was sent)."""
        frames, outputs = 0, []
        for partition, count, raw in self.records(number):
            outputs += self.take(partition, raw)
            frames += count
        return frames, outputs + self.tick(number)

    def tick(self, number: int) -> Outputs:
        """The end of an interval, through all partitions."""
        return self._tick(number, None)

    def _tick(self, number: int, control: Control | None) -> Outputs:
        raw = frames_record(self.contracts, tick=Tick(self.burst.end_of(number), 0), control=control)
        return [output for partition in sorted(self._mine) for output in self.take(partition, raw, tick=True)]

    def take(self, partition: int, raw: bytes, *, tick: bool = False) -> Outputs:
        """A record of frames through its chain, and what it sends to other chains through those."""
        outputs = self._take(self._frames, partition, raw, tick)
        behind: Outputs = []
        for running in self._behind:
            for output in singly([one for one in outputs if one.topic == running.plan.source.name]):
                assert output.partition is not None
                behind += self._take(running, output.partition, output.value, True)
        return outputs + behind

    def _take(self, running: _Running, partition: int, raw: bytes, tick: bool) -> Outputs:
        chain, offset = running.partitions[partition], running.offsets[partition]
        running.offsets[partition] += 1
        name = running.plan.name
        with self.clock.of(f"{name}: {READ}", tick):
            parcel = chain.read(raw, TOPIC_ID, partition, offset)
        steps, begin = sum(self.clock.spent.values()), time.thread_time_ns()
        outputs = chain.advance(parcel)
        taken = time.thread_time_ns() - begin
        self.clock.spent[f"{name}: {MADE}", tick] += taken - (sum(self.clock.spent.values()) - steps)
        chain.position.applied = offset
        return outputs

    def close(self) -> None:
        """Give the generator's cipher context back."""
        self._generator.close()
