"""All chains of a plan in one process, over logs in memory: demo, tests, replays. Recovery is a rerun.

A record appended to a topic runs at once through every chain that reads it, and so on until it has left the topology.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.lookup import pages_of_partition
from pipeline.partitions import partition_of_key
from pipeline.reference import References
from pipeline.runtime.chain import Chain, Outputs, Position, Prepared, singly
from pipeline.state import StateStore
from pipeline.step import Step
from pipeline.topology.plan import ChainPlan, Plan
from pipeline.wire import Contracts

TOPIC_ID = "memory"
"""Part of every origin; a log in memory has no other id."""


@dataclass(frozen=True)
class Appended:
    """A record in a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


@dataclass
class Embedded:
    """Topics, chains and their state. `deliver` sees every record that a chain writes, in order."""

    plan: Plan
    make_steps: Callable[[ChainPlan], tuple[Step, ...]]
    fetch: Callable[[Mapping[str, str]], References]
    contracts: Contracts
    deliver: Callable[[Appended], None]
    _chains: dict[tuple[str, int], Chain] = field(default_factory=dict)
    _shared: dict[str, tuple[tuple[Step, ...], Prepared]] = field(default_factory=dict)
    _next: dict[tuple[str, int], int] = field(default_factory=dict)

    def append(self, topic: str, partition: int, value: bytes, key: bytes = b"") -> Appended:
        """Write a record and run it through; returns where it stands."""
        waiting = [self._place(topic, partition, key, value)]
        first = waiting[0]
        while waiting:
            record = waiting.pop(0)
            for chain in self.plan.chains:
                if chain.source.name == record.topic:
                    outputs = self.chain(chain, record.partition).take(
                        record.value, TOPIC_ID, record.partition, record.offset
                    )
                    waiting.extend(self._written(outputs))
        return first

    def _written(self, outputs: Outputs) -> list[Appended]:
        placed = []
        for output in singly(outputs):
            partition = output.partition
            if partition is None:
                partition = partition_of_key(output.key, self.plan.topics[output.topic].partitions)
            placed.append(self._place(output.topic, partition, output.key, output.value))
            self.deliver(placed[-1])
        return placed

    def _place(self, topic: str, partition: int, key: bytes, value: bytes) -> Appended:
        offset = self._next.get((topic, partition), 0)
        self._next[topic, partition] = offset + 1
        return Appended(topic, partition, offset, key, value)

    def chain(self, plan: ChainPlan, partition: int) -> Chain:
        """The chain of one partition, made when its first record comes."""
        if (plan.name, partition) not in self._chains:
            steps, prepared = self._steps(plan)
            pages = pages_of_partition(partition, plan.source.partitions)
            stores = tuple(StateStore(step.layout, pages) for step in steps)
            self._chains[plan.name, partition] = Chain(plan, steps, stores, prepared, self.contracts)
        return self._chains[plan.name, partition]

    def resume(self, plan: ChainPlan, partition: int, stores: tuple[StateStore, ...], position: Position) -> None:
        """Go on with state from elsewhere; the next record of the chain's source stands behind `position.applied`."""
        steps, prepared = self._steps(plan)
        self._chains[plan.name, partition] = Chain(plan, steps, stores, prepared, self.contracts, position)
        self._next[plan.source.name, partition] = position.applied + 1

    def _steps(self, plan: ChainPlan) -> tuple[tuple[Step, ...], Prepared]:
        if plan.name not in self._shared:
            steps = self.make_steps(plan)
            self._shared[plan.name] = steps, Prepared(steps, self.fetch)
        return self._shared[plan.name]
