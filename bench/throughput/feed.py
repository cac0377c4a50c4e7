"""Fill the log: versions in force and a first tick, then frames as connectors write them, and a tick an interval.

Frames of whole days come when a day is over: the log's time goes on before them, while their intervals stay open, and
the tick behind them closes the day.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Producer

from bench.case import OPENING, Load
from cli.deployment import REGISTRY_TOPIC
from connectors.simulator.burst import Burst, BurstBuffers, BurstPlan, burst_keys, burst_registry
from pipeline.batch import FrameBatch
from pipeline.errors import Transient
from pipeline.keystore import seal
from pipeline.reference_codec import registry_to_bytes
from pipeline.runtime.kafka_references import publish
from pipeline.runtime.references import KEYS, REGISTRY, KeyFolder
from pipeline.step import Control, Tick
from pipeline.topology.plan import TopicPlan
from pipeline.wire import ONE_AT_A_TIME, Contracts, frames_record

FLUSH_SECS = 120.0

DELIVERY_SECS = 6 * 3600
"""After midnight, until when the frames of a day are in."""

Feeding = Callable[[int, int], None]
"""How much is written, and of how much."""


def ticks_of(plan: BurstPlan, number: int) -> tuple[Tick | None, Tick]:
    """The ticks before and behind the frames of this number."""
    due = plan.sent_at(number)
    if plan.rows == 1:
        return None, Tick(due, 0)
    return Tick(due, plan.rows * plan.interval_secs), Tick(due + DELIVERY_SECS, DELIVERY_SECS)


class Feed:
    """Writes to `topic`, that of frames. `master` seals the meters' keys into `keys`, where workers look for them."""

    def __init__(self, bootstrap: str, topic: TopicPlan, contracts: Contracts, load: Load) -> None:
        self._bootstrap, self.topic, self.contracts = bootstrap, topic, contracts
        self._load, self._plan = load, load.plan(topic.partitions)
        self.change: Callable[[int, int, FrameBatch], FrameBatch] = lambda interval, partition, batch: batch
        """What a batch becomes before it is written."""
        self._failed: KafkaError | None = None
        # As connectors/gather/outlet.py: frames are encrypted and do not shrink.
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
                "linger.ms": 2, "compression.type": "none", "message.timeout.ms": 0,
                "queue.buffering.max.kbytes": 262_144,
            }
        )  # fmt: skip

    def open(self, keys: Path, master: bytes) -> None:
        """Registry and keys in force, the time at which the first interval begins, and that interval."""
        sealed = KeyFolder(keys).put(seal(burst_keys(self._plan), master))
        registry = publish(self._bootstrap, REGISTRY, registry_to_bytes(burst_registry(self._plan)), REGISTRY_TOPIC)
        control = Control({REGISTRY: registry, KEYS: sealed})
        self._to_all(Tick(self._plan.sent_at(self._load.first - 1), 0), control)
        self._send(self._load.pushes[:OPENING], lambda done, total: None)

    def fill(self, progress: Feeding) -> int:
        """The frames that are measured; returns their number."""
        return self._send(self._load.pushes[OPENING:], progress)

    def _send(self, numbers: range, progress: Feeding) -> int:
        """What each meter sends at these numbers, a tick behind each; returns the number of frames."""
        burst, frames = Burst(self._plan), 0
        buffers = BurstBuffers(self.topic.partitions, self._load.batch_frames + 1, self._plan.rows)
        try:
            for done, number in enumerate(numbers):
                progress(done, len(numbers))
                before, _ = ticks_of(self._plan, number)
                if before is not None:
                    self._to_all(before, None)
                for partition, batch in burst.batches(number, buffers):
                    frames += len(batch.length)
                    changed = self.change(number, partition, batch)
                    self._write(partition, frames_record(self.contracts, batch=changed))
                self._tick(number)
        finally:
            burst.close()
        self._settle()
        progress(len(numbers), len(numbers))
        return frames

    def tick(self, number: int) -> None:
        """The end of what the frames of this number tell of, when whoever calls has seen them in the log."""
        self._tick(number)
        self._settle()

    def _tick(self, number: int) -> None:
        self._to_all(ticks_of(self._plan, number)[1], None)

    def _to_all(self, tick: Tick, control: Control | None) -> None:
        value = frames_record(self.contracts, tick=tick, control=control)
        for partition in range(self.topic.partitions):
            self._write(partition, value)

    def _write(self, partition: int, value: bytes) -> None:
        while True:
            try:
                self._producer.produce(self.topic.name, value=value, partition=partition, on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.05)
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        self._failed = error or self._failed

    def _settle(self) -> None:
        if self._producer.flush(FLUSH_SECS) or self._failed is not None:
            raise Transient(
                "BENCH_NOT_FED", where=self.topic.name, what=str(self._failed or "time-out"), do="check the broker"
            )
