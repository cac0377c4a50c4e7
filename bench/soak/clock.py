"""Ticks and versions, written straight into the log: in a soak the generator has the clock."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError, Producer

from pipeline.errors import Transient
from pipeline.step import Control, Tick
from pipeline.topology.plan import TopicPlan
from pipeline.wire import Contracts, frames_record

FLUSH_SECS = 120.0


class Clock:
    """Writes to all partitions of the topic of frames; one thread at a time."""

    def __init__(self, bootstrap: str, topic: TopicPlan, contracts: Contracts) -> None:
        self._topic, self._contracts = topic, contracts
        self._failed: KafkaError | None = None
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 0}
        )

    def write(self, tick: Tick | None, control: Control | None = None) -> None:
        """Return when it is acknowledged: frames that are sent afterwards stand behind it."""
        value = frames_record(self._contracts, tick=tick, control=control)
        for partition in range(self._topic.partitions):
            self._producer.produce(self._topic.name, value=value, partition=partition, on_delivery=self._delivered)
        if self._producer.flush(FLUSH_SECS) or self._failed is not None:
            raise Transient(
                "BENCH_NOT_FED", where=self._topic.name, what=str(self._failed or "time-out"), do="check the broker"
            )

    def _delivered(self, error: KafkaError | None, _message: Any) -> None:
        self._failed = error or self._failed
