"""Outputs on the real Kafka: thousands of records as one run, of which only the last in a partition is reported on."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition

from agents.worker.outlet import ID_HEADER, Outlet
from agents.worker.settings import WorkerSettings
from pipeline.errors import Fatal
from pipeline.partitions import partition_of_key, partitions_of_keys
from pipeline.runtime.chain import Output, OutputRun, RejectRun
from pipeline.runtime.kafka_topics import WantedTopic, ensure_topics
from pipeline.wire import SOURCE_AT_HEADER

pytestmark = pytest.mark.kafka

PARTITIONS = 7


def run_of(topic: str, count: int, size: int = 20, odd: int | None = None) -> OutputRun:
    keys = np.arange(count).astype(">i8").view(np.uint8).reshape(-1, 8)
    # Of random octets, because the broker weighs what is compressed.
    octets = np.random.default_rng(count)
    values = [octets.bytes(100 * size if place == odd else size) + str(place).encode() for place in range(count)]
    return OutputRun(topic, keys, values, partitions_of_keys(keys, PARTITIONS), "topology/stage/log/0/0/kind")


def until(outlet: Outlet, mark: int, secs: float = 30.0) -> None:
    deadline = time.monotonic() + secs
    while outlet.acknowledged() < mark:
        assert time.monotonic() < deadline, "not acknowledged"
        time.sleep(0.01)


def read(kafka: str, topic: str) -> dict[int, list[tuple[bytes, bytes]]]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "outlet", "auto.offset.reset": "earliest"})
    try:
        found: dict[int, list[tuple[bytes, bytes]]] = {}
        for number in range(PARTITIONS):
            place = TopicPartition(topic, number, 0)
            end = consumer.get_watermark_offsets(place, timeout=10)[1]
            consumer.assign([place])
            rows: list[tuple[bytes, bytes]] = []
            while len(rows) < end:
                rows += [
                    (message.key() or b"", message.value() or b"") for message in consumer.consume(1000, timeout=1)
                ]
            found[number] = rows
        return found
    finally:
        consumer.close()


def test_a_run_stands_in_the_partitions_of_its_keys_when_its_mark_is_acknowledged(kafka: str, unique: str) -> None:
    ensure_topics(kafka, [WantedTopic(unique, PARTITIONS)])
    outlet, run = Outlet(WorkerSettings(bootstrap=kafka)), run_of(unique, 30_000)
    outlet.send(run)
    until(outlet, outlet.mark())
    wanted: dict[int, list[tuple[bytes, bytes]]] = {number: [] for number in range(PARTITIONS)}
    for output in run.singly():
        assert output.partition is not None
        wanted[output.partition].append((output.key, output.value))
    assert read(kafka, unique) == wanted
    assert outlet.messages == 30_000


def test_a_run_larger_than_what_may_wait_goes_out_in_order_too(kafka: str, unique: str) -> None:
    ensure_topics(kafka, [WantedTopic(unique, PARTITIONS)])
    most = 1 << 20
    outlet, plain = Outlet(WorkerSettings(bootstrap=kafka, output_bytes=most)), run_of(unique, 20_000, size=900)
    # A short one always fits where a long one does not.
    values = [value[: 1 + 200 * (place % 5)] for place, value in enumerate(plain.values)]
    run = OutputRun(plain.topic, plain.keys, values, plain.partitions, plain.id)
    assert sum(map(len, values)) > 2 * most
    outlet.send(run)
    until(outlet, outlet.mark())
    wanted: dict[int, list[tuple[bytes, bytes]]] = {number: [] for number in range(PARTITIONS)}
    for key, value, partition in zip(run.key_bytes(), values, run.partitions.tolist(), strict=True):
        wanted[partition].append((key, value))
    assert read(kafka, unique) == wanted


def test_each_reject_of_a_run_has_its_id_and_the_time_of_its_source_with_it(kafka: str, unique: str) -> None:
    ensure_topics(kafka, [WantedTopic(unique, PARTITIONS)])
    outlet, plain, index = Outlet(WorkerSettings(bootstrap=kafka)), run_of(unique, 300), np.arange(300)
    run = RejectRun(plain.topic, plain.keys, plain.values, plain.partitions, plain.id, index, index % 7, index)
    outlet.send(run, at=1_767_551_400.25)
    until(outlet, outlet.mark())
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "rejects", "auto.offset.reset": "earliest"})
    try:
        consumer.assign([TopicPartition(unique, number, 0) for number in range(PARTITIONS)])
        found: dict[bytes, Any] = {}
        while len(found) < 300:
            for message in consumer.consume(1000, timeout=1):
                found[message.value() or b""] = message.headers() or []
    finally:
        consumer.close()
    for place, value in enumerate(plain.values):
        assert found[value] == [
            (ID_HEADER, f"{plain.id}/{place}".encode()), (SOURCE_AT_HEADER, b"1767551400250"),
        ]  # fmt: skip


def test_our_partitions_are_those_that_the_client_chooses(kafka: str, unique: str) -> None:
    ensure_topics(kafka, [WantedTopic(unique, PARTITIONS)])
    outlet = Outlet(WorkerSettings(bootstrap=kafka))
    keys = [b"", b"x", b"abc", *(f"device {number}".encode() for number in range(60))]
    for index, key in enumerate(keys):
        outlet.send(Output(unique, key, b"value", None, index))
    until(outlet, outlet.mark())
    found = {key: number for number, rows in read(kafka, unique).items() for key, _ in rows}
    assert found == {key: partition_of_key(key, PARTITIONS) for key in keys}


def test_a_record_in_the_midst_of_a_run_that_the_broker_refuses_ends_the_process(kafka: str, unique: str) -> None:
    """Nobody asks for its report, and later records of its partition must not stand for it."""
    ensure_topics(kafka, [WantedTopic(unique, PARTITIONS, {"max.message.bytes": "20000"})])
    outlet = Outlet(WorkerSettings(bootstrap=kafka))
    outlet.send(run_of(unique, 700, size=300, odd=350))
    mark = outlet.mark()
    with pytest.raises(Fatal, match="OUTPUT_REFUSED"):
        until(outlet, mark)


def test_a_record_larger_than_all_that_may_wait_ends_the_worker_instead_of_waiting_for_ever(kafka: str) -> None:
    outlet = Outlet(WorkerSettings(bootstrap=kafka, output_bytes=1 << 20))
    with pytest.raises(Fatal, match="OUTPUT_REFUSED"):
        outlet.send(Output("any", b"", bytes(2 << 20), 0, 0, "id"))
