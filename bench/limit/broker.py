"""The same octets through Kafka with a bare client: frames read, outputs written and read once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from bench.inside.warehouse import cpu_secs
from cli.services.stack import temporary
from pipeline.errors import Transient
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.wire import MOST_RECORD_BYTES, ONE_AT_A_TIME

FRAMES, WARM_UP, OUTPUTS = "limit-frames", "limit-warm-up", "limit-outputs"
PARTITIONS = 12
SILENT_SECS = 60.0


@dataclass(frozen=True)
class BrokerCost:
    """CPU seconds of the broker and of the client's process."""

    broker: float
    client: float


def broker_cost(frames: Sequence[tuple[int, bytes]], outputs: Sequence[bytes]) -> BrokerCost:
    """Frames (partition, record) wait in Kafka; counted from their first to the last output that is read back."""
    with temporary(("kafka",)) as services:
        ensure_topics(services.kafka, [WantedTopic(name, PARTITIONS) for name in (FRAMES, WARM_UP, OUTPUTS)])
        pid = services.status()[0].pid
        assert pid is not None
        broker = psutil.Process(pid)
        _write(services.kafka, FRAMES, frames, "none")
        spread = [(number % PARTITIONS, value) for number, value in enumerate(outputs)]
        # Once before, for the broker compiles itself while it begins to work.
        _once(services.kafka, len(frames), spread, WARM_UP)
        before = _secs(broker), cpu_secs()
        _once(services.kafka, len(frames), spread, OUTPUTS)
        return BrokerCost(_secs(broker) - before[0], cpu_secs() - before[1])


def _once(bootstrap: str, frames: int, outputs: Sequence[tuple[int, bytes]], topic: str) -> None:
    _read(bootstrap, FRAMES, frames)
    _write(bootstrap, topic, outputs, "lz4")
    _read(bootstrap, topic, len(outputs))


def _secs(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _write(bootstrap: str, topic: str, records: Sequence[tuple[int, bytes]], compression: str) -> None:
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Any) -> None:
        if error is not None:
            failed.append(error)

    producer = Producer(
        {
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", **ONE_AT_A_TIME,
            "compression.type": compression, "linger.ms": 5, "batch.size": 1 << 20, "on_delivery": delivered,
            "message.max.bytes": MOST_RECORD_BYTES, "queue.buffering.max.messages": 1_000_000,
            "delivery.report.only.error": True,
        }
    )  # fmt: skip
    for partition, value in records:
        _offered(producer, lambda partition=partition, value=value: producer.produce(topic, value, partition=partition))  # type: ignore[misc]
    if producer.flush(SILENT_SECS) or failed:
        raise Transient("BENCH_NOT_FED", where=topic, what=str(failed[:1] or "time-out"), do="check the broker")


def _offered(producer: Producer, offer: Callable[[], None]) -> None:
    while True:
        try:
            offer()
            return
        except BufferError:
            producer.poll(0.05)


def _read(bootstrap: str, topic: str, count: int) -> None:
    """All of the topic, which has `count` records."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "limit", "enable.auto.commit": False,
         "fetch.max.bytes": 64 << 20, "fetch.message.max.bytes": MOST_RECORD_BYTES}
    )  # fmt: skip
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        found, deadline = 0, time.monotonic() + SILENT_SECS
        while found < count:
            some = consumer.consume(10_000, 0.5)
            if some:
                found, deadline = found + sum(one.error() is None for one in some), time.monotonic() + SILENT_SECS
            elif time.monotonic() > deadline:
                raise Transient("BENCH_NOT_READ", where=topic, what=f"{found} of {count} records came",
                                do="check the broker")  # fmt: skip
    finally:
        consumer.close()
